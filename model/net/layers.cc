#include "model/net/layers.h"

#include <cmath>

#include "model/net/convolution.h"
#include "model/net/gpu/gpu.h"
#include "model/net/thin_convolution.h"

namespace dfsweep::model {
namespace {

constexpr double kNormEpsilon = 1e-3;  // Keras's; PyTorch's is 1e-5

// Uniform in ±limit. Drawn on the CPU one by one, so that every kind of device
// starts from the same weights.
torch::Tensor Uniform(at::IntArrayRef shape, double limit, Stream& stream) {
  torch::Tensor weights = at::empty(shape, at::kFloat);
  auto* values = weights.mutable_data_ptr<float>();
  for (int64_t i = 0; i < weights.numel(); ++i) {
    values[i] = static_cast<float>(limit * (2 * stream.Uniform() - 1));
  }
  return weights;
}

torch::Tensor GlorotUniform(at::IntArrayRef shape, int64_t fan_in,
                            int64_t fan_out, Stream& stream) {
  return Uniform(shape, std::sqrt(6.0 / static_cast<double>(fan_in + fan_out)),
                 stream);
}

torch::Tensor Raise(const torch::Tensor& gradients, Power power) {
  return power == Power::kSquare ? gradients.square() : gradients.abs();
}

// Σ_r weights[r] · |gradients[r, …]|^power.
torch::Tensor WeightedSum(const torch::Tensor& gradients, Power power,
                          const torch::Tensor& weights) {
  return at::matmul(weights, Raise(gradients, power).flatten(1))
      .view(gradients.sizes().slice(1));
}

// Of a layer weight · normal + bias, with one weight a channel.
std::vector<torch::Tensor> ScaleAndShiftGradients(
    const torch::Tensor& normal, const torch::Tensor& output_gradient,
    const torch::Tensor& row_weights, Power power) {
  auto by_channel = [](const torch::Tensor& t) {
    return t.dim() > 2 ? t.flatten(2).sum(-1) : t;
  };
  return {WeightedSum(by_channel(output_gradient * normal), power, row_weights),
          WeightedSum(by_channel(output_gradient), power, row_weights)};
}

}  // namespace

torch::Tensor Layer::Forward(const torch::Tensor& x, const Pass& pass) {
  torch::Tensor y = Compute(x);
  if (pass.taps != nullptr) {
    // With parameters frozen the first output is a leaf of the graph.
    if (!y.requires_grad()) y.requires_grad_();
    pass.taps->push_back({this, x.detach(), y});
  }
  return y;
}

ConvolutionLayer::ConvolutionLayer(int64_t inputs, int64_t outputs,
                                   int64_t kernel, Stream& weights) {
  weight_ = register_parameter(
      "weight", GlorotUniform({outputs, inputs, 1, kernel}, inputs * kernel,
                              outputs * kernel, weights)
                    .contiguous(at::MemoryFormat::ChannelsLast));
  bias_ = register_parameter("bias", at::zeros({outputs}));
}

// Explicit, because LibTorch's padding="same" copies the input for an even
// kernel too, and is slower.
torch::Tensor ConvolutionLayer::Pad(const torch::Tensor& x) const {
  return at::constant_pad_nd(x, {margin().left, margin().right});
}

Margin ConvolutionLayer::margin() const {
  const int64_t kernel = weight_.size(3);
  return {kernel / 2 - 1, kernel / 2};
}

torch::Tensor ConvolutionLayer::Compute(const torch::Tensor& x) {
  const torch::Tensor padded = Pad(x);
  return x.is_cuda() ? gpu::Convolution(padded, weight_, bias_)
                     : at::conv2d(padded, weight_, bias_);
}

torch::Tensor ConvolutionLayer::ForwardNormalized(const torch::Tensor& x,
                                                  const Normalization& norm,
                                                  const Following& following,
                                                  at::ScalarType type) const {
  if (x.is_cuda()) {
    return gpu::ConvolutionNorm(x, weight_, bias_, norm, following, type);
  }
  return NormActivate(x.dim() == 2 ? ThinConvolution(x, weight_, bias_, type)
                                   : Convolution(x, weight_, bias_),
                      norm, following);
}

std::vector<torch::Tensor> ConvolutionLayer::ExampleGradients(
    const Tap& tap, const torch::Tensor& output_gradient,
    const torch::Tensor& row_weights, Power power) const {
  // An example's gradient for kernel position k is the product, over the
  // length, of the output's gradient and the input shifted by k.
  torch::Tensor input = Pad(tap.input).squeeze(2);  // [rows, in, length + 7]
  torch::Tensor gradient = output_gradient.squeeze(2);  // [rows, out, length]
  int64_t length = gradient.size(2);
  torch::Tensor sums = at::empty_like(weight_);
  for (int64_t k = 0; k < weight_.size(3); ++k) {
    torch::Tensor product =
        at::bmm(gradient, input.narrow(2, k, length).transpose(1, 2));
    sums.select(3, k).squeeze(2).copy_(
        WeightedSum(product, power, row_weights));
  }
  return {sums, WeightedSum(gradient.sum(2), power, row_weights)};
}

NormLayer::NormLayer(int64_t channels, double momentum) : momentum_(momentum) {
  weight_ = register_parameter("weight", at::ones({channels}));
  bias_ = register_parameter("bias", at::zeros({channels}));
  mean_ = register_buffer("running_mean", at::zeros({channels}));
  variance_ = register_buffer("running_var", at::ones({channels}));
}

Normalization NormLayer::normalization() const {
  return {weight_,
          bias_,
          mean_,
          variance_,
          1 - momentum_,
          kNormEpsilon,
          is_training() && !is_frozen_};
}

torch::Tensor NormLayer::Compute(const torch::Tensor& x) {
  const Normalization norm = normalization();
  return at::batch_norm(x, weight_, bias_, mean_, variance_, norm.by_batch,
                        norm.new_share, norm.epsilon,
                        at::globalContext().userEnabledCuDNN());
}

std::vector<torch::Tensor> NormLayer::ExampleGradients(
    const Tap& tap, const torch::Tensor& output_gradient,
    const torch::Tensor& row_weights, Power power) const {
  std::vector<int64_t> channels(tap.input.dim(), 1);
  channels[1] = -1;
  torch::Tensor normal = (tap.input - mean_.view(channels)) *
                         (variance_ + kNormEpsilon).rsqrt().view(channels);
  return ScaleAndShiftGradients(normal, output_gradient, row_weights, power);
}

constexpr int64_t kGroups = 16;

GroupNormLayer::GroupNormLayer(int64_t channels) {
  weight_ = register_parameter("weight", at::ones({channels}));
  bias_ = register_parameter("bias", at::zeros({channels}));
}

torch::Tensor GroupNormLayer::Compute(const torch::Tensor& x) {
  return at::group_norm(x, kGroups, weight_, bias_, kNormEpsilon);
}

std::vector<torch::Tensor> GroupNormLayer::ExampleGradients(
    const Tap& tap, const torch::Tensor& output_gradient,
    const torch::Tensor& row_weights, Power power) const {
  torch::Tensor normal =
      at::group_norm(tap.input, kGroups, {}, {}, kNormEpsilon);
  return ScaleAndShiftGradients(normal, output_gradient, row_weights, power);
}

DenseLayer::DenseLayer(int64_t inputs, int64_t outputs, Stream& weights,
                       Initial initial) {
  const double fan_in_limit = 1 / std::sqrt(static_cast<double>(inputs));
  const bool glorot = initial == Initial::kGlorot;
  weight_ = register_parameter(
      "weight", glorot
                    ? GlorotUniform({outputs, inputs}, inputs, outputs, weights)
                    : Uniform({outputs, inputs}, fan_in_limit, weights));
  bias_ = register_parameter(
      "bias", glorot ? at::zeros({outputs})
                     : Uniform({outputs}, fan_in_limit, weights));
}

torch::Tensor DenseLayer::Compute(const torch::Tensor& x) {
  return at::linear(x, weight_, bias_);
}

std::vector<torch::Tensor> DenseLayer::ExampleGradients(
    const Tap& tap, const torch::Tensor& output_gradient,
    const torch::Tensor& row_weights, Power power) const {
  // |δ aᵀ|ᵖ = |δ|ᵖ (|a|ᵖ)ᵀ, elementwise, so no example needs a matrix of its
  // own.
  torch::Tensor raised =
      Raise(output_gradient, power) * row_weights.unsqueeze(1);
  return {at::matmul(raised.t(), Raise(tap.input, power)), raised.sum(0)};
}

}  // namespace dfsweep::model
