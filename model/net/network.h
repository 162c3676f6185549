#ifndef DFSWEEP_MODEL_NET_NETWORK_H_
#define DFSWEEP_MODEL_NET_NETWORK_H_

#include <torch/nn/module.h>

#include "model/net/layers.h"
#include "model/train/archive.h"

namespace dfsweep::model {

// A classifier. All of its parameters belong to Layers, each of which is used
// once in a pass. Not thread-safe.
class Network : public torch::nn::Module {
 public:
  // Logits [batch, outputs] of `x` [batch, inputs], in the parameters' type.
  // Batch normalisation obeys train() and eval(); dropout is applied if `pass`
  // has masks.
  torch::Tensor Forward(const torch::Tensor& x, const Pass& pass = {}) {
    return classifier().Forward(Features(x, pass), pass);
  }

  // The classifier's input, [batch, features].
  virtual torch::Tensor Features(const torch::Tensor& x, const Pass& pass) = 0;

  // The last layer.
  virtual DenseLayer& classifier() = 0;

  // From now on batch normalisation uses its running statistics, and leaves
  // them alone, in train mode too.
  void FreezeStatistics();

  // Weights, which of them are trained, and batch normalisation's statistics.
  // Restores into a network of the same kind whose statistics aren't frozen.
  void Persist(Archive& archive);

 private:
  bool has_frozen_statistics_ = false;
};

// Copy values between networks of the same kind; std::logic_error if they are
// not.
void CopyParameters(const Network& from, Network& to);
void CopyBuffers(const Network& from, Network& to);

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
