#include "model/continual/stay_close.h"

#include "model/train/optimizer.h"

namespace dfsweep::model {

// No ½ in the penalty: twice the strength of one that has.
L2::L2(const config::Configuration& configuration)
    : Penalized(2 * configuration.Real("l2.lambda"),
                configuration.Real("learning_rate")) {}

void L2::AfterTask(Learner& learner) {
  std::vector<torch::Tensor> ones;
  for (const torch::Tensor& parameter : learner.parameters) {
    ones.push_back(at::ones_like(parameter.detach()));
  }
  penalty().Replace(ones, learner.parameters);
}

void L1::AfterBackward(const Learner&, const Step&) {
  if (anchor_.empty()) return;
  torch::NoGradGuard no_grad;
  std::vector<torch::Tensor> gradients = Gradients(parameters_);
  for (size_t i = 0; i < anchor_.size(); ++i) {
    gradients[i].add_((parameters_[i] - anchor_[i]).sign(), lambda_);
  }
}

torch::Tensor L1::LossPenalty() const {
  if (anchor_.empty()) return {};
  torch::NoGradGuard no_grad;
  torch::Tensor sum = at::zeros({}, anchor_[0].options().dtype(at::kDouble));
  for (size_t i = 0; i < anchor_.size(); ++i) {
    sum += (parameters_[i] - anchor_[i]).abs().sum(at::kDouble);
  }
  return sum * lambda_;
}

void L1::AfterTask(Learner& learner) {
  parameters_ = learner.parameters;
  anchor_.clear();
  for (const torch::Tensor& parameter : parameters_) {
    anchor_.push_back(parameter.detach().clone());
  }
}

void L1::Persist(Learner& learner, Archive& archive) {
  parameters_ = learner.parameters;
  archive.Tensors("anchor_", anchor_);
}

}  // namespace dfsweep::model
