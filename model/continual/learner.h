#ifndef DFSWEEP_MODEL_CONTINUAL_LEARNER_H_
#define DFSWEEP_MODEL_CONTINUAL_LEARNER_H_

#include <torch/types.h>

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "model/continual/scenario.h"
#include "model/net/network.h"
#include "model/train/dataset_on_device.h"

namespace dfsweep::model {

// One training step.
struct Step {
  std::vector<int64_t> rows;     // of the batch
  torch::Tensor rows_on_device;  // the same, int64
  int64_t epoch = 0;             // of the stage
  int64_t number = 0;            // in the epoch
  DropoutMasks* dropout = nullptr;
};

// What a strategy works with: the network, the data, and where the training
// stands. Lives as long as the trial. Not thread-safe.
struct Learner {
  uint64_t seed;
  std::string precision;
  int64_t sequence_length;
  const DatasetOnDevice& data;
  const Scenario& scenario;
  Network& network;
  std::vector<torch::Tensor> parameters;  // network.parameters()
  // A network of the same kind. Its weights are those that the trial began
  // with.
  std::function<std::unique_ptr<Network>()> make_network;
  // To be called before each batch of a side pass; throws to stop the trial.
  std::function<void()> before_batch;

  int64_t stage = 0;                // 0-based
  int64_t first_task = 0;           // of the stage; those before have been seen
  int64_t end_task = 0;             // one past the last
  bool last = false;                // no stage comes after it
  std::vector<int64_t> stage_rows;  // training rows of the stage's tasks

  // Logits [rows, outputs] of `rows` (int64, on the device), in train mode with
  // the step's dropout; float, or double of a network in double.
  torch::Tensor Logits(const Step& step, const torch::Tensor& rows) const;
  // Those of `network`, in eval mode and without a graph.
  torch::Tensor EvalLogits(Network& network, const torch::Tensor& rows) const;
  // Mean over the rows, against the units that each competes with.
  torch::Tensor CrossEntropy(const torch::Tensor& logits,
                             const torch::Tensor& rows) const;
  // In the type of the parameters.
  torch::Tensor Inputs(const torch::Tensor& rows) const {
    return data.Inputs(rows, sequence_length)
        .to(parameters.front().scalar_type());
  }
  // A copy of the network as it is, in eval mode, that no optimizer touches.
  std::unique_ptr<Network> Snapshot() const;
  // Of a snapshot, which may be null.
  void PersistSnapshot(std::unique_ptr<Network>& snapshot,
                       Archive& archive) const;
  // The stream of this stage for one purpose.
  Stream StageStream(Purpose purpose) const {
    return Stream(seed, purpose, static_cast<uint32_t>(stage));
  }
  Stream StepStream(Purpose purpose, const Step& step) const {
    return Stream(seed, purpose, static_cast<uint32_t>(stage),
                  static_cast<uint32_t>(step.epoch),
                  static_cast<uint32_t>(step.number));
  }
};

}  // namespace dfsweep::model

#endif  // DFSWEEP_MODEL_CONTINUAL_LEARNER_H_
