#ifndef DFSWEEP_MODEL_NET_MULTI_LAYER_PERCEPTRON_H_
#define DFSWEEP_MODEL_NET_MULTI_LAYER_PERCEPTRON_H_

#include <memory>

#include "model/net/network.h"

namespace dfsweep::model {

struct MultiLayerPerceptronOptions {
  int64_t inputs = 0;
  int64_t hidden = 400;  // units of each of the two hidden layers
  int64_t outputs = 0;
};

// The fully connected network of the Split MNIST tables (Hsu et al. 2018; van
// de Ven, Tuytelaars & Tolias 2022): two hidden layers, ReLU, no normalisation
// and no dropout, PyTorch's default initial weights.
class MultiLayerPerceptron : public Network {
 public:
  MultiLayerPerceptron(const MultiLayerPerceptronOptions& options,
                       Stream& weights);
  torch::Tensor Features(const torch::Tensor& x, const Pass& pass) override;
  DenseLayer& classifier() override { return *dense_3_; }

 private:
  std::shared_ptr<DenseLayer> dense_1_, dense_2_, dense_3_;
};

}  // namespace dfsweep::model

#endif  // DFSWEEP_MODEL_NET_MULTI_LAYER_PERCEPTRON_H_
