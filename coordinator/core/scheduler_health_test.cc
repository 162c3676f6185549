// Quarantine: failures that are the worker's fault cost the trials nothing,
// and still every sweep ends.
#include <set>

#include "coordinator/core/scheduler_testing.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace dfsweep::coordinator {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::SizeIs;

// a, b and c have each failed once on w, which is alone; d waits too.
SchedulerWorld WorldWithAQuarantinedWorker() {
  SchedulerWorld world;
  world.Submit("s", {"a", "b", "c", "d"});
  world.Register("w", /*slots=*/3);
  for (const AttemptId& attempt : world.Lease("w", 3)) {
    world.Fail("w", attempt);
  }
  return world;
}

TEST(QuarantineTest, ThreeDifferentTrialsInARowAndTheirFailuresAreGivenBack) {
  SchedulerWorld world;
  world.Submit("s", {"a", "b", "c"});
  world.Register("w", /*slots=*/3);
  world.Lease("w", 3);
  world.Fail("w", {"a", 1});
  world.Fail("w", {"b", 1});
  ASSERT_EQ(world.WorkerIs("w"), WorkerState::kOnline);

  const Effects effects = world.Fail("w", {"c", 1});

  EXPECT_EQ(world.WorkerIs("w"), WorkerState::kQuarantined);
  EXPECT_THAT(Only<FailureForgiven>(effects), SizeIs(3));
  EXPECT_THAT(world.Lease("w", 3), IsEmpty());
}

TEST(QuarantineTest, OneTrialThatFailsManyTimesIsNotEnough) {
  SchedulerWorld world;
  world.Submit("s", {"a", "b"});
  world.Register("w");
  for (int i = 0; i < 4; ++i) world.Fail("w", world.Lease("w").at(0));
  ASSERT_EQ(world.State("a"), TrialState::kFailed);
  world.Fail("w", world.Lease("w").at(0));

  EXPECT_EQ(world.WorkerIs("w"), WorkerState::kOnline);
}

TEST(QuarantineTest, ACompletionBreaksTheStreak) {
  SchedulerWorld world;
  world.Submit("s", {"a", "b", "c", "d"});
  world.Register("w", /*slots=*/4);
  world.Lease("w", 4);
  world.Fail("w", {"a", 1});
  world.Fail("w", {"b", 1});
  world.Complete("w", {"c", 1}, /*diverged=*/true);
  world.Fail("w", {"d", 1});

  EXPECT_EQ(world.WorkerIs("w"), WorkerState::kOnline);
}

TEST(QuarantineTest, CausesThatSpeakAgainstTheWorker) {
  struct Case {
    Cause cause;
    bool quarantines;
  };
  for (const Case& c :
       {Case{Cause::kCrash, true}, Case{Cause::kOutOfMemory, true},
        Case{Cause::kTimeout, true}, Case{Cause::kEnvironment, true},
        Case{Cause::kBadConfig, false}, Case{Cause::kPreempted, false},
        Case{Cause::kWorkerLost, false}}) {
    SchedulerWorld world;
    world.Submit("s", {"a", "b", "c"});
    world.Register("w", /*slots=*/3);
    for (const AttemptId& attempt : world.Lease("w", 3)) {
      world.Fail("w", attempt, c.cause);
    }
    EXPECT_EQ(world.WorkerIs("w") == WorkerState::kQuarantined, c.quarantines)
        << "cause " << static_cast<int>(c.cause);
  }
}

TEST(QuarantineTest, TrialThatHadEndedBecauseOfItIsPendingAgain) {
  SchedulerWorld world;
  world.Step(SweepSubmitted{
      .sweep_id = "s", .trial_ids = {"a", "b", "c"}, .budget = {.crash = 0}});
  world.Register("w", /*slots=*/3);
  world.Lease("w", 3);
  world.Fail("w", {"a", 1});
  ASSERT_EQ(world.State("a"), TrialState::kFailed);
  world.Fail("w", {"b", 1});
  world.Fail("w", {"c", 1});

  for (const char* trial : {"a", "b", "c"}) {
    EXPECT_EQ(world.State(trial), TrialState::kPending) << trial;
  }
}

TEST(QuarantineTest, TrialThatHadEndedInACancelledSweepIsCancelled) {
  SchedulerWorld world;
  world.Step(SweepSubmitted{
      .sweep_id = "s", .trial_ids = {"a"}, .budget = {.crash = 0}});
  world.Submit("t", {"b", "c"});
  world.Register("w", /*slots=*/3);
  world.Lease("w", 3);
  world.Fail("w", {"a", 1});
  world.Step(SweepCancelled{"s"});
  world.Fail("w", {"b", 1});
  world.Fail("w", {"c", 1});

  EXPECT_EQ(world.State("a"), TrialState::kCancelled);
}

