#ifndef DFSWEEP_MODEL_CONTINUAL_STRATEGY_H_
#define DFSWEEP_MODEL_CONTINUAL_STRATEGY_H_

#include <torch/types.h>

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "model/continual/learner.h"
#include "model/train/archive.h"

namespace dfsweep::model {

// What a step is trained on.
struct Objective {
  torch::Tensor loss;    // scalar with a graph
  torch::Tensor logits;  // [batch, outputs] of the step's own rows
};

// How forgetting is fought: one class a strategy, in its own file, named in
// factory.cc. The trainer calls the hooks in the order in which they are
// written here. Where the meaning of a hook doesn't say otherwise, it changes
// neither the network, its buffers and mode, nor any random stream but its own.
class Strategy {
 public:
  virtual ~Strategy() = default;

  // Which tasks (0-based) each stage trains together, as ranges that follow
  // each other.
  virtual std::vector<int64_t> StageEnds(int64_t tasks) const;

  // Whether each stage but the first begins from the trial's initial weights,
  // with a new optimizer.
  virtual bool StartsAnew() const { return false; }

  virtual void BeforeTask(Learner&) {}

  // The rows that the stage's epochs go through.
  virtual std::vector<int64_t> TrainRows(const Learner& learner) {
    return learner.stage_rows;
  }

  // What is minimised. The default is the cross-entropy of the step's rows.
  virtual Objective Loss(const Learner& learner, const Step& step);

  // Whether Loss makes of a step's rows_on_device and dropout, and of tensors
  // that stay where they are during a stage, all that it computes, by the same
  // operations in each step, and brings nothing to the device. Of the default
  // Loss that is true; what overrides it says so if not.
  virtual bool LossIsOfStepAlone() const { return true; }

  // Changes the gradients, after every backward pass.
  virtual void AfterBackward(const Learner&, const Step&) {}

  // The optimizer has changed the weights.
  virtual void AfterStep(const Learner&, const Step&) {}

  // The penalty's present value, a scalar on the device; undefined without one.
  // For reports, once an epoch.
  virtual torch::Tensor LossPenalty() const { return {}; }

  virtual void AfterTask(Learner&) {}

  // Scores [rows, outputs] by whose maximum a row is predicted.
  virtual torch::Tensor Scores(const Learner& learner,
                               const torch::Tensor& rows);

  // What the strategy knows besides its parameters, between any two steps.
  // Restores into a strategy that no other hook of was called yet.
  virtual void Persist(Learner&, Archive&) {}

  // What it has watched in the first stage, if it trains that as naive does
  // (config::TrainsFirstTaskAsNaive). Restores, after BeforeTask and TrainRows,
  // what a stage that another strategy trained has recorded for it.
  virtual void PersistWatched(Archive&) {}

  // Figures for the result, named as in PROTOCOL.md.
  virtual std::map<std::string, double> Metrics() const { return {}; }
};

}  // namespace dfsweep::model

#endif  // DFSWEEP_MODEL_CONTINUAL_STRATEGY_H_
