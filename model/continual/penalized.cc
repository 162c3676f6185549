#include "model/continual/penalized.h"

namespace dfsweep::model {

void Penalized::BeforeTask(Learner& learner) {
  parameters_ = learner.parameters;
}

void Penalized::AfterBackward(const Learner&, const Step&) {
  penalty_.AddGradient(parameters_);
}

torch::Tensor Penalized::LossPenalty() const {
  return penalty_.empty() ? torch::Tensor() : penalty_.Value(parameters_);
}

void Penalized::Persist(Learner& learner, Archive& archive) {
  parameters_ = learner.parameters;
  penalty_.Persist(archive);
}

std::map<std::string, double> Penalized::Metrics() const {
  if (penalty_.empty()) return {};
  return {
      {"penalty_max_step",
       penalty_.strength() * penalty_.LargestImportance() * learning_rate_}};
}

}  // namespace dfsweep::model
