#include "model/net/fused_norm.h"

#include <ATen/Parallel.h>
#include <gtest/gtest.h>
#include <torch/csrc/autograd/autograd.h>

#include <limits>
#include <string>
#include <vector>

#include "model/net/pool.h"
#include "model/net/thin_convolution.h"
#include "model/test_data.h"

namespace dfsweep::model {
namespace {

constexpr int64_t kChannels = 32;
constexpr double kEpsilon = 1e-3, kShare = .25, kRate = .4;

// A layer's parameters and statistics, in `type`.
Normalization Norm(at::ScalarType type, bool by_batch, uint64_t seed = 1) {
  torch::manual_seed(seed);
  auto random = [&] { return at::randn({kChannels}).to(TestDevice(), type); };
  // Some weights are negative: their maximum is the input's minimum.
  return {random().requires_grad_(),
          random().requires_grad_(),
          random(),
          random().square() + .5,
          kShare,
          kEpsilon,
          by_batch};
}

// Images whose channels have means far from 0.
torch::Tensor Images(int64_t batch, int64_t channels, int64_t length) {
  torch::manual_seed(2);
  return (at::randn({batch, channels, 1, length}) * 2 +
          at::arange(channels).view({1, channels, 1, 1}) * .3)
      .contiguous(at::MemoryFormat::ChannelsLast)
      .to(TestDevice());
}

// What the fused functions say they do, by LibTorch's functions.
struct Reference {
  Normalization norm;

