#include "model/net/multi_layer_perceptron.h"

namespace dfsweep::model {

MultiLayerPerceptron::MultiLayerPerceptron(
    const MultiLayerPerceptronOptions& options, Stream& weights) {
  auto dense = [&](const char* name, int64_t from, int64_t to) {
    return register_module(
        name, std::make_shared<DenseLayer>(from, to, weights,
                                           DenseLayer::Initial::kFanIn));
  };
  dense_1_ = dense("fc1", options.inputs, options.hidden);
  dense_2_ = dense("fc2", options.hidden, options.hidden);
  dense_3_ = dense("fc3", options.hidden, options.outputs);
}

torch::Tensor MultiLayerPerceptron::Features(const torch::Tensor& x,
                                             const Pass& pass) {
  return at::relu(
      dense_2_->Forward(at::relu(dense_1_->Forward(x, pass)), pass));
}

}  // namespace dfsweep::model
