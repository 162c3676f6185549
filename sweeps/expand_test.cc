#include "sweeps/expand.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <set>
#include <string>
#include <vector>

#include "sweeps/identity.h"

namespace dfsweep::sweeps {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

const std::string kDataset(64, 'a');

Sweep Parse(const std::string& text,
            const std::vector<std::string>& overrides = {}) {
  auto sweep = ParseSweep("dataset: d\n" + text, "f.yaml", overrides);
  EXPECT_TRUE(sweep.ok()) << FormatForPerson(sweep.status());
  return *sweep;
}

Expansion ExpandText(const std::string& text,
                     const std::vector<std::string>& overrides = {}) {
  auto expansion = Expand(Parse(text, overrides), kDataset);
  EXPECT_TRUE(expansion.ok()) << FormatForPerson(expansion.status());
  return *expansion;
}

ErrorParts ErrorOf(const std::string& text) {
  auto expansion = Expand(Parse(text), kDataset);
  EXPECT_FALSE(expansion.ok());
  return PartsOf(MessageOf(expansion.status()));
}

std::set<std::string> Ids(const Expansion& expansion) {
  std::set<std::string> ids;
  for (const Trial& trial : expansion.trials) ids.insert(trial.id);
  return ids;
}

// One parameter of every trial, in order; null where it has no effect.
std::vector<Json> Column(const Expansion& expansion, const std::string& name) {
  std::vector<Json> column;
  for (const Trial& trial : expansion.trials) {
    column.push_back(trial.configuration->value(name, Json()));
  }
  return column;
}

TEST(Expand, SeedsAreInnermostAndTheFirstAxisIsSlowest) {
  Expansion expansion = ExpandText(
      "seeds: 2\nparameters: {strategy: [joint, naive], epochs: [1, 2]}");

  EXPECT_THAT(Column(expansion, "strategy"),
              ElementsAre("joint", "joint", "joint", "joint", "naive", "naive",
                          "naive", "naive"));
  EXPECT_THAT(Column(expansion, "epochs"), ElementsAre(1, 1, 2, 2, 1, 1, 2, 2));
  for (size_t i = 0; i < expansion.trials.size(); ++i) {
    const Trial& trial = expansion.trials[i];
    EXPECT_EQ(trial.seed, static_cast<int64_t>(i % 2));
    EXPECT_EQ(trial.index, static_cast<int64_t>(i));
    EXPECT_EQ(trial.id, TrialId(*trial.configuration, kDataset, trial.seed));
  }
}

TEST(Expand, ASweepWithoutParametersIsTheDefaultTrial) {
  EXPECT_EQ(ExpandText("").trials.size(), 1u);
}

TEST(Expand, AParameterWithoutEffectDoesNotMultiplyWithOrWithoutWhen) {
  Expansion with = ExpandText(
      "parameters: {strategy: [naive, ewc], ewc.lambda: {values: [1, 10, 100],"
      " when: {strategy: ewc}}}");
  Expansion without = ExpandText(
      "parameters: {strategy: [naive, ewc], ewc.lambda: [1, 10, "
      "100]}");

  EXPECT_EQ(with.trials.size(), 4u);
  EXPECT_EQ(Ids(with), Ids(without));
  EXPECT_EQ(with.grid_size, 6);
  EXPECT_EQ(with.after_when, 4);
  EXPECT_EQ(without.after_when, 6);
  EXPECT_EQ(without.configurations, 4);
}

TEST(Expand, AWhenMayNameALaterParameterOrADefault) {
  Expansion later = ExpandText(
      "parameters: {epochs: {values: [1, 2], when: {strategy: naive}}, "
      "strategy: [joint, naive]}");
  EXPECT_THAT(Column(later, "epochs"), ElementsAre(30, 1, 2));

  Expansion by_default = ExpandText(
      "parameters: {beta1: {values: [0.5, 0.6], when: {optimizer: adamax}}}");
  EXPECT_EQ(by_default.trials.size(), 2u);
}

TEST(Expand, AWhenOnAParameterWithoutEffectDoesNotHold) {
  Expansion expansion = ExpandText(
      "parameters: {strategy: naive, ewc.fisher_labels: all, "
      "epochs: {values: [1, 2], when: {ewc.fisher_labels: all}}}");
  EXPECT_THAT(Column(expansion, "epochs"), ElementsAre(30));
}

TEST(Expand, WhensInACircleAreRefused) {
  EXPECT_THAT(ErrorOf("parameters: {epochs: {values: [1, 2], when: "
                      "{batch_size: 2}}, batch_size: {values: [2, 3], when: "
                      "{epochs: 1}}}")
                  .what,
              HasSubstr("circle"));
}

TEST(Expand, IncludedPointsComeFirstFilledWithFixedValues) {
  Expansion expansion = ExpandText(
      "parameters: {strategy: [naive, ewc], ewc.lambda: [1, 2], batch_size: "
      "64}\ninclude: [{strategy: joint, epochs: 100}]");

  EXPECT_EQ(expansion.included, 1);
  EXPECT_EQ(expansion.trials.size(), 4u);
  const Json& first = *expansion.trials[0].configuration;
  EXPECT_EQ(first["strategy"], "joint");
  EXPECT_EQ(first["epochs"], 100);
  EXPECT_EQ(first["batch_size"], 64);
}

TEST(Expand, AnIncludedPointOfTheGridRunsOnceAndFirst) {
  Expansion expansion =
      ExpandText("parameters: {epochs: [1, 2]}\ninclude: [{epochs: 2}]");
  EXPECT_THAT(Column(expansion, "epochs"), ElementsAre(2, 1));
}

TEST(Expand, ExcludeRemovesMatchingPointsOfTheGridOnly) {
  Expansion expansion = ExpandText(
      "parameters: {strategy: [joint, naive], epochs: [1, 2, 3]}\n"
      "include: [{strategy: naive, epochs: 1}]\n"
      "exclude: [{strategy: naive, epochs: [1, 2]}]");
  EXPECT_EQ(expansion.after_when, 6);
  EXPECT_EQ(expansion.excluded, 2);
  EXPECT_EQ(expansion.trials.size(), 5u);
  EXPECT_THAT(expansion.exclude_hits, ElementsAre(2));
}

TEST(Expand, ExcludeMayRemovePointsThatAreNotValid) {
  EXPECT_EQ(ExpandText("parameters: {strategy: [joint, naive], epochs: [3, "
                       "{per_task: [1, 2]}]}\n"
                       "exclude: [{strategy: joint, epochs: [{per_task: [1, "
                       "2]}]}]")
                .trials.size(),
            3u);
}

TEST(Expand, ASweepWithoutAnyPointIsRefused) {
  EXPECT_THAT(ErrorOf("exclude: [{strategy: naive}]").what,
              HasSubstr("no trial"));
}

TEST(Expand, AnInvalidPointIsRefusedAtItsParameter) {
  ErrorParts missing = ErrorOf("parameters:\n  strategy: [naive, ewc]\n");
  EXPECT_THAT(missing.what, HasSubstr("'ewc.lambda' is missing"));
  EXPECT_THAT(missing.what, HasSubstr("strategy: ewc"));

  ErrorParts joint =
      ErrorOf("parameters:\n  strategy: joint\n  epochs: {per_task: [1, 2]}\n");
  EXPECT_EQ(joint.where, "f.yaml:4:3");
  EXPECT_EQ(ErrorOf("include:\n  - {strategy: ewc}\n").where, "f.yaml:3:5");
}

TEST(Expand, TooLargeASweepIsRefused) {
  EXPECT_THAT(ErrorOf("seeds: 10\nparameters:\n"
                      "  learning_rate: {min: 1, max: 400, step: 1}\n"
                      "  momentum: {min: 0, max: 0.9, step: 0.001}\n"
                      "  optimizer: sgd\n")
                  .what,
              HasSubstr("more than 1000000 trials"));
}

TEST(Expand, AddingAValueKeepsEveryOtherId) {
  std::string text =
      "seeds: 2\nparameters: {strategy: ewc, ewc.lambda: [1, 2]}";
  std::set<std::string> before = Ids(ExpandText(text));
  std::set<std::string> after =
      Ids(ExpandText(text, {"ewc.lambda+=3", "seeds+=1"}));
  EXPECT_EQ(after.size(), 9u);
  EXPECT_TRUE(
      std::includes(after.begin(), after.end(), before.begin(), before.end()));
}

TEST(Expand, NotationMakesNoDifference) {
  Expansion nested = ExpandText(
      "parameters: {strategy: ewc, ewc: {lambda: 1e3}, tasks: {count: 2}}");
  Expansion dotted = ExpandText(
      "parameters: {tasks.count: 2.0, ewc.lambda: {values: [1000]}, strategy: "
      "[ewc], tasks.split: equal}");
  EXPECT_EQ(Ids(nested), Ids(dotted));
}

TEST(SweepDigest, IsOfTheMeaningNotOfTheText) {
  auto digest = [](const std::string& text) {
    Sweep sweep = Parse(text);
    return SweepDigest(sweep, *Expand(sweep, kDataset));
  };
  std::string base = digest("name: n\nparameters: {epochs: [1, 2]}");
  EXPECT_EQ(base, digest("# x\nparameters: {epochs: [2, 1.0]}\nname: n"));
  EXPECT_NE(base, digest("name: n\nparameters: {epochs: [1, 3]}"));
  EXPECT_NE(base, digest("name: m\nparameters: {epochs: [1, 2]}"));
  EXPECT_NE(base, digest("name: n\npriority: 1\nparameters: {epochs: [1, 2]}"));
}

}  // namespace
}  // namespace dfsweep::sweeps
