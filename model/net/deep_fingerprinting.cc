#include "model/net/deep_fingerprinting.h"

#include <algorithm>
#include <string>

namespace dfsweep::model {
namespace {

constexpr int64_t kKernel = 8;
constexpr int64_t kPool = 8;
constexpr int64_t kPoolStride = 4;
constexpr int64_t kFilters[] = {32, 64, 128, 256};
constexpr int64_t kHidden = 512;

int64_t PooledLength(int64_t length) {
  return (length + kPoolStride - 1) / kPoolStride;
}

torch::Tensor Dropout(const torch::Tensor& x, const Pass& pass, double rate) {
  return pass.dropout == nullptr ? x : pass.dropout->Apply(x, rate);
}

}  // namespace

torch::Tensor PoolSame(const torch::Tensor& x) {
  int64_t length = x.size(3);
  int64_t padding = std::max<int64_t>(
      (PooledLength(length) - 1) * kPoolStride + kPool - length, 0);
  // TensorFlow pads half (rounded down) at the left. LibTorch pads both sides
  // alike, and ceil_mode lets the last window hang over by the one cell that
  // an odd padding has more at the right.
  return at::max_pool2d(x, {1, kPool}, {1, kPoolStride}, {0, padding / 2},
                        {1, 1}, /*ceil_mode=*/true);
}

DeepFingerprinting::DeepFingerprinting(const DeepFingerprintingOptions& options,
                                       Stream& weights)
    : options_(options) {
  int64_t inputs = 1;
  int64_t length = options.sequence_length;
  for (int64_t filters : kFilters) {
    std::string name = "block" + std::to_string(blocks_.size() + 1);
    auto convolution = [&](const char* suffix, int64_t channels) {
      return register_module(
          name + suffix, std::make_shared<ConvolutionLayer>(channels, filters,
                                                            kKernel, weights));
    };
    Block block;
    block.convolution_1 = convolution("_conv1", inputs);
    block.norm_1 = AddNorm(name + "_norm1", filters);
    block.convolution_2 = convolution("_conv2", filters);
    block.norm_2 = AddNorm(name + "_norm2", filters);
    blocks_.push_back(block);
    inputs = filters;
    length = PooledLength(length);
  }
  auto dense = [&](const char* name, int64_t from, int64_t to) {
    return register_module(name,
                           std::make_shared<DenseLayer>(from, to, weights));
  };
  dense_1_ = dense("fc1", inputs * length, kHidden);
  norm_1_ = AddNorm("fc1_norm", kHidden);
  dense_2_ = dense("fc2", kHidden, kHidden);
  norm_2_ = AddNorm("fc2_norm", kHidden);
  dense_3_ = dense("fc3", kHidden, options.classes);
}

std::shared_ptr<Layer> DeepFingerprinting::AddNorm(const std::string& name,
                                                   int64_t channels) {
  if (options_.group_norm) {
    return register_module(name, std::make_shared<GroupNormLayer>(channels));
  }
  return register_module(
      name, std::make_shared<NormLayer>(channels, options_.norm_momentum));
}

torch::Tensor DeepFingerprinting::Features(const torch::Tensor& x,
                                           const Pass& pass) {
  torch::Tensor y =
      x.unsqueeze(1).unsqueeze(1).contiguous(at::MemoryFormat::ChannelsLast);
  for (size_t i = 0; i < blocks_.size(); ++i) {
    const Block& block = blocks_[i];
    auto activation = [&](const torch::Tensor& t) {
      return i == 0 ? at::elu(t) : at::relu(t);
    };
    y = block.convolution_1->Forward(y, pass);
    y = activation(block.norm_1->Forward(y, pass));
    y = block.convolution_2->Forward(y, pass);
    y = activation(PoolSame(block.norm_2->Forward(y, pass)));
    y = Dropout(y, pass, options_.dropout_convolution);
  }
  y = y.permute({0, 2, 3, 1}).flatten(1);
  y = at::relu(norm_1_->Forward(dense_1_->Forward(y, pass), pass));
  y = Dropout(y, pass, options_.dropout_dense_1);
  y = at::relu(norm_2_->Forward(dense_2_->Forward(y, pass), pass));
  return Dropout(y, pass, options_.dropout_dense_2);
}

}  // namespace dfsweep::model
