#include "model/train/optimizer.h"

#include <torch/optim/adam.h>
#include <torch/optim/sgd.h>

#include <cmath>
#include <utility>

namespace dfsweep::model {
namespace {

class LibTorchOptimizer : public Optimizer {
 public:
  explicit LibTorchOptimizer(std::unique_ptr<torch::optim::Optimizer> optimizer)
      : optimizer_(std::move(optimizer)) {}
  void Step() override { optimizer_->step(); }

 private:
  std::unique_ptr<torch::optim::Optimizer> optimizer_;
};

}  // namespace

Adamax::Adamax(std::vector<torch::Tensor> parameters, const Options& options)
    : parameters_(std::move(parameters)), options_(options) {
  for (const torch::Tensor& parameter : parameters_) {
    moment_.push_back(at::zeros_like(parameter));
    norm_.push_back(at::zeros_like(parameter));
  }
}

void Adamax::Step() {
  torch::NoGradGuard no_grad;
  ++steps_;
  std::vector<torch::Tensor> parameters, gradients, moments, norms;
  for (size_t i = 0; i < parameters_.size(); ++i) {
    if (!parameters_[i].grad().defined()) continue;
    parameters.push_back(parameters_[i]);
    gradients.push_back(parameters_[i].grad());
    moments.push_back(moment_[i]);
    norms.push_back(norm_[i]);
  }
  if (parameters.empty()) return;
  if (options_.weight_decay != 0) {
    gradients = at::_foreach_add(gradients, parameters, options_.weight_decay);
  }
  at::_foreach_lerp_(moments, gradients, 1 - options_.beta1);
  // norm = max(β₂ · norm, |gradient| + ε): ε goes inside, so that a weight that
  // never had a gradient is not divided by 0.
  std::vector<torch::Tensor> sizes = at::_foreach_abs(gradients);
  at::_foreach_add_(sizes, options_.epsilon);
  at::_foreach_mul_(norms, options_.beta2);
  at::_foreach_maximum_(norms, sizes);
  double correction = 1 - std::pow(options_.beta1, steps_);
  at::_foreach_addcdiv_(parameters, moments, norms,
                        -options_.learning_rate / correction);
}

std::unique_ptr<Optimizer> MakeOptimizer(
    const config::Configuration& configuration,
    std::vector<torch::Tensor> parameters) {
  double learning_rate = configuration.Real("learning_rate");
  double weight_decay = configuration.Real("weight_decay");
  std::string name = configuration.Choice("optimizer");
  if (name == "sgd") {
    return std::make_unique<LibTorchOptimizer>(
        std::make_unique<torch::optim::SGD>(
            std::move(parameters), torch::optim::SGDOptions(learning_rate)
                                       .momentum(configuration.Real("momentum"))
                                       .weight_decay(weight_decay)));
  }
  double beta1 = configuration.Real("beta1");
  double beta2 = configuration.Real("beta2");
  double epsilon = configuration.Real("epsilon");
  if (name == "adam") {
    return std::make_unique<LibTorchOptimizer>(
        std::make_unique<torch::optim::Adam>(
            std::move(parameters), torch::optim::AdamOptions(learning_rate)
                                       .betas({beta1, beta2})
                                       .eps(epsilon)
                                       .weight_decay(weight_decay)));
  }
  return std::make_unique<Adamax>(
      std::move(parameters), Adamax::Options{.learning_rate = learning_rate,
                                             .beta1 = beta1,
                                             .beta2 = beta2,
                                             .epsilon = epsilon,
                                             .weight_decay = weight_decay});
}

std::vector<torch::Tensor> Gradients(
    const std::vector<torch::Tensor>& parameters) {
  std::vector<torch::Tensor> gradients;
  for (const torch::Tensor& parameter : parameters) {
    torch::Tensor& gradient = parameter.mutable_grad();
    if (!gradient.defined()) gradient = at::zeros_like(parameter.detach());
    gradients.push_back(gradient);
  }
  return gradients;
}

void ClearGradients(const std::vector<torch::Tensor>& parameters) {
  for (const torch::Tensor& parameter : parameters) {
    parameter.mutable_grad().reset();
  }
}

}  // namespace dfsweep::model
