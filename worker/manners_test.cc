#include "worker/manners.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace dfsweep::worker {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

constexpr int64_t kGib = int64_t{1} << 30;

// A machine that is looked at every five seconds.
class MannersTest : public ::testing::Test {
 protected:
  std::vector<std::string> Look() { return manners_->Judge(seen_, now_); }
  // The last of the looks until so much time has passed.
  std::vector<std::string> LookFor(absl::Duration time) {
    std::vector<std::string> reasons;
    for (const absl::Duration end = now_ + time; now_ < end;) {
      now_ += absl::Seconds(5);
      reasons = Look();
    }
    return reasons;
  }
  void Use(const MannersOptions& options) { manners_.emplace(options); }
  void SetBattery(bool on_battery, int percent = 80) {
    seen_.power = {.on_battery = on_battery, .percent = percent};
  }
  void SetGpu(int celsius, int64_t foreign_bytes = 0) {
    seen_.gpus = {{.device = "cuda:0",
                   .temperature_celsius = celsius,
                   .foreign_bytes = foreign_bytes}};
  }

  std::optional<Manners> manners_{MannersOptions{}};
  Surroundings seen_;
  absl::Duration now_ = absl::Hours(1);
};

TEST_F(MannersTest, NothingSpeaksAgainstADesktop) {
  EXPECT_THAT(Look(), IsEmpty());
}

TEST_F(MannersTest, WorkerThatStartsOnBatteryPausesAtOnce) {
  SetBattery(true);
  EXPECT_THAT(Look(), ElementsAre("on battery"));
}

TEST_F(MannersTest, UnpluggingCountsAfterTenSecondsAndPluggingInAfterSixty) {
  Look();
  SetBattery(true);
  EXPECT_THAT(LookFor(absl::Seconds(10)), IsEmpty());
  EXPECT_THAT(LookFor(absl::Seconds(5)), ElementsAre("on battery"));
  SetBattery(false);
  EXPECT_THAT(LookFor(absl::Seconds(55)), ElementsAre("on battery"));
  EXPECT_THAT(LookFor(absl::Seconds(5)), IsEmpty());
}

TEST_F(MannersTest, GlanceDoesNotAddUpWithTheNext) {
  Look();
  for (int i = 0; i < 5; ++i) {
    SetGpu(50, 2 * kGib);
    EXPECT_THAT(LookFor(absl::Seconds(5)), IsEmpty());
    SetGpu(50);
    EXPECT_THAT(LookFor(absl::Seconds(5)), IsEmpty());
  }
}

TEST_F(MannersTest, BatteryMayBeUsedDownToItsFloor) {
  Use({.battery_floor_percent = 50});
  SetBattery(true, 51);
  EXPECT_THAT(Look(), IsEmpty());
  SetBattery(true, 50);
  EXPECT_THAT(LookFor(absl::Seconds(15)),
              ElementsAre("on battery with no more than 50 %"));
}

TEST_F(MannersTest, FloorOfZeroMeansAlways) {
  Use({.battery_floor_percent = 0});
  seen_.power = {.on_battery = true, .percent = std::nullopt};
  EXPECT_THAT(Look(), IsEmpty());
}

TEST_F(MannersTest, QuietHoursAreKeptByTheLocalClock) {
  MannersOptions options;
  options.quiet_hours = *QuietHours::Parse("08:00-18:00");
  Use(options);
  seen_.local_time = absl::CivilMinute(2026, 3, 1, 7, 59);
  EXPECT_THAT(Look(), IsEmpty());
  seen_.local_time = absl::CivilMinute(2026, 3, 1, 8, 0);
  EXPECT_THAT(LookFor(absl::Seconds(15)),
              ElementsAre("quiet hours 08:00-18:00"));
}

TEST_F(MannersTest, HotGpuHasToCoolDownByTenDegrees) {
  SetGpu(90);
  EXPECT_THAT(Look(), IsEmpty()) << "the limit itself is fine";
  SetGpu(91);
  EXPECT_THAT(LookFor(absl::Seconds(15)),
              ElementsAre("cuda:0 is hotter than 90 °C"));
  SetGpu(81);
  EXPECT_THAT(LookFor(absl::Minutes(10)),
              ElementsAre("cuda:0 is hotter than 90 °C"));
  SetGpu(80);
  EXPECT_THAT(LookFor(absl::Seconds(60)), IsEmpty());
}

TEST_F(MannersTest, OwnersProgramsHaveTheGpuToThemselves) {
  SetGpu(50, kGib - 1);
  EXPECT_THAT(Look(), IsEmpty()) << "a desktop and a browser";
  SetGpu(50, kGib);
  EXPECT_THAT(LookFor(absl::Seconds(15)),
              ElementsAre("other programs use cuda:0"));
}

TEST_F(MannersTest, ZeroSwitchesALimitOff) {
  MannersOptions options;
  options.pause_above_celsius = 0;
  options.yield_bytes = 0;
  Use(options);
  SetGpu(120, 100 * kGib);
  EXPECT_THAT(Look(), IsEmpty());
}

TEST_F(MannersTest, AllReasonsAreTold) {
  SetBattery(true);
  SetGpu(95, 2 * kGib);
  EXPECT_THAT(Look(),
              ElementsAre("cuda:0 is hotter than 90 °C", "on battery",
                          "other programs use cuda:0"));
}

}  // namespace
}  // namespace dfsweep::worker
