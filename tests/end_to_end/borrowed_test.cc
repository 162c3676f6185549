// Machines that have an owner, with real processes and the no-op trainer: they
// pause, are ordered about, differ from each other, and lack memory.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>
#include <string>
#include <vector>

#include "tests/end_to_end/fleet.h"

namespace dfsweep::testing {
namespace {

using nlohmann::json;
using ::testing::HasSubstr;

constexpr char kSlow[] = "DFSWEEP_NOOP_EPOCH_MS=200";
constexpr char kSweep[] = R"(
name: one
dataset: tiny
method: grid
metric: {name: average_accuracy, goal: maximize}
seeds: 1
parameters: {strategy: naive, sequence_length: 64, epochs: 10}
)";

class BorrowedTest : public ::testing::Test {
 protected:
  void Start(std::vector<std::string> arguments = {}) {
    fleet_.StartCoordinator({}, std::move(arguments));
    fleet_.ImportTinyDataset();
    file_ = fleet_.Write("one.yaml", kSweep);
  }
  // Null if it is not listed.
  json Worker(const std::string& name) {
    const json all = json::parse(fleet_.Ok({"workers", "--all", "--json"}));
    for (const json& worker : all["workers"]) {
      if (worker["name"] == name) return worker;
    }
    return nullptr;
  }
  void AwaitState(const std::string& name, const std::string& state) {
    Eventually([&] {
      const json worker = Worker(name);
      return !worker.is_null() && worker["state"] == state;
    });
  }
  void AwaitTrial(const std::string& state) {
    Eventually([&] {
      const json status = json::parse(fleet_.Ok({"status", "one", "--json"}));
      return status["sweep"]["counts"].value(state, 0) == 1;
    });
  }
  void SetOnBattery(bool on_battery) {
    const auto folder = Sys() / "class" / "power_supply" / "BAT0";
    std::filesystem::create_directories(folder);
    std::ofstream(folder / "type") << "Battery\n";
    std::ofstream(folder / "capacity") << "83\n";
    std::ofstream(folder / "status")
        << (on_battery ? "Discharging\n" : "Charging\n");
  }
  std::filesystem::path Sys() const { return fleet_.folder() / "sys"; }

