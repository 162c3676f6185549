#include "model/continual/ewc.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <memory>
#include <string>

#include "model/continual/strategy_testing.h"
#include "model/train/optimizer.h"

namespace dfsweep::model {
namespace {

using config::Json;

constexpr int64_t kClasses = LearnerForTest::kClasses;

class EwcTest : public testing::Test {
 protected:
  static Json Options(Json options) {
    options.emplace("strategy", "ewc");
    options["ewc.lambda"] = 10;
    return options;
  }

  // By definition, without Ewc.
  std::vector<torch::Tensor> Fisher(LearnerForTest& learner, FisherLabels kind,
                                    const std::vector<int64_t>& rows) {
    FisherSum sum(learner->network, kind, at::arange(kClasses, at::kLong),
                  Stream(3, Purpose::kFisherLabels));
    torch::Tensor chosen = learner->data.Rows(rows);
    sum.Add(learner->Inputs(chosen), learner->scenario.Targets(chosen));
    return sum.Mean();
  }

  void ExpectImportance(LearnerForTest& learner, Strategy& ewc,
                        const std::vector<torch::Tensor>& expected,
                        const std::string& name = "importance_") {
    const auto state = learner.State(ewc).tensors;
    for (size_t i = 0; i < expected.size(); ++i) {
      EXPECT_TRUE(at::allclose(state.at(name + std::to_string(i)), expected[i],
                               1e-4, 1e-7))
          << i;
    }
  }
};

TEST_F(EwcTest, EachLabelKindIsTheOneItsNameSays) {
  std::vector<int64_t> rows = {0, 1, 2, 3, 4, 5};
  for (auto [name, kind] : {std::pair{"all", FisherLabels::kAll},
                            std::pair{"pred", FisherLabels::kPredicted},
                            std::pair{"true", FisherLabels::kTrue}}) {
    SCOPED_TRACE(name);
    LearnerForTest learner(
        Options({{"ewc.fisher_labels", name}, {"ewc.fisher_samples", 0}}));
    Ewc ewc(learner.configuration());
    learner.Enter(0, rows);
    ewc.BeforeTask(*learner);
    ewc.AfterTask(*learner);
    ExpectImportance(learner, ewc, Fisher(learner, kind, rows));
  }
}

TEST_F(EwcTest, AddsATermForEveryPastTask) {
  std::vector<int64_t> first = {0, 4, 8}, second = {1, 5, 9};
  LearnerForTest learner(Options({{"ewc.fisher_samples", 0}}));
  Ewc ewc(learner.configuration());
  learner.Enter(0, first);
  ewc.BeforeTask(*learner);
  EXPECT_FALSE(ewc.LossPenalty().defined());
  ewc.AfterTask(*learner);
  std::vector<torch::Tensor> sum = Fisher(learner, FisherLabels::kAll, first);
  EXPECT_EQ(ewc.LossPenalty().item<double>(), 0);  // at the anchor
  learner.Move(.01);
  double penalty = 0;
  for (const auto& f : sum) penalty += 10. / 2 * f.sum().item<double>() * 1e-4;
  EXPECT_NEAR(ewc.LossPenalty().item<double>(), penalty, 1e-3 * penalty);

  learner.Enter(1, second);
  ewc.AfterTask(*learner);
  auto added = Fisher(learner, FisherLabels::kAll, second);
  for (size_t i = 0; i < sum.size(); ++i) sum[i] = sum[i] + added[i];
  ExpectImportance(learner, ewc, sum);
  // The second anchor is where the network is, so only the first term counts.
  EXPECT_NEAR(ewc.LossPenalty().item<double>(), penalty, 1e-3 * penalty);
}

// Reference test 10: F3 + γF2 + γ²F1, and the penalty's own γ.
TEST_F(EwcTest, OnlineFormDecaysOlderTasks) {
  LearnerForTest learner(Options({{"strategy", "online-ewc"},
                                  {"ewc.gamma", .5},
                                  {"ewc.fisher_samples", 0}}));
  OnlineEwc ewc(learner.configuration());
  ewc.BeforeTask(*learner);
  std::vector<torch::Tensor> expected;
  for (double weight : {.25, .5, 1.}) {
    std::vector<int64_t> rows = {static_cast<int64_t>(20 * weight), 7};
    learner.Enter(0, rows);
    ewc.AfterTask(*learner);
    auto fisher = Fisher(learner, FisherLabels::kAll, rows);
    if (expected.empty()) {
      for (auto& f : fisher) expected.push_back(at::zeros_like(f));
    }
    for (size_t i = 0; i < fisher.size(); ++i) {
      expected[i] = expected[i] + weight * fisher[i];
    }
    learner.Move(.01);
  }
  ExpectImportance(learner, ewc, expected, "running_");
  for (auto& f : expected) f = .5 * f;
  ExpectImportance(learner, ewc, expected);
  // Around the last anchor alone.
  double penalty = 0;
  for (auto& f : expected) penalty += 10. / 2 * f.sum().item<double>() * 1e-4;
  EXPECT_NEAR(ewc.LossPenalty().item<double>(), penalty, 1e-3 * penalty);
}

TEST_F(EwcTest, AveragesOverAsManyTracesAsAsked) {
  std::vector<int64_t> rows(40);
  std::iota(rows.begin(), rows.end(), 0);
  LearnerForTest learner(Options({{"ewc.fisher_samples", 17}}));
  Ewc ewc(learner.configuration());
  learner.Enter(0, rows);
  ewc.BeforeTask(*learner);
  ewc.AfterTask(*learner);
  EXPECT_EQ(learner.batches(), 2);  // 16 examples of 4 labels at once
}

TEST_F(EwcTest, KeepsNothingOfTheLastTask) {
  LearnerForTest learner(Options({}));
  Ewc ewc(learner.configuration());
  learner.Enter(0, {0, 1}, /*last=*/true);
  ewc.BeforeTask(*learner);
  ewc.AfterTask(*learner);
  EXPECT_TRUE(learner.State(ewc).tensors.empty());
  EXPECT_TRUE(ewc.Metrics().empty());
  EXPECT_EQ(learner.batches(), 0);
}

TEST_F(EwcTest, TellsTheLargestStep) {
  std::vector<int64_t> rows = {0, 1, 2, 3};
  LearnerForTest learner(
      Options({{"learning_rate", .5}, {"ewc.fisher_samples", 0}}));
  Ewc ewc(learner.configuration());
  learner.Enter(0, rows);
  ewc.BeforeTask(*learner);
  ewc.AfterTask(*learner);
  double largest = 0;
  for (const auto& f : Fisher(learner, FisherLabels::kAll, rows)) {
    largest = std::max(largest, f.max().item<double>());
  }
  EXPECT_NEAR(ewc.Metrics().at("penalty_max_step"), 10 * .5 * largest,
              1e-4 * largest);
}

// Reference test 11: what the penalty holds much harder than any gradient pulls
// stays within a few steps of the anchor; what has no importance is free.
TEST_F(EwcTest, AStrongPenaltyPinsWhatIsImportantAlone) {
  constexpr double kRate = 1e-3, kLambda = 1e6;
  Json options = Options({{"ewc.fisher_samples", 0}});
  options["ewc.lambda"] = kLambda;
  LearnerForTest learner(options);
  learner->network.to(at::kDouble);
  Ewc ewc(learner.configuration());
  ewc.BeforeTask(*learner);
  for (int i = 0; i < 50; ++i) {
    learner.Train(ewc, learner.MakeStep(learner->stage_rows));
  }
  ewc.AfterTask(*learner);
  const auto state = learner.State(ewc).tensors;
  learner.Enter(1, {}, /*last=*/true);
  ewc.BeforeTask(*learner);
  std::unique_ptr<Optimizer> adam = MakeOptimizer(
      config::Configuration({{"optimizer", "adam"}, {"learning_rate", kRate}}),
      learner->parameters);
  const Step step = learner.MakeStep(learner->stage_rows);
  double pull = 0;  // the largest gradient of the new task
  for (int i = 0; i < 200; ++i) {
    Objective objective = ewc.Loss(*learner, step);
    ClearGradients(learner->parameters);
    objective.loss.backward();
    for (const auto& p : learner->parameters) {
      pull = std::max(pull, p.grad().abs().max().item<double>());
    }
    ewc.AfterBackward(*learner, step);
    adam->Step();
  }

  int64_t pinned = 0;
  double free = 0;
  for (size_t i = 0; i < learner->parameters.size(); ++i) {
    const auto item = [&](const char* name) {
      return state.at(name + std::to_string(i)).to(at::kDouble);
    };
    const torch::Tensor importance = item("importance_");
    const torch::Tensor moved =
        (learner->parameters[i] - item("anchor_")).abs().detach();
    const torch::Tensor held = kLambda * importance > 1e3 * pull;
    pinned += held.sum().item<int64_t>();
    EXPECT_EQ((held & (moved > 5 * kRate)).sum().item<int64_t>(), 0) << i;
    const torch::Tensor loose = moved.masked_select(importance == 0);
    if (loose.numel() > 0) {
      free = std::max(free, loose.max().item<double>());
    }
  }
  EXPECT_GT(pinned, 10);
  EXPECT_GT(free, 20 * kRate);
}

}  // namespace
}  // namespace dfsweep::model
