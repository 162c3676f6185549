#include "model/continual/quadratic_penalty.h"

#include <algorithm>

#include "model/train/optimizer.h"

namespace dfsweep::model {

void QuadraticPenalty::Add(const std::vector<torch::Tensor>& importance,
                           const std::vector<torch::Tensor>& anchor) {
  torch::NoGradGuard no_grad;
  if (empty()) {
    for (size_t i = 0; i < importance.size(); ++i) {
      importance_.push_back(importance[i].detach().clone());
      anchor_.push_back(anchor[i].detach().clone());
    }
    constant_ = at::zeros({}, importance_[0].options().dtype(at::kDouble));
    return;
  }
  for (size_t i = 0; i < importance.size(); ++i) {
    torch::Tensor old_weight = importance_[i].to(at::kDouble);
    torch::Tensor new_weight = importance[i].to(at::kDouble);
    torch::Tensor sum = old_weight + new_weight;
    torch::Tensor shift =
        anchor[i].to(at::kDouble) - anchor_[i].to(at::kDouble);
    // Where both weights are 0 any anchor will do.
    torch::Tensor share = (new_weight / sum).nan_to_num_(0, 0, 0);
    constant_ += (old_weight * share * shift.square()).sum();
    anchor_[i] = (anchor_[i] + share * shift).to(anchor[i].scalar_type());
    importance_[i] = sum.to(importance[i].scalar_type());
  }
}

void QuadraticPenalty::Replace(const std::vector<torch::Tensor>& importance,
                               const std::vector<torch::Tensor>& anchor) {
  importance_.clear();
  anchor_.clear();
  Add(importance, anchor);
}

void QuadraticPenalty::AddGradient(
    const std::vector<torch::Tensor>& parameters) const {
  if (empty()) return;
  torch::NoGradGuard no_grad;
  std::vector<torch::Tensor> gradients = Gradients(parameters);
  std::vector<torch::Tensor> distance = at::_foreach_sub(parameters, anchor_);
  at::_foreach_addcmul_(gradients, distance, importance_, strength_);
}

torch::Tensor QuadraticPenalty::Value(
    const std::vector<torch::Tensor>& parameters) const {
  torch::NoGradGuard no_grad;
  torch::Tensor sum = constant_.clone();
  for (size_t i = 0; i < parameters.size(); ++i) {
    torch::Tensor distance = parameters[i] - anchor_[i];
    sum += (importance_[i] * distance.square()).sum(at::kDouble);
  }
  return sum * (strength_ / 2);
}

double QuadraticPenalty::LargestImportance() const {
  double largest = 0;
  for (const torch::Tensor& importance : importance_) {
    largest = std::max(largest, importance.max().item<double>());
  }
  return largest;
}

void QuadraticPenalty::Persist(Archive& archive) {
  archive.Tensors("importance_", importance_);
  archive.Tensors("anchor_", anchor_);
  archive.Tensor("constant", constant_);
}

}  // namespace dfsweep::model
