#include "cli/text.h"

#include <gtest/gtest.h>

namespace dfsweep::cli {
namespace {

TEST(NumberText, FourDigitsAndShortExponents) {
  EXPECT_EQ(NumberText(0.431234), "0.4312");
  EXPECT_EQ(NumberText(1e8), "1e8");
  EXPECT_EQ(NumberText(1e-5), "1e-5");
  EXPECT_EQ(NumberText(12), "12");
  EXPECT_EQ(NumberText(0), "0");
}

TEST(ValueText, IsWhatASweepFileWouldSay) {
  EXPECT_EQ(ValueText(Json(1e6)), "1e6");
  EXPECT_EQ(ValueText(Json(100'000'000)), "1e8");
  EXPECT_EQ(ValueText(Json(123'456)), "123456");
  EXPECT_EQ(ValueText(Json(0.002)), "0.002");
  EXPECT_EQ(ValueText(Json(30)), "30");
  EXPECT_EQ(ValueText(Json("ewc")), "ewc");
  EXPECT_EQ(ValueText(Json(true)), "true");
  EXPECT_EQ(ValueText(Json{{"per_task", {30, 10}}}), "{\"per_task\":[30,10]}");
}

TEST(ValueText, ControlCharactersDoNotReachTheTerminal) {
  EXPECT_EQ(ValueText(Json("a\x1b[2Jb")).find('\x1b'), std::string::npos);
}

TEST(DurationText, TwoUnitsAreEnough) {
  EXPECT_EQ(DurationText(absl::Milliseconds(400)), "0s");
  EXPECT_EQ(DurationText(absl::Seconds(12)), "12s");
  EXPECT_EQ(DurationText(absl::Seconds(80)), "1m20s");
  EXPECT_EQ(DurationText(absl::Minutes(190)), "3h10m");
  EXPECT_EQ(DurationText(absl::Hours(52)), "2d4h");
}

TEST(AgeText, SaysHowLongAgo) {
  absl::Time now = absl::FromUnixSeconds(1'700'000'000);
  google::protobuf::Timestamp time;
  EXPECT_EQ(AgeText(time, now), "");
  time.set_seconds(1'700'000'000 - 200);
  EXPECT_EQ(AgeText(time, now), "3m20s ago");
  time.set_seconds(1'700'000'100);  // the coordinator's clock is ahead
  EXPECT_EQ(AgeText(time, now), "just now");
}

TEST(BytesText, DecimalUnits) {
  EXPECT_EQ(BytesText(12), "12 B");
  EXPECT_EQ(BytesText(3'400'000), "3.4 MB");
  EXPECT_EQ(BytesText(750'000'000), "750 MB");
}

TEST(ParametersText, OnlyThoseThatAreThere) {
  Json configuration = {{"strategy", "naive"}, {"epochs", 3}};
  EXPECT_EQ(ParametersText(configuration, {"strategy", "ewc.lambda", "epochs"}),
            "strategy=naive epochs=3");
}

TEST(ParseObject, AnythingElseIsEmpty) {
  EXPECT_EQ(ParseObject("{\"a\": 1}")["a"], 1);
  EXPECT_TRUE(ParseObject("[1]").empty());
  EXPECT_TRUE(ParseObject("{").empty());
}

TEST(ShellQuoted, WhatIsPrintedCanBePasted) {
  EXPECT_EQ(ShellQuoted({"dfsweep", "run", "a b.yaml", "x='1'", ""}),
            "dfsweep run 'a b.yaml' 'x='\\''1'\\''' ''");
}

}  // namespace
}  // namespace dfsweep::cli
