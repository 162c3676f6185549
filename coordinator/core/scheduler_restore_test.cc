// A scheduler that continues from a store; and that its queue is fast.
#include <chrono>

#include "coordinator/core/scheduler_testing.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace dfsweep::coordinator {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::SizeIs;

RestoredTrial Trial(const std::string& id, TrialState state, int attempt = 0,
                    const std::string& worker = "") {
  return {
      .trial_id = id, .state = state, .attempt = attempt, .worker_id = worker};
}

RestoredWorker Worker(const std::string& id,
                      WorkerState state = WorkerState::kOnline) {
  return {.worker_id = id,
          .incarnation = "1",
          .device = "cpu",
          .memory_bytes = 0,
          .slots = 2,
          .state = state};
}

TEST(RestoredTest, ProbedSpeedsGoOn) {
  RestoredState state;
  state.workers = {Worker("fast"), Worker("slow")};
  state.workers[0].samples_per_second = 1000;
  state.workers[1].samples_per_second = 100;
  SchedulerWorld world(state);
  world.Step(SweepSubmitted{.sweep_id = "s",
                            .trial_ids = {"long", "short"},
                            .work = {{"long", 60}, {"short", 5}}});

  EXPECT_THAT(world.Lease("slow"), ElementsAre(AttemptId{"short", 1}));
}

TEST(RestoredTest, LeasesGoOnAndNobodyExpiresAtOnce) {
  RestoredState state;
  state.sweeps = {{.sweep_id = "s", .trial_ids = {"a", "b"}}};
  state.trials = {Trial("a", TrialState::kRunning, 3, "w"),
                  Trial("b", TrialState::kPending, 1)};
  state.workers = {Worker("w", WorkerState::kSuspect)};
  SchedulerWorld world(state);

  EXPECT_THAT(world.Tick(absl::Seconds(29)), IsEmpty());
  EXPECT_EQ(world.WorkerIs("w"), WorkerState::kOnline);
  EXPECT_THAT(world.Held("w"), ElementsAre(AttemptId{"a", 3}));
  EXPECT_THAT(Only<StopAttempt>(world.Beat("w", {{"a", 3}})), IsEmpty());
  EXPECT_THAT(world.Lease("w"), ElementsAre(AttemptId{"b", 2}));
}

TEST(RestoredTest, SilentHolderIsLostInTime) {
  RestoredState state;
  state.sweeps = {{.sweep_id = "s", .trial_ids = {"a"}}};
  state.trials = {Trial("a", TrialState::kLeased, 1, "w")};
  state.workers = {Worker("w")};
  SchedulerWorld world(state);

  const Effects effects = world.Tick(absl::Seconds(120));

  EXPECT_THAT(Only<AttemptEnded>(effects), SizeIs(1));
  EXPECT_EQ(world.State("a"), TrialState::kPending);
}

TEST(RestoredTest, LeaseOfAnUnknownWorkerIsLostInTime) {
  RestoredState state;
  state.sweeps = {{.sweep_id = "s", .trial_ids = {"a"}}};
  state.trials = {Trial("a", TrialState::kLeased, 1, "nobody")};
  SchedulerWorld world(state);

  world.Tick(absl::Seconds(120));

  EXPECT_EQ(world.State("a"), TrialState::kPending);
}

TEST(RestoredTest, BudgetsAndPoisonAreRemembered) {
  RestoredState state;
  state.sweeps = {{.sweep_id = "s", .trial_ids = {"a", "b"}}};
  state.trials = {Trial("a", TrialState::kPending, 3),
                  Trial("b", TrialState::kPending, 1)};
  state.trials[0].counted_failures = {{Cause::kCrash, 3}};
  state.trials[0].failed_on_workers = {"w"};
  state.trials[1].counted_failures = {{Cause::kCrash, 1}};
  state.trials[1].failed_on_workers = {"v"};
  state.workers = {Worker("w")};
  SchedulerWorld world(state);

  world.Lease("w", 2);
  world.Fail("w", {"a", 4});
  world.Fail("w", {"b", 2});

  EXPECT_EQ(world.State("a"), TrialState::kFailed) << "spent";
  EXPECT_EQ(world.State("b"), TrialState::kFailed) << "poisoned";
}

TEST(RestoredTest, PausedCancelledAndPriorityAreRemembered) {
  RestoredState state;
  state.sweeps = {
      {.sweep_id = "low", .priority = 1, .trial_ids = {"l"}},
      {.sweep_id = "high", .priority = 2, .trial_ids = {"h"}},
      {.sweep_id = "paused", .paused = true, .trial_ids = {"p"}},
      {.sweep_id = "gone", .cancelled = true, .trial_ids = {"g", "l"}}};
  state.trials = {
      Trial("l", TrialState::kPending), Trial("h", TrialState::kPending),
      Trial("p", TrialState::kPending), Trial("g", TrialState::kCancelled)};
  state.workers = {Worker("w"), Worker("v")};
  SchedulerWorld world(state);

  EXPECT_THAT(world.Lease("w", 2),
              ElementsAre(AttemptId{"h", 1}, AttemptId{"l", 1}));
  EXPECT_THAT(world.Lease("v", 2), IsEmpty());
}

TEST(RestoredTest, StatesOfWorkersAreRemembered) {
  RestoredState state;
  state.sweeps = {{.sweep_id = "s", .trial_ids = {"a"}}};
  state.trials = {Trial("a", TrialState::kPending)};
  for (const WorkerState worker_state :
       {WorkerState::kLost, WorkerState::kQuarantined, WorkerState::kLeft}) {
    state.workers = {Worker("w", worker_state)};
    SchedulerWorld world(state);
    EXPECT_EQ(world.WorkerIs("w"), worker_state);
    EXPECT_THAT(world.Lease("w"), IsEmpty());
  }
}

