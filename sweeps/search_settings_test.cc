#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <string>

#include "sweeps/sweep_file.h"

namespace dfsweep::sweeps {
namespace {

using testing::HasSubstr;

constexpr char kTop[] = "dataset: d\nmethod: random\ntrials: 5\n";

absl::StatusOr<Sweep> ParseText(const std::string& text) {
  return ParseSweep(text, "f.yaml", {});
}

ErrorParts ErrorOf(const std::string& text) {
  auto sweep = ParseText(text);
  EXPECT_FALSE(sweep.ok()) << text;
  const ErrorParts parts = PartsOf(MessageOf(sweep.status()));
  EXPECT_NE(parts.where, "");
  EXPECT_NE(parts.remedy, "");
  return parts;
}

Range RangeOf(const std::string& parameter) {
  auto sweep = ParseText(kTop + ("parameters: {" + parameter + "}\n"));
  EXPECT_TRUE(sweep.ok()) << FormatForPerson(sweep.status());
  return sweep.ok() ? sweep->axes.at(0).range.value_or(Range{}) : Range{};
}

ErrorParts ErrorOfParameter(const std::string& parameter) {
  return ErrorOf(kTop + ("parameters:\n  " + parameter + "\n"));
}

TEST(SearchSettingsTest, MethodTrialsAndSeedAreRead) {
  const Sweep sweep =
      *ParseText("dataset: d\nmethod: tpe\ntrials: 60\nsearch_seed: 3\n");
  EXPECT_EQ(sweep.search.method, Method::kTpe);
  EXPECT_EQ(sweep.search.trials, 60);
  EXPECT_EQ(sweep.search.seed, 3);
}

TEST(SearchSettingsTest, ASearchNeedsItsNumberOfTrials) {
  const ErrorParts error = ErrorOf("dataset: d\nmethod: random\n");
  EXPECT_EQ(error.what, "method random has no number of trials");
  EXPECT_EQ(error.where, "f.yaml:2:9");
}

TEST(SearchSettingsTest, AGridHasNoUseForTrials) {
  EXPECT_THAT(ErrorOf("dataset: d\ntrials: 5\n").what,
              HasSubstr("'trials' has no effect"));
  EXPECT_THAT(ErrorOf("dataset: d\nsearch_seed: 5\n").what,
              HasSubstr("'search_seed' has no effect"));
}

TEST(SearchSettingsTest, UnknownMethodsAreNamed) {
  EXPECT_EQ(ErrorOf("dataset: d\nmethod: rando\n").where, "f.yaml:2:9");
  EXPECT_THAT(ErrorOf("dataset: d\nmethod: bayes\n").remedy, HasSubstr("tpe"));
}

TEST(DistributionTest, WordsOfWandbAndOptunaMeanTheSame) {
  const Range log = {.low = 1e-4, .high = 1e-2, .log = true};
  EXPECT_EQ(RangeOf("learning_rate: {min: 1e-4, max: 1e-2, distribution: "
                    "log_uniform_values}"),
            log);
  EXPECT_EQ(RangeOf("learning_rate: {low: 1e-4, high: 1e-2, log: true}"), log);
  const Range quantized = {.low = 0.1, .high = 0.5, .step = 0.2};
  EXPECT_EQ(RangeOf("dropout.conv: {min: 0.1, max: 0.5, q: 0.2, "
                    "distribution: q_uniform}"),
            quantized);
  EXPECT_EQ(RangeOf("dropout.conv: {low: 0.1, high: 0.5, step: 0.2}"),
            quantized);
}

TEST(DistributionTest, WandbsLogUniformGivesExponents) {
  const Range range =
      RangeOf("learning_rate: {min: -9, max: -4, distribution: log_uniform}");
  EXPECT_DOUBLE_EQ(range.low, std::exp(-9));
  EXPECT_DOUBLE_EQ(range.high, std::exp(-4));
}

TEST(DistributionTest, AWholeParameterHasWholeValues) {
  EXPECT_EQ(RangeOf("batch_size: {min: 16, max: 256}"),
            (Range{.low = 16, .high = 256, .step = 1, .integer = true}));
  EXPECT_EQ(RangeOf("batch_size: {min: 16, max: 256, log: true}"),
            (Range{.low = 16, .high = 256, .log = true, .integer = true}));
}

TEST(DistributionTest, TheLastStepIsWithinTheRange) {
  EXPECT_EQ(RangeOf("batch_size: {min: 10, max: 35, step: 10}").high, 30);
}

TEST(DistributionTest, WhatCannotBeIsAnErrorWithItsPlace) {
  struct Case {
    const char* parameter;
    const char* what;
    const char* where;
  };
  for (const Case& item : {
           Case{"learning_rate: {min: 1e-4}", "is not complete", "f.yaml:5:18"},
           Case{"learning_rate: {min: 1, max: 0.1}", "no two values",
                "f.yaml:5:18"},
           Case{"learning_rate: {min: 0.1, max: x}", "can't be", "f.yaml:5:34"},
           Case{"learning_rate: {min: -1, max: 1}", "learning_rate",
                "f.yaml:5:24"},
           Case{"dropout.conv: {min: 0, max: 0.5, log: true}",
                "log scale that begins at 0", "f.yaml:5:17"},
           Case{"learning_rate: {min: 1e-3, max: 1e-2, log: true, step: 1e-3}",
                "both a step and a log scale", "f.yaml:5:18"},
           Case{"learning_rate: {min: 1e-3, max: 1e-2, distribution: normal}",
                "can't have distribution", "f.yaml:5:55"},
           Case{"learning_rate: {min: 1e-3, max: 1e-2, mu: 1}",
                "'mu' for 'learning_rate' is not possible", "f.yaml:5:41"},
           Case{"learning_rate: {min: 1e-3, low: 1e-3, max: 1e-2}",
                "has both 'min' and 'low'", "f.yaml:5:35"},
           Case{"batch_size: {min: 1.5, max: 4}", "whole numbers",
                "f.yaml:5:21"},
           Case{"batch_size: {min: 2, max: 9, step: 0}", "the step of",
                "f.yaml:5:38"},
           Case{"strategy: {min: 1, max: 9}", "is not a number", "f.yaml:5:13"},
           Case{"dropout.conv: {min: 0.1, max: 0.5, distribution: q_uniform}",
                "has no 'q'", "f.yaml:5:17"},
       }) {
    const ErrorParts error = ErrorOfParameter(item.parameter);
    EXPECT_THAT(error.what, HasSubstr(item.what)) << item.parameter;
    EXPECT_EQ(error.where, item.where) << item.parameter;
  }
}

TEST(DistributionTest, AGridRefusesDistributions) {
  EXPECT_THAT(ErrorOf("dataset: d\nparameters: {learning_rate: {min: 1e-4, "
                      "max: 1e-2, distribution: uniform}}\n")
                  .what,
              HasSubstr("method is grid"));
}

TEST(EarlyTerminateTest, TypeAndNumbersAreRead) {
  const Sweep sweep = *ParseText(
      "dataset: d\nearly_terminate: {type: asha, min_iter: 4, eta: 2, metric: "
      "train_loss}\nseeds: {count: 3, survivors_only: true}\n");
  EXPECT_EQ(sweep.early_terminate.type, EarlyTerminate::Type::kAsha);
  EXPECT_EQ(sweep.early_terminate.min_iter, 4);
  EXPECT_EQ(sweep.early_terminate.eta, 2);
  EXPECT_FALSE(sweep.early_terminate.maximize);
  EXPECT_TRUE(sweep.survivors_only);
  EXPECT_THAT(sweep.seeds, testing::ElementsAre(0, 1, 2));
}

TEST(EarlyTerminateTest, MistakesAreErrorsWithTheirPlace) {
  struct Case {
    const char* value;
    const char* where;
  };
  for (const Case& item :
       {Case{"asha", "f.yaml:2:18"}, Case{"{eta: 3}", "f.yaml:2:18"},
        Case{"{type: ash}", "f.yaml:2:25"},
        Case{"{type: hyperband}", "f.yaml:2:25"},
        Case{"{type: asha, eta: 1}", "f.yaml:2:36"},
        Case{"{type: median, eta: 3}", "f.yaml:2:33"},
        Case{"{type: asha, metric: accuracy}", "f.yaml:2:39"}}) {
    EXPECT_EQ(ErrorOf(std::string("dataset: d\nearly_terminate: ") +
                      item.value + "\n")
                  .where,
              item.where)
        << item.value;
  }
}

TEST(EarlyTerminateTest, SeedsOfSurvivorsNeedSomethingToSurvive) {
  const ErrorParts error =
      ErrorOf("dataset: d\nseeds: {count: 3, survivors_only: true}\n");
  EXPECT_THAT(error.what, HasSubstr("every trial survives"));
  EXPECT_EQ(error.where, "f.yaml:2:35");
}

}  // namespace
}  // namespace dfsweep::sweeps
