#include "model/continual/path_integral.h"

namespace dfsweep::model {
namespace {

std::vector<torch::Tensor> Copies(const std::vector<torch::Tensor>& tensors) {
  std::vector<torch::Tensor> copies;
  for (const torch::Tensor& t : tensors) copies.push_back(t.detach().clone());
  return copies;
}

}  // namespace

std::vector<torch::Tensor> ZerosLike(
    const std::vector<torch::Tensor>& tensors) {
  std::vector<torch::Tensor> zeros;
  for (const torch::Tensor& t : tensors) {
    zeros.push_back(at::zeros_like(t.detach()));
  }
  return zeros;
}

void PathIntegral::Begin(const std::vector<torch::Tensor>& parameters) {
  parameters_ = parameters;
  start_ = Copies(parameters_);
  path_ = ZerosLike(parameters_);
}

void PathIntegral::RememberGradients() {
  gradient_.clear();
  for (const torch::Tensor& parameter : parameters_) {
    const torch::Tensor& gradient = parameter.grad();
    gradient_.push_back(gradient.defined()
                            ? gradient.detach().clone()
                            : at::zeros_like(parameter.detach()));
  }
}

void PathIntegral::BeforeStep() { before_ = Copies(parameters_); }

void PathIntegral::AfterStep() {
  torch::NoGradGuard no_grad;
  std::vector<torch::Tensor> change = at::_foreach_sub(parameters_, before_);
  at::_foreach_addcmul_(path_, gradient_, change, /*value=*/-1);
}

void PathIntegral::PersistStart(Archive& archive) {
  archive.Tensors("start_", start_);
}

void PathIntegral::PersistPath(Archive& archive) {
  archive.Tensors("path_", path_);
}

}  // namespace dfsweep::model
