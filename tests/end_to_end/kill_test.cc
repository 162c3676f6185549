// SIGKILL of trainers, workers and the coordinator at random moments, and
// workers that sleep for a while: the sweep ends with exactly one row a trial
// and the numbers of an undisturbed run.
//
// DFSWEEP_KILL_SEED replays a run. tests/end_to_end/soak.sh makes it long, by
// DFSWEEP_KILLS (of anything), DFSWEEP_KILL_SEEDS (six trials each) and
// DFSWEEP_KILL_EPOCH_MS (of training).
#include <fmt/format.h>
#include <gtest/gtest.h>
#include <poll.h>
#include <signal.h>

#include <cstdlib>
#include <map>
#include <random>

#include "tests/end_to_end/fleet.h"

namespace dfsweep::testing {
namespace {

using nlohmann::json;

// Six points times the seeds.
constexpr char kSweep[] = R"(
name: killed
dataset: tiny
method: grid
parameters:
  strategy: [joint, naive, ewc]
  ewc.lambda: {values: [1, 10, 100, 1000], when: {strategy: ewc}}
  sequence_length: 64
  epochs: 4
)";

std::map<std::string, json> RowsById(Fleet& fleet) {
  std::map<std::string, json> rows;
  for (const json& row : fleet.Rows("killed")) {
    EXPECT_TRUE(rows.emplace(row["trial_id"], Comparable(row)).second)
        << "two rows of one trial: " << row["trial_id"];
  }
  return rows;
}

std::string SweepOf(int seeds) {
  return std::string(kSweep) + fmt::format("seeds: {}\n", seeds);
}

std::map<std::string, json> UndisturbedRows(int seeds = 10) {
  Fleet fleet;
  fleet.StartCoordinator();
  fleet.ImportTinyDataset();
  fleet.StartWorker("a", 2);
  fleet.Ok({"submit", fleet.Write("killed.yaml", SweepOf(seeds))});
  fleet.Ok({"watch", "killed"});
  return RowsById(fleet);
}

int NumberFromEnvironment(const char* name, int otherwise) {
  const char* text = std::getenv(name);
  return text != nullptr ? std::atoi(text) : otherwise;
}

bool SweepHasEnded(Fleet& fleet) {
  CommandResult result = fleet.Run({"status", "killed", "--json"});
  return result.code == 0 &&
         json::parse(result.out)["sweep"]["state"] == "FINISHED";
}

// How long an epoch takes, for the no-op trainer.
std::vector<std::string> Slowly() {
  return {fmt::format("DFSWEEP_NOOP_EPOCH_MS={}",
                      NumberFromEnvironment("DFSWEEP_KILL_EPOCH_MS", 40))};
}

// As a laptop that is closed and opened again.
void Suspend(pid_t worker, int milliseconds) {
  ::kill(worker, SIGSTOP);
  ::poll(nullptr, 0, milliseconds);
  ::kill(worker, SIGCONT);
}

// Kills one thing and starts it again, as systemd would, or suspends one.
void KillSomething(Fleet& fleet, std::mt19937_64& random) {
  const std::vector<std::string> slow = Slowly();
  std::string worker = random() % 2 == 0 ? "a" : "b";
  switch (random() % 4) {
    case 0:
      fleet.KillTrainersOf(worker);
      break;
    case 1:
      fleet.KillWorker(worker);
      fleet.StartWorker(worker, 1, slow);
      break;
    case 2:
      fleet.KillCoordinator();
      fleet.StartCoordinator();
      break;
    case 3:
      Suspend(fleet.WorkerPid(worker), static_cast<int>(random() % 500));
      break;
  }
}

TEST(Kill, RandomKillsLoseNothingAndDoubleNothing) {
  int kills = NumberFromEnvironment("DFSWEEP_KILLS", 60);
  int seeds = NumberFromEnvironment("DFSWEEP_KILL_SEEDS", 10);
  int seed = NumberFromEnvironment("DFSWEEP_KILL_SEED", 20261124);
  std::fprintf(stderr, "DFSWEEP_KILL_SEED=%d DFSWEEP_KILLS=%d\n", seed, kills);
  std::map<std::string, json> expected = UndisturbedRows(seeds);
  ASSERT_EQ(expected.size(), 6u * seeds);

  Fleet fleet;
  fleet.StartCoordinator();
  fleet.ImportTinyDataset();
  // A trainer that is killed is a crash of the trial; here it must not use the
  // budget up, since what is tested is that nothing is lost.
  std::string file = fleet.Write(
      "killed.yaml",
      SweepOf(seeds) + fmt::format("retry: {{crash: {}}}\n", kills));
  fleet.StartWorker("a", 1, Slowly());
  fleet.StartWorker("b", 1, Slowly());
  fleet.Ok({"submit", file});
  std::mt19937_64 random(seed);
  int done = 0;
  for (; done < kills && !SweepHasEnded(fleet); ++done) {
    ::poll(nullptr, 0, static_cast<int>(random() % 300));  // a random moment
    KillSomething(fleet, random);
  }
  std::fprintf(stderr, "%d of %d were killed or suspended\n", done, kills);
  EXPECT_GE(done, kills * 5 / 6) << "the sweep ended too early to count";

  Eventually([&] { return SweepHasEnded(fleet); },
             absl::Minutes(4) + absl::Seconds(2) * seeds);
  std::map<std::string, json> rows = RowsById(fleet);

  ASSERT_EQ(rows.size(), expected.size());
  for (const auto& [id, row] : expected) EXPECT_EQ(rows[id], row) << id;
}

// The moments between COMMIT and reply, and just before COMMIT.
class CommitPoint : public ::testing::TestWithParam<const char*> {};

TEST_P(CommitPoint, CoordinatorDyingThereLosesNothing) {
  std::map<std::string, json> expected = UndisturbedRows();
  Fleet fleet;
  fleet.StartCoordinator();
  fleet.ImportTinyDataset();
  fleet.Ok({"submit", fleet.Write("killed.yaml", SweepOf(10))});
  fleet.KillCoordinator();
  fleet.StartWorker("a", 2);
  for (int n : {3, 4, 5, 6, 8, 13}) {
    fleet.StartCoordinator(
        {fmt::format("DFSWEEP_FAILPOINT={}:{}", GetParam(), n)});
    fleet.AwaitCoordinatorDeath();
  }
  fleet.StartCoordinator();

  Eventually([&] { return SweepHasEnded(fleet); }, absl::Minutes(2));

  EXPECT_EQ(RowsById(fleet), expected);
}

INSTANTIATE_TEST_SUITE_P(Points, CommitPoint,
                         ::testing::Values("before_commit", "after_commit"));

}  // namespace
}  // namespace dfsweep::testing
