#include "worker/nvml.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "worker/fake_nvml.h"

namespace dfsweep::worker {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

constexpr char kTwoCards[] = R"({
  "driver": "555.42",
  "cards": [
    {"name": "RTX 4060", "uuid": "GPU-1a", "temperature": 61,
     "utilization": 7, "power_mw": 20500, "throttle_reasons": 100,
     "memory_mib": {"total": 8192, "free": 8000},
     "processes": [{"pid": 7, "mib": 100}, {"pid": 9}],
     "graphics": [{"pid": 7, "mib": 100}, {"pid": 8, "mib": 5}]},
    {"name": "RTX 4090", "uuid": "GPU-2b"}]})";

TEST(NvmlTest, CardIsReadWithAllThatTheDriverTells) {
  FakeNvml fake;
  fake.Set(kTwoCards);
  auto nvml = Nvml::Load(FakeNvml::Library());
  ASSERT_TRUE(nvml.ok()) << nvml.status();
  EXPECT_EQ((*nvml)->driver_version(), "555.42");

  auto card = (*nvml)->Read("0");

  ASSERT_TRUE(card.ok()) << card.status();
  EXPECT_EQ(card->name, "RTX 4060");
  EXPECT_EQ(card->temperature_celsius, 61);
  EXPECT_EQ(card->utilization_percent, 7);
  EXPECT_EQ(card->power_watts, 20.5);
  EXPECT_EQ(card->memory_free_bytes, int64_t{8000} << 20);
  EXPECT_EQ(card->memory_used_bytes, int64_t{192} << 20);
  EXPECT_THAT(card->throttle_reasons, ElementsAre("power limit", "heat"));
  ASSERT_EQ(card->processes.size(), 3u);  // one computes and draws
  EXPECT_EQ(card->processes[0].pid, 7);
  EXPECT_EQ(card->processes[0].memory_bytes, 100 << 20);
  EXPECT_EQ(card->processes[2].memory_bytes, 0) << "the driver did not say";
}

TEST(NvmlTest, WhatTheDriverDoesNotTellIsEmpty) {
  FakeNvml fake;
  fake.Set(kTwoCards);
  auto nvml = Nvml::Load(FakeNvml::Library());
  ASSERT_TRUE(nvml.ok()) << nvml.status();

  auto card = (*nvml)->Read("GPU-2");

  ASSERT_TRUE(card.ok()) << card.status();
  EXPECT_EQ(card->name, "RTX 4090");
  EXPECT_EQ(card->temperature_celsius, std::nullopt);
  EXPECT_EQ(card->memory_free_bytes, std::nullopt);
  EXPECT_THAT(card->throttle_reasons, IsEmpty());
  EXPECT_THAT(card->processes, IsEmpty());
}

TEST(NvmlTest, CardThatIsNotThereIsNotFound) {
  FakeNvml fake;
  fake.Set(kTwoCards);
  auto nvml = Nvml::Load(FakeNvml::Library());
  ASSERT_TRUE(nvml.ok()) << nvml.status();
  EXPECT_EQ((*nvml)->Read("2").status().code(), absl::StatusCode::kNotFound);
  EXPECT_EQ((*nvml)->Read("GPU-3").status().code(),
            absl::StatusCode::kNotFound);
}

TEST(NvmlTest, MoreProcessesThanThereWasRoomForAreAskedForAgain) {
  FakeNvml fake;
  std::string processes;
  for (int pid = 1; pid <= 100; ++pid) {
    processes += (pid > 1 ? ",{\"pid\":" : "{\"pid\":") + std::to_string(pid) +
                 ", \"mib\": 1}";
  }
  fake.Set("{\"cards\": [{\"processes\": [" + processes + "]}]}");
  auto nvml = Nvml::Load(FakeNvml::Library());
  ASSERT_TRUE(nvml.ok()) << nvml.status();
  EXPECT_EQ((*nvml)->Read("0")->processes.size(), 100u);
}

TEST(NvmlTest, WithoutALibraryOrADriverThereIsNone) {
  EXPECT_EQ(Nvml::Load("/nowhere/libnvidia-ml.so.1").status().code(),
            absl::StatusCode::kNotFound);
  FakeNvml fake;  // describes no machine: it does not start
  EXPECT_EQ(Nvml::Load(FakeNvml::Library()).status().code(),
            absl::StatusCode::kNotFound);
}

}  // namespace
}  // namespace dfsweep::worker
