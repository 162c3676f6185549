#include "sweeps/search/tpe.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <string>

namespace dfsweep::sweeps {
namespace {

using Outcome = Observation::Outcome;

std::shared_ptr<const Json> Configuration(const Json& values) {
  return std::make_shared<const Json>(values);
}

Observation Completed(double loss, const Json& configuration = Json::object()) {
  return {.configuration = Configuration(configuration),
          .outcome = Outcome::kCompleted,
          .loss = loss};
}

// Positions in `observations` of the points below.
std::vector<size_t> Below(const std::vector<Observation>& observations) {
  const Split split = SplitByLoss(observations);
  EXPECT_EQ(split.below.size() + split.above.size(), observations.size());
  std::vector<size_t> below;
  for (size_t i = 0; i < observations.size(); ++i) {
    for (const Json* configuration : split.below) {
      if (configuration == observations[i].configuration.get()) {
        below.push_back(i);
      }
    }
  }
  return below;
}

TEST(SplitByLossTest, TheBestTenthRoundedUpIsBelow) {
  std::vector<Observation> observations;
  for (int i = 0; i < 11; ++i) observations.push_back(Completed(11 - i));
  EXPECT_THAT(Below(observations), testing::ElementsAre(9, 10));
}

TEST(SplitByLossTest, AtMostTwentyFiveAreBelow) {
  std::vector<Observation> observations;
  for (int i = 0; i < 400; ++i) observations.push_back(Completed(i));
  EXPECT_EQ(Below(observations).size(), 25);
}

TEST(SplitByLossTest, PrunedRankBehindResultsByHowFarTheyGot) {
  std::vector<Observation> observations = {
      {.configuration = Configuration({}), .outcome = Outcome::kDiverged},
      {.configuration = Configuration({}),
       .outcome = Outcome::kPruned,
       .loss = 0,
       .progress = 0.1},
      {.configuration = Configuration({}),
       .outcome = Outcome::kPruned,
       .loss = 5,
       .progress = 0.5},
  };
  EXPECT_THAT(Below(observations), testing::ElementsAre(2));
  observations.push_back(Completed(1000));
  EXPECT_THAT(Below(observations), testing::ElementsAre(3));
}

TEST(SplitByLossTest, OpenPointsAreAboveAndDoNotCount) {
  std::vector<Observation> observations = {Completed(1)};
  for (int i = 0; i < 20; ++i) {
    observations.push_back({.configuration = Configuration({})});
  }
  EXPECT_THAT(Below(observations), testing::ElementsAre(0));
  EXPECT_EQ(Ended(observations), 1);
}

Axis RangeAxis(const Range& range) {
  return {.choices = {{{"learning_rate", range.low}},
                      {{"learning_rate", range.high}}},
          .range = range,
          .when = {},
          .where = ""};
}

double ValueOf(const Axis& axis, const Split& split, Stream& stream) {
  return Suggest({&axis}, split, stream)["learning_rate"].get<double>();
}

// Good points lie around 0.2, bad ones everywhere.
TEST(SuggestTest, GoesWhereResultsWereGood) {
  const Axis axis = RangeAxis({.low = 0, .high = 1});
  std::vector<Observation> observations;
  for (int i = 0; i < 40; ++i) {
    const double value = (i + 0.5) / 40;
    observations.push_back(
        Completed(std::abs(value - 0.2), {{"learning_rate", value}}));
  }
  const Split split = SplitByLoss(observations);
  int near = 0;
  for (int i = 0; i < 50; ++i) {
    Stream stream("near" + std::to_string(i));
    const double value = ValueOf(axis, split, stream);
    near += std::abs(value - 0.2) < 0.1 ? 1 : 0;
  }
  EXPECT_GT(near, 40);  // at random: 10
}

TEST(SuggestTest, ALogScaleIsSearchedByFactors) {
  const Axis axis = RangeAxis({.low = 1e-5, .high = 1, .log = true});
  std::vector<Observation> observations;
  for (int i = 0; i < 40; ++i) {
    const double value = std::pow(10, -5 + (i + 0.5) / 8);
    observations.push_back(
        Completed(std::abs(std::log10(value) + 4), {{"learning_rate", value}}));
  }
  const Split split = SplitByLoss(observations);
  int near = 0;
  for (int i = 0; i < 50; ++i) {
    Stream stream("log" + std::to_string(i));
    const double value = ValueOf(axis, split, stream);
    near += std::abs(std::log10(value) + 4) < 0.5 ? 1 : 0;
  }
  EXPECT_GT(near, 40);
}

TEST(SuggestTest, StepsAndWholeNumbersAreKept) {
  const Axis stepped = RangeAxis({.low = 0.1, .high = 0.5, .step = 0.1});
  const Axis whole =
      RangeAxis({.low = 1, .high = 1000, .log = true, .integer = true});
  for (int i = 0; i < 50; ++i) {
    Stream stream(std::to_string(i));
    const double value = ValueOf(stepped, {}, stream);
    EXPECT_NEAR(value * 10, std::round(value * 10), 1e-9);
    EXPECT_TRUE(
        Suggest({&whole}, {}, stream)["learning_rate"].is_number_integer());
  }
}

TEST(SuggestTest, PrefersTheChoiceOfGoodPoints) {
  const Axis axis = {.choices = {{{"optimizer", "adamax"}},
                                 {{"optimizer", "sgd"}},
                                 {{"optimizer", "adam"}}},
                     .range = {},
                     .when = {},
                     .where = ""};
  std::vector<Observation> observations;
  for (int i = 0; i < 30; ++i) {
    observations.push_back(Completed(i % 3 == 1 ? 0 : 1,
                                     axis.choices[static_cast<size_t>(i % 3)]));
  }
  const Split split = SplitByLoss(observations);
  for (int i = 0; i < 20; ++i) {
    Stream stream(std::to_string(i));
    EXPECT_EQ(Suggest({&axis}, split, stream), axis.choices[1]);
  }
}

TEST(IsDecidedEverywhereTest, AsksEveryPoint) {
  const Axis axis = RangeAxis({.low = 0, .high = 1});
  const Json with = {{"learning_rate", 0.5}};
  const Json without = {{"batch_size", 32}};
  EXPECT_TRUE(IsDecidedEverywhere(axis, {.below = {&with}, .above = {&with}}));
  EXPECT_FALSE(
      IsDecidedEverywhere(axis, {.below = {&with}, .above = {&without}}));
}

}  // namespace
}  // namespace dfsweep::sweeps
