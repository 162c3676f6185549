// Team mode with real processes and the no-op trainer: submit, lease, leave,
// cancel, retry, collect.
#include <gtest/gtest.h>
#include <signal.h>

#include <fstream>
#include <set>
#include <sstream>

#include "tests/end_to_end/fleet.h"

namespace dfsweep::testing {
namespace {

using nlohmann::json;

constexpr char kSweep[] = R"(
name: team
dataset: tiny
method: grid
metric: {name: average_accuracy, goal: maximize}
seeds: 2
parameters:
  strategy: [joint, naive, ewc]
  ewc.lambda: {values: [10, 1000], when: {strategy: ewc}}
  sequence_length: 64
  epochs: 3
)";
constexpr int kTrials = 8;  // (joint, naive, ewc × 2) × 2 seeds

class TeamTest : public ::testing::Test {
 protected:
  void SetUp() override {
    fleet_.StartCoordinator();
    fleet_.ImportTinyDataset();
    file_ = fleet_.Write("team.yaml", kSweep);
  }

  json Status(const std::string& sweep = "team") {
    return json::parse(fleet_.Ok({"status", sweep, "--json"}));
  }
  int64_t Count(const std::string& state) {
    return Status()["sweep"]["counts"].value(state, int64_t{0});
  }
  void AwaitCount(const std::string& state, int64_t count) {
    Eventually([&] { return Count(state) >= count; });
  }
  // Trials that have ended successfully.
  void AwaitAllCompleted() { AwaitCount("completed", kTrials); }

