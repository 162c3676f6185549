// Of SI, MAS, L1, L2 and EWC + SI: closed forms, and plain loops.
#include <gtest/gtest.h>
#include <torch/csrc/autograd/autograd.h>

#include <cmath>
#include <string>

#include "model/continual/ewc_and_si.h"
#include "model/continual/mas.h"
#include "model/continual/si.h"
#include "model/continual/stay_close.h"
#include "model/continual/strategy_testing.h"

namespace dfsweep::model {
namespace {

using config::Json;

constexpr const char* kNoPenalty = "no penalty before the second task";

Json SiOptions(Json options = Json::object()) {
  options["strategy"] = "si";
  options.emplace("si.c", 10);
  return options;
}

// A single weight θ in the place of the network's, with the loss ½hθ².
class Bowl {
 public:
  explicit Bowl(Json options)
      : learner_(options), si_(learner_.configuration()) {
    learner_->parameters = {theta_};
  }

  double theta() const { return theta_.item<double>(); }
  double Loss() const { return .5 * kCurvature * theta() * theta(); }
  Si& si() { return si_; }
  Learner& learner() { return *learner_; }
  double State(const std::string& name) {
    Archive archive;
    si_.Persist(*learner_, archive);
    return archive.checkpoint().tensors.at(name + "_0").item<double>();
  }

  void Descend(double rate) {
    theta_.mutable_grad() = kCurvature * theta_.detach();
    const Step step;
    si_.AfterBackward(*learner_, step);
    {
      torch::NoGradGuard no_grad;
      theta_.sub_(theta_.grad(), rate);
    }
    si_.AfterStep(*learner_, step);
  }

  static constexpr double kCurvature = 2;

