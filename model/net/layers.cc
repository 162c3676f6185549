#include "model/net/layers.h"

#include <cmath>

namespace dfsweep::model {
namespace {

constexpr double kNormEpsilon = 1e-3;  // Keras's; PyTorch's is 1e-5

// Uniform in ±√(6 / (fan_in + fan_out)). Drawn on the CPU one by one, so that
// every kind of device starts from the same weights.
torch::Tensor GlorotUniform(at::IntArrayRef shape, int64_t fan_in,
                            int64_t fan_out, Stream& stream) {
  double limit = std::sqrt(6.0 / static_cast<double>(fan_in + fan_out));
  torch::Tensor weights = at::empty(shape, at::kFloat);
  auto* values = weights.mutable_data_ptr<float>();
  for (int64_t i = 0; i < weights.numel(); ++i) {
    values[i] = static_cast<float>(limit * (2 * stream.Uniform() - 1));
  }
  return weights;
}

// Σ_r weights[r] · squares[r, …].
torch::Tensor WeightedSum(const torch::Tensor& squares,
                          const torch::Tensor& weights) {
  return at::matmul(weights, squares.flatten(1)).view(squares.sizes().slice(1));
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
  int64_t kernel = weight_.size(3);
  return at::constant_pad_nd(x, {kernel / 2 - 1, kernel / 2});
}

torch::Tensor ConvolutionLayer::Compute(const torch::Tensor& x) {
  return at::conv2d(Pad(x), weight_, bias_);
}

std::vector<torch::Tensor> ConvolutionLayer::SquaredGradients(
    const Tap& tap, const torch::Tensor& output_gradient,
    const torch::Tensor& row_weights) const {
  // An example's gradient for kernel position k is the product, over the
  // length, of the output's gradient and the input shifted by k.
  torch::Tensor input = Pad(tap.input).squeeze(2);  // [rows, in, length + 7]
  torch::Tensor gradient = output_gradient.squeeze(2);  // [rows, out, length]
  int64_t length = gradient.size(2);
  torch::Tensor squares = at::empty_like(weight_);
  for (int64_t k = 0; k < weight_.size(3); ++k) {
    torch::Tensor product =
        at::bmm(gradient, input.narrow(2, k, length).transpose(1, 2));
    squares.select(3, k).squeeze(2).copy_(
        WeightedSum(product.square_(), row_weights));
  }
  return {squares, WeightedSum(gradient.sum(2).square_(), row_weights)};
}

NormLayer::NormLayer(int64_t channels, double momentum) : momentum_(momentum) {
  weight_ = register_parameter("weight", at::ones({channels}));
  bias_ = register_parameter("bias", at::zeros({channels}));
  mean_ = register_buffer("running_mean", at::zeros({channels}));
  variance_ = register_buffer("running_var", at::ones({channels}));
}

torch::Tensor NormLayer::Compute(const torch::Tensor& x) {
  return at::batch_norm(x, weight_, bias_, mean_, variance_, is_training(),
                        1 - momentum_, kNormEpsilon,
                        at::globalContext().userEnabledCuDNN());
}

std::vector<torch::Tensor> NormLayer::SquaredGradients(
    const Tap& tap, const torch::Tensor& output_gradient,
    const torch::Tensor& row_weights) const {
  std::vector<int64_t> channels(tap.input.dim(), 1);
  channels[1] = -1;
  torch::Tensor normal = (tap.input - mean_.view(channels)) *
                         (variance_ + kNormEpsilon).rsqrt().view(channels);
  auto per_example = [](const torch::Tensor& t) {
    return t.flatten(2).sum(-1);
  };
  bool image = tap.input.dim() > 2;
  torch::Tensor scale = output_gradient * normal;
  return {
      WeightedSum((image ? per_example(scale) : scale).square(), row_weights),
      WeightedSum(
          (image ? per_example(output_gradient) : output_gradient).square(),
          row_weights)};
}

DenseLayer::DenseLayer(int64_t inputs, int64_t outputs, Stream& weights) {
  weight_ = register_parameter(
      "weight", GlorotUniform({outputs, inputs}, inputs, outputs, weights));
  bias_ = register_parameter("bias", at::zeros({outputs}));
}

torch::Tensor DenseLayer::Compute(const torch::Tensor& x) {
  return at::linear(x, weight_, bias_);
}

std::vector<torch::Tensor> DenseLayer::SquaredGradients(
    const Tap& tap, const torch::Tensor& output_gradient,
    const torch::Tensor& row_weights) const {
  // (δ aᵀ)² = δ² (a²)ᵀ, elementwise, so no example needs a matrix of its own.
  torch::Tensor squares = output_gradient.square() * row_weights.unsqueeze(1);
  return {at::matmul(squares.t(), tap.input.square()), squares.sum(0)};
}

}  // namespace dfsweep::model
