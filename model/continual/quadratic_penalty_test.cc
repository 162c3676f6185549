#include "model/continual/quadratic_penalty.h"

#include <gtest/gtest.h>

namespace dfsweep::model {
namespace {

torch::Tensor Double(std::vector<double> values) {
  return at::tensor(values, at::kDouble);
}

// L_A = ½a(θ−θA)² first, then L_B = ½b(θ−θB)² with F := a.
TEST(QuadraticPenalty, FindsTheMinimumOfTwoQuadratics) {
  double a = 2, b = 5, anchor_a = 1, anchor_b = -1, lambda = 3;
  QuadraticPenalty penalty(lambda);
  penalty.Add({Double({a})}, {Double({anchor_a})});
  torch::Tensor theta = Double({anchor_a}).requires_grad_();
  for (int step = 0; step < 500; ++step) {
    theta.mutable_grad() = b * (theta.detach() - anchor_b);
    penalty.AddGradient({theta});
    theta.data().sub_(.05 * theta.grad());
  }
  EXPECT_NEAR(theta.item<double>(), 1. / 11, 1e-9);
}

TEST(QuadraticPenalty, IsTheSumOfSeparateTerms) {
  torch::manual_seed(0);
  double lambda = 7;
  QuadraticPenalty penalty(lambda);
  torch::Tensor theta = at::randn({50}, at::kDouble).requires_grad_();
  torch::Tensor separate = at::zeros({}, at::kDouble);
  for (int task = 0; task < 3; ++task) {
    torch::Tensor importance = at::rand({50}, at::kDouble).square();
    importance.narrow(0, 10 * task, 10).zero_();
    importance.narrow(0, 40, 5).zero_();  // important to no task
    torch::Tensor anchor = at::randn({50}, at::kDouble);
    penalty.Add({importance}, {anchor});
    separate =
        separate + lambda / 2 * (importance * (theta - anchor).square()).sum();
  }
  separate.backward();
  torch::Tensor expected = theta.grad().clone();
  EXPECT_NEAR(penalty.Value({theta}).item<double>(), separate.item<double>(),
              1e-10 * separate.item<double>());
  theta.mutable_grad() = at::zeros({50}, at::kDouble);
  penalty.AddGradient({theta});
  EXPECT_TRUE(at::allclose(theta.grad(), expected, 1e-10, 1e-12));
}

TEST(QuadraticPenalty, HasNoGradientAtItsAnchor) {
  torch::Tensor theta = at::rand({100}).requires_grad_();
  QuadraticPenalty penalty(1e9);
  penalty.Add({at::rand({100})}, {theta});
  theta.mutable_grad() = at::zeros({100});
  penalty.AddGradient({theta});
  EXPECT_TRUE(at::equal(theta.grad(), at::zeros({100})));
}

TEST(QuadraticPenalty, KeepsItsOwnCopyOfTheAnchor) {
  torch::Tensor theta = at::zeros({1}).requires_grad_();
  QuadraticPenalty penalty(1);
  penalty.Add({at::ones({1})}, {theta});
  theta.data().fill_(2);
  EXPECT_EQ(penalty.Value({theta}).item<double>(), 2);
}

TEST(QuadraticPenalty, KnowsItsLargestImportance) {
  QuadraticPenalty penalty(1);
  EXPECT_EQ(penalty.LargestImportance(), 0);
  penalty.Add({Double({1, 3}), Double({2})}, {Double({0, 0}), Double({0})});
  penalty.Add({Double({1, 1}), Double({0})}, {Double({0, 0}), Double({0})});
  EXPECT_EQ(penalty.LargestImportance(), 4);
}

}  // namespace
}  // namespace dfsweep::model
