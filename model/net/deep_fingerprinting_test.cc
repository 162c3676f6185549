#include "model/net/deep_fingerprinting.h"

#include <ATen/Parallel.h>
#include <gtest/gtest.h>

#include <cmath>

#include "model/net/pool.h"
#include "model/test_data.h"
#include "model/train/precision.h"

namespace dfsweep::model {
namespace {

// TensorFlow's definition, spelled out.
torch::Tensor SlowPool(const torch::Tensor& x) {
  int64_t length = x.size(3);
  int64_t pooled = (length + 3) / 4;
  int64_t padding = std::max<int64_t>((pooled - 1) * 4 + 8 - length, 0);
  torch::Tensor y = at::empty({x.size(0), x.size(1), 1, pooled});
  for (int64_t i = 0; i < pooled; ++i) {
    int64_t from = std::max<int64_t>(i * 4 - padding / 2, 0);
    int64_t to = std::min<int64_t>(i * 4 - padding / 2 + 8, length);
    y.select(3, i).copy_(x.slice(3, from, to).amax(3));
  }
  return y;
}

TEST(PoolSame, IsTensorFlowsForEveryLength) {
  for (int64_t length = 1; length <= 41; ++length) {
    torch::Tensor x = at::rand({2, 3, 1, length}) - 2;  // all below 0
    EXPECT_TRUE(at::equal(PoolSame(x), SlowPool(x))) << length;
  }
}

TEST(ConvolutionLayer, PadsThreeCellsLeftAndFourRight) {
  Stream stream(0, Purpose::kInitialWeights);
  ConvolutionLayer layer(1, 1, 8, stream);
  torch::NoGradGuard no_grad;
  for (auto& p : layer.parameters()) p.zero_();
  torch::Tensor weight = layer.parameters()[0];
  weight.view({8})[0] = 1;
  weight.view({8})[7] = 10;
  // y[i] = x[i - 3] + 10 x[i + 4]
  torch::Tensor x = at::arange(1, 7, at::kFloat).view({1, 1, 1, 6});
  EXPECT_TRUE(at::equal(layer.Forward(x, {}).view({6}),
                        at::tensor({50.f, 60.f, 0.f, 1.f, 2.f, 3.f})));
}

TEST(NormLayer, KeepsAShareOfTheOldStatistics) {
  NormLayer layer(1, /*momentum=*/.9);
  layer.train();
  layer.Forward(at::tensor({1.f, 2.f, 6.f}).view({3, 1}), {});
  auto buffers = layer.named_buffers();
  EXPECT_NEAR(buffers["running_mean"].item<float>(), .1 * 3, 1e-6);
  EXPECT_NEAR(buffers["running_var"].item<float>(), .9 + .1 * 7, 1e-6);
}

DeepFingerprinting Df(int64_t length, uint64_t seed) {
  Stream stream(seed, Purpose::kInitialWeights);
  return DeepFingerprinting(
      DeepFingerprintingOptions{.sequence_length = length, .classes = 5},
      stream);
}

TEST(DeepFingerprinting, HasThePublishedParameters) {
  DeepFingerprinting network = Df(5000, 0);
  int64_t count = 0;
  for (const auto& p : network.parameters()) count += p.numel();
  // Keras's count of the trainable parameters of the published network, with 5
  // classes: convolutions, their norms, and the dense part (20 × 256 inputs).
  int64_t convolutions = 0, inputs = 1;
  for (int64_t filters : {32, 64, 128, 256}) {
    convolutions += 8 * inputs * filters + filters;
    convolutions += 8 * filters * filters + filters + 4 * filters;
    inputs = filters;
  }
  int64_t dense = 20 * 256 * 512 + 512 + 512 * 512 + 512 + 4 * 512;
  EXPECT_EQ(count, convolutions + dense + 512 * 5 + 5);
}

TEST(DeepFingerprinting, TakesAnyLength) {
  for (int64_t length : {16, 17, 21, 500, 1023}) {
    DeepFingerprinting network = Df(length, 0);
    EXPECT_EQ(network.Forward(at::ones({2, length})).sizes(),
              at::IntArrayRef({2, 5}));
  }
}

TEST(DeepFingerprinting, StartsFromItsStreamAlone) {
  at::rand({3});
  DeepFingerprinting a = Df(16, 1), b = Df(16, 1), c = Df(16, 2);
  EXPECT_TRUE(at::equal(a.parameters()[0], b.parameters()[0]));
  EXPECT_FALSE(at::equal(a.parameters()[0], c.parameters()[0]));
}

TEST(DeepFingerprinting, StartsGlorotUniform) {
  DeepFingerprinting network = Df(500, 0);
  torch::Tensor weight = network.named_parameters()["fc2.weight"];
  double limit = std::sqrt(6. / 1024);
  EXPECT_LE(weight.abs().max().item<double>(), limit);
  EXPECT_NEAR(weight.std().item<double>(), limit / std::sqrt(3), limit / 100);
  EXPECT_EQ(network.named_parameters()["fc2.bias"].abs().max().item<float>(),
            0);
}

// The trick may change rounding and nothing else: not the dropout masks, not
// the statistics, not the gradients. Compared with the layers one by one in
// float64.
TEST(DeepFingerprinting, IsTheSameFused) {
  constexpr int64_t kLength = 301;
  torch::manual_seed(0);
  const c10::Device device = TestDevice();
  SetArithmetic("fp32", /*deterministic=*/true);
  const torch::Tensor x =
      at::randint(-1, 2, {16, kLength}).to(at::kFloat).to(device);
  const torch::Tensor labels = at::randint(0, 5, {16}).to(device);
  auto train = [&](bool fuse, at::ScalarType type) {
    Stream stream(3, Purpose::kInitialWeights);
    DeepFingerprinting network(
        {.sequence_length = kLength, .classes = 5, .fuse = fuse}, stream);
    network.to(device, type);
    network.train();
    DropoutMasks masks(Stream(0, Purpose::kDropout), device);
    const torch::Tensor scores =
        network.Forward(x.to(type), {.dropout = &masks});
    at::cross_entropy_loss(scores, labels).backward();
    std::vector<torch::Tensor> results = {scores};
    for (const auto& p : network.parameters()) results.push_back(p.grad());
    for (const auto& b : network.buffers()) results.push_back(b);
    network.eval();
    results.push_back(network.Forward(x.to(type)));
    return results;
  };
  const std::vector<torch::Tensor> fused = train(true, at::kFloat);
  const std::vector<torch::Tensor> exact = train(false, at::kDouble);
  for (size_t i = 0; i < exact.size(); ++i) {
    const double scale = exact[i].abs().max().item<double>();
    EXPECT_LT((fused[i] - exact[i]).abs().max().item<double>(),
              2e-4 * scale + 1e-5)  // a bias before a norm is rounding
        << i;
  }
}

TEST(DropoutMasks, KeepTheExpectation) {
  DropoutMasks masks(Stream(0, Purpose::kDropout));
  torch::Tensor y = masks.Apply(at::ones({100000}), .7);
  EXPECT_NEAR(y.mean().item<double>(), 1, .02);
  EXPECT_NEAR((y == 0).to(at::kFloat).mean().item<double>(), .7, .006);
}

// Sixteen blocks at once are the blocks one by one, also where the counter's
// lower half is full.
TEST(DropoutMask, IsTheStreamsBlocks) {
  const Stream stream(7, Purpose::kDropout, 1, 2, 3);
  constexpr double kRate = .3;
  constexpr int64_t kFirst = 8, kCount = 4 * 50 + 3;
  for (uint64_t first_block : {uint64_t{0}, (uint64_t{1} << 32) - 20}) {
    const DropoutMask mask(stream, first_block, kRate);
    std::vector<float> values(kCount);
    mask.Fill(kFirst, kCount, values.data());
    for (int64_t i = 0; i < kCount; ++i) {
      const int64_t at = kFirst + i;
      const uint32_t number = stream.Block(first_block + at / 4)[at % 4];
      EXPECT_EQ(values[i], number < kRate * 0x1p32 ? 0 : mask.kept()) << i;
    }
  }
  std::vector<float> all(10);
  DropoutMask().Fill(0, 10, all.data());
  EXPECT_EQ(all, std::vector<float>(10, 1));
}

TEST(DropoutMasks, AreNewForEachLayerAndTheSameForEachStep) {
  DropoutMasks first(Stream(0, Purpose::kDropout, 0, 0, 1));
  DropoutMasks again(Stream(0, Purpose::kDropout, 0, 0, 1));
  torch::Tensor x = at::ones({1001});
  torch::Tensor a = first.Apply(x, .5), b = first.Apply(x, .5);
  EXPECT_FALSE(at::equal(a, b));
  EXPECT_TRUE(at::equal(a, again.Apply(x, .5)));
  EXPECT_TRUE(at::equal(b, again.Apply(x, .5)));
}

TEST(DropoutMasks, AreTheSameOnEveryDevice) {
  const Stream stream(7, Purpose::kDropout, 1, 2, 3);
  DropoutMasks here(stream), there(stream, TestDevice());
  for (int64_t size : {1, 4, 1001, 1000003}) {
    const torch::Tensor x = at::ones({size});
    EXPECT_TRUE(at::equal(here.Apply(x, .3),
                          there.Apply(x.to(TestDevice()), .3).cpu()));
  }
}

TEST(DropoutMasks, AreTheSameForAnyNumberOfThreads) {
  torch::Tensor x = at::ones({1000003});
  int threads = at::get_num_threads();
  at::set_num_threads(1);
  torch::Tensor one = DropoutMasks(Stream(0, Purpose::kDropout)).Apply(x, .5);
  at::set_num_threads(2);
  torch::Tensor two = DropoutMasks(Stream(0, Purpose::kDropout)).Apply(x, .5);
  at::set_num_threads(threads);
  EXPECT_TRUE(at::equal(one, two));
}

}  // namespace
}  // namespace dfsweep::model
