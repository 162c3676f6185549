#include "model/metrics/continual.h"

#include <gtest/gtest.h>

namespace dfsweep::model {
namespace {

TEST(ContinualMetrics, MatchTheHandComputedCase) {
  auto metrics = ContinualMetrics({{.9, 0, 0}, {.6, .8, 0}, {.5, .7, .95}});
  EXPECT_NEAR(metrics["average_accuracy"], 2.15 / 3, 1e-12);
  EXPECT_NEAR(metrics["learning_accuracy"], 2.65 / 3, 1e-12);
  EXPECT_NEAR(metrics["bwt"], -.25, 1e-12);
  EXPECT_NEAR(metrics["forgetting"], .25, 1e-12);
  EXPECT_NEAR(metrics["forgetting_first_last"], .25, 1e-12);
  EXPECT_NEAR(metrics["average_incremental_accuracy"], (.9 + .7 + 2.15 / 3) / 3,
              1e-12);
  EXPECT_NEAR(metrics["average_accuracy"],
              metrics["learning_accuracy"] + 2. / 3 * metrics["bwt"], 1e-12);
}

TEST(ContinualMetrics, ForgettingIsNegativeAfterImprovement) {
  auto metrics = ContinualMetrics({{.5}, {.7, .9}});
  EXPECT_NEAR(metrics["bwt"], .2, 1e-12);
  EXPECT_NEAR(metrics["forgetting"], -.2, 1e-12);
}

TEST(ContinualMetrics, ForgettingCountsFromTheBestStage) {
  auto metrics = ContinualMetrics({{.5}, {.8, .9}, {.4, .9, .9}});
  EXPECT_NEAR(metrics["forgetting"], (.4 + 0) / 2, 1e-12);
}

TEST(ContinualMetrics, ForgettingMayCountFromTheFirstStage) {
  auto metrics = ContinualMetrics({{.5}, {.8, .9}, {.4, .9, .9}});
  EXPECT_NEAR(metrics["forgetting_first_last"], (.1 + 0) / 2, 1e-12);
}

TEST(ContinualMetrics, ASingleTrainingForgetsNothing) {
  auto metrics = ContinualMetrics({{.9, .7}});
  EXPECT_NEAR(metrics["average_accuracy"], .8, 1e-12);
  EXPECT_NEAR(metrics["learning_accuracy"], .8, 1e-12);
  EXPECT_EQ(metrics["forgetting"], 0);
  EXPECT_EQ(metrics["bwt"], 0);
}

TEST(ForwardTransfer, IsTheMeanGainBeforeTraining) {
  // The first task has nothing before it, whatever its numbers.
  EXPECT_NEAR(ForwardTransfer({.9, .3, .4}, {0, .1, .5}), (.2 - .1) / 2, 1e-12);
}

}  // namespace
}  // namespace dfsweep::model
