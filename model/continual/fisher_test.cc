#include "model/continual/fisher.h"

#include <ATen/CPUGeneratorImpl.h>
#include <gtest/gtest.h>
#include <torch/csrc/autograd/autograd.h>

#include "model/net/deep_fingerprinting.h"

namespace dfsweep::model {
namespace {

// z = W x + b.
class Linear : public Network {
 public:
  Linear(int64_t inputs, int64_t classes) {
    Stream stream(1, Purpose::kInitialWeights);
    dense_ = register_module(
        "dense", std::make_shared<DenseLayer>(inputs, classes, stream));
    to(at::kDouble);
  }
  torch::Tensor Features(const torch::Tensor& x, const Pass&) override {
    return x;
  }
  DenseLayer& classifier() override { return *dense_; }

 private:
  std::shared_ptr<DenseLayer> dense_;
};

std::unique_ptr<DeepFingerprinting> SmallDf(bool group_norm = false) {
  Stream stream(1, Purpose::kInitialWeights);
  auto network = std::make_unique<DeepFingerprinting>(
      DeepFingerprintingOptions{
          .sequence_length = 21, .classes = 4, .group_norm = group_norm},
      stream);
  network->to(at::kDouble);
  return network;
}

torch::Tensor RandomSigns(int64_t rows, int64_t length) {
  Stream stream(5, Purpose::kSplit);
  torch::Tensor x = at::empty({rows, length}, at::kDouble);
  auto* values = x.mutable_data_ptr<double>();
  for (int64_t i = 0; i < x.numel(); ++i) {
    values[i] = static_cast<double>(stream.Below(3)) - 1;
  }
  return x;
}

torch::Tensor Units(int64_t count) { return at::arange(count, at::kLong); }

std::vector<torch::Tensor> Fisher(Network& network, FisherLabels kind,
                                  const torch::Tensor& x,
                                  const torch::Tensor& y, int64_t classes,
                                  uint64_t seed = 0) {
  FisherSum sum(network, kind, Units(classes),
                Stream(seed, Purpose::kFisherLabels));
  sum.Add(x, y);
  return sum.Mean();
}

// By the definition: one backward pass for each example and label.
std::vector<torch::Tensor> SlowFisher(Network& network, const torch::Tensor& x,
                                      const torch::Tensor& active) {
  EvalMode eval(network);
  std::vector<torch::Tensor> parameters = network.parameters(), sum;
  for (const auto& p : parameters) sum.push_back(at::zeros_like(p));
  for (int64_t n = 0; n < x.size(0); ++n) {
    torch::Tensor log_p = at::log_softmax(
        network.Forward(x.narrow(0, n, 1)).index_select(1, active), 1);
    for (int64_t y = 0; y < active.size(0); ++y) {
      auto gradients = torch::autograd::grad({log_p[0][y]}, parameters, {},
                                             /*retain_graph=*/true);
      for (size_t i = 0; i < sum.size(); ++i) {
        sum[i] = sum[i] +
                 log_p[0][y].exp().detach() * gradients[i].square() / x.size(0);
      }
    }
  }
  return sum;
}

void ExpectClose(const torch::Tensor& a, const torch::Tensor& b,
                 double tolerance) {
  ASSERT_EQ(a.sizes(), b.sizes());
  EXPECT_LE((a - b).abs().max().item<double>(),
            tolerance * b.abs().max().item<double>());
}

// Reference test 5: squaring the gradient of a batch's mean loss, as some
// libraries do, gives 1/B of what FisherSum gives, and λ another scale.
TEST(Fisher, IsNotThatOfABatchsMeanLoss) {
  constexpr int64_t kRows = 20, kBatches = 4000, kClasses = 6;
  Linear network(8, kClasses);
  const torch::Tensor x = RandomSigns(kRows, 8);
  const torch::Tensor fisher =
      Fisher(network, FisherLabels::kAll, x, {}, kClasses)[0];

  const torch::Tensor p = at::softmax(network.Forward(x), 1);
  const torch::Tensor labels = at::multinomial(
      p, kBatches, /*replacement=*/true, at::detail::createCPUGenerator(3));
  const torch::Tensor residual = p.unsqueeze(1) - at::one_hot(labels, kClasses);
  const torch::Tensor gradient =
      at::einsum("nbk,nj->bkj", {residual, x}).div(kRows);
  const torch::Tensor batched = gradient.square().mean(0);

  EXPECT_NEAR((batched.sum() / fisher.sum()).item<double>(), 1. / kRows,
              .03 / kRows);
}

TEST(Fisher, OfLinearSoftmaxHasItsClosedForm) {
  Linear network(8, 6);
  torch::Tensor x = RandomSigns(50, 8) + .3;
  auto fisher = Fisher(network, FisherLabels::kAll, x, {}, 6);
  torch::Tensor p = at::softmax(network.Forward(x, {}), 1).detach();
  torch::Tensor variance = p * (1 - p);
  ExpectClose(fisher[0], variance.t().matmul(x.square()) / 50, 1e-10);
  ExpectClose(fisher[1], variance.mean(0), 1e-10);
}

TEST(Fisher, WithTrueLabelsHasItsClosedForm) {
  Linear network(8, 6);
  torch::Tensor x = RandomSigns(50, 8) + .3;
  torch::Tensor y = at::arange(50, at::kLong).remainder(6);
  auto fisher = Fisher(network, FisherLabels::kTrue, x, y, 6);
  torch::Tensor error =
      at::softmax(network.Forward(x, {}), 1).detach() - at::one_hot(y, 6);
  ExpectClose(fisher[0], error.square().t().matmul(x.square()) / 50, 1e-10);
}

TEST(Fisher, WithPredictedLabelsHasItsClosedForm) {
  Linear network(8, 6);
  torch::Tensor x = RandomSigns(50, 8) + .3;
  torch::Tensor p = at::softmax(network.Forward(x, {}), 1).detach();
  torch::Tensor error = p - at::one_hot(p.argmax(1), 6);
  auto fisher = Fisher(network, FisherLabels::kPredicted, x, {}, 6);
  ExpectClose(fisher[0], error.square().t().matmul(x.square()) / 50, 1e-10);
}

TEST(Fisher, WithSampledLabelsConvergesToTheExact) {
  Linear network(3, 4);
  torch::Tensor x = (RandomSigns(5, 3) + .3).repeat({20000, 1});
  auto exact = Fisher(network, FisherLabels::kAll, x.narrow(0, 0, 5), {}, 4);
  auto sampled = Fisher(network, FisherLabels::kSample, x, {}, 4);
  ExpectClose(sampled[0], exact[0], .02);
  ExpectClose(sampled[1], exact[1], .02);
}

TEST(Fisher, SampledLabelsDependOnTheirStreamOnly) {
  Linear network(3, 4);
  torch::Tensor x = RandomSigns(20, 3) + .3;
  auto a = Fisher(network, FisherLabels::kSample, x, {}, 4, /*seed=*/1);
  at::rand({100});
  auto b = Fisher(network, FisherLabels::kSample, x, {}, 4, /*seed=*/1);
  auto c = Fisher(network, FisherLabels::kSample, x, {}, 4, /*seed=*/2);
  EXPECT_TRUE(at::equal(a[0], b[0]));
  EXPECT_FALSE(at::equal(a[0], c[0]));
}

TEST(Fisher, OfDfIsThatOfOneBackwardPassForEachExampleAndLabel) {
  auto network = SmallDf();
  torch::Tensor x = RandomSigns(3, 21);
  for (const torch::Tensor& active :
       {Units(4), at::tensor({1, 3}, at::kLong)}) {
    FisherSum sum(*network, FisherLabels::kAll, active,
                  Stream(0, Purpose::kFisherLabels));
    sum.Add(x, {});
    auto fast = sum.Mean();
    auto slow = SlowFisher(*network, x, active);
    for (size_t i = 0; i < fast.size(); ++i) {
      SCOPED_TRACE(network->named_parameters().keys()[i]);
      ExpectClose(fast[i], slow[i], 1e-9);
    }
  }
}

TEST(Fisher, OfDfWithGroupNormalisationToo) {
  auto network = SmallDf(/*group_norm=*/true);
  torch::Tensor x = RandomSigns(3, 21);
  FisherSum sum(*network, FisherLabels::kAll, Units(4),
                Stream(0, Purpose::kFisherLabels));
  sum.Add(x, {});
  auto fast = sum.Mean();
  auto slow = SlowFisher(*network, x, Units(4));
  for (size_t i = 0; i < fast.size(); ++i) {
    SCOPED_TRACE(network->named_parameters().keys()[i]);
    ExpectClose(fast[i], slow[i], 1e-9);
  }
}

TEST(Fisher, TrueLabelsAreLookedUpAmongTheActiveUnits) {
  Linear network(3, 6);
  torch::Tensor x = RandomSigns(6, 3) + .3;
  torch::Tensor active = at::tensor({2, 5}, at::kLong);
  torch::Tensor y = at::tensor({2, 5, 5, 2, 5, 2}, at::kLong);
  FisherSum sum(network, FisherLabels::kTrue, active,
                Stream(0, Purpose::kFisherLabels));
  sum.Add(x, y);
  torch::Tensor p =
      at::softmax(network.Forward(x, {}).index_select(1, active), 1).detach();
  torch::Tensor error = p - at::one_hot((y == 5).to(at::kLong), 2);
  torch::Tensor bias = at::zeros({6}, at::kDouble);
  bias.index_put_({active}, error.square().mean(0));
  ExpectClose(sum.Mean()[1], bias, 1e-10);
}

TEST(Fisher, IsIndependentOfBatchesOrderAndMode) {
  auto network = SmallDf();
  torch::Tensor x = RandomSigns(6, 21);
  network->eval();
  auto whole = Fisher(*network, FisherLabels::kAll, x, {}, 4);
  network->train();
  FisherSum pieces(*network, FisherLabels::kAll, Units(4),
                   Stream(0, Purpose::kFisherLabels));
  pieces.Add(x.narrow(0, 4, 2), {});
  pieces.Add(x.narrow(0, 1, 3), {});
  pieces.Add(x.narrow(0, 0, 1), {});
  auto mean = pieces.Mean();
  for (size_t i = 0; i < whole.size(); ++i)
    ExpectClose(mean[i], whole[i], 1e-12);
}

TEST(Fisher, LeavesTheNetworkAsItWas) {
  auto network = SmallDf();
  network->train();
  std::vector<torch::Tensor> before;
  for (const auto& t : network->buffers()) before.push_back(t.clone());
  Fisher(*network, FisherLabels::kAll, RandomSigns(3, 21), {}, 4);
  EXPECT_TRUE(network->is_training());
  auto after = network->buffers();
  for (size_t i = 0; i < after.size(); ++i) {
    EXPECT_TRUE(at::equal(after[i], before[i]));
  }
  for (const auto& p : network->parameters()) {
    EXPECT_TRUE(p.requires_grad());
    EXPECT_FALSE(p.grad().defined());
  }
}

}  // namespace
}  // namespace dfsweep::model
