#include "model/config/parameters.h"

#include <gtest/gtest.h>

#include <set>

namespace dfsweep::config {
namespace {

std::string ErrorOf(const Json& configuration) {
  try {
    Effective(configuration);
  } catch (const Error& error) {
    return error.what();
  }
  return "";
}

TEST(Parameters, TableIsWellFormed) {
  std::set<std::string> seen;
  for (const Parameter& parameter : Parameters()) {
    EXPECT_TRUE(seen.insert(parameter.name).second) << parameter.name;
    EXPECT_EQ(parameter.meaning.back(), '.') << parameter.name;
    EXPECT_EQ(parameter.type == Type::kChoice, !parameter.choices.empty());
    for (const Condition& condition : parameter.when) {
      EXPECT_TRUE(seen.count(condition.parameter)) << parameter.name;
    }
    if (!parameter.default_value.is_null()) {
      EXPECT_EQ(Normalize(parameter, parameter.default_value),
                parameter.default_value)
          << parameter.name;
    }
  }
}

TEST(Effective, DropsWhatHasNoEffect) {
  Json naive = Effective({{"strategy", "naive"}, {"ewc.lambda", 100}});
  EXPECT_FALSE(naive.contains("ewc.lambda"));
  EXPECT_EQ(naive, Effective({{"strategy", "naive"}}));
}

TEST(Effective, IsIdempotent) {
  Json once = Effective({{"strategy", "ewc"}, {"ewc.lambda", 1}});
  EXPECT_EQ(once, Effective(once));
}

TEST(Effective, OneNumberHasOneForm) {
  EXPECT_EQ(Effective({{"learning_rate", 1}})["learning_rate"].dump(), "1.0");
  EXPECT_EQ(Effective({{"batch_size", 1e2}})["batch_size"].dump(), "100");
}

TEST(Effective, LambdaMustBeGivenUnderEwc) {
  EXPECT_NE(ErrorOf({{"strategy", "ewc"}}).find("'ewc.lambda' is missing"),
            std::string::npos);
}

TEST(Effective, UnknownNameGetsTheNearest) {
  EXPECT_NE(ErrorOf({{"learning_rat", 1}}).find("'learning_rate'?"),
            std::string::npos);
  EXPECT_NE(ErrorOf({{"lambda", 1}}).find("'ewc.lambda'?"), std::string::npos);
  EXPECT_NE(ErrorOf({{"zzzzzz", 1}}).find("dfsweep parameters"),
            std::string::npos);
}

TEST(Effective, RefusesValuesOutOfRange) {
  EXPECT_NE(ErrorOf({{"learning_rate", 0}}), "");
  EXPECT_NE(ErrorOf({{"learning_rate", "fast"}}), "");
  EXPECT_NE(ErrorOf({{"batch_size", 1.5}}), "");
  EXPECT_NE(ErrorOf({{"batch_size", true}}), "");
  EXPECT_NE(ErrorOf({{"dropout.fc1", 1.0}}), "");
  EXPECT_NE(ErrorOf({{"strategy", "ewcc"}}).find("\"ewc\"?"),
            std::string::npos);
  EXPECT_NE(ErrorOf({{"strategy", "naive"}, {"ewc.lambda", -1}}), "");
}

TEST(Effective, EpochsPerTaskMustFitTheTasks) {
  Json epochs = {{"per_task", {30, 10}}};
  EXPECT_EQ(ErrorOf({{"epochs", epochs}, {"tasks.count", 2}}), "");
  EXPECT_NE(ErrorOf({{"epochs", epochs}, {"tasks.count", 3}}), "");
  EXPECT_NE(ErrorOf({{"epochs", epochs}, {"strategy", "joint"}}), "");
}

TEST(Effective, BoundsTheSumOfEpochs) {
  EXPECT_EQ(ErrorOf({{"epochs", 5'000}, {"tasks.count", 2}}), "");
  EXPECT_NE(ErrorOf({{"epochs", 5'001}, {"tasks.count", 2}}), "");
  EXPECT_EQ(ErrorOf({{"epochs", 10'000}, {"strategy", "joint"}}), "");
  EXPECT_NE(ErrorOf({{"epochs", {{"per_task", {9'000, 1'001}}}}}), "");
}

TEST(RangeText, WritesWholeNumbersInFull) {
  EXPECT_EQ(RangeText(*FindParameter("sequence_length")), "≥ 16, ≤ 1000000");
  EXPECT_EQ(RangeText(*FindParameter("learning_rate")), "> 0");
  EXPECT_EQ(RangeText(*FindParameter("optimizer")), "adamax | adam | sgd");
}

TEST(LabelSets, HaveOneForm) {
  Json config = {{"tasks.split", "labels"},
                 {"tasks.labels", {"2,0 - 1, 5 ", 3}}};
  EXPECT_EQ(Effective(config)["tasks.labels"], Json({"0-2,5", "3"}));
}

TEST(LabelSets, RefuseOverlapsAndNonsense) {
  auto with = [](Json labels) {
    return ErrorOf({{"tasks.split", "labels"}, {"tasks.labels", labels}});
  };
  EXPECT_NE(with({"0-5", "5-9"}), "");
  EXPECT_NE(with({"9-0"}), "");
  EXPECT_NE(with({"a"}), "");
  EXPECT_NE(with({""}), "");
  EXPECT_NE(with({"0-99999999999"}), "");
  EXPECT_NE(with(Json::array()), "");
  EXPECT_NE(with({"1 2", "3"}), "");  // not 12
  EXPECT_NE(with({"-1", "3"}), "");
  EXPECT_NE(with({"1,,2", "3"}), "");
  EXPECT_NE(with({"1--2", "3"}), "");
  Json many = Json::array();
  for (int label = 0; label < 101; ++label) many.push_back(label);
  EXPECT_NE(with(many), "");
}

TEST(Configuration, ReadsByType) {
  Configuration config(Json{{"strategy", "ewc"},
                            {"ewc.lambda", 100},
                            {"epochs", {{"per_task", {3, 1}}}}});
  EXPECT_EQ(config.Real("ewc.lambda"), 100.0);
  EXPECT_EQ(config.Choice("strategy"), "ewc");
  EXPECT_EQ(config.Epochs(1), 1);
  EXPECT_THROW(config.Integer("ewc.lambda"), std::logic_error);
  EXPECT_THROW(config.Real("momentum"), std::logic_error);
}

}  // namespace
}  // namespace dfsweep::config
