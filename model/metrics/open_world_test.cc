#include "model/metrics/open_world.h"

#include <gtest/gtest.h>

#include <cmath>
#include <random>

namespace dfsweep::model {
namespace {

constexpr int64_t kUnmonitored = 9;

// Reference test 32.
std::vector<OpenWorldTrace> HandCase() {
  return {{1, 1, .9},
          {2, 3, .6},
          {3, 3, .95},
          {4, kUnmonitored, .7},
          {kUnmonitored, 1, .99},
          {kUnmonitored, 2, .4},
          {kUnmonitored, kUnmonitored, .8},
          {kUnmonitored, kUnmonitored, .9}};
}

TEST(OpenWorld, CountsTheHandCase) {
  OpenWorldCounts counts = CountAt(HandCase(), kUnmonitored, .5);
  EXPECT_EQ(counts.true_positives, 3);
  EXPECT_EQ(counts.wrong_site, 1);
  EXPECT_EQ(counts.false_negatives, 1);
  EXPECT_EQ(counts.false_positives, 1);
  EXPECT_EQ(counts.true_negatives, 3);
  EXPECT_EQ(counts.Precision(), .75);
  EXPECT_EQ(counts.Recall(), .75);
  EXPECT_EQ(counts.FalsePositiveRate(), .25);
  EXPECT_EQ(counts.F1(), .75);
  EXPECT_EQ(counts.StrictPrecision(), .5);
  EXPECT_EQ(counts.StrictRecall(), .5);
}

TEST(OpenWorld, AThresholdIsInclusive) {
  EXPECT_EQ(CountAt(HandCase(), kUnmonitored, .6).true_positives, 3);
  EXPECT_EQ(CountAt(HandCase(), kUnmonitored, .61).true_positives, 2);
}

TEST(OpenWorld, WithoutPositivesPrecisionIsUndefined) {
  OpenWorldCounts counts = CountAt(HandCase(), kUnmonitored, 1);
  EXPECT_EQ(counts.Precision(), std::nullopt);
  EXPECT_EQ(counts.Recall(), 0);
  EXPECT_EQ(CountAt({}, kUnmonitored, 0).F1(), std::nullopt);
}

TEST(OpenWorld, CurveIsWhatCountingSays) {
  std::mt19937 random(1);
  std::vector<OpenWorldTrace> traces;
  for (int i = 0; i < 300; ++i) {
    auto site = [&] { return static_cast<int64_t>(7 + random() % 3); };
    traces.push_back({site(), site(), static_cast<double>(random() % 50) / 49});
  }
  std::vector<RocPoint> curve = RocCurve(traces, kUnmonitored);
  EXPECT_GT(curve.size(), 40u);
  for (const RocPoint& point : curve) {
    OpenWorldCounts counts = CountAt(traces, kUnmonitored, point.threshold);
    EXPECT_EQ(point.counts.true_positives, counts.true_positives);
    EXPECT_EQ(point.counts.wrong_site, counts.wrong_site);
    EXPECT_EQ(point.counts.false_positives, counts.false_positives);
    EXPECT_EQ(point.counts.true_negatives, counts.true_negatives);
  }
}

TEST(OpenWorld, AreaIsThatOfTheTrapezoids) {
  // Right at .9, wrong at .8, right at .7: recall 1/2, then 1 at rate 1/2.
  std::vector<OpenWorldTrace> traces = {
      {1, 1, .9}, {kUnmonitored, 1, .8}, {1, 1, .7}, {kUnmonitored, 1, .6}};
  EXPECT_NEAR(*AreaUnderCurve(RocCurve(traces, kUnmonitored)), .75, 1e-12);
  EXPECT_EQ(AreaUnderCurve(RocCurve({{1, 1, .9}}, kUnmonitored)), std::nullopt);
}

TEST(OpenWorld, ThresholdsAreThoseOfDf) {
  std::vector<double> thresholds = DfThresholds();
  ASSERT_EQ(thresholds.size(), 15u);
  EXPECT_NEAR(thresholds.front(), .109, 5e-4);
  EXPECT_NEAR(thresholds.back(), .99, 1e-12);
}

}  // namespace
}  // namespace dfsweep::model
