#include "model/continual/si.h"

namespace dfsweep::model {
namespace {

std::vector<torch::Tensor> Copies(const std::vector<torch::Tensor>& tensors) {
  std::vector<torch::Tensor> copies;
  for (const torch::Tensor& t : tensors) copies.push_back(t.detach().clone());
  return copies;
}

std::vector<torch::Tensor> ZerosLike(
    const std::vector<torch::Tensor>& tensors) {
  std::vector<torch::Tensor> zeros;
  for (const torch::Tensor& t : tensors) {
    zeros.push_back(at::zeros_like(t.detach()));
  }
  return zeros;
}

}  // namespace

// The penalty has no ½: twice the strength of one that has.
Si::Si(const config::Configuration& configuration)
    : Penalized(2 * configuration.Real("si.c"),
                configuration.Real("learning_rate")),
      damping_(configuration.Real("si.damping")),
      clamp_(configuration.Boolean("si.clamp")),
      total_gradient_(configuration.Choice("si.gradient") == "total") {}

void Si::BeforeTask(Learner& learner) {
  Penalized::BeforeTask(learner);
  start_ = Copies(parameters());
  path_ = ZerosLike(parameters());
}

void Si::AfterBackward(const Learner& learner, const Step& step) {
  if (!total_gradient_) RememberGradients();
  Penalized::AfterBackward(learner, step);
  if (total_gradient_) RememberGradients();
  before_ = Copies(parameters());
}

void Si::RememberGradients() {
  gradient_.clear();
  for (const torch::Tensor& parameter : parameters()) {
    const torch::Tensor& gradient = parameter.grad();
    gradient_.push_back(gradient.defined()
                            ? gradient.detach().clone()
                            : at::zeros_like(parameter.detach()));
  }
}

void Si::AfterStep(const Learner&, const Step&) {
  torch::NoGradGuard no_grad;
  std::vector<torch::Tensor> change = at::_foreach_sub(parameters(), before_);
  at::_foreach_addcmul_(path_, gradient_, change, /*value=*/-1);
}

void Si::AfterTask(Learner& learner) {
  torch::NoGradGuard no_grad;
  if (omega_.empty()) omega_ = ZerosLike(parameters());
  for (size_t i = 0; i < omega_.size(); ++i) {
    torch::Tensor distance = parameters()[i] - start_[i];
    torch::Tensor importance = path_[i] / (distance.square() + damping_);
    omega_[i] += clamp_ ? importance.clamp_min(0) : importance;
  }
  if (!learner.last) penalty().Replace(omega_, parameters());
}

void Si::Persist(Learner& learner, Archive& archive) {
  Penalized::Persist(learner, archive);
  archive.Tensors("omega_", omega_);
  archive.Tensors("start_", start_);
  PersistWatched(archive);
}

void Si::PersistWatched(Archive& archive) { archive.Tensors("path_", path_); }

}  // namespace dfsweep::model
