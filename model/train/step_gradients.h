#ifndef DFSWEEP_MODEL_TRAIN_STEP_GRADIENTS_H_
#define DFSWEEP_MODEL_TRAIN_STEP_GRADIENTS_H_

#include <torch/types.h>

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <vector>

#include "model/continual/strategy.h"
#include "model/net/dropout.h"
#include "model/net/gpu/graph.h"

namespace dfsweep::model {

// Loss and gradients of a stage's training steps. Kernels of a GPU are so short
// that starting them takes longer than they do; where every step starts the
// same ones (Strategy::LossIsOfStepAlone), the first few steps of each size of
// batch are computed one kernel after the other, the next one is recorded, and
// all that follow are replays of that record. Results are the same to the bit.
// Not thread-safe.
class StepGradients {
 public:
  using Loss = std::function<Objective(const Step&)>;

  // `replays`: whether to record.
  StepGradients(std::vector<torch::Tensor> parameters, Loss loss, bool replays);

  // The step's objective, whose gradients are then those of the parameters.
  // Both may change with the next call.
  Objective Compute(const Step& step);

 private:
  // A step that reads its batch and its dropout from tensors that stay.
  struct Recorded {
    int64_t computed = 0;  // steps before it
    torch::Tensor rows, stream;
    uint64_t next_block = 0;  // of the stream, after its masks
    Objective objective;
    std::vector<torch::Tensor> gradients;
    std::unique_ptr<gpu::Graph> graph;
  };

  Objective ComputeNow(const Step& step);
  void Record(const Step& step, Recorded& recorded);
  void Replay(const Step& step, Recorded& recorded);

  std::vector<torch::Tensor> parameters_;
  Loss loss_;
  bool replays_;
  std::map<size_t, Recorded> by_size_;  // of the batch
};

}  // namespace dfsweep::model

#endif  // DFSWEEP_MODEL_TRAIN_STEP_GRADIENTS_H_