TEST(QuarantineTest, WhatWasLeasedBeforeItFailsUncounted) {
  SchedulerWorld world;
  world.Submit("s", {"a", "b", "c", "d"});
  world.Register("w", /*slots=*/4);
  world.Lease("w", 4);
  for (const char* trial : {"a", "b", "c"}) world.Fail("w", {trial, 1});

  const Effects effects = world.Fail("w", {"d", 1});

  EXPECT_FALSE(Only<AttemptEnded>(effects).at(0).counted);
}

TEST(QuarantineTest, RetriedTrialIsNotForgivenTwice) {
  SchedulerWorld world;
  world.Step(SweepSubmitted{
      .sweep_id = "s", .trial_ids = {"a", "b", "c"}, .budget = {.crash = 0}});
  world.Register("w");
  world.Fail("w", world.Lease("w").at(0));
  world.Step(TrialsRetried{{"a"}});
  world.Fail("w", world.Lease("w").at(0));
  ASSERT_EQ(world.State("a"), TrialState::kFailed);
  world.Fail("w", world.Lease("w").at(0));

  const Effects effects = world.Fail("w", world.Lease("w").at(0));

  std::vector<AttemptId> forgiven;
  for (const FailureForgiven& it : Only<FailureForgiven>(effects)) {
    forgiven.push_back(it.attempt);
  }
  EXPECT_THAT(forgiven, ElementsAre(AttemptId{"a", 2}, AttemptId{"b", 1},
                                    AttemptId{"c", 1}));
}

TEST(CanaryTest, OneTrialOnceTheWaitIsOver) {
  SchedulerWorld world = WorldWithAQuarantinedWorker();
  EXPECT_EQ(world.scheduler.NextDeadline(), absl::Seconds(30));
  world.Live("w", absl::Seconds(20));
  EXPECT_THAT(world.Lease("w", 3), IsEmpty());
  world.now += absl::Seconds(10);
  world.Beat("w");

  EXPECT_THAT(Only<WorkAvailable>(world.Tick()), SizeIs(1));
  EXPECT_THAT(Only<WorkAvailable>(world.Tick()), IsEmpty()) << "told once";
  EXPECT_THAT(world.Lease("w", 3), SizeIs(1));
  EXPECT_THAT(world.Lease("w", 3), IsEmpty());
}

TEST(CanaryTest, SuccessEndsTheQuarantine) {
  SchedulerWorld world = WorldWithAQuarantinedWorker();
  world.Live("w", absl::Seconds(30));
  const AttemptId canary = world.Lease("w").at(0);

  const Effects effects = world.Complete("w", canary);

  EXPECT_EQ(world.WorkerIs("w"), WorkerState::kOnline);
  EXPECT_THAT(Only<WorkAvailable>(effects), SizeIs(1));
  EXPECT_THAT(world.Lease("w", 3), SizeIs(3));
}

TEST(CanaryTest, FailureCountsAndDoublesTheWaitUpToTheMaximum) {
  SchedulerWorld world;
  std::vector<std::string> trials;
  for (int i = 0; i < 20; ++i) trials.push_back("t" + std::to_string(i));
  world.Submit("s", trials);
  world.Register("w", /*slots=*/3);
  for (const AttemptId& attempt : world.Lease("w", 3)) {
    world.Fail("w", attempt);
  }
  for (const int wait : {30, 60, 120, 240, 480, 960, 1800, 1800}) {
    world.Live("w", absl::Seconds(wait - 1));
    EXPECT_THAT(world.Lease("w"), IsEmpty()) << wait;
    world.Live("w", absl::Seconds(1));
    const std::vector<AttemptId> canary = world.Lease("w");
    ASSERT_THAT(canary, SizeIs(1)) << wait;
    const Effects effects = world.Fail("w", canary[0]);
    EXPECT_TRUE(Only<AttemptEnded>(effects).at(0).counted);
    EXPECT_THAT(Only<FailureForgiven>(effects), IsEmpty());
  }
}

