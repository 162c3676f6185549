#include "model/net/deep_fingerprinting.h"

#include <string>

#include "model/net/fused_norm.h"
#include "model/net/pool.h"
#include "model/train/precision.h"

namespace dfsweep::model {
namespace {

constexpr int64_t kKernel = 8;
constexpr int64_t kFilters[] = {32, 64, 128, 256};
constexpr int64_t kHidden = 512;

torch::Tensor Dropout(const torch::Tensor& x, const Pass& pass, double rate) {
  return pass.dropout == nullptr ? x : pass.dropout->Apply(x, rate);
}

Activation ActivationOf(size_t block) {
  return block == 0 ? Activation::kElu : Activation::kRelu;
}

// Of a layer that is known to be a NormLayer.
Normalization NormalizationOf(const Layer& layer) {
  return static_cast<const NormLayer&>(layer).normalization();
}

// Of [batch, channels].
torch::Tensor FusedNormRelu(const torch::Tensor& x, const Layer& norm) {
  return NormActivate(x.unsqueeze(2).unsqueeze(3), NormalizationOf(norm),
                      {.activation = Activation::kRelu})
      .flatten(1);
}

}  // namespace

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
    length = Pooling(length).length;
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

bool DeepFingerprinting::CanFuse(const torch::Tensor& x,
                                 const Pass& pass) const {
  return options_.fuse && !options_.group_norm && pass.taps == nullptr &&
         !x.requires_grad() && CanFuseNorm(x.device(), ComputedIn(x));
}

torch::Tensor DeepFingerprinting::FusedBlocks(const torch::Tensor& x,
                                              const Pass& pass) {
  torch::Tensor y = x;
  const at::ScalarType type = ComputedIn(x);
  for (size_t i = 0; i < blocks_.size(); ++i) {
    const Block& block = blocks_[i];
    const Activation activation = ActivationOf(i);
    y = block.convolution_1->ForwardNormalized(
        y, NormalizationOf(*block.norm_1),
        {.activation = activation, .margin = block.convolution_2->margin()},
        type);
    const bool last = i + 1 == blocks_.size();
    y = block.convolution_2->ForwardNormalized(
        y, NormalizationOf(*block.norm_2),
        {.activation = activation,
         .margin = last ? Margin{} : blocks_[i + 1].convolution_1->margin(),
         .pools = true,
         .masks = pass.dropout,
         .rate = options_.dropout_convolution},
        type);
  }
  return y;
}

torch::Tensor DeepFingerprinting::Blocks(const torch::Tensor& x,
                                         const Pass& pass) {
  torch::Tensor y =
      x.unsqueeze(1).unsqueeze(1).contiguous(at::MemoryFormat::ChannelsLast);
  for (size_t i = 0; i < blocks_.size(); ++i) {
    const Block& block = blocks_[i];
    auto activation = [&](const torch::Tensor& t) {
      return ActivationOf(i) == Activation::kElu ? at::elu(t) : at::relu(t);
    };
    y = block.convolution_1->Forward(y, pass);
    y = activation(block.norm_1->Forward(y, pass));
    y = block.convolution_2->Forward(y, pass);
    // Dropout's masks follow the order in memory.
    y = activation(PoolSame(block.norm_2->Forward(y, pass)))
            .contiguous(at::MemoryFormat::ChannelsLast);
    y = Dropout(y, pass, options_.dropout_convolution);
  }
  return y;
}

torch::Tensor DeepFingerprinting::Features(const torch::Tensor& x,
                                           const Pass& pass) {
  const bool fuses = CanFuse(x, pass);
  auto hidden = [&](DenseLayer& dense, Layer& norm, const torch::Tensor& input,
                    double rate) {
    torch::Tensor y = dense.Forward(input, pass);
    y = fuses ? FusedNormRelu(y, norm) : at::relu(norm.Forward(y, pass));
    return Dropout(y, pass, rate);
  };
  torch::Tensor y = fuses ? FusedBlocks(x, pass) : Blocks(x, pass);
  y = y.permute({0, 2, 3, 1}).flatten(1);
  y = hidden(*dense_1_, *norm_1_, y, options_.dropout_dense_1);
  return hidden(*dense_2_, *norm_2_, y, options_.dropout_dense_2);
}

}  // namespace dfsweep::model
