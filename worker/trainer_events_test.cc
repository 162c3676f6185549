#include "worker/trainer_events.h"

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

namespace dfsweep::worker {
namespace {

using nlohmann::json;

const json kResult = {
    {"type", "result"},
    {"trial_id", "abc"},
    {"attempt", 2},
    {"status", "completed"},
    {"metrics", {{"average_accuracy", 0.75}}},
    {"accuracy_matrix", {{0.5}, {0.25, 1}}},
    {"learning_curve", {{{"task", 0}, {"epoch", 1}, {"train_loss", 2.5}}}},
    {"evaluations",
     {{{"after_task", 1},
       {"task", 0},
       {"split", "test"},
       {"accuracy", 0.25},
       {"examples", 40}}}},
    {"train_seconds", 3.5},
    {"environment", {{"device", "cpu"}, {"driver", nullptr}}}};

bool IsAccepted(const json& line) {
  return ParseTrainerEvent(line.dump()).ok();
}

TEST(TrainerEvents, ResultIsReadWhole) {
  auto event = ParseTrainerEvent(kResult.dump());
  ASSERT_TRUE(event.ok()) << event.status();
  EXPECT_EQ(event->attempt, (AttemptId{"abc", 2}));
  const v1::TrialResult& result = std::get<ResultEvent>(event->event).result;
  EXPECT_EQ(result.metrics().at("average_accuracy"), 0.75);
  EXPECT_EQ(json::parse(result.accuracy_matrix_json()),
            kResult["accuracy_matrix"]);
  EXPECT_EQ(result.epochs(0).epoch(), 1);
  EXPECT_EQ(result.epochs(0).metrics().at("train_loss"), 2.5);
  EXPECT_EQ(result.evaluations(0).examples(), 40);
  EXPECT_EQ(result.train_seconds(), 3.5);
}

TEST(TrainerEvents, PartsOfAResultAreReadAndChecked) {
  json line = kResult;
  line["confusion_matrix"] = {{"labels", {3, 8}}, {"counts", {{0, 1, 7}}}};
  auto event = ParseTrainerEvent(line.dump());
  ASSERT_TRUE(event.ok()) << event.status();
  const v1::TrialResult& result = std::get<ResultEvent>(event->event).result;
  ASSERT_EQ(result.parts_json_size(), 1);
  EXPECT_EQ(json::parse(result.parts_json().at("confusion_matrix")),
            line["confusion_matrix"]);
  line["confusion_matrix"]["counts"][0][1] = 2;
  EXPECT_FALSE(IsAccepted(line));
}

TEST(TrainerEvents, EveryMissingFieldOfAResultIsAnError) {
  for (const auto& [name, value] : kResult.items()) {
    json line = kResult;
    line.erase(name);
    EXPECT_FALSE(IsAccepted(line)) << name;
  }
}

TEST(TrainerEvents, EveryFieldOfAnotherTypeIsAnError) {
  for (const auto& [name, value] : kResult.items()) {
    json line = kResult;
    line[name] = value.is_array() ? json("text") : json::array({"x"});
    EXPECT_FALSE(IsAccepted(line)) << name;
  }
}

TEST(TrainerEvents, UnknownFieldsAreIgnoredAndUnknownTypesAreNot) {
  json line = kResult;
  line["new_field"] = {1, 2};
  EXPECT_TRUE(IsAccepted(line));
  line["type"] = "surprise";
  EXPECT_FALSE(IsAccepted(line));
}

TEST(TrainerEvents, LinesThatAreNoEventAreErrorsAndNeverThrow) {
  for (const char* line :
       {"", "{", "null", "[]", "7", "\"text\"", "{}", R"({"type":3})",
        R"({"type":"epoch"})", R"({"type":"ready","protocol":99})", "\xff\xfe",
        R"({"type":"cancelled","trial_id":"a","attempt":99999999999})",
        R"({"type":"cancelled","trial_id":"a","attempt":-1})",
        R"({"type":"log","level":"shout","message":"x"})"}) {
    EXPECT_FALSE(ParseTrainerEvent(line).ok()) << line;
  }
}

TEST(TrainerEvents, AccuracyIsAFraction) {
  json line = kResult;
  line["evaluations"][0]["accuracy"] = 93.0;
  EXPECT_FALSE(IsAccepted(line));
}

TEST(TrainerEvents, OtherProtocolVersionSaysWhatToDo) {
  auto event = ParseTrainerEvent(
      R"({"type":"ready","protocol":2,"environment":{"device":"cpu"}})");
  EXPECT_NE(MessageOf(event.status()).find("one build"), std::string::npos);
}

TEST(ForLog, ControlCharactersAndBrokenTextAreReplaced) {
  EXPECT_EQ(ForLog("a\x1b[31m\nb"), "a [31m b");
  EXPECT_EQ(ForLog("a\xff"), "a\xef\xbf\xbd");
}

TEST(ForLog, LongTextIsCutBetweenCharacters) {
  std::string text;
  for (int i = 0; i < 3000; ++i) text += "é";
  std::string cut = ForLog(text);
  EXPECT_LE(cut.size(), 4096u);
  EXPECT_EQ(ForLog(cut), cut);
  EXPECT_EQ(cut.find("\xef\xbf\xbd"), std::string::npos);
}

}  // namespace
}  // namespace dfsweep::worker
