// Searches over real processes: points that follow from results survive deaths
// of the coordinator, and trials that were stopped early go on with the numbers
// of training without a stop.
#include <gtest/gtest.h>

#include <map>
#include <set>

#include "tests/end_to_end/fleet.h"

namespace dfsweep::testing {
namespace {

using nlohmann::json;

json SweepOf(Fleet& fleet, const std::string& sweep) {
  return json::parse(fleet.Ok({"status", sweep, "--json"}))["sweep"];
}

int64_t Completed(Fleet& fleet, const std::string& sweep) {
  return SweepOf(fleet, sweep)["counts"]["completed"];
}

void AwaitEnd(Fleet& fleet, const std::string& sweep) {
  ASSERT_TRUE(
      Eventually([&] { return SweepOf(fleet, sweep)["state"] == "FINISHED"; },
                 absl::Minutes(8)));
}

constexpr char kTpe[] = R"(
name: tpe
dataset: tiny
method: tpe
trials: 30
parameters:
  strategy: naive
  sequence_length: 64
  epochs: 2
  learning_rate: {min: 1e-4, max: 1e-1, log: true}
)";

TEST(SearchRunsTest, ATpeSweepLosesAndRepeatsNothingWhenTheCoordinatorDies) {
  Fleet fleet;
  fleet.StartCoordinator();
  fleet.ImportTinyDataset();
  fleet.StartWorker("a", 2, {"DFSWEEP_NOOP_EPOCH_MS=50"});
  fleet.Ok({"submit", fleet.Write("tpe.yaml", kTpe)});
  for (int64_t ended : {3, 11, 14, 20, 26}) {
    ASSERT_TRUE(Eventually([&] { return Completed(fleet, "tpe") >= ended; }));
    fleet.KillCoordinator();
    fleet.StartCoordinator();
  }
  AwaitEnd(fleet, "tpe");
  std::set<std::string> ids;
  for (const json& row : fleet.Rows("tpe")) {
    EXPECT_EQ(row["status"], "completed");
    EXPECT_TRUE(ids.insert(row["trial_id"]).second);
  }
  EXPECT_EQ(ids.size(), 30);
}

// Alone on its rungs, it is stopped at each and taken up for want of others.
constexpr char kAsha[] = R"(
name: asha
dataset: {}
method: random
trials: 1
parameters:
  strategy: joint
  sequence_length: 128
  data.train_per_class: 16
  data.validation_fraction: 0.2
  epochs: 4
  batch_size: 32
  learning_rate: {min: 1e-4, max: 1e-1, log: true}
)";

std::string AshaFile(const std::string& more) {
  std::string text = kAsha + more;
  return text.replace(text.find("{}"), 2,
                      std::filesystem::absolute("sweeps/data/wikipedia20.npz"));
}

TEST(SearchRunsTest, StoppedTrialsGoOnFromTheirCheckpointBitEqual) {
  if (!HasTrainer()) {
    GTEST_SKIP() << "SKIPPED: this build has no LibTorch trainer";
  }
  Fleet alone, stopping;
  alone.StartCoordinator();
  stopping.StartCoordinator();
  alone.StartTrainingWorker("a", {"--checkpoint-gib", "0"});
  alone.Ok({"submit", alone.Write("asha.yaml", AshaFile(""))});
  AwaitEnd(alone, "asha");
  stopping.StartTrainingWorker("a", {});
  stopping.Ok(
      {"submit",
       stopping.Write("asha.yaml", AshaFile("early_terminate: {type: asha, "
                                            "min_iter: 1, eta: 2}\n"))});
  AwaitEnd(stopping, "asha");

  std::map<std::string, json> expected;
  for (const json& row : alone.Rows("asha")) {
    expected[row["trial_id"]] = Comparable(row);
  }
  for (const json& row : stopping.Rows("asha")) {
    EXPECT_EQ(row["status"], "completed");
    EXPECT_EQ(Comparable(row), expected.at(row["trial_id"]));
    EXPECT_GE(row["attempt"], 2);
  }
  EXPECT_GE(SweepOf(stopping, "asha")["epochs_reused"], 1);
}

}  // namespace
}  // namespace dfsweep::testing
