#include "model/continual/strategy.h"

#include <numeric>

namespace dfsweep::model {

std::vector<int64_t> Strategy::StageEnds(int64_t tasks) const {
  std::vector<int64_t> ends(tasks);
  std::iota(ends.begin(), ends.end(), 1);
  return ends;
}

Objective Strategy::Loss(const Learner& learner, const Step& step) {
  torch::Tensor logits = learner.Logits(step, step.rows_on_device);
  return {learner.CrossEntropy(logits, step.rows_on_device), logits};
}

torch::Tensor Strategy::Scores(const Learner& learner,
                               const torch::Tensor& rows) {
  return learner.EvalLogits(learner.network, rows);
}

}  // namespace dfsweep::model
