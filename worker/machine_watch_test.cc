#include "worker/machine_watch.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <fstream>

#include "base/process.h"
#include "base/temporary_folder.h"
#include "worker/fake_nvml.h"
#include "worker/noop_trainer.h"

namespace dfsweep::worker {
namespace {

using ::testing::ElementsAre;

class MachineWatchTest : public ::testing::Test {
 protected:
  MachineWatch Watch(const std::vector<std::string>& devices = {"cuda:0"}) {
    return MachineWatch(
        {.sys = sys_.path(), .nvml_library = FakeNvml::Library()}, devices,
        room_, clock_);
  }
  void SetOnBattery(bool on_battery) {
    const auto folder = sys_.path() / "class" / "power_supply" / "BAT0";
    std::filesystem::create_directories(folder);
    std::ofstream(folder / "type") << "Battery\n";
    std::ofstream(folder / "capacity") << "83\n";
    std::ofstream(folder / "status")
        << (on_battery ? "Discharging\n" : "Charging\n");
  }
  void SetCard(const std::string& more) {
    fake_.Set(R"({"driver": "555.42", "cards": [{"name": "RTX 4060",
        "memory_mib": {"total": 8192, "free": 6144})" +
              more + "}]}");
  }

  FakeClock clock_;
  std::optional<int64_t> free_disk_;
  DiskRoom room_{[this] { return free_disk_; }, clock_};
  FakeNvml fake_;
  TemporaryFolder sys_;
};

TEST_F(MachineWatchTest, TellsOfBatteryAndGpu) {
  SetOnBattery(false);
  SetCard(R"(, "temperature": 61, "utilization": 99)");
  MachineWatch watch = Watch({"cuda:0", "cuda:0", "cpu"});

  EXPECT_FALSE(watch.Look()) << "nothing speaks against training";

  v1::MachineStatus status = watch.Status();
  EXPECT_FALSE(status.on_battery());
  EXPECT_EQ(status.battery_percent(), 83);
  ASSERT_EQ(status.devices_size(), 1) << "two slots of one device";
  EXPECT_EQ(status.devices(0).device(), "cuda:0");
  EXPECT_EQ(status.devices(0).name(), "RTX 4060");
  EXPECT_EQ(status.devices(0).driver_version(), "555.42");
  EXPECT_EQ(status.devices(0).temperature_celsius(), 61);
  EXPECT_EQ(status.devices(0).utilization_percent(), 99);
  EXPECT_EQ(status.devices(0).memory_used_bytes(), int64_t{2048} << 20);
  EXPECT_FALSE(status.devices(0).has_power_watts());
}

TEST_F(MachineWatchTest, PausesOnBatteryAndLeavesTheGpuAsleep) {
  SetOnBattery(true);
  SetCard("");
  MachineWatch watch = Watch();

  EXPECT_TRUE(watch.Look());

  EXPECT_THAT(watch.Status().pause_reasons(), ElementsAre("on battery"));
  EXPECT_EQ(watch.PauseReason(), "on battery");
  EXPECT_EQ(watch.Status().devices_size(), 0);
}

TEST_F(MachineWatchTest, DrainsWhileTheDiskIsFull) {
  MachineWatch watch = Watch({"cpu"});
  free_disk_ = 0;

  EXPECT_TRUE(watch.Look());

  EXPECT_THAT(watch.Status().drain_reasons(),
              ElementsAre("less than 256 MiB of its disk are free"));
  EXPECT_EQ(watch.PauseReason(), "") << "what it trains goes on";
  EXPECT_FALSE(watch.Look());
  free_disk_ = DiskRoom::kReserveBytes;
  EXPECT_TRUE(watch.Look());
  EXPECT_THAT(watch.Status().drain_reasons(), ElementsAre());
}

TEST_F(MachineWatchTest, TellsWhenAReasonBeginsAndEnds) {
  SetCard(R"(, "processes": [{"pid": 1, "mib": 2000}])");
  MachineWatch watch = Watch();
  EXPECT_TRUE(watch.Look());
  EXPECT_EQ(watch.PauseReason(), "other programs use cuda:0");
  clock_.Advance(absl::Seconds(5));
  EXPECT_FALSE(watch.Look());

  SetCard("");
  clock_.Advance(Manners::kEndsAfter);
  EXPECT_TRUE(watch.Look());
  EXPECT_EQ(watch.PauseReason(), "");
}

TEST_F(MachineWatchTest, CpuWorkerNeedsNoGpu) {
  SetCard(R"(, "temperature": 100)");
  MachineWatch watch = Watch({"cpu"});
  EXPECT_FALSE(watch.Look());
  EXPECT_EQ(watch.Status().devices_size(), 0);
  EXPECT_EQ(watch.MemoryFor("cpu", 0), std::nullopt);
}

TEST_F(MachineWatchTest, FreeMemoryIsAskedForAnew) {
  SetCard("");
  MachineWatch watch = Watch();
  EXPECT_EQ(watch.MemoryFor("cuda:0", 0), int64_t{6144} << 20);
  fake_.Set(R"({"cards": [{"memory_mib": {"total": 8192, "free": 1}}]})");
  EXPECT_EQ(watch.MemoryFor("cuda:0", 0), 1 << 20);
  EXPECT_EQ(watch.MemoryFor("cuda:1", 0), std::nullopt);
}

TEST_F(MachineWatchTest, WhatTheTrainerKeepsIsThereForItsNextTrial) {
  SetCard(R"(, "processes": [{"pid": 7, "mib": 1000}, {"pid": 8, "mib": 1}])");
  MachineWatch watch = Watch();
  EXPECT_EQ(watch.MemoryFor("cuda:0", 7), int64_t{7144} << 20);
  EXPECT_EQ(watch.MemoryFor("cuda:0", 9), int64_t{6144} << 20);
  SetCard("");  // as under WSL2: what the trainer keeps is not known
  EXPECT_EQ(watch.MemoryFor("cuda:0", 7), std::nullopt);
}

TEST_F(MachineWatchTest, WithoutADriverOnlyTheGpuIsUnknown) {
  SetOnBattery(true);
  MachineWatch watch(
      {.sys = sys_.path(), .nvml_library = "/nowhere/libnvidia-ml.so.1"},
      {"cuda:0"}, room_, clock_);
  EXPECT_TRUE(watch.Look());
  EXPECT_EQ(watch.PauseReason(), "on battery");
}

TEST(NvmlIdOfTest, CudaNumbersTheVisibleCards) {
  EXPECT_EQ(NvmlIdOf(1, nullptr), "1");
  EXPECT_EQ(NvmlIdOf(0, "2,3"), "2");
  EXPECT_EQ(NvmlIdOf(1, "2, GPU-1a"), "GPU-1a");
  EXPECT_EQ(NvmlIdOf(2, "2,3"), "");
}

TEST(ForeignBytesTest, ChildrenAreOwnAndOthersAreNot) {
  auto child = Process::Start({.program = NoopTrainer()});
  ASSERT_TRUE(child.ok()) << child.status();
  EXPECT_EQ(ForeignBytes({{child->pid(), 5}, {::getpid(), 7}}, ::getpid()), 0);
  EXPECT_EQ(ForeignBytes({{1, 11}, {child->pid(), 5}}, ::getpid()), 11);
  EXPECT_EQ(ForeignBytes({{::getpid(), 7}}, child->pid()), 7);
}

TEST(ForeignBytesTest, ProcessThatIsNotHereIsNotCounted) {
  EXPECT_EQ(ForeignBytes({{1 << 30, 5}}, ::getpid()), 0);
}

}  // namespace
}  // namespace dfsweep::worker
