#include "sweeps/plan.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

namespace dfsweep::sweeps {
namespace {

using testing::Contains;
using testing::Field;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;

struct Planned {
  Expansion expansion;
  Plan plan;
};

Planned PlanOf(const std::string& text, size_t known = 0) {
  auto sweep = ParseSweep("dataset: d\n" + text, "f.yaml", {});
  EXPECT_TRUE(sweep.ok()) << FormatForPerson(sweep.status());
  auto expansion = Expand(*sweep, std::string(64, 'a'));
  EXPECT_TRUE(expansion.ok()) << FormatForPerson(expansion.status());
  auto is_known = [&](std::string_view id) {
    for (size_t i = 0; i < known; ++i) {
      if (expansion->trials[i].id == id) return true;
    }
    return false;
  };
  return {*expansion, MakePlan(*sweep, *expansion, is_known)};
}

auto Warns(const std::string& text) {
  return Contains(Field(&ErrorParts::what, HasSubstr(text)));
}

TEST(Plan, CountsPointsTrialsAndEpochs) {
  Plan plan = PlanOf(
                  "seeds: 2\nparameters: {strategy: [joint, naive, ewc], "
                  "ewc.lambda: [1, 2], epochs: 10}\n"
                  "exclude: [{strategy: ewc, ewc.lambda: 2}]\n"
                  "include: [{strategy: naive, epochs: {per_task: [3, 4]}}]",
                  /*known=*/1)
                  .plan;

  EXPECT_EQ(plan.grid_size, 6);
  EXPECT_EQ(plan.after_when, 6);
  EXPECT_EQ(plan.excluded, 1);
  EXPECT_EQ(plan.included, 1);
  EXPECT_EQ(plan.configurations, 4);
  EXPECT_EQ(plan.trials, 8);
  EXPECT_EQ(plan.known, 1);
  EXPECT_EQ(plan.epochs, 2 * (7 + 10 + 20 + 20));
  EXPECT_EQ(plan.epochs_to_run, plan.epochs - 7);
}

TEST(Plan, SharedStagesAreCountedOnce) {
  Plan plan = PlanOf(
                  "seeds: 2\nparameters: {strategy: [naive, ewc], "
                  "ewc.lambda: [1, 2], epochs: [{per_task: [3, 4]}, "
                  "{per_task: [5, 4]}]}",
                  /*known=*/1)
                  .plan;

  // One trial of naive, of 7 epochs, is known: its second stage is not needed.
  ASSERT_EQ(plan.levels.size(), 2u);
  EXPECT_EQ(plan.levels[0].trials, 2 * 6 - 1);
  EXPECT_EQ(plan.levels[0].stages, 2);
  EXPECT_EQ(plan.levels[0].epochs, 2 * 3 * (3 + 5) - 3);
  EXPECT_EQ(plan.levels[0].epochs_shared, 2 * 5);
  EXPECT_EQ(plan.levels[1].stages, 2 * 6 - 1);
  EXPECT_EQ(plan.levels[1].epochs_shared, (2 * 6 - 1) * 4);
  EXPECT_EQ(plan.epochs_shared, 2 * 5 + (2 * 6 - 1) * 4);
}

// What si watches in the first task is recorded for it by whoever trains that.
TEST(Plan, SiSharesTheFirstTaskOfNaive) {
  const Plan plan =
      PlanOf(
          "parameters: {strategy: [naive, mas, si, joint], mas.lambda: 1, "
          "si.c: [1, 2], epochs: 10}",
          /*known=*/0)
          .plan;
  ASSERT_EQ(plan.levels.size(), 2u);
  EXPECT_EQ(plan.levels[0].stages, 2);  // and joint's
  EXPECT_EQ(plan.levels[1].stages, 4);
  EXPECT_EQ(plan.epochs_shared, 2 * 10 + 4 * 10);
}

TEST(Plan, FewerEpochsAreAPrefixOfMore) {
  Plan plan =
      PlanOf("seeds: 1\nparameters: {tasks.count: 1, epochs: [10, 30, 50]}")
          .plan;
  EXPECT_EQ(plan.epochs_to_run, 90);
  EXPECT_EQ(plan.epochs_shared, 50);
}

TEST(Plan, AGoodSweepHasNoWarning) {
  EXPECT_THAT(
      PlanOf("seeds: 3\nparameters: {strategy: [joint, naive]}").plan.warnings,
      IsEmpty());
}

TEST(Plan, EveryWarningHasItsThreeParts) {
  Plan plan = PlanOf(
                  "metric: {name: bwt}\nparameters: {epochs: {values: [1, 2], "
                  "when: {batch_size: [2, 3]}}, tasks.count: [1, 3], "
                  "ewc.lambda: [1, 2]}\nexclude: [{epochs: 9}]\n"
                  "include: [{strategy: joint}]")
                  .plan;

  EXPECT_THAT(plan.warnings, Warns("only one seed"));
  EXPECT_THAT(plan.warnings, Warns("measured on the test traces"));
  EXPECT_THAT(plan.warnings, Warns("'ewc.lambda' has no effect on any trial"));
  EXPECT_THAT(plan.warnings, Warns("names batch_size = 2, which no point has"));
  EXPECT_THAT(plan.warnings, Warns("holds at no point"));
  EXPECT_THAT(plan.warnings, Warns("matches no point"));
  EXPECT_THAT(plan.warnings, Warns("gets the default tasks.count = 2"));
  EXPECT_THAT(plan.warnings, Warns("one task only"));
  for (const ErrorParts& warning : plan.warnings) {
    EXPECT_NE(warning.where, "") << warning.what;
    EXPECT_NE(warning.remedy, "") << warning.what;
  }
}

TEST(Plan, WarnsOfAValidationMetricWithoutValidationTraces) {
  EXPECT_THAT(PlanOf("parameters: {epochs: [1, 2], data.validation_fraction: "
                     "0}")
                  .plan.warnings,
              Warns("no validation traces"));
}

TEST(Plan, DoesNotWarnOfAListThatHasAnEffectSomewhere) {
  EXPECT_THAT(PlanOf("parameters: {strategy: [naive, ewc], ewc.lambda: [1]}")
                  .plan.warnings,
              Not(Warns("no effect")));
}

TEST(PlanWarnings, EarlyTerminateThatCannotStopAnything) {
  const std::string asha =
      "seeds: 3\nearly_terminate: {type: asha, min_iter: 10}\nparameters: "
      "{strategy: [joint, naive], tasks.count: 2, epochs: ";
  EXPECT_THAT(PlanOf(asha + "5}").plan.warnings,
              Warns("stops nothing before 10 epochs"));
  EXPECT_THAT(PlanOf(asha + "6}").plan.warnings, Not(Warns("stops nothing")));
  EXPECT_THAT(PlanOf(asha + "6, data.validation_fraction: 0}").plan.warnings,
              Warns("trials that have no validation traces"));
}

}  // namespace
}  // namespace dfsweep::sweeps