  Fleet fleet_;
  std::string file_;
};

TEST_F(BorrowedTest, LaptopOnBatteryIsListedWithItsReason) {
  Start();
  SetOnBattery(true);
  fleet_.StartWorker("laptop", 1, {}, {"--sys", Sys().string()});
  AwaitState("laptop", "PAUSED");

  const json worker = Worker("laptop");
  EXPECT_EQ(worker["reason"], "on battery");
  EXPECT_EQ(worker["status"]["pause_reasons"], json({"on battery"}));
  EXPECT_EQ(worker["status"]["battery_percent"], 83);
  EXPECT_THAT(fleet_.Ok({"workers"}), HasSubstr("on battery"));

  fleet_.StopWorker("laptop");
  fleet_.StartWorker("laptop", 1, {},
                     {"--sys", Sys().string(), "--allow-battery", "50"});
  AwaitState("laptop", "ONLINE");
}

TEST_F(BorrowedTest, StoppedWorkerHasLeftAtOnce) {
  Start();
  fleet_.StartWorker("laptop");
  AwaitState("laptop", "ONLINE");

  fleet_.StopWorker("laptop");

  EXPECT_EQ(Worker("laptop")["state"], "LEFT");
  EXPECT_EQ(fleet_.Ok({"workers"}).find("laptop"), std::string::npos);
}

TEST_F(BorrowedTest, UnpluggedLaptopsTrialGoesOnElsewhere) {
  Start();
  SetOnBattery(false);
  // Longer than the ten seconds after which a pulled plug counts.
  fleet_.StartWorker("laptop", 1, {"DFSWEEP_NOOP_EPOCH_MS=2000"},
                     {"--sys", Sys().string()});
  AwaitState("laptop", "ONLINE");
  fleet_.Ok({"submit", file_});
  AwaitTrial("running");

  SetOnBattery(true);
  AwaitState("laptop", "PAUSED");
  AwaitTrial("pending");

  fleet_.StartWorker("desktop");
  AwaitTrial("completed");
  EXPECT_EQ(fleet_.Rows("one")[0]["worker"], "desktop");
}

TEST_F(BorrowedTest, PausedWorkerHandsBackAndRestsUntilItIsResumed) {
  Start();
  fleet_.StartWorker("laptop", 1, {kSlow});
  fleet_.Ok({"submit", file_});
  AwaitTrial("running");

  fleet_.Ok({"workers", "pause", "laptop"});

  AwaitTrial("pending");
  // Neither side forgets it.
  fleet_.KillCoordinator();
  fleet_.StartCoordinator();
  fleet_.StopWorker("laptop");
  fleet_.StartWorker("laptop");
  AwaitState("laptop", "PAUSED");
  EXPECT_EQ(Worker("laptop")["reason"], "it was paused by a person");

  fleet_.Ok({"workers", "resume", "laptop"});
  AwaitTrial("completed");
}

TEST_F(BorrowedTest, RemovedWorkerEndsAndStaysAwayUntilItIsResumed) {
  Start();
  fleet_.StartWorker("laptop");
  AwaitState("laptop", "ONLINE");

  fleet_.Ok({"workers", "remove", "laptop"});

  Eventually([&] { return fleet_.WorkerHasEnded("laptop"); });
  fleet_.StartWorker("laptop");
  Eventually([&] { return fleet_.WorkerHasEnded("laptop"); });
  EXPECT_EQ(Worker("laptop")["state"], "LEFT");

  fleet_.Ok({"workers", "resume", "laptop"});
  fleet_.StartWorker("laptop");
  AwaitState("laptop", "ONLINE");
}

TEST_F(BorrowedTest, StrictParityGivesAWorkerThatDiffersNoWork) {
  Start({"--parity", "strict"});
  fleet_.StartWorker("first", 1, {"DFSWEEP_NOOP_TORCH=2.6.0"});
  AwaitState("first", "ONLINE");
  fleet_.StartWorker(
      "second", 1, {"DFSWEEP_NOOP_TORCH=2.5.0", "DFSWEEP_NOOP_WEIGHTS=other"});
  AwaitState("second", "PAUSED");
  EXPECT_THAT(Worker("second")["parity_warning"].get<std::string>(),
              HasSubstr("torch 2.5.0 (on first: 2.6.0), probe"));

  const json diff =
      json::parse(fleet_.Ok({"workers", "diff", "first", "second", "--json"}));
  ASSERT_EQ(diff["differences"].size(), 2u);
  EXPECT_EQ(diff["differences"][0]["what"], "torch");
  EXPECT_EQ(diff["differences"][1]["what"], "probe");
  EXPECT_THAT(fleet_.Ok({"workers", "diff", "first", "second"}),
              HasSubstr("deploy/setup.sh"));
  EXPECT_EQ(fleet_.Run({"workers", "diff", "first", "third"}).code, 2);
}

TEST_F(BorrowedTest, TrialWaitsForFreeMemoryOfTheGpu) {
  Start();
  const std::string cards = fleet_.Write("nvml.json", R"({"driver": "555.42",
    "cards": [{"name": "RTX 4060", "temperature": 61, "utilization": 7,
               "memory_mib": {"total": 8192, "free": 1000},
               "processes": [{"pid": 1, "mib": 500}]}]})");
  fleet_.StartWorker(
      "laptop", 1, {"DFSWEEP_NOOP_GIB=8", "DFSWEEP_FAKE_NVML=" + cards},
      {"--nvml", (TestBinFolder() / "libdfsweep-fake-nvml.so").string()});
  AwaitState("laptop", "ONLINE");
  fleet_.Ok({"submit", file_, "requires.memory_gib=4"});
  EXPECT_EQ(Worker("laptop")["status"]["devices"][0]["temperature_celsius"],
            61);
  const std::string table = fleet_.Ok({"workers"});
  EXPECT_THAT(table, HasSubstr("61 °C"));
  AwaitTrial("pending");

  fleet_.Write("nvml.json", R"({"cards": [{
      "memory_mib": {"total": 8192, "free": 5000},
      "processes": [{"pid": 1, "mib": 500}]}]})");

  AwaitTrial("completed");  // when the worker asks again
}

}  // namespace
}  // namespace dfsweep::testing
