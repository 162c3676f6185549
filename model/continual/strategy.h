#ifndef DFSWEEP_MODEL_CONTINUAL_STRATEGY_H_
#define DFSWEEP_MODEL_CONTINUAL_STRATEGY_H_

#include <torch/types.h>

#include <cstdint>
#include <functional>
#include <map>
#include <string>
#include <vector>

#include "model/net/network.h"
#include "model/train/dataset_on_device.h"

namespace dfsweep::model {

// What a hook sees of the stage that begins or has ended.
struct StageContext {
  uint64_t seed;
  int64_t stage;  // 0-based
  bool last;      // no stage comes after it
  Network& network;
  const DatasetOnDevice& data;
  int64_t sequence_length;
  const std::vector<int64_t>& train_rows;
  // Output units in the stage's loss, int64 [units], ascending.
  torch::Tensor active_units;
  // To be called before each batch of a side pass; throws to stop the trial.
  std::function<void()> before_batch;
};

// How forgetting is fought: one class a strategy, in its own file, named in
// factory.cc. The trainer calls the hooks in the order in which they are
// written here. A hook changes neither the network, its buffers and mode, nor
// any random stream but its own.
class Strategy {
 public:
  virtual ~Strategy() = default;

  // Which tasks (0-based) each stage trains together.
  virtual std::vector<std::vector<int64_t>> Stages(int64_t tasks) const;

  virtual void BeforeTask(const StageContext&) {}

  // Adds the penalty's gradient to that of the loss; after every backward pass.
  virtual void AfterBackward() {}

  // The penalty's present value, a scalar on the device; undefined without one.
  // For reports, once an epoch.
  virtual torch::Tensor LossPenalty() const { return {}; }

  virtual void AfterTask(const StageContext&) {}

  // What the strategy has kept of past tasks, by name.
  virtual std::map<std::string, torch::Tensor> State() const { return {}; }

  // Figures for the result, named as in PROTOCOL.md.
  virtual std::map<std::string, double> Metrics() const { return {}; }
};

}  // namespace dfsweep::model

#endif  // DFSWEEP_MODEL_CONTINUAL_STRATEGY_H_
