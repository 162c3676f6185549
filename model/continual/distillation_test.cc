// Of LwF and of freezing.
#include <gtest/gtest.h>

#include "model/continual/freeze.h"
#include "model/continual/lwf.h"
#include "model/continual/strategy_testing.h"

namespace dfsweep::model {
namespace {

// Reference test 16.
TEST(Distillation, OfItselfIsTheEntropyWithoutAGradient) {
  at::manual_seed(1);
  torch::Tensor logits = at::randn({5, 4}, at::kDouble).requires_grad_(true);
  torch::Tensor loss = DistillationLoss(logits, logits.detach(), 2);
  torch::Tensor p = at::softmax(logits.detach() / 2, 1);
  EXPECT_NEAR(loss.item<double>(), -(p * p.log()).sum(1).mean().item<double>(),
              1e-12);
  loss.backward();
  EXPECT_LT(logits.grad().abs().max().item<double>(), 1e-15);
}

TEST(Distillation, HasItsAnalyticGradient) {
  at::manual_seed(2);
  torch::Tensor taught = at::randn({5, 4}, at::kDouble);
  torch::Tensor logits = at::randn({5, 4}, at::kDouble).requires_grad_(true);
  DistillationLoss(logits, taught, 3).backward();
  torch::Tensor expected =
      (at::softmax(logits.detach() / 3, 1) - at::softmax(taught / 3, 1)) /
      (3 * 5);
  EXPECT_TRUE(at::allclose(logits.grad(), expected, 1e-12, 1e-15));
}

TEST(Lwf, AddsTheEntropyOfItsTeacherAtFirst) {
  for (const char* scenario :
       {"class-incremental", "task-incremental", "domain-incremental"}) {
    SCOPED_TRACE(scenario);
    LearnerForTest learner(config::Json{{"strategy", "lwf"},
                                        {"scenario", scenario},
                                        {"lwf.lambda", 3},
                                        {"lwf.t_squared", true},
                                        {"lwf.weighting", "tasks"}});
    Lwf lwf(learner.configuration());
    lwf.BeforeTask(*learner);
    const Step first = learner.MakeStep({0, 1, 4});
    const double plain = Strategy().Loss(*learner, first).loss.item<double>();
    EXPECT_EQ(lwf.Loss(*learner, first).loss.item<double>(), plain);

    learner.Enter(1);
    lwf.BeforeTask(*learner);
    const Step second = learner.MakeStep({2, 3, 6});
    torch::Tensor z =
        learner->EvalLogits(learner->network, second.rows_on_device)
            .narrow(1, 0, 2);
    torch::Tensor p = at::softmax(z / 2, 1);
    const double entropy = -(p * p.log()).sum(1).mean().item<double>();
    const double base = Strategy().Loss(*learner, second).loss.item<double>();
    EXPECT_NEAR(lwf.Loss(*learner, second).loss.item<double>(),
                base + 3 * 4 * entropy, 1e-4);
  }
}

TEST(Lwf, TheTeacherDoesNotLearn) {
  LearnerForTest learner(config::Json{{"strategy", "lwf"}});
  Lwf lwf(learner.configuration());
  learner.Enter(1);
  lwf.BeforeTask(*learner);
  const Step step = learner.MakeStep({2, 3, 6});
  torch::Tensor before =
      learner->EvalLogits(learner->network, step.rows_on_device)
          .narrow(1, 0, 2);
  learner.Train(lwf, step, /*rate=*/1);
  Objective objective = lwf.Loss(*learner, step);
  const double base = Strategy().Loss(*learner, step).loss.item<double>();
  EXPECT_NEAR(
      objective.loss.item<double>(),
      base + DistillationLoss(objective.logits.narrow(1, 0, 2), before, 2)
                 .item<double>(),
      1e-5);
}

TEST(Freeze, OnlyTheLastLayerMoves) {
  LearnerForTest learner(config::Json{
      {"strategy", "freeze"}, {"model", "df"}, {"bn_momentum", .5}});
  Freeze freeze;
  auto state = [&] {
    std::map<std::string, torch::Tensor> values;
    for (const auto& p : learner->network.named_parameters()) {
      values[p.key()] = p.value().detach().clone();
    }
    for (const auto& b : learner->network.named_buffers()) {
      values[b.key()] = b.value().clone();
    }
    return values;
  };
  auto moved = [&](int64_t task, const std::vector<int64_t>& rows) {
    learner.Enter(task);
    freeze.BeforeTask(*learner);
    auto before = state();
    DropoutMasks masks(Stream(1, Purpose::kDropout));
    Step step = learner.MakeStep(rows);
    step.dropout = &masks;
    learner.Train(freeze, step);
    std::vector<std::string> names;
    for (const auto& [name, value] : state()) {
      if (!at::equal(value, before[name])) names.push_back(name);
    }
    return names;
  };
  EXPECT_GT(moved(0, {0, 1, 4}).size(), 40u);
  EXPECT_EQ(moved(1, {2, 3, 6}),
            (std::vector<std::string>{"fc3.bias", "fc3.weight"}));
}

}  // namespace
}  // namespace dfsweep::model
