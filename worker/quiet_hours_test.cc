#include "worker/quiet_hours.h"

#include <gtest/gtest.h>

namespace dfsweep::worker {
namespace {

std::string SpanAt(const QuietHours& hours, int hour, int minute) {
  return hours.SpanAt(absl::CivilMinute(2026, 3, 1, hour, minute));
}

TEST(QuietHoursTest, SpanHoldsItsBeginningAndNotItsEnd) {
  auto hours = QuietHours::Parse("08:00-12:00, 13:30-18:00");
  ASSERT_TRUE(hours.ok()) << hours.status();
  EXPECT_EQ(SpanAt(*hours, 7, 59), "");
  EXPECT_EQ(SpanAt(*hours, 8, 0), "08:00-12:00");
  EXPECT_EQ(SpanAt(*hours, 11, 59), "08:00-12:00");
  EXPECT_EQ(SpanAt(*hours, 12, 0), "");
  EXPECT_EQ(SpanAt(*hours, 13, 30), "13:30-18:00");
}

TEST(QuietHoursTest, SpanMayGoOverMidnight) {
  auto hours = QuietHours::Parse("22:00-07:00");
  ASSERT_TRUE(hours.ok()) << hours.status();
  EXPECT_EQ(SpanAt(*hours, 23, 0), "22:00-07:00");
  EXPECT_EQ(SpanAt(*hours, 0, 0), "22:00-07:00");
  EXPECT_EQ(SpanAt(*hours, 7, 0), "");
  EXPECT_EQ(SpanAt(*hours, 21, 59), "");
}

TEST(QuietHoursTest, NoneAndAWholeDayAreSpansToo) {
  EXPECT_EQ(SpanAt(*QuietHours::Parse(""), 12, 0), "");
  EXPECT_EQ(SpanAt(*QuietHours::Parse("00:00-24:00"), 23, 59), "00:00-24:00");
}

TEST(QuietHoursTest, WhatIsNoSpanIsAnError) {
  for (const char* text : {"8-18", "08:00", "08:00-08:00", "08:61-09:00",
                           "24:01-09:00", "aa:00-09:00", "08:00-", "-"}) {
    EXPECT_EQ(QuietHours::Parse(text).status().code(),
              absl::StatusCode::kInvalidArgument)
        << text;
  }
}

}  // namespace
}  // namespace dfsweep::worker
