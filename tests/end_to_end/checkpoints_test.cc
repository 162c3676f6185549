// Real training that is stopped, moved and shared gives the numbers of training
// each trial alone from the beginning.
#include <gtest/gtest.h>

#include <map>

#include "tests/end_to_end/fleet.h"

namespace dfsweep::testing {
namespace {

using nlohmann::json;

constexpr char kSweep[] = R"(
name: shared
dataset: {}
method: grid
seeds: 1
parameters:
  strategy: [naive, ewc, si]
  ewc.lambda: {values: [1e3, 1e6], when: {strategy: ewc}}
  ewc.fisher_samples: {values: [40], when: {strategy: ewc}}
  si.c: {values: [1], when: {strategy: si}}
  sequence_length: 300
  data.train_per_class: 16
  epochs: [2, 4]
  batch_size: 32
)";
constexpr int kTrials = 8;
// Trained alone: (2 + 4 epochs) × 2 tasks × (naive, two λ, si). Shared: task 1
// is trained once, and its first two epochs are a prefix of the four.
constexpr int kEpochs = 48, kEpochsShared = 4 + 4 * (2 + 4);

class CheckpointsTest : public ::testing::Test {
 protected:
  void SetUp() override {
    if (!HasTrainer()) {
      GTEST_SKIP() << "SKIPPED: this build has no LibTorch trainer";
    }
  }
  static std::string Sweep() {
    std::string text = kSweep;
    text.replace(text.find("{}"), 2,
                 std::filesystem::absolute("sweeps/data/wikipedia20.npz"));
    return text;
  }
};

std::map<std::string, json> RowsById(Fleet& fleet) {
  std::map<std::string, json> rows;
  for (const json& row : fleet.Rows("shared")) {
    EXPECT_EQ(row["status"], "completed") << row.dump(2);
    EXPECT_TRUE(rows.emplace(row["trial_id"], Comparable(row)).second);
  }
  return rows;
}

json SweepOf(Fleet& fleet) {
  return json::parse(fleet.Ok({"status", "shared", "--json"}))["sweep"];
}

void AwaitEnd(Fleet& fleet) {
  ASSERT_TRUE(Eventually([&] { return SweepOf(fleet)["state"] == "FINISHED"; },
                         absl::Minutes(4)));
}

TEST_F(CheckpointsTest, SharedStagesGiveTheNumbersOfTrainingEachTrialAlone) {
  Fleet alone, together;
  alone.StartCoordinator();
  together.StartCoordinator();
  alone.StartTrainingWorker("a", {"--checkpoint-gib", "0", "--slots", "2"});
  together.StartTrainingWorker("a", {"--slots", "2"});
  for (Fleet* fleet : {&alone, &together}) {
    fleet->Ok({"submit", fleet->Write("shared.yaml", Sweep())});
  }
  AwaitEnd(alone);
  AwaitEnd(together);

  EXPECT_EQ(SweepOf(alone)["epochs_reused"], 0);
  EXPECT_EQ(SweepOf(together)["epochs_done"], kEpochs);
  EXPECT_EQ(SweepOf(together)["epochs_reused"], kEpochs - kEpochsShared);
  const std::map<std::string, json> expected = RowsById(alone);
  EXPECT_EQ(expected.size(), size_t{kTrials});
  EXPECT_EQ(RowsById(together), expected);
}

TEST_F(CheckpointsTest, TrialWhoseMachineDiedGoesOnElsewhereBitEqual) {
  const std::vector<std::string> one = {"strategy=naive", "epochs=10"};
  const auto submit = [&](Fleet& fleet) {
    std::vector<std::string> arguments = {"submit",
                                          fleet.Write("shared.yaml", Sweep())};
    arguments.insert(arguments.end(), one.begin(), one.end());
    fleet.Ok(arguments);
  };
  Fleet undisturbed;
  undisturbed.StartCoordinator();
  undisturbed.StartTrainingWorker("a", {"--checkpoint-gib", "0"});
  submit(undisturbed);
  AwaitEnd(undisturbed);

  Fleet fleet;
  fleet.StartCoordinator();
  fleet.StartTrainingWorker("a", {"--checkpoint-minutes", "0.001"});
  submit(fleet);
  ASSERT_TRUE(Eventually([&] {
    return std::filesystem::exists(fleet.store() / "checkpoints") &&
           !std::filesystem::is_empty(fleet.store() / "checkpoints") &&
           SweepOf(fleet)["epochs_done"] >= 3;
  }));
  fleet.StartTrainingWorker("b", {});
  fleet.KillWorker("a");
  // Its disk is gone too; it is back to say that it does not train.
  std::filesystem::remove_all(fleet.StateOf("a") / "checkpoints");
  fleet.StartTrainingWorker("a", {});
  AwaitEnd(fleet);

  EXPECT_GE(SweepOf(fleet)["epochs_reused"], 1);
  EXPECT_EQ(fleet.Rows("shared")[0]["attempt"], 2);
  EXPECT_EQ(RowsById(fleet), RowsById(undisturbed));
}

}  // namespace
}  // namespace dfsweep::testing