  Fleet fleet_;
  std::string file_;
};

TEST_F(TeamTest, SweepEndsWithOneRowATrial) {
  fleet_.StartWorker("a");
  fleet_.StartWorker("b", 2);
  fleet_.Ok({"submit", file_});
  AwaitAllCompleted();

  std::set<std::string> ids;
  for (const json& row : fleet_.Rows("team")) {
    EXPECT_EQ(row["status"], "completed");
    EXPECT_EQ(row["sweep"], "team");
    EXPECT_EQ(row["dataset"]["name"], "tiny");
    EXPECT_FALSE(row["accuracy_matrix"].empty());
    EXPECT_EQ(row["learning_curve"].size() % 3, 0u);
    ids.insert(row["trial_id"]);
  }
  EXPECT_EQ(ids.size(), size_t{kTrials});
}

TEST_F(TeamTest, LateWorkerGetsWorkAtOnce) {
  fleet_.Ok({"submit", file_});
  EXPECT_EQ(Count("pending"), kTrials);
  fleet_.StartWorker("late");
  AwaitAllCompleted();
}

TEST_F(TeamTest, SubmittingTwiceIsOneSweep) {
  fleet_.Ok({"submit", file_});
  fleet_.Ok({"submit", file_});
  EXPECT_EQ(json::parse(fleet_.Ok({"ls", "--json"}))["sweeps"].size(), 1u);
}

TEST_F(TeamTest, AddedValueRunsOnlyWhatIsNew) {
  fleet_.StartWorker("a", 2);
  fleet_.Ok({"submit", file_});
  AwaitAllCompleted();

  json plan =
      json::parse(fleet_.Ok({"plan", file_, "ewc.lambda+=100000", "--json"}));

  EXPECT_EQ(plan["plan"]["distinct_trials"], kTrials + 2);
  EXPECT_EQ(plan["plan"]["known_trials"], kTrials);
  fleet_.Ok({"submit", file_, "ewc.lambda+=100000"});
  AwaitCount("completed", kTrials + 2);
  for (const json& row : fleet_.Rows("team")) EXPECT_EQ(row["attempt"], 1);
}

TEST_F(TeamTest, LeavingWorkerGivesItsTrialBack) {
  fleet_.StartWorker("slow", 1, {"DFSWEEP_NOOP_EPOCH_MS=60000"});
  fleet_.Ok({"submit", file_});
  AwaitCount("running", 1);

  fleet_.StopWorker("slow");

  EXPECT_EQ(Count("pending"), kTrials);
  fleet_.StartWorker("other");
  AwaitAllCompleted();
}

TEST_F(TeamTest, CancelReachesTheTrainerWithinASecond) {
  fleet_.StartWorker("slow", 1, {"DFSWEEP_NOOP_EPOCH_MS=60000"});
  fleet_.Ok({"submit", file_});
  AwaitCount("running", 1);
  pid_t worker = fleet_.WorkerPid("slow");
  ASSERT_EQ(ChildrenOf(worker).size(), 1u);

  fleet_.Ok({"cancel", "team"});

  EXPECT_EQ(Count("cancelled"), kTrials);
  Eventually([&] {
    json workers = json::parse(fleet_.Ok({"workers", "--json"}))["workers"];
    return workers.size() == 1 && workers[0]["trial_ids"].empty();
  });
  fleet_.Ok({"retry", "team"});
  EXPECT_EQ(Count("cancelled"), 0);
}

TEST_F(TeamTest, FailedTrialsDoNotStopTheSweepAndCanBeRetried) {
  fleet_.StartWorker("bad", 1, {"DFSWEEP_NOOP_FAIL=bad_config"});
  fleet_.Ok({"submit", file_});
  AwaitCount("failed", kTrials);
  fleet_.Ok({"watch", "team"}, 1);  // some trial failed
  fleet_.StopWorker("bad");

  fleet_.Ok({"retry", "team"});
  fleet_.StartWorker("good");

  AwaitAllCompleted();
  fleet_.Ok({"watch", "team"});
}

TEST_F(TeamTest, DivergedTrialIsAResult) {
  fleet_.StartWorker("nan", 1, {"DFSWEEP_NOOP_DIVERGE=1"});
  fleet_.Ok({"submit", file_});
  AwaitCount("diverged", kTrials);
  for (const json& row : fleet_.Rows("team")) {
    EXPECT_EQ(row["status"], "diverged");
  }
}

TEST_F(TeamTest, WorkerThatFailsEverythingCostsNothing) {
  fleet_.StartWorker("black-hole", 1, {"DFSWEEP_NOOP_FAIL=crash"});
  fleet_.Ok({"submit", file_});
  Eventually([&] {
    json workers = json::parse(fleet_.Ok({"workers", "--json"}))["workers"];
    return !workers.empty() && workers[0]["state"] == "QUARANTINED";
  });
  fleet_.StartWorker("good");
  AwaitAllCompleted();
  EXPECT_EQ(Count("failed"), 0);
}

TEST_F(TeamTest, LogsOfATrialAreShown) {
  fleet_.StartWorker("a");
  fleet_.Ok({"submit", file_});
  AwaitAllCompleted();
  std::string id = fleet_.Rows("team")[0]["trial_id"];
  EXPECT_FALSE(fleet_.Ok({"logs", id.substr(0, 8)}).empty());
}

TEST_F(TeamTest, EveryFormatHasEveryConfiguration) {
  fleet_.StartWorker("a", 2);
  fleet_.Ok({"submit", file_});
  AwaitAllCompleted();
  for (const char* format : {"table", "csv", "markdown", "latex"}) {
    std::string text = fleet_.Ok({"results", "team", "--format", format});
    for (const char* strategy : {"joint", "naive", "ewc"}) {
      EXPECT_NE(text.find(strategy), std::string::npos) << format << text;
    }
  }
}

TEST_F(TeamTest, MistakesAreExplained) {
  CommandResult unknown = fleet_.Run({"status", "nothing"});
  EXPECT_EQ(unknown.code, 2);
  EXPECT_NE(unknown.err.find("nothing"), std::string::npos);

  std::string bad =
      fleet_.Write("bad.yaml",
                   "name: x\ndataset: tiny\nmethod: grid\nparameters:\n"
                   "  learning_rat: 1\n");
  CommandResult typo = fleet_.Run({"submit", bad});
  EXPECT_EQ(typo.code, 2);
  EXPECT_NE(typo.err.find("bad.yaml:5:3"), std::string::npos) << typo.err;
  EXPECT_NE(typo.err.find("learning_rate"), std::string::npos) << typo.err;

  EXPECT_EQ(fleet_.Run({"frobnicate"}).code, 2);
}

TEST_F(TeamTest, ResultsAsJsonAreTheRowsOfTheJsonLines) {
  fleet_.StartWorker("a");
  fleet_.Ok({"submit", file_});
  AwaitAllCompleted();

  EXPECT_EQ(json::parse(fleet_.Ok({"results", "team", "--json"})),
            json({{"results", fleet_.Rows("team")}}));
  const json run = json::parse(fleet_.Ok({"run", file_, "--json"}));
  EXPECT_EQ(run["results"], fleet_.Rows("team"));
  EXPECT_EQ(run["sweep"]["name"], "team");
}

TEST(Unreachable, CoordinatorThatIsNotThereIsExitStatus3) {
  Fleet fleet;
  CommandResult result = fleet.Run({"ls", "--coordinator", "127.0.0.1:1"});
  EXPECT_EQ(result.code, 3);
  EXPECT_NE(result.err.find("127.0.0.1:1"), std::string::npos) << result.err;
}

// ---- backup and restore -----------------------------------------------------

class BackupTest : public TeamTest {
 protected:
  void SetUp() override {
    TeamTest::SetUp();
    fleet_.StartWorker("a");
    fleet_.Ok({"submit", file_});
    AwaitAllCompleted();
    fleet_.Ok({"backup", backup()});
  }
  std::string backup() const { return (fleet_.folder() / "backup").string(); }
  std::string restored() const { return (fleet_.folder() / "new").string(); }
  CommandResult Restore() {
    return fleet_.Run({"restore", backup(), "--store", restored()});
  }
};

TEST_F(BackupTest, RestoredStoreHasAllRowsAndGoesOn) {
  const std::vector<json> rows = fleet_.Rows("team");
  EXPECT_EQ(Restore().code, 0);
  std::istringstream lines(fleet_.Ok({"results", "team", "--store", restored(),
                                      "--format", "jsonl", "--trials"}));
  size_t count = 0;
  for (std::string line; std::getline(lines, line); ++count) {
    EXPECT_EQ(json::parse(line), rows.at(count));
  }
  EXPECT_EQ(count, size_t{kTrials});
  // The dataset came along: planning needs nothing else.
  fleet_.Ok({"plan", file_, "--store", restored()});
}

TEST_F(BackupTest, NothingIsReplaced) {
  EXPECT_NE(fleet_.Run({"backup", backup()}).code, 0);
  EXPECT_EQ(Restore().code, 0);
  CommandResult again = Restore();
  EXPECT_NE(again.code, 0);
  EXPECT_NE(again.err.find("nothing is replaced"), std::string::npos);
}

TEST_F(BackupTest, DamagedBackupIsNotRestored) {
  std::filesystem::path dataset;
  for (const auto& entry : std::filesystem::directory_iterator(
           std::filesystem::path(backup()) / "datasets")) {
    dataset = entry.path();
  }
  const auto size = std::filesystem::file_size(dataset);
  std::filesystem::resize_file(dataset, size - 1);
  EXPECT_NE(Restore().err.find("a dataset of the backup is damaged"),
            std::string::npos);
  std::filesystem::remove(dataset);
  // A page in the middle of the database.
  std::fstream database(std::filesystem::path(backup()) / "dfsweep.db",
                        std::ios::in | std::ios::out | std::ios::binary);
  database.seekp(3 * 4096);
  database << std::string(4096, 'x');
  database.close();
  EXPECT_NE(Restore().code, 0);
  EXPECT_FALSE(std::filesystem::exists(restored()));
}

}  // namespace
}  // namespace dfsweep::testing
