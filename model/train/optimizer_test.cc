#include "model/train/optimizer.h"

#include <gtest/gtest.h>

namespace dfsweep::model {
namespace {

// The weights of torch.optim.Adamax (2.13, float64) after each step, from
//   p = torch.tensor([1., -2., .5, 0.], dtype=torch.float64,
//   requires_grad=True) o = torch.optim.Adamax([p], lr=.1, betas=(.8, .95),
//   weight_decay=WD) for g in GRADIENTS: p.grad = torch.tensor(g,
//   dtype=torch.float64); o.step()
constexpr double kGradients[4][4] = {
    {.5, -1, .25, 0}, {-2, 1, .25, 0}, {.1, .3, -4, 1e-9}, {0, 0, 0, 0}};
constexpr double kPlain[4][4] = {
    {0.900000002, -1.900000001, 0.4000000039999998, 0.0},
    {0.9444444462222222, -1.911111112, 0.3000000079999996, 0.0},
    {0.9698974227990126, -1.9309558055030198, 0.337295089873975,
     -0.003725782414307005},
    {0.9876139433659412, -1.9447686858759676, 0.3632542967695676,
     -0.00631910978298739}};
constexpr double kDecayed[4][4] = {
    {0.9000000016666666, -1.9000000008333333, 0.4000000033333332, 0.0},
    {0.9415939514185923, -1.8926900593697207, 0.29846743983749474, 0.0},
    {0.9630477367235515, -1.8923392954804636, 0.3350741247909032,
     -0.003725782414307005},
    {0.976088058604292, -1.8858645362967283, 0.3602532241291616,
     0.030148574414215885}};

void ExpectSteps(double weight_decay, const double (&expected)[4][4]) {
  torch::Tensor weights =
      at::tensor({1., -2., .5, 0.}, at::kDouble).requires_grad_();
  Adamax adamax({weights}, {.learning_rate = .1,
                            .beta1 = .8,
                            .beta2 = .95,
                            .weight_decay = weight_decay});
  for (int step = 0; step < 4; ++step) {
    weights.mutable_grad() =
        at::tensor(at::ArrayRef<double>(kGradients[step]), at::kDouble);
    adamax.Step();
    for (int i = 0; i < 4; ++i) {
      EXPECT_NEAR(weights[i].item<double>(), expected[step][i], 1e-14)
          << "step " << step << ", weight " << i;
    }
  }
}

TEST(Adamax, IsPyTorchsStepForStep) { ExpectSteps(0, kPlain); }

TEST(Adamax, DecaysWeightsAsPyTorchDoes) { ExpectSteps(.1, kDecayed); }

// Of many weights, a part of which fills no vector, with gradients in another
// order in memory.
TEST(Adamax, InOnePassIsThatOfLibTorchsFunctions) {
  torch::manual_seed(1);
  const auto last = at::MemoryFormat::ChannelsLast;
  torch::Tensor weights = at::randn({101, 33, 1, 8}).contiguous(last);
  torch::Tensor exact = weights.to(at::kDouble).contiguous(last);
  const Adamax::Options options{.weight_decay = .01};
  Adamax one_pass({weights}, options), reference({exact}, options);
  for (int step = 0; step < 5; ++step) {
    const torch::Tensor gradient = at::randn({101, 33, 1, 8});
    weights.mutable_grad() = gradient;
    exact.mutable_grad() = gradient.to(at::kDouble);
    one_pass.Step();
    reference.Step();
  }
  EXPECT_LT((weights - exact).abs().max().item<double>(), 1e-6);
  EXPECT_TRUE(weights.is_contiguous(last));
}

TEST(Adamax, LeavesAWeightWithoutGradientAlone) {
  torch::Tensor weights = at::ones({3}).requires_grad_();
  Adamax({weights}, {}).Step();
  EXPECT_TRUE(at::equal(weights, at::ones({3})));
}

TEST(MakeOptimizer, KnowsEveryChoice) {
  for (const char* name : {"adamax", "adam", "sgd"}) {
    torch::Tensor weights = at::ones({1}).requires_grad_();
    auto optimizer = MakeOptimizer(
        config::Configuration({{"optimizer", name}, {"learning_rate", .5}}),
        {weights});
    weights.mutable_grad() = at::ones({1});
    optimizer->Step();
    EXPECT_NEAR(weights.item<double>(), .5, 1e-6) << name;
  }
}

TEST(ClearGradients, ForgetsThem) {
  torch::Tensor weights = at::ones({1}).requires_grad_();
  weights.mutable_grad() = at::ones({1});
  ClearGradients({weights});
  EXPECT_FALSE(weights.grad().defined());
}

}  // namespace
}  // namespace dfsweep::model
