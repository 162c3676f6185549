#include "model/net/network.h"

#include <gtest/gtest.h>

#include <cmath>
#include <stdexcept>

#include "model/net/deep_fingerprinting.h"
#include "model/net/multi_layer_perceptron.h"

namespace dfsweep::model {
namespace {

DeepFingerprinting SmallDf(uint64_t seed, bool group_norm = false) {
  Stream weights(seed, Purpose::kInitialWeights);
  return DeepFingerprinting({.sequence_length = 32,
                             .classes = 3,
                             .norm_momentum = .5,
                             .group_norm = group_norm},
                            weights);
}

torch::Tensor SomeInput() {
  at::manual_seed(1);
  return at::randint(-1, 2, {6, 32}).to(at::kFloat);
}

TEST(Network, CopiesAreEqualAndTheirOwn) {
  DeepFingerprinting from = SmallDf(1), to = SmallDf(2);
  from.Forward(SomeInput());  // moves running statistics
  CopyParameters(from, to);
  CopyBuffers(from, to);
  from.eval();
  to.eval();
  const torch::Tensor expected = from.Forward(SomeInput()).detach().clone();
  {
    torch::NoGradGuard no_grad;
    for (auto& p : from.parameters()) p.add_(1);
    for (auto& b : from.buffers()) b.add_(1);
  }
  EXPECT_TRUE(at::equal(to.Forward(SomeInput()), expected));
}

TEST(Network, OnlyTheSameKindIsCopied) {
  Stream weights(1, Purpose::kInitialWeights);
  MultiLayerPerceptron small({.inputs = 4, .hidden = 1, .outputs = 2}, weights);
  MultiLayerPerceptron large({.inputs = 4, .hidden = 3, .outputs = 2}, weights);
  DeepFingerprinting df = SmallDf(1);
  EXPECT_THROW(CopyParameters(small, large), std::logic_error);
  EXPECT_THROW(CopyParameters(small, df), std::logic_error);
}

TEST(Network, FrozenStatisticsNeitherMoveNorGiveWay) {
  DeepFingerprinting network = SmallDf(1);
  network.Forward(SomeInput());
  network.eval();
  const torch::Tensor expected = network.Forward(SomeInput());
  network.FreezeStatistics();
  network.train();
  std::vector<torch::Tensor> before;
  for (const auto& b : network.buffers()) before.push_back(b.clone());
  EXPECT_TRUE(at::equal(network.Forward(SomeInput()), expected));
  for (size_t i = 0; i < before.size(); ++i) {
    EXPECT_TRUE(at::equal(network.buffers()[i], before[i]));
  }
}

// With it an example's output depends on no other, in train mode too.
TEST(Network, GroupNormalisationTakesEachExampleByItself) {
  DeepFingerprinting network = SmallDf(1, /*group_norm=*/true);
  EXPECT_TRUE(network.buffers().empty());
  network.train();
  const torch::Tensor all = network.Forward(SomeInput());
  const torch::Tensor one = network.Forward(SomeInput().narrow(0, 2, 1));
  EXPECT_TRUE(at::allclose(all[2], one[0], 1e-4, 1e-5));
}

TEST(MultiLayerPerceptron, BeginsAsPyTorchDoes) {
  Stream weights(1, Purpose::kInitialWeights);
  MultiLayerPerceptron network({.inputs = 100, .hidden = 25, .outputs = 4},
                               weights);
  const std::vector<torch::Tensor> parameters = network.parameters();
  ASSERT_EQ(parameters.size(), 6u);
  EXPECT_EQ(parameters[0].sizes(), (at::IntArrayRef{25, 100}));
  EXPECT_EQ(parameters[4].sizes(), (at::IntArrayRef{4, 25}));
  for (auto [index, inputs] : {std::pair{0, 100}, {1, 100}, {2, 25}, {5, 25}}) {
    const double limit = 1 / std::sqrt(static_cast<double>(inputs));
    const double largest = parameters[index].abs().max().item<double>();
    EXPECT_LE(largest, limit);
    EXPECT_GT(largest, .5 * limit);
  }
  EXPECT_EQ(network.Features(at::zeros({7, 100}), {}).sizes(),
            (at::IntArrayRef{7, 25}));
}

}  // namespace
}  // namespace dfsweep::model
