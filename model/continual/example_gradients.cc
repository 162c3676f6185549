#include "model/continual/example_gradients.h"

#include <torch/csrc/autograd/autograd.h>

#include <algorithm>

namespace dfsweep::model {
namespace {

// Within its scope a backward pass stops short of the parameters.
class FrozenParameters {
 public:
  explicit FrozenParameters(const std::vector<torch::Tensor>& parameters)
      : parameters_(parameters) {
    for (const auto& p : parameters_) {
      had_gradient_.push_back(p.requires_grad());
      p.set_requires_grad(false);
    }
  }
  ~FrozenParameters() {
    for (size_t i = 0; i < parameters_.size(); ++i) {
      parameters_[i].set_requires_grad(had_gradient_[i]);
    }
  }
  FrozenParameters(const FrozenParameters&) = delete;
  FrozenParameters& operator=(const FrozenParameters&) = delete;

 private:
  const std::vector<torch::Tensor>& parameters_;
  std::vector<bool> had_gradient_;
};

}  // namespace

ExampleGradientSum::ExampleGradientSum(Network& network, Power power)
    : network_(network), power_(power), parameters_(network.parameters()) {
  for (const auto& p : parameters_) {
    sum_.push_back(at::zeros_like(p, p.options().requires_grad(false)));
  }
}

void ExampleGradientSum::Add(
    const torch::Tensor& x,
    const std::function<torch::Tensor(const torch::Tensor&)>& objective,
    const torch::Tensor& row_weights) {
  EvalMode eval(network_);
  FrozenParameters frozen(parameters_);
  std::vector<Tap> taps;
  torch::Tensor total = objective(network_.Forward(x, {.taps = &taps}));
  std::vector<torch::Tensor> outputs;
  for (const Tap& tap : taps) outputs.push_back(tap.output);
  std::vector<torch::Tensor> gradients =
      torch::autograd::grad({total}, outputs, {}, /*retain_graph=*/false,
                            /*create_graph=*/false, /*allow_unused=*/true);
  for (size_t i = 0; i < taps.size(); ++i) {
    // No gradient: no effect on the objective.
    if (gradients[i].defined()) AddLayer(taps[i], gradients[i], row_weights);
  }
}

void ExampleGradientSum::AddLayer(const Tap& tap,
                                  const torch::Tensor& output_gradient,
                                  const torch::Tensor& row_weights) {
  torch::NoGradGuard no_grad;
  std::vector<torch::Tensor> parts =
      tap.layer->ExampleGradients(tap, output_gradient, row_weights, power_);
  std::vector<torch::Tensor> own = tap.layer->parameters();
  for (size_t j = 0; j < own.size(); ++j) {
    auto found =
        std::find_if(parameters_.begin(), parameters_.end(),
                     [&](const torch::Tensor& p) { return p.is_same(own[j]); });
    sum_[found - parameters_.begin()] += parts[j];
  }
}

}  // namespace dfsweep::model