TEST(CanaryTest, TakesATrialThatHasNotFailedYet) {
  SchedulerWorld world;
  world.Submit("s", {"a", "b", "c", "d"});
  world.Register("w", /*slots=*/3);
  for (const AttemptId& attempt : world.Lease("w", 3)) {
    world.Fail("w", attempt);
  }
  std::vector<std::string> canaries;
  for (int i = 0; i < 4; ++i) {
    world.Live("w", absl::Minutes(30));
    canaries.push_back(world.Lease("w").at(0).trial_id);
    world.Fail("w", world.Held("w").at(0));
  }

  EXPECT_THAT(canaries, ElementsAre("a", "b", "c", "d"));
}

TEST(CanaryTest, LossOfItSaysNothingAndTheWaitStays) {
  SchedulerWorld world = WorldWithAQuarantinedWorker();
  world.Live("w", absl::Seconds(30));
  world.HandBack("w", world.Lease("w").at(0));

  world.Live("w", absl::Seconds(30));

  EXPECT_THAT(world.Lease("w"), SizeIs(1));
  EXPECT_EQ(world.WorkerIs("w"), WorkerState::kQuarantined);
}

TEST(CanaryTest, TrialThatFailedIsKeptForAHealthyWorker) {
  SchedulerWorld world;
  world.Submit("s", {"a"});
  world.Register("w", /*slots=*/3);
  world.Register("v");
  world.Fail("v", world.Lease("v").at(0), Cause::kTimeout);
  world.Submit("t", {"x", "y", "z"}, /*priority=*/1);
  for (const AttemptId& attempt : world.Lease("w", 3)) {
    world.Fail("w", attempt);
  }
  ASSERT_EQ(world.WorkerIs("w"), WorkerState::kQuarantined);
  world.Step(SweepCancelled{"t"});
  world.Register("u");
  world.now += absl::Seconds(29);
  for (const char* worker : {"u", "v", "w"}) world.Beat(worker);
  world.Tick(absl::Seconds(1));

  EXPECT_THAT(world.Lease("w"), IsEmpty());
  EXPECT_THAT(world.Lease("u"), ElementsAre(AttemptId{"a", 2}));
}

TEST(QuarantineTest, SurvivesARestartOfTheWorker) {
  SchedulerWorld world = WorldWithAQuarantinedWorker();

  world.Register("w", 3, {}, "2");

  EXPECT_EQ(world.WorkerIs("w"), WorkerState::kQuarantined);
  EXPECT_THAT(world.Lease("w", 3, "2"), IsEmpty());
}

// Each canary's failure is counted for good, so the sum of what the budgets
// still allow falls with every canary; quarantine begins anew only after a
// completion, and a trial completes once.
TEST(QuarantineTest, SweepOfBrokenTrialsEndsOnAFleetOfOne) {
  SchedulerWorld world;
  std::vector<std::string> trials;
  for (int i = 0; i < 12; ++i) trials.push_back("t" + std::to_string(i));
  world.Submit("s", trials);
  world.Register("w", /*slots=*/2);
  int attempts = 0;
  const absl::Duration bound = 12 * 4 * absl::Minutes(30);
  while (world.now < bound) {
    for (const AttemptId& attempt : world.Lease("w", 2)) {
      world.Fail("w", attempt);
      ++attempts;
    }
    world.Live("w", absl::Seconds(30));
  }

  for (const std::string& trial : trials) {
    EXPECT_EQ(world.State(trial), TrialState::kFailed) << trial;
  }
  EXPECT_LE(attempts, 12 * 4 + 12);
}

// W&B issue 5088: one machine took 470 of 500 runs and failed them all.
TEST(QuarantineTest, BlackHoleWorkerCostsFewTrialsAndFailsNone) {
  SchedulerWorld world;
  std::vector<std::string> trials;
  for (int i = 0; i < 500; ++i) trials.push_back("t" + std::to_string(i));
  world.Submit("s", trials);
  world.Register("bad");
  world.Register("good");
  std::set<std::string> touched;
  for (int second = 0; second < 600; ++second) {
    world.now += absl::Seconds(1);
    if (second % 10 == 0) {
      world.Beat("bad", world.Held("bad"));
      world.Beat("good", world.Held("good"));
    }
    world.Tick();
    for (const AttemptId& attempt : world.Lease("bad")) {
      world.Fail("bad", attempt);
      touched.insert(attempt.trial_id);
    }
    for (const AttemptId& attempt : world.Held("good")) {
      world.Complete("good", attempt);
    }
    world.Lease("good");
  }

  // Three before the quarantine, then a canary at 30, 90, 210 and 450 s.
  EXPECT_LE(touched.size(), 3u + 4u);
  for (const std::string& trial : trials) {
    EXPECT_EQ(world.State(trial), TrialState::kCompleted) << trial;
  }
}

}  // namespace
}  // namespace dfsweep::coordinator
