#ifndef DFSWEEP_MODEL_NET_NETWORK_H_
#define DFSWEEP_MODEL_NET_NETWORK_H_

#include <torch/nn/module.h>

#include "model/net/layers.h"

namespace dfsweep::model {

// A classifier. All of its parameters belong to Layers, each of which is used
// once in a pass. Not thread-safe.
class Network : public torch::nn::Module {
 public:
  // Logits [batch, classes] of `x` [batch, sequence length], in the parameters'
  // type. Batch normalisation obeys train() and eval(); dropout is applied if
  // `pass` has masks.
  virtual torch::Tensor Forward(const torch::Tensor& x,
                                const Pass& pass = {}) = 0;
};

// Puts a network into eval mode for a scope, then back into the mode it was in.
class EvalMode {
 public:
  explicit EvalMode(Network& network)
      : network_(network), was_training_(network.is_training()) {
    network_.eval();
  }
  ~EvalMode() { network_.train(was_training_); }
  EvalMode(const EvalMode&) = delete;
  EvalMode& operator=(const EvalMode&) = delete;

 private:
  Network& network_;
  bool was_training_;
};

}  // namespace dfsweep::model

#endif  // DFSWEEP_MODEL_NET_NETWORK_H_
