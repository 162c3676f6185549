// Layers with parameters. LibTorch's own would do for training; these can also
// tell the gradients of each example (for importances of weights) and
// draw their initial weights from a stream.
//
// Images are [batch, channels, 1, length], channels-last in memory.
#ifndef DFSWEEP_MODEL_NET_LAYERS_H_
#define DFSWEEP_MODEL_NET_LAYERS_H_

#include <torch/nn/module.h>

#include <vector>

#include "model/net/dropout.h"
#include "model/net/fused_norm.h"
#include "model/train/random.h"

namespace dfsweep::model {

class Layer;

// One use of a layer in a forward pass.
struct Tap {
  Layer* layer;
  torch::Tensor input;
  torch::Tensor output;  // requires a gradient
};

// What accompanies an input through a network.
struct Pass {
  DropoutMasks* dropout = nullptr;   // null: no dropout
  std::vector<Tap>* taps = nullptr;  // where layers record themselves, if set
};

// What becomes of an example's gradient before those of a batch are summed.
enum class Power { kAbsolute = 1, kSquare = 2 };

class Layer : public torch::nn::Module {
 public:
  torch::Tensor Forward(const torch::Tensor& x, const Pass& pass);

  // For each parameter of this layer, in the order of parameters():
  // Σ_r weight_r |∂ output_r · output_gradient_r / ∂ parameter|^power, over the
  // rows r of a batch. `tap` is of a forward pass in eval mode; `row_weights`
  // is [batch].
  virtual std::vector<torch::Tensor> ExampleGradients(
      const Tap& tap, const torch::Tensor& output_gradient,
      const torch::Tensor& row_weights, Power power) const = 0;

 protected:
  virtual torch::Tensor Compute(const torch::Tensor& x) = 0;
};

// 1-dimensional convolution with an even kernel and stride 1, padded as
// TensorFlow's "same": half the kernel less one at the left, half at the right.
class ConvolutionLayer : public Layer {
 public:
  // Glorot-uniform kernel, zero bias.
  ConvolutionLayer(int64_t inputs, int64_t outputs, int64_t kernel,
                   Stream& weights);
  std::vector<torch::Tensor> ExampleGradients(
      const Tap& tap, const torch::Tensor& output_gradient,
      const torch::Tensor& row_weights, Power power) const override;

  // Cells that it adds to each sequence.
  Margin margin() const;
  // The convolution, normalized by `norm`, with what follows; computed in
  // `type`, and without taps. Of an input that has its margin already, or of
  // sequences of one channel, [batch, length] and float32, which get neither
  // margin nor gradient. On a GPU the gradient of a bias is exactly 0 where
  // normalisation by the batch takes it back, elsewhere it is rounding.
  torch::Tensor ForwardNormalized(const torch::Tensor& x,
                                  const Normalization& norm,
                                  const Following& following,
                                  at::ScalarType type) const;

 protected:
  torch::Tensor Compute(const torch::Tensor& x) override;

 private:
  torch::Tensor Pad(const torch::Tensor& x) const;
  torch::Tensor weight_;  // [outputs, inputs, 1, kernel]
  torch::Tensor bias_;    // [outputs]
};

// Batch normalisation over dimension 1 of [batch, channels, …]: batch
// statistics in train mode, running ones in eval mode. The running variance is
// of the unbiased estimate, as PyTorch's. Keras keeps the biased one, smaller
// by 1 / n: nothing for a convolution (n = batch × length), 0.8 % for a dense
// layer at batch 128.
class NormLayer : public Layer {
 public:
  // `momentum` is the share of the old statistics kept, as Keras's.
  NormLayer(int64_t channels, double momentum);
  // From now on train mode does as eval mode.
  void FreezeStatistics() { is_frozen_ = true; }
  // What Forward would do, for the functions of fused_norm.h.
  Normalization normalization() const;
  std::vector<torch::Tensor> ExampleGradients(
      const Tap& tap, const torch::Tensor& output_gradient,
      const torch::Tensor& row_weights, Power power) const override;

 protected:
  torch::Tensor Compute(const torch::Tensor& x) override;

 private:
  double momentum_;
  bool is_frozen_ = false;
  torch::Tensor weight_, bias_;    // [channels]
  torch::Tensor mean_, variance_;  // buffers, [channels]
};

// Group normalisation (Wu & He 2018) over dimension 1 of [batch, channels, …]:
// mean and variance of each example by itself, over 16 groups of channels. It
// has no running statistics.
class GroupNormLayer : public Layer {
 public:
  // `channels` is a multiple of 16.
  explicit GroupNormLayer(int64_t channels);
  std::vector<torch::Tensor> ExampleGradients(
      const Tap& tap, const torch::Tensor& output_gradient,
      const torch::Tensor& row_weights, Power power) const override;

 protected:
  torch::Tensor Compute(const torch::Tensor& x) override;

 private:
  torch::Tensor weight_, bias_;  // [channels]
};

// x Wᵀ + b of [batch, inputs].
class DenseLayer : public Layer {
 public:
  enum class Initial {
    kGlorot,  // Glorot-uniform weights, zero bias: Keras's default
    kFanIn,   // weights and bias uniform in ±1/√inputs: PyTorch's
  };
  DenseLayer(int64_t inputs, int64_t outputs, Stream& weights,
             Initial initial = Initial::kGlorot);
  std::vector<torch::Tensor> ExampleGradients(
      const Tap& tap, const torch::Tensor& output_gradient,
      const torch::Tensor& row_weights, Power power) const override;

 protected:
  torch::Tensor Compute(const torch::Tensor& x) override;

 private:
  torch::Tensor weight_;  // [outputs, inputs]
  torch::Tensor bias_;    // [outputs]
};

}  // namespace dfsweep::model

#endif  // DFSWEEP_MODEL_NET_LAYERS_H_
