#include "sweeps/search/parzen.h"

#include <gtest/gtest.h>

#include <cmath>
#include <numbers>
#include <numeric>

namespace dfsweep::sweeps {
namespace {

using std::numbers::pi;

TEST(KernelWeightsTest, WithoutObservationsThePriorIsAll) {
  EXPECT_EQ(KernelWeights(0), std::vector<double>{1.0});
}

TEST(KernelWeightsTest, UpToTwentyFiveAreEqual) {
  for (double weight : KernelWeights(25)) EXPECT_DOUBLE_EQ(weight, 1.0 / 26);
}

// 27 observations: ramp 1/27, 1 for the two oldest, then 25 ones and the prior.
TEST(KernelWeightsTest, OlderOnesAreOnARamp) {
  const std::vector<double> weights = KernelWeights(27);
  const double sum = 1.0 / 27 + 27;
  EXPECT_DOUBLE_EQ(weights[0], 1.0 / 27 / sum);
  EXPECT_DOUBLE_EQ(weights[1], 1 / sum);
  EXPECT_DOUBLE_EQ(weights.back(), 1 / sum);
}

Parzen OnLine(const Line& line, const std::vector<double>& values) {
  std::vector<Place> seen;
  for (double value : values) seen.push_back({value});
  return Parzen({{.line = line}}, seen);
}

TEST(ParzenTest, WithoutObservationsIsTheCutPrior) {
  const Parzen prior = OnLine({.low = 0, .high = 2}, {});
  // N(1, 2) on [0, 2]: its density at the middle over its mass there.
  const double mass = std::erf(0.5 / std::sqrt(2.0));
  EXPECT_NEAR(prior.LogDensity({1}),
              std::log(1 / (2 * std::sqrt(2 * pi)) / mass), 1e-12);
}

TEST(ParzenTest, KernelsReachToTheirNeighbours) {
  const auto parzen = OnLine({.low = 0, .high = 10}, {4, 1, 9});
  ASSERT_EQ(parzen.factors(0).size(), 4);
  EXPECT_DOUBLE_EQ(parzen.factors(0)[0].deviation, 5);   // 4: max(4-1, 9-4)
  EXPECT_DOUBLE_EQ(parzen.factors(0)[1].deviation, 3);   // 1: first, so 4-1
  EXPECT_DOUBLE_EQ(parzen.factors(0)[2].deviation, 5);   // 9: last, so 9-4
  EXPECT_DOUBLE_EQ(parzen.factors(0)[3].deviation, 10);  // the prior
  EXPECT_DOUBLE_EQ(parzen.factors(0)[3].center, 5);
}

TEST(ParzenTest, ALonelyKernelReachesToTheFartherEnd) {
  EXPECT_DOUBLE_EQ(OnLine({.low = 0, .high = 10}, {4}).factors(0)[0].deviation,
                   6);
}

TEST(ParzenTest, NoKernelIsNarrowerThanItsShare) {
  const auto parzen = OnLine({.low = 0, .high = 10}, {2, 2, 2});
  EXPECT_DOUBLE_EQ(parzen.factors(0)[0].deviation, 2);  // 10 / (3 + 2)
}

TEST(ParzenTest, DensityIntegratesToOne) {
  const auto parzen = OnLine({.low = -1, .high = 3}, {0, 2.9, -0.5, 1});
  double sum = 0;
  constexpr int kSteps = 40'000;
  for (int i = 0; i < kSteps; ++i) {
    sum +=
        std::exp(parzen.LogDensity({-1 + (i + 0.5) * 4 / kSteps})) * 4 / kSteps;
  }
  EXPECT_NEAR(sum, 1, 1e-6);
}

TEST(ParzenTest, ProbabilitiesOfStepsSumToOne) {
  const auto parzen = OnLine({.low = 0.5, .high = 6.5, .step = 1}, {1, 6, 6});
  double sum = 0;
  for (int value = 1; value <= 6; ++value) {
    sum += std::exp(parzen.LogDensity({1.0 * value}));
  }
  EXPECT_NEAR(sum, 1, 1e-12);
  Stream stream("steps");
  for (int i = 0; i < 100; ++i) {
    const double value = parzen.Sample(stream)[0];
    EXPECT_EQ(value, std::round(value));
    EXPECT_GE(value, 1);
    EXPECT_LE(value, 6);
  }
}

// The share of samples below 1 is the integral of the density to 1.
TEST(ParzenTest, SamplesFollowTheDensity) {
  const auto parzen = OnLine({.low = 0, .high = 4}, {0.5, 3});
  Stream stream("samples");
  constexpr int kSamples = 20'000;
  int below = 0;
  for (int i = 0; i < kSamples; ++i) {
    const double value = parzen.Sample(stream)[0];
    ASSERT_GE(value, 0);
    ASSERT_LE(value, 4);
    below += value < 1 ? 1 : 0;
  }
  double expected = 0;
  constexpr int kSteps = 10'000;
  for (int i = 0; i < kSteps; ++i) {
    expected += std::exp(parzen.LogDensity({(i + 0.5) / kSteps})) / kSteps;
  }
  // Five standard errors.
  EXPECT_NEAR(below / double{kSamples}, expected,
              5 * std::sqrt(expected * (1 - expected) / kSamples));
}

// Two choices, the first seen once: kernels (1/2 + 1, 1/2)/2 and the prior
// (1/2, 1/2), of equal weight.
TEST(ParzenTest, ChoicesFollowTheirFormula) {
  const Parzen parzen({{.choices = 2}}, {{0}});
  EXPECT_DOUBLE_EQ(std::exp(parzen.LogDensity({0})), 0.5 * 0.75 + 0.5 * 0.5);
  EXPECT_DOUBLE_EQ(std::exp(parzen.LogDensity({1})), 0.5 * 0.25 + 0.5 * 0.5);
}

TEST(ParzenTest, ChoicesSumToOne) {
  const Parzen parzen({{.choices = 5}}, {{0}, {3}, {3}, {3}, {1}});
  double sum = 0;
  for (int i = 0; i < 5; ++i) sum += std::exp(parzen.LogDensity({1.0 * i}));
  EXPECT_NEAR(sum, 1, 1e-12);
  EXPECT_GT(parzen.LogDensity({3}), parzen.LogDensity({0}));
  EXPECT_GT(parzen.LogDensity({0}), parzen.LogDensity({2}));
}

// Good points lie on a diagonal: off it, where both coordinates alone are
// likely, the joint density is small.
TEST(ParzenTest, CoordinatesAreSeenTogether) {
  const Dimension unit = {.line = {.low = 0, .high = 1}};
  std::vector<Place> seen;
  for (int i = 0; i < 20; ++i) {
    seen.push_back({(i + 0.5) / 20, (i + 0.5) / 20});
  }
  const Parzen parzen({unit, unit}, seen);
  EXPECT_GT(parzen.LogDensity({0.2, 0.2}), parzen.LogDensity({0.2, 0.8}) + 2);
}

TEST(StreamTest, ANameAlwaysGivesTheSameNumbers) {
  Stream a("0/3/learning_rate");
  Stream b("0/3/learning_rate");
  Stream other("0/4/learning_rate");
  const double first = a.Uniform();
  EXPECT_EQ(first, b.Uniform());
  EXPECT_NE(first, other.Uniform());
}

TEST(StreamTest, IndexFollowsTheWeights) {
  Stream stream("weights");
  std::vector<int> counts(3);
  for (int i = 0; i < 10'000; ++i) ++counts[stream.Index({1, 0, 3})];
  EXPECT_EQ(counts[1], 0);
  EXPECT_NEAR(counts[0], 2500, 5 * std::sqrt(10'000 * 0.25 * 0.75));
}

TEST(StreamTest, NormalHasItsMoments) {
  Stream stream("normal");
  double sum = 0;
  double squares = 0;
  constexpr int kSamples = 50'000;
  for (int i = 0; i < kSamples; ++i) {
    const double value = stream.Normal();
    sum += value;
    squares += value * value;
  }
  EXPECT_NEAR(sum / kSamples, 0, 5 / std::sqrt(kSamples));
  EXPECT_NEAR(squares / kSamples, 1, 5 * std::sqrt(2.0 / kSamples));
}

}  // namespace
}  // namespace dfsweep::sweeps