  torch::Tensor Normalized(const torch::Tensor& x) const {
    return at::batch_norm(x, norm.weight, norm.bias, norm.running_mean,
                          norm.running_variance, norm.by_batch, norm.new_share,
                          norm.epsilon, /*cudnn_enabled=*/false);
  }
  static torch::Tensor Activated(const torch::Tensor& x,
                                 Activation activation) {
    return activation == Activation::kElu ? at::elu(x) : at::relu(x);
  }
};

struct Case {
  std::string name;
  bool pools;
  Activation activation;
  at::ScalarType type;
  bool by_batch;
};

void PrintTo(const Case& c, std::ostream* out) { *out << c.name; }

class FusedNorm : public testing::TestWithParam<Case> {
 protected:
  torch::Tensor Fused(const torch::Tensor& x, const Normalization& norm,
                      DropoutMasks* masks, Margin margin) const {
    const Case& c = GetParam();
    return NormActivate(x, norm,
                        {.activation = c.activation,
                         .margin = margin,
                         .pools = c.pools,
                         .masks = masks,
                         .rate = kRate});
  }
  torch::Tensor Plain(const torch::Tensor& x, const Normalization& norm,
                      const torch::Tensor& mask) const {
    const Case& c = GetParam();
    const torch::Tensor y = Reference{norm}.Normalized(x);
    return Reference::Activated(c.pools ? PoolSame(y) : y, c.activation) *
           (c.pools ? mask : at::ones_like(mask));
  }
  double tolerance() const {
    return GetParam().type == at::kBFloat16 ? 1e-2 : 2e-6;
  }
};

double LargestDifference(const torch::Tensor& a, const torch::Tensor& b) {
  return ((a.to(at::kDouble) - b).abs().max() / b.abs().max().clamp_min(1e-9))
      .item<double>();
}

INSTANTIATE_TEST_SUITE_P(
    All, FusedNorm, testing::ValuesIn([] {
      std::vector<Case> cases;
      for (bool pools : {false, true}) {
        for (bool elu : {false, true}) {
          for (bool half : {false, true}) {
            for (bool by_batch : {false, true}) {
              cases.push_back(
                  {std::string(pools ? "Pool" : "") + (elu ? "Elu" : "Relu") +
                       (half ? "Bfloat16" : "Float32") +
                       (by_batch ? "OfTheBatch" : "OfRunningStatistics"),
                   pools, elu ? Activation::kElu : Activation::kRelu,
                   half ? at::kBFloat16 : at::kFloat, by_batch});
            }
          }
        }
      }
      return cases;
    }()),
    [](const auto& info) { return info.param.name; });

// Against LibTorch in float64, for lengths with every kind of last window.
TEST_P(FusedNorm, IsTheLayersOneByOne) {
  const Case& c = GetParam();
  for (int64_t length : {1, 2, 5, 6, 7, 8, 9, 66, 131, 4096}) {
    SCOPED_TRACE(length);
    // Rounded first, so that both sides have the same input.
    const torch::Tensor images = Images(3, kChannels, length).to(c.type);
    torch::Tensor x = images.clone().requires_grad_();
    torch::Tensor exact_x = images.to(at::kDouble).requires_grad_();
    Normalization norm = Norm(at::kFloat, c.by_batch);
    Normalization exact = Norm(at::kDouble, c.by_batch);
    DropoutMasks masks(Stream(0, Purpose::kDropout), TestDevice());
    DropoutMasks again(Stream(0, Purpose::kDropout), TestDevice());
    const int64_t result = c.pools ? Pooling(length).length : length;
    const torch::Tensor mask =
        again.Apply(at::ones({3, kChannels, 1, result}, TestDevice())
                        .contiguous(at::MemoryFormat::ChannelsLast),
                    kRate);

    const torch::Tensor y = Fused(x, norm, &masks, {3, 4});
    const torch::Tensor exact_y = Plain(exact_x, exact, mask);
    ASSERT_EQ(y.sizes(), at::IntArrayRef({3, kChannels, 1, result + 7}));
    EXPECT_EQ(y.scalar_type(), c.type);
    EXPECT_TRUE(y.is_contiguous(at::MemoryFormat::ChannelsLast));
    EXPECT_EQ(y.narrow(3, 0, 3).abs().sum().item<double>(), 0);
    EXPECT_EQ(y.narrow(3, result + 3, 4).abs().sum().item<double>(), 0);
    EXPECT_LT(LargestDifference(y.narrow(3, 3, result), exact_y), tolerance());
    EXPECT_LT(LargestDifference(norm.running_mean, exact.running_mean), 1e-5);
    EXPECT_LT(LargestDifference(norm.running_variance, exact.running_variance),
              1e-5);

    torch::manual_seed(3);
    const torch::Tensor gradient =
        at::randn(y.sizes()).to(TestDevice(), c.type);
    y.backward(gradient);
    exact_y.backward(gradient.narrow(3, 3, result).to(at::kDouble));
    EXPECT_LT(LargestDifference(x.grad(), exact_x.grad()), tolerance());
    EXPECT_LT(LargestDifference(norm.weight.grad(), exact.weight.grad()),
              tolerance());
    EXPECT_LT(LargestDifference(norm.bias.grad(), exact.bias.grad()),
              tolerance());
  }
}

TEST_P(FusedNorm, IsTheSameForAnyNumberOfThreads) {
  const Case& c = GetParam();
  const int threads = at::get_num_threads();
  std::vector<torch::Tensor> first;
  for (int count : {1, 2, 3}) {
    at::set_num_threads(count);
    torch::Tensor x = Images(5, kChannels, 131).to(c.type).requires_grad_();
    Normalization norm = Norm(at::kFloat, c.by_batch);
    DropoutMasks masks(Stream(0, Purpose::kDropout), TestDevice());
    const torch::Tensor y = Fused(x, norm, &masks, {});
    y.square().sum().backward();
    const std::vector<torch::Tensor> results = {y,
                                                x.grad(),
                                                norm.weight.grad(),
                                                norm.bias.grad(),
                                                norm.running_mean,
                                                norm.running_variance};
    if (first.empty()) first = results;
    for (size_t i = 0; i < results.size(); ++i) {
      EXPECT_TRUE(at::equal(results[i], first[i])) << count << " " << i;
    }
  }
  at::set_num_threads(threads);
}

// A training that diverges must be seen to.
TEST_P(FusedNorm, LetsANanThrough) {
  const Case& c = GetParam();
  torch::Tensor x = Images(2, kChannels, 40).to(c.type);
  x[1][5][0][17] = std::numeric_limits<float>::quiet_NaN();
  const Normalization norm = Norm(at::kFloat, c.by_batch);
  const torch::Tensor y = Fused(x, norm, nullptr, {});
  EXPECT_TRUE(y.select(1, 5).select(0, 1).isnan().any().item<bool>());
  EXPECT_FALSE(y.select(1, 6).isnan().any().item<bool>());
}

TEST(FusedNormPool, FirstOfEqualMaximaGetsTheGradient) {
  torch::Tensor x = at::ones({1, kChannels, 1, 8}, TestDevice())
                        .contiguous(at::MemoryFormat::ChannelsLast)
                        .requires_grad_();
  Normalization norm = Norm(at::kFloat, /*by_batch=*/false);
  norm.weight = at::ones_like(norm.weight);
  norm.bias = at::full_like(norm.bias, 10);
  torch::Tensor plain_x = x.detach().clone().requires_grad_();
  NormActivate(x, norm, {.activation = Activation::kRelu, .pools = true})
      .sum()
      .backward();
  PoolSame(Reference{norm}.Normalized(plain_x)).sum().backward();
  EXPECT_TRUE(at::allclose(x.grad(), plain_x.grad()));
}

TEST(ThinConvolution, IsLibTorchs) {
  if (TestDevice().is_cuda()) GTEST_SKIP() << "is for the CPU";
  for (at::ScalarType type : {at::kFloat, at::kBFloat16}) {
    for (int64_t length : {1, 5, 8, 64, 65, 200}) {
      torch::manual_seed(4);
      const torch::Tensor x = at::randn({3, length});
      torch::Tensor weight = at::randn({kChannels, 1, 1, 8}).requires_grad_();
      torch::Tensor bias = at::randn({kChannels}).requires_grad_();
      torch::Tensor exact_weight =
          weight.detach().to(at::kDouble).requires_grad_();
      torch::Tensor exact_bias = bias.detach().to(at::kDouble).requires_grad_();
      const torch::Tensor y = ThinConvolution(x, weight, bias, type);
      const torch::Tensor exact =
          at::conv2d(at::constant_pad_nd(
                         x.to(at::kDouble).view({3, 1, 1, length}), {3, 4}),
                     exact_weight, exact_bias);
      EXPECT_TRUE(y.is_contiguous(at::MemoryFormat::ChannelsLast));
      const double tolerance = type == at::kFloat ? 1e-6 : 5e-3;
      EXPECT_LT(LargestDifference(y, exact), tolerance) << length;
      const torch::Tensor gradient = at::randn(y.sizes()).to(type);
      y.backward(gradient);
      exact.backward(gradient.to(at::kDouble));
      EXPECT_LT(LargestDifference(weight.grad(), exact_weight.grad()), 1e-6);
      EXPECT_LT(LargestDifference(bias.grad(), exact_bias.grad()), 1e-6);
    }
  }
}

}  // namespace
}  // namespace dfsweep::model