TEST(RestoredTest, OrdersOfPeopleAreRemembered) {
  RestoredState state;
  state.sweeps = {{.sweep_id = "s", .trial_ids = {"a"}}};
  state.trials = {Trial("a", TrialState::kPending)};
  for (const auto& [order, worker_state] :
       {std::pair(WorkerOrder::kDrain, WorkerState::kDraining),
        std::pair(WorkerOrder::kPause, WorkerState::kPaused)}) {
    // As a store has it after a night in which the worker was away.
    RestoredWorker worker = Worker("w", WorkerState::kLost);
    worker.order = order;
    state.workers = {worker};
    SchedulerWorld world(state);
    world.Beat("w");
    EXPECT_EQ(world.WorkerIs("w"), worker_state);
    EXPECT_THAT(world.Lease("w"), IsEmpty());
  }
}

TEST(RestoredTest, RemovedWorkerStaysShutOut) {
  RestoredState state;
  RestoredWorker worker = Worker("w", WorkerState::kLeft);
  worker.order = WorkerOrder::kRemove;
  state.workers = {worker};
  SchedulerWorld world(state);
  EXPECT_EQ(RefusalOf(world.Register("w")), Refused::Why::kRemovedWorker);
}

TEST(RestoredTest, QuarantinedWorkerGetsItsCanary) {
  RestoredState state;
  state.sweeps = {{.sweep_id = "s", .trial_ids = {"a"}}};
  state.trials = {Trial("a", TrialState::kPending)};
  state.workers = {Worker("w", WorkerState::kQuarantined)};
  SchedulerWorld world(state);
  world.Live("w", absl::Seconds(30));

  world.Complete("w", world.Lease("w").at(0));

  EXPECT_EQ(world.WorkerIs("w"), WorkerState::kOnline);
}

TEST(RestoredTest, StreakOfFailuresGoesOn) {
  RestoredState state;
  state.sweeps = {{.sweep_id = "s", .trial_ids = {"a", "b", "c"}}};
  state.trials = {Trial("a", TrialState::kFailed, 1),
                  Trial("b", TrialState::kPending, 1),
                  Trial("c", TrialState::kLeased, 1, "w")};
  for (int i : {0, 1}) {
    state.trials[i].budget = {.crash = 0};
    state.trials[i].counted_failures = {{Cause::kCrash, 1}};
    state.trials[i].failed_on_workers = {"w"};
  }
  state.workers = {Worker("w")};
  state.workers[0].failure_streak = {{{"a", 1}, Cause::kCrash},
                                     {{"b", 1}, Cause::kCrash}};
  SchedulerWorld world(state);

  const Effects effects = world.Fail("w", {"c", 1});

  EXPECT_THAT(Only<FailureForgiven>(effects), SizeIs(3));
  EXPECT_EQ(world.State("a"), TrialState::kPending);
  EXPECT_EQ(world.WorkerIs("w"), WorkerState::kQuarantined);
}

TEST(RestoredTest, ResultOfAnAttemptBeforeTheRestartIsAccepted) {
  RestoredState state;
  state.sweeps = {{.sweep_id = "s", .trial_ids = {"a"}}};
  state.trials = {Trial("a", TrialState::kPending, 2)};
  SchedulerWorld world(state);

  world.Complete("long gone", {"a", 1});

  EXPECT_EQ(world.State("a"), TrialState::kCompleted);
}

// 100,000 trials and 300 workers, with failures so that there are many groups.
// A scan of the trials for each lease would take minutes.
TEST(PendingQueueTest, LeasesAreFastWithManyTrials) {
  Scheduler scheduler(SchedulerOptions{.quarantine_after = 1000});
  SweepSubmitted sweep{.sweep_id = "s"};
  for (int i = 0; i < 100'000; ++i) {
    sweep.trial_ids.push_back("t" + std::to_string(i));
  }
  const auto start = std::chrono::steady_clock::now();
  scheduler.Step(sweep, absl::ZeroDuration());
  for (int i = 0; i < 300; ++i) {
    scheduler.Step(WorkerRegistered{.worker_id = "w" + std::to_string(i),
                                    .incarnation = "1",
                                    .device = "cpu"},
                   absl::ZeroDuration());
  }
  int leases = 0;
  for (int round = 0; round < 100; ++round) {
    for (int i = 0; i < 300; ++i) {
      const std::string worker = "w" + std::to_string(i);
      const Effects effects =
          scheduler.Step(LeasesRequested{worker, "1", 1}, absl::ZeroDuration());
      for (const LeaseGranted& lease : Only<LeaseGranted>(effects)) {
        ++leases;
        if (leases % 10 == 0) {
          scheduler.Step(AttemptFailed{worker, lease.attempt, Cause::kCrash},
                         absl::ZeroDuration());
        } else {
          scheduler.Step(AttemptCompleted{worker, lease.attempt},
                         absl::ZeroDuration());
        }
      }
    }
  }
  const auto taken = std::chrono::steady_clock::now() - start;

  scheduler.CheckInvariants();
  EXPECT_EQ(leases, 30'000);
  const auto seconds = std::chrono::duration<double>(taken).count();
  RecordProperty("seconds", std::to_string(seconds));
  EXPECT_LT(seconds, 20) << "a scan takes minutes";
}

}  // namespace
}  // namespace dfsweep::coordinator
