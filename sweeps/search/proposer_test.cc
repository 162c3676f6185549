#include "sweeps/search/proposer.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <functional>
#include <string>

#include "sweeps/expand.h"
#include "sweeps/identity.h"
#include "sweeps/plan.h"

namespace dfsweep::sweeps {
namespace {

const std::string kDataset(64, 'a');

Sweep Parse(const std::string& text) {
  auto sweep = ParseSweep("dataset: d\n" + text, "f.yaml", {});
  EXPECT_TRUE(sweep.ok()) << FormatForPerson(sweep.status());
  return *sweep;
}

Expansion ExpandText(const std::string& text) {
  auto expansion = Expand(Parse(text), kDataset);
  EXPECT_TRUE(expansion.ok()) << FormatForPerson(expansion.status());
  return *expansion;
}

std::vector<std::string> Ids(const Expansion& expansion) {
  std::vector<std::string> ids;
  for (const Trial& trial : expansion.trials) ids.push_back(trial.id);
  return ids;
}

constexpr char kRandom[] =
    "method: random\ntrials: 40\nparameters:\n"
    "  learning_rate: {min: 1e-4, max: 1e-2, distribution: "
    "log_uniform_values}\n"
    "  strategy: [naive, ewc]\n"
    "  ewc.lambda: {min: 1, max: 1e6, log: true, when: {strategy: ewc}}\n"
    "  epochs: {min: 2, max: 9}\n";

TEST(RandomSearchTest, DrawsAsManyDistinctPointsAsAskedFor) {
  const Expansion expansion = ExpandText(kRandom);
  EXPECT_EQ(expansion.trials.size(), 40);
  EXPECT_EQ(expansion.configurations, 40);
  EXPECT_EQ(expansion.drawn, 40);
}

TEST(RandomSearchTest, ValuesLieInTheirRanges) {
  int naive = 0;
  int small = 0;
  for (const Trial& trial : ExpandText(kRandom).trials) {
    const Json& drawn = *trial.configuration;
    const double rate = drawn["learning_rate"].get<double>();
    EXPECT_GE(rate, 1e-4);
    EXPECT_LE(rate, 1e-2);
    small += rate < 1e-3 ? 1 : 0;
    EXPECT_GE(drawn["epochs"].get<int>(), 2);
    EXPECT_LE(drawn["epochs"].get<int>(), 9);
    naive += drawn["strategy"] == "naive" ? 1 : 0;
    EXPECT_EQ(drawn.contains("ewc.lambda"), drawn["strategy"] == "ewc");
  }
  // Half of each; 8 is five standard errors away from 20 of 40, nearly.
  EXPECT_NEAR(naive, 20, 12);
  EXPECT_NEAR(small, 20, 12);
}

TEST(RandomSearchTest, MoreTrialsBeginWithTheSame) {
  const std::string text = kRandom;
  const std::vector<std::string> few = Ids(ExpandText(text));
  std::string more_text = text;
  more_text.replace(more_text.find("40"), 2, "60");
  std::vector<std::string> more = Ids(ExpandText(more_text));
  more.resize(few.size());
  EXPECT_EQ(more, few);
}

TEST(RandomSearchTest, AnotherSearchSeedDrawsOthers) {
  const std::string text = kRandom;
  EXPECT_NE(Ids(ExpandText(text)), Ids(ExpandText("search_seed: 1\n" + text)));
}

TEST(RandomSearchTest, AParameterMoreLeavesTheDrawsOfTheOthers) {
  const std::string text = kRandom;
  const Expansion before = ExpandText(text);
  const Expansion after =
      ExpandText(text + "  batch_size: {min: 32, max: 256, step: 32}\n");
  for (size_t i = 0; i < before.trials.size(); ++i) {
    EXPECT_EQ((*before.trials[i].configuration)["learning_rate"],
              (*after.trials[i].configuration)["learning_rate"]);
  }
}

TEST(RandomSearchTest, ExcludedPointsAreDrawnAgain) {
  const std::string text = kRandom;
  const Expansion expansion =
      ExpandText(text + "exclude: [{strategy: naive}]\n");
  EXPECT_EQ(expansion.trials.size(), 40);
  for (const Trial& trial : expansion.trials) {
    EXPECT_EQ((*trial.configuration)["strategy"], "ewc");
  }
}

TEST(RandomSearchTest, ASmallSpaceIsExhaustedAndThePlanSaysSo) {
  const Sweep sweep = Parse(
      "method: random\ntrials: 9\nseeds: 2\n"
      "parameters: {epochs: [1, 2, 3], batch_size: [64, 128]}\n");
  const Expansion expansion = *ExpandOutlook(sweep, kDataset);
  EXPECT_EQ(expansion.drawn, 6);
  EXPECT_EQ(expansion.trials.size(), 12);
  const Plan plan =
      MakePlan(sweep, expansion, [](std::string_view) { return false; });
  EXPECT_THAT(
      plan.warnings,
      testing::Contains(testing::Field(
          &ErrorParts::what, "only 6 distinct points could be drawn, not 9")));
}

TEST(RandomSearchTest, ZippedParametersAreDrawnTogether) {
  const Expansion expansion = ExpandText(
      "method: random\ntrials: 2\nparameters: {strategy: naive}\n"
      "zip: [{epochs: [10, 30], learning_rate: [4e-3, 2e-3]}]\n");
  for (const Trial& trial : expansion.trials) {
    EXPECT_EQ((*trial.configuration)["epochs"] == 10,
              (*trial.configuration)["learning_rate"] == 4e-3);
  }
}

TEST(RandomSearchTest, IncludedPointsComeFirstAndDoNotCount) {
  const std::string text = kRandom;
  const Expansion expansion =
      ExpandText(text + "include: [{strategy: joint}]\n");
  EXPECT_EQ(expansion.trials.size(), 41);
  EXPECT_EQ((*expansion.trials[0].configuration)["strategy"], "joint");
}

TEST(RandomSearchTest, AnInvalidPointIsAnErrorWithItsPlace) {
  const Sweep sweep = Parse(
      "method: random\ntrials: 5\nparameters:\n"
      "  tasks.split: labels\n  tasks.count: [2, 3]\n");
  EXPECT_FALSE(Expand(sweep, kDataset).ok());
}

std::string RandomText(int trials) {
  std::string text = kRandom;
  return text.replace(text.find("40"), 2, std::to_string(trials));
}

std::string TpeText(int trials) {
  std::string text = RandomText(trials);
  return text.replace(text.find("random"), 6, "tpe");
}

TEST(TpeSearchTest, BeginsWithTheRandomPoints) {
  const Expansion expansion = ExpandText(TpeText(40));
  std::vector<std::string> random = Ids(ExpandText(kRandom));
  random.resize(kStartupPoints);
  EXPECT_EQ(Ids(expansion), random);
  EXPECT_EQ(ExpandText(TpeText(4)).trials.size(), 4);
}

TEST(TpeSearchTest, TheOutlookHasAllPoints) {
  EXPECT_EQ(ExpandOutlook(Parse(TpeText(40)), kDataset)->trials.size(), 40);
}

TEST(TpeSearchTest, WhatItWillDrawIsPartOfItsMeaning) {
  const Sweep sweep = Parse(TpeText(40));
  const Sweep longer = Parse(TpeText(41));
  EXPECT_NE(SweepDigest(sweep, *Expand(sweep, kDataset)),
            SweepDigest(longer, *Expand(longer, kDataset)));
}

// Runs a search on a function of the configuration, one point after another.
std::vector<double> Search(const Sweep& sweep,
                           const std::function<double(const Json&)>& loss) {
  const Proposer proposer = *Proposer::Make(sweep);
  std::vector<Observation> observations;
  std::unordered_set<std::string> seen;
  std::vector<double> losses;
  for (int64_t i = 0; i < sweep.search.trials; ++i) {
    const std::optional<Json> next = *proposer.Propose(i, observations, seen);
    if (!next) break;
    EXPECT_TRUE(seen.insert(CanonicalJson(*next)).second);
    losses.push_back(loss(*next));
    observations.push_back({.configuration = std::make_shared<Json>(*next),
                            .outcome = Observation::Outcome::kCompleted,
                            .loss = losses.back()});
  }
  return losses;
}

// EWC with λ near 1e4 and a learning rate near 2e-3 is best; naive has an
// offset.
double Loss(const Json& drawn) {
  const double rate = std::log10(drawn["learning_rate"].get<double>() / 2e-3);
  if (drawn["strategy"] == "naive") return 1 + rate * rate;
  const double lambda = std::log10(drawn["ewc.lambda"].get<double>() / 1e4);
  return rate * rate + lambda * lambda / 9;
}

TEST(TpeSearchTest, FindsBetterPointsThanRandomSearch) {
  int wins = 0;
  for (int seed = 0; seed < 10; ++seed) {
    const std::string extra = "search_seed: " + std::to_string(seed) + "\n";
    const std::vector<double> tpe = Search(Parse(extra + TpeText(60)), Loss);
    const std::vector<double> random =
        Search(Parse(extra + RandomText(60)), Loss);
    wins += *std::min_element(tpe.begin(), tpe.end()) <
                    *std::min_element(random.begin(), random.end())
                ? 1
                : 0;
  }
  EXPECT_GE(wins, 8);
}

TEST(TpeSearchTest, ASmallSpaceIsTriedOnceEach) {
  const Sweep sweep = Parse(
      "method: tpe\ntrials: 30\n"
      "parameters: {batch_size: {min: 2, max: 25}, strategy: naive}\n");
  EXPECT_EQ(Search(sweep,
                   [](const Json& drawn) {
                     return drawn["batch_size"].get<double>();
                   })
                .size(),
            24);
}

TEST(TpeSearchTest, TheSameObservationsGiveTheSamePoint) {
  const Sweep sweep = Parse(TpeText(20));
  EXPECT_EQ(Search(sweep, Loss), Search(sweep, Loss));
}

}  // namespace
}  // namespace dfsweep::sweeps
