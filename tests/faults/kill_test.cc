// SIGKILL of trainers, workers and the coordinator at random moments, and
// workers that sleep for a while: the sweep ends with exactly one row a trial
// and the numbers of an undisturbed run.
//
// DFSWEEP_FAULT_SEED replays a run. tests/faults/soak.sh makes it long, by
// DFSWEEP_FAULTS (of anything), DFSWEEP_FAULT_SEEDS (of the sweep) and, of the
// no-op trainer, DFSWEEP_FAULT_EPOCH_MS.
#include <fmt/format.h>
#include <gtest/gtest.h>
#include <poll.h>
#include <signal.h>

#include <map>
#include <random>

#include "base/test_setting.h"
#include "tests/faults/subject.h"

namespace dfsweep::testing {
namespace {

using nlohmann::json;

// As a laptop that is closed and opened again.
void Suspend(pid_t worker, int milliseconds) {
  ::kill(worker, SIGSTOP);
  ::poll(nullptr, 0, milliseconds);
  ::kill(worker, SIGCONT);
}

// Kills one thing and starts it again, as systemd would, or suspends one.
void KillSomething(Fleet& fleet, const Subject& subject,
                   std::mt19937_64& random) {
  std::string worker = random() % 2 == 0 ? "a" : "b";
  switch (random() % 4) {
    case 0:
      fleet.KillTrainersOf(worker);
      break;
    case 1:
      fleet.KillWorker(worker);
      subject.start_worker(fleet, worker);
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

// Kills until it has done so `kills` times or the sweep has ended; how often it
// did.
int KillAtRandom(Fleet& fleet, const Subject& subject, int kills, int seed) {
  std::fprintf(stderr, "DFSWEEP_FAULT_SEED=%d DFSWEEP_FAULTS=%d\n", seed,
               kills);
  std::mt19937_64 random(seed);
  int done = 0;
  for (; done < kills && !SweepHasEnded(fleet); ++done) {
    const auto peace = random() % subject.longest_peace_ms;
    ::poll(nullptr, 0, static_cast<int>(peace));  // until a random moment
    KillSomething(fleet, subject, random);
  }
  std::fprintf(stderr, "%d of %d were killed or suspended\n", done, kills);
  return done;
}

void ExpectKillsChangeNothing(const Subject& subject, int kills,
                              absl::Duration patience) {
  const std::map<std::string, json> expected = UndisturbedRows(subject);
  ASSERT_FALSE(expected.empty());
  Fleet fleet;
  fleet.StartCoordinator();
  fleet.ImportTinyDataset();
  for (const char* worker : {"a", "b"}) subject.start_worker(fleet, worker);
  // A trainer that is killed is a crash of the trial; here it must not use the
  // budget up, since what is tested is that nothing is lost.
  fleet.Ok({"submit",
            fleet.Write(
                "killed.yaml",
                subject.sweep + fmt::format("retry: {{crash: {}}}\n", kills))});

  const int done =
      KillAtRandom(fleet, subject, kills,
                   NumberFromEnvironment("DFSWEEP_FAULT_SEED", 20261124));

  EXPECT_GE(done, kills * 5 / 6) << "the sweep ended too early to count";
  Eventually([&] { return SweepHasEnded(fleet); }, patience);
  ExpectRows(fleet, expected);
}

TEST(Kill, RandomKillsLoseNothingAndDoubleNothing) {
  const int seeds = NumberFromEnvironment("DFSWEEP_FAULT_SEEDS", 10);
  ExpectKillsChangeNothing(
      NoopTraining(seeds, NumberFromEnvironment("DFSWEEP_FAULT_EPOCH_MS", 40)),
      NumberFromEnvironment("DFSWEEP_FAULTS", 60),
      absl::Minutes(4) + absl::Seconds(2) * seeds);
}

TEST(Kill, RandomKillsOfRealTrainingChangeNoNumber) {
  if (!HasTrainer()) {
    GTEST_SKIP() << "SKIPPED: this build has no LibTorch trainer";
  }
  const int seeds = NumberFromEnvironment("DFSWEEP_FAULT_SEEDS", 1);
  ExpectKillsChangeNothing(RealTraining(seeds),
                           NumberFromEnvironment("DFSWEEP_FAULTS", 5),
                           absl::Minutes(4) + absl::Seconds(60) * seeds);
}

// The moments between COMMIT and reply, and just before COMMIT.
class CommitPoint : public ::testing::TestWithParam<const char*> {};

TEST_P(CommitPoint, CoordinatorDyingThereLosesNothing) {
  const Subject subject = NoopTraining(/*seeds=*/10, /*epoch_ms=*/0);
  std::map<std::string, json> expected = UndisturbedRows(subject);
  Fleet fleet;
  fleet.StartCoordinator();
  fleet.ImportTinyDataset();
  fleet.Ok({"submit", fleet.Write("killed.yaml", subject.sweep)});
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