 private:
  LearnerForTest learner_;
  torch::Tensor theta_ = at::ones({}, at::device(c10::kCPU).dtype(at::kDouble))
                             .requires_grad_(true);
  Si si_;
};

// Reference test 12.
TEST(Si, PathIntegralOfGradientDescentHasItsClosedForm) {
  for (double eta_h : {.01, .1, .5}) {
    Bowl bowl(SiOptions());
    bowl.si().BeforeTask(bowl.learner());
    const double start = bowl.Loss();
    for (int i = 0; i < 7; ++i) bowl.Descend(eta_h / Bowl::kCurvature);
    EXPECT_NEAR(bowl.State("path") / (start - bowl.Loss()), 1 / (1 - eta_h / 2),
                1e-9);
  }
}

// By how much the path's sum over all weights is off the drop of the loss, as a
// share of it: gradient descent on a whole task, in double. Only a short way:
// on a longer one the weights slide along a kink of some ReLU, which they cross
// with every step, and an error of its own stays however small the steps.
double PathError(double rate, int steps) {
  LearnerForTest learner(SiOptions());
  learner->network.to(at::kDouble);
  Si si(learner.configuration());
  si.BeforeTask(*learner);
  const Step step = learner.MakeStep(learner->stage_rows);
  double start = 0;
  for (int i = 0; i < steps; ++i) {
    const double loss = learner.Train(si, step, rate);
    if (i == 0) start = loss;
  }
  double path = 0;
  for (const auto& [name, tensor] : learner.State(si).tensors) {
    if (name.starts_with("path_")) path += tensor.sum().item<double>();
  }
  const double drop = start - si.Loss(*learner, step).loss.item<double>();
  EXPECT_GT(drop, .01) << "nothing was learnt";
  return std::abs(path / drop - 1);
}

// Reference test 13.
TEST(Si, PathOfANetworkAddsUpToTheDropOfTheLoss) {
  const double whole = PathError(.01, 20), half = PathError(.005, 40);
  EXPECT_LT(whole, .01);
  EXPECT_NEAR(half / whole, .5, .05);
}

// Reference test 14.
TEST(Si, ImportanceAddsUpOverTasks) {
  Bowl bowl(SiOptions({{"si.damping", .2}}));
  double expected = 0;
  for (int task = 0; task < 2; ++task) {
    bowl.si().BeforeTask(bowl.learner());
    EXPECT_EQ(bowl.State("path"), 0);
    const double start = bowl.theta();
    EXPECT_EQ(bowl.State("start"), start);
    bowl.Descend(.05);
    const double path = bowl.State("path");
    bowl.si().AfterTask(bowl.learner());
    expected += path / (std::pow(bowl.theta() - start, 2) + .2);
    EXPECT_NEAR(bowl.State("importance"), expected, 1e-12);
    EXPECT_EQ(bowl.State("anchor"), bowl.theta());
  }
}

// c Ω (θ − θ*)², without a half, and its gradient.
TEST(Si, PenaltyHasNoHalf) {
  Bowl bowl(SiOptions());
  bowl.si().BeforeTask(bowl.learner());
  EXPECT_FALSE(bowl.si().LossPenalty().defined()) << kNoPenalty;
  bowl.Descend(.05);
  bowl.si().AfterTask(bowl.learner());
  const double omega = bowl.State("importance"), anchor = bowl.theta();
  bowl.si().BeforeTask(bowl.learner());
  bowl.Descend(.05);
  EXPECT_NEAR(bowl.si().LossPenalty().item<double>(),
              10 * omega * std::pow(bowl.theta() - anchor, 2), 1e-12);
  // The step before began at the anchor: this is the first with a penalty.
  const double at = bowl.theta();
  bowl.Descend(.05);
  const double gradient =
      Bowl::kCurvature * at + 2 * 10 * omega * (at - anchor);
  EXPECT_NEAR(bowl.theta(), at - .05 * gradient, 1e-12);
}

TEST(Si, TakesTheGradientThatItIsTold) {
  std::map<std::string, double> paths;
  for (const char* gradient : {"loss", "total"}) {
    Bowl bowl(SiOptions({{"si.gradient", gradient}}));
    for (int task = 0; task < 2; ++task) {
      bowl.si().BeforeTask(bowl.learner());
      for (int i = 0; i < 3; ++i) bowl.Descend(.05);
      if (task == 0) bowl.si().AfterTask(bowl.learner());
    }
    paths[gradient] = bowl.State("path");
  }
  // A step goes down the total gradient, all of it; of the loss, less.
  EXPECT_GT(paths["total"], paths["loss"]);
}

TEST(Si, ClampsNegativeContributionsIfTold) {
  for (bool clamp : {false, true}) {
    Bowl bowl(SiOptions({{"si.clamp", clamp}}));
    bowl.si().BeforeTask(bowl.learner());
    bowl.Descend(-.1);  // uphill
    bowl.si().AfterTask(bowl.learner());
    EXPECT_EQ(bowl.State("importance") < 0, !clamp);
  }
}

// Reference test 15, on a network with hidden layers: a loop over examples.
TEST(Mas, ImportanceIsTheMeanAbsoluteGradientOfTheSquaredNorm) {
  LearnerForTest learner(
      config::Json{{"strategy", "mas"}, {"mas.lambda", 3}, {"mas.samples", 0}});
  Mas mas(learner.configuration());
  const std::vector<int64_t> rows = {0, 1, 4, 5, 8};
  std::vector<torch::Tensor> expected;
  for (const auto& p : learner->parameters) {
    expected.push_back(at::zeros_like(p.detach()));
  }
  for (int64_t row : rows) {
    torch::Tensor inputs = learner->Inputs(learner->data.Rows({row}));
    auto gradients = torch::autograd::grad(
        {learner->network.Forward(inputs).square().sum()}, learner->parameters);
    for (size_t i = 0; i < expected.size(); ++i) {
      expected[i] += gradients[i].abs() / static_cast<double>(rows.size());
    }
  }
  learner.Enter(0, rows);
  mas.BeforeTask(*learner);
  mas.AfterTask(*learner);
  for (size_t i = 0; i < expected.size(); ++i) {
    EXPECT_TRUE(at::allclose(
        learner.State(mas).tensors.at("importance_" + std::to_string(i)),
        expected[i], 1e-5, 1e-7));
  }
  // Another task adds its own; the anchor is the last.
  mas.AfterTask(*learner);
  EXPECT_TRUE(at::allclose(learner.State(mas).tensors.at("importance_0"),
                           2 * expected[0], 1e-5, 1e-7));
  learner.Move(.01);
  double penalty = 0;
  for (const auto& e : expected) penalty += 3 * 2e-4 * e.sum().item<double>();
  EXPECT_NEAR(mas.LossPenalty().item<double>(), penalty, 1e-3 * penalty);
}

TEST(L2, PullsEveryWeightAlike) {
  LearnerForTest learner(config::Json{{"strategy", "l2"}, {"l2.lambda", 5}});
  L2 l2(learner.configuration());
  l2.BeforeTask(*learner);
  EXPECT_FALSE(l2.LossPenalty().defined()) << kNoPenalty;
  l2.AfterTask(*learner);
  learner.Move(.1);
  int64_t weights = 0;
  for (const auto& p : learner->parameters) weights += p.numel();
  const auto count = static_cast<double>(weights);
  EXPECT_NEAR(l2.LossPenalty().item<double>(), 5 * .01 * count, 1e-4 * count);
  for (auto& p : learner->parameters) p.mutable_grad() = at::zeros_like(p);
  l2.AfterBackward(*learner, {});
  EXPECT_NEAR(learner->parameters[0].grad().max().item<double>(), 2 * 5 * .1,
              1e-5);
}

TEST(L1, PullsWithConstantForce) {
  LearnerForTest learner(config::Json{{"strategy", "l1"}, {"l1.lambda", 5}});
  L1 l1(learner.configuration());
  EXPECT_FALSE(l1.LossPenalty().defined()) << kNoPenalty;
  l1.AfterTask(*learner);
  for (double way : {0., -.1, .1}) {
    learner.Move(way);
    for (auto& p : learner->parameters) p.mutable_grad() = at::zeros_like(p);
    l1.AfterBackward(*learner, {});
    const double force = way == 0 ? 0 : way < 0 ? -5 : 0;  // +.1 leads back
    EXPECT_NEAR(learner->parameters[1].grad().mean().item<double>(), force,
                way > 0 ? 5 : 0);
  }
}

TEST(EwcAndSi, AddsBothPenaltiesAndKeepsThePathUnregularised) {
  Json both = {{"strategy", "ewc+si"},
               {"ewc.lambda", 7},
               {"ewc.fisher_samples", 0},
               {"si.c", 2}};
  LearnerForTest learner(both), ewc_learner(both), si_learner(both);
  EwcAndSi together(learner.configuration());
  Ewc ewc(ewc_learner.configuration());
  Si si(si_learner.configuration());
  const std::vector<int64_t> rows = {0, 1, 4, 5};
  auto train = [&](LearnerForTest& own, Strategy& strategy) {
    own.Enter(0, rows);
    strategy.BeforeTask(*own);
    for (int i = 0; i < 3; ++i) own.Train(strategy, own.MakeStep(rows));
    strategy.AfterTask(*own);
    own.Enter(1, {2, 3});
    strategy.BeforeTask(*own);
    own.Move(.01);
  };
  train(learner, together);
  train(ewc_learner, ewc);
  train(si_learner, si);
  EXPECT_NEAR(together.LossPenalty().item<double>(),
              (ewc.LossPenalty() + si.LossPenalty()).item<double>(), 1e-9);
  const auto state = learner.State(together).tensors;
  const auto alone = si_learner.State(si).tensors;
  EXPECT_TRUE(at::equal(state.at("si_importance_0"), alone.at("importance_0")));
}

}  // namespace
}  // namespace dfsweep::model
