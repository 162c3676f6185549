#ifndef DFSWEEP_MODEL_CONTINUAL_EXAMPLE_GRADIENTS_H_
#define DFSWEEP_MODEL_CONTINUAL_EXAMPLE_GRADIENTS_H_

#include <torch/types.h>

#include <functional>
#include <vector>

#include "model/net/network.h"

namespace dfsweep::model {

// Sums |g_r|^power over rows r, with g_r the gradient of a row's own objective
// by each parameter, the network in eval mode. The rows of a batch run through
// the network together, and Layer::ExampleGradients separates them again.
// Parameters' gradients, buffers and mode, and every random stream, are left as
// they were. Not thread-safe.
class ExampleGradientSum {
 public:
  ExampleGradientSum(Network& network, Power power);

  // `objective` maps logits [rows, outputs] to the sum of the rows' objectives.
  // A row of `x` [rows, inputs] counts row_weights[r] times.
  void Add(const torch::Tensor& x,
           const std::function<torch::Tensor(const torch::Tensor&)>& objective,
           const torch::Tensor& row_weights);

  // In the order of network.parameters().
  const std::vector<torch::Tensor>& sum() const { return sum_; }

 private:
  void AddLayer(const Tap& tap, const torch::Tensor& output_gradient,
                const torch::Tensor& row_weights);

  Network& network_;
  Power power_;
  std::vector<torch::Tensor> parameters_;
  std::vector<torch::Tensor> sum_;
};

}  // namespace dfsweep::model

#endif  // DFSWEEP_MODEL_CONTINUAL_EXAMPLE_GRADIENTS_H_
