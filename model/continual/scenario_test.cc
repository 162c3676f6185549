#include "model/continual/scenario.h"

#include <gtest/gtest.h>

#include "model/continual/strategy_testing.h"

namespace dfsweep::model {
namespace {

// Which units a row may be, by position.
std::vector<int64_t> Open(const torch::Tensor& masked, int64_t row) {
  std::vector<int64_t> units;
  for (int64_t unit = 0; unit < masked.size(1); ++unit) {
    if (std::isfinite(masked[row][unit].item<double>())) units.push_back(unit);
  }
  return units;
}

using Units = std::vector<int64_t>;

// Rows 0 to 3 are of classes 0 to 3; tasks {0, 1} and {2, 3}.
class ScenarioTest : public testing::Test {
 protected:
  torch::Tensor Zeros(const LearnerForTest&, int64_t outputs) {
    return at::zeros({4, outputs});
  }
  torch::Tensor rows_ = at::arange(4, at::kLong);
};

TEST_F(ScenarioTest, ClassIncrementalClassesCompeteAsTold) {
  const std::map<std::string, std::pair<Units, Units>> open = {
      {"all", {{0, 1, 2, 3}, {0, 1, 2, 3}}},
      {"seen", {{0, 1}, {0, 1, 2, 3}}},
      {"current", {{0, 1}, {2, 3}}}};
  for (const auto& [active, units] : open) {
    SCOPED_TRACE(active);
    LearnerForTest learner(config::Json{{"active_classes", active}});
    const Scenario& scenario = learner->scenario;
    torch::Tensor zeros = Zeros(learner, scenario.outputs());
    EXPECT_TRUE(at::equal(scenario.Targets(rows_), rows_));
    EXPECT_EQ(Open(scenario.MaskForLoss(zeros, rows_, 0, 1), 0), units.first);
    EXPECT_EQ(Open(scenario.MaskForLoss(zeros, rows_, 1, 2), 2), units.second);
    EXPECT_TRUE(at::equal(scenario.LossUnits(1, 2),
                          torch::tensor(units.second, at::kLong)));
    // A replayed row is always among those that compete.
    EXPECT_EQ(Open(scenario.MaskForLoss(zeros, rows_, 1, 2), 0),
              (Units{0, 1, 2, 3}));
    const Units first = active == "all" ? Units{0, 1, 2, 3} : Units{0, 1};
    EXPECT_EQ(Open(scenario.MaskForPrediction(zeros, rows_, 1), 3), first);
    EXPECT_EQ(Open(scenario.MaskForPrediction(zeros, rows_, 2), 0),
              (Units{0, 1, 2, 3}));
  }
}

TEST_F(ScenarioTest, TaskIncrementalOnlyOwnTaskCompetes) {
  LearnerForTest learner(config::Json{{"scenario", "task-incremental"}});
  const Scenario& scenario = learner->scenario;
  torch::Tensor zeros = Zeros(learner, scenario.outputs());
  for (const torch::Tensor& masked :
       {scenario.MaskForLoss(zeros, rows_, 1, 2),
        scenario.MaskForPrediction(zeros, rows_, 2)}) {
    EXPECT_EQ(Open(masked, 1), (Units{0, 1}));
    EXPECT_EQ(Open(masked, 2), (Units{2, 3}));
  }
  EXPECT_TRUE(at::equal(scenario.Targets(rows_), rows_));
}

TEST_F(ScenarioTest, DomainIncrementalSharesUnits) {
  LearnerForTest learner(config::Json{{"scenario", "domain-incremental"}});
  const Scenario& scenario = learner->scenario;
  EXPECT_EQ(scenario.outputs(), 2);
  EXPECT_TRUE(at::equal(scenario.Targets(rows_),
                        torch::tensor({0, 1, 0, 1}, at::kLong)));
  EXPECT_EQ(Open(scenario.MaskForLoss(Zeros(learner, 2), rows_, 0, 1), 0),
            (Units{0, 1}));
}

// Reference test 27: what is right among all classes is right in its task.
TEST_F(ScenarioTest, TaskIncrementalIsNeverHarder) {
  LearnerForTest by_class,
      by_task(config::Json{{"scenario", "task-incremental"}});
  at::manual_seed(1);
  torch::Tensor rows = at::arange(40, at::kLong);
  torch::Tensor logits = at::randn({40, 4});
  torch::Tensor truth = by_class->scenario.Targets(rows);
  torch::Tensor right_by_class =
      by_class->scenario.MaskForPrediction(logits, rows, 2).argmax(1) == truth;
  torch::Tensor right_by_task =
      by_task->scenario.MaskForPrediction(logits, rows, 2).argmax(1) == truth;
  EXPECT_TRUE((right_by_class <= right_by_task).all().item<bool>());
  EXPECT_LT(right_by_class.sum().item<int64_t>(),
            right_by_task.sum().item<int64_t>());
}

// Reference test 31: labels keep their units however they are dealt.
TEST_F(ScenarioTest, ShuffledClassesKeepTheirUnits) {
  LearnerForTest learner(config::Json{{"tasks.class_order", "shuffled"}});
  EXPECT_TRUE(at::equal(learner->scenario.Targets(rows_), rows_));
  std::set<int64_t> tasks;
  for (int64_t row = 0; row < 4; ++row) {
    EXPECT_EQ(learner->scenario.ClassOf(row), row);
    tasks.insert(learner->scenario.TaskOf(row));
  }
  EXPECT_EQ(tasks, (std::set<int64_t>{0, 1}));
}

}  // namespace
}  // namespace dfsweep::model
