// What all tests of faults share: one coordinator that soon gives a silent
// worker up, and a sweep of the no-op trainer.
#ifndef DFSWEEP_TESTS_FAULTS_FAULTS_H_
#define DFSWEEP_TESTS_FAULTS_FAULTS_H_

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <set>
#include <string>
#include <vector>

#include "tests/end_to_end/fleet.h"

namespace dfsweep::testing {

class FaultsTest : public ::testing::Test {
 protected:
  using json = nlohmann::json;

  // Long enough that a busy machine's worker is not lost without a fault.
  static std::vector<std::string> SoonLost() { return {"--lost-after", "5"}; }
  static std::vector<std::string> EpochsOf(int milliseconds) {
    return {fmt::format("DFSWEEP_NOOP_EPOCH_MS={}", milliseconds)};
  }

  void Start(std::vector<std::string> arguments = {}) {
    fleet_.StartCoordinator({}, std::move(arguments));
    fleet_.ImportTinyDataset();
  }
  // Each trial has two tasks of five epochs.
  std::string Sweep(int trials, const std::string& name = "faults") {
    return fleet_.Write(
        name + ".yaml",
        fmt::format("name: {}\ndataset: tiny\nmethod: grid\nseeds: {}\n"
                    "parameters: {{strategy: naive, sequence_length: 64, "
                    "epochs: 5}}\n",
                    name, trials));
  }
  void Submit(int trials) { fleet_.Ok({"submit", Sweep(trials)}); }
  int Count(const std::string& state) {
    const CommandResult result = fleet_.Run({"status", "faults", "--json"});
    if (result.code != 0) return -1;
    return json::parse(result.out)["sweep"]["counts"].value(state, 0);
  }
  bool AwaitCount(const std::string& state, int count,
                  absl::Duration timeout = absl::Seconds(60)) {
    return Eventually([&] { return Count(state) >= count; }, timeout);
  }
  std::string StateOf(const std::string& worker) {
    const json all = json::parse(fleet_.Ok({"workers", "--all", "--json"}));
    for (const json& one : all["workers"]) {
      if (one["name"] == worker) return one["state"];
    }
    return "";
  }
  bool AwaitState(const std::string& worker, const std::string& state) {
    return Eventually([&] { return StateOf(worker) == state; });
  }
  bool AwaitEmptySpool(const std::string& worker) {
    return Eventually([&] {
      return std::filesystem::is_empty(fleet_.StateOf(worker) / "spool");
    });
  }
  // Fails the test if there is not exactly one completed row for each trial.
  std::vector<json> OneRowEach(size_t trials) {
    std::vector<json> rows = fleet_.Rows("faults");
    std::set<std::string> ids;
    for (const json& row : rows) {
      EXPECT_EQ(row["status"], "completed") << row.dump(2);
      ids.insert(row["trial_id"]);
    }
    EXPECT_EQ(rows.size(), trials);
    EXPECT_EQ(ids.size(), trials);
    return rows;
  }

  Fleet fleet_;
};

}  // namespace dfsweep::testing

#endif  // DFSWEEP_TESTS_FAULTS_FAULTS_H_
