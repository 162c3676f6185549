// Outcomes of attempts against the states of trials: fencing, budgets, poison.
#include "coordinator/core/scheduler_testing.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace dfsweep::coordinator {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::SizeIs;
using How = AttemptEnded::How;

SchedulerWorld WorldWithALease() {
  SchedulerWorld world;
  world.Submit("s", {"a"});
  world.Register("w");
  world.Lease("w");
  return world;
}

// Attempt 1 is lost with w; attempt 2 is v's.
SchedulerWorld WorldWithAStaleAttempt() {
  SchedulerWorld world = WorldWithALease();
  world.Tick(absl::Seconds(120));
  world.Register("v");
  world.Lease("v");
  return world;
}

TEST(AttemptStartedTest, LeasedBecomesRunningOnce) {
  SchedulerWorld world = WorldWithALease();

  EXPECT_THAT(Only<TrialChanged>(world.Start("w", {"a", 1})), SizeIs(1));
  EXPECT_EQ(world.State("a"), TrialState::kRunning);
  EXPECT_THAT(world.Start("w", {"a", 1}), IsEmpty());
}

TEST(AttemptCompletedTest, EndsTheTrialInEveryOpenState) {
  for (const bool started : {false, true}) {
    for (const bool diverged : {false, true}) {
      SchedulerWorld world = WorldWithALease();
      if (started) world.Start("w", {"a", 1});

      const Effects effects = world.Complete("w", {"a", 1}, diverged);

      EXPECT_EQ(world.State("a"),
                diverged ? TrialState::kDiverged : TrialState::kCompleted);
      ASSERT_THAT(Only<AttemptEnded>(effects), SizeIs(1));
      EXPECT_EQ(Only<AttemptEnded>(effects)[0].how,
                diverged ? How::kDiverged : How::kCompleted);
      EXPECT_THAT(Only<StopAttempt>(effects), IsEmpty());
      EXPECT_THAT(world.Held("w"), IsEmpty());
    }
  }
}

TEST(AttemptCompletedTest, StaleResultWinsAndTheNewerAttemptIsStopped) {
  SchedulerWorld world = WorldWithAStaleAttempt();

  const Effects effects = world.Complete("w", {"a", 1});

  EXPECT_EQ(world.State("a"), TrialState::kCompleted);
  ASSERT_THAT(Only<StopAttempt>(effects), SizeIs(1));
  EXPECT_EQ(Only<StopAttempt>(effects)[0].worker_id, "v");
  EXPECT_EQ(Only<StopAttempt>(effects)[0].attempt, (AttemptId{"a", 2}));
  const std::vector<AttemptEnded> ended = Only<AttemptEnded>(effects);
  ASSERT_THAT(ended, SizeIs(2));
  EXPECT_EQ(ended[0].attempt, (AttemptId{"a", 2}));
  EXPECT_EQ(ended[0].how, How::kSuperseded);
  EXPECT_EQ(ended[1].attempt, (AttemptId{"a", 1}));
  EXPECT_EQ(ended[1].how, How::kCompleted);
  EXPECT_EQ(Only<TrialChanged>(effects)[0].worker_id, "w");
  EXPECT_THAT(world.Held("v"), IsEmpty());
  EXPECT_EQ(RefusalOf(world.Complete("v", {"a", 2})),
            Refused::Why::kAlreadyEnded);
}

TEST(AttemptCompletedTest, ResultOfAnUnclaimedTrialIsAccepted) {
  SchedulerWorld world = WorldWithALease();
  world.Tick(absl::Seconds(120));
  ASSERT_EQ(world.State("a"), TrialState::kPending);

  EXPECT_EQ(RefusalOf(world.Complete("w", {"a", 1})), std::nullopt);
  EXPECT_EQ(world.State("a"), TrialState::kCompleted);
  world.Beat("w");
  EXPECT_THAT(world.Lease("w"), IsEmpty());
}

TEST(AttemptCompletedTest, ResultFromAnUnknownWorkerIsAccepted) {
  SchedulerWorld world = WorldWithALease();

  const Effects effects = world.Complete("stranger", {"a", 1});

  EXPECT_EQ(world.State("a"), TrialState::kCompleted);
  EXPECT_THAT(Only<StopAttempt>(effects), SizeIs(1));
  EXPECT_THAT(world.Held("w"), IsEmpty());
}

TEST(AttemptCompletedTest, RepetitionIsRefusedAsAlreadyEnded) {
  SchedulerWorld world = WorldWithALease();
  world.Complete("w", {"a", 1});

  const Effects effects = world.Complete("w", {"a", 1});

  EXPECT_THAT(effects, SizeIs(1));
  EXPECT_EQ(RefusalOf(effects), Refused::Why::kAlreadyEnded);
}

TEST(AttemptCompletedTest, AttemptThatWasNeverLeasedIsRefused) {
  SchedulerWorld world = WorldWithALease();

  EXPECT_EQ(RefusalOf(world.Complete("w", {"a", 2})),
            Refused::Why::kStaleAttempt);
  EXPECT_EQ(RefusalOf(world.Complete("w", {"a", 0})),
            Refused::Why::kStaleAttempt);
  EXPECT_EQ(world.State("a"), TrialState::kLeased);
}

TEST(StaleAttemptTest, EverythingButACompleteResultIsRefused) {
  SchedulerWorld world = WorldWithAStaleAttempt();

  EXPECT_EQ(RefusalOf(world.Start("w", {"a", 1})), Refused::Why::kStaleAttempt);
  EXPECT_EQ(RefusalOf(world.Fail("w", {"a", 1})), Refused::Why::kStaleAttempt);
  EXPECT_EQ(RefusalOf(world.HandBack("w", {"a", 1})),
            Refused::Why::kStaleAttempt);
  EXPECT_THAT(world.Held("v"), ElementsAre(AttemptId{"a", 2}));
}

TEST(StaleAttemptTest, AnotherWorkersAttemptIsStaleToo) {
  SchedulerWorld world = WorldWithALease();
  world.Register("v");

  EXPECT_EQ(RefusalOf(world.Fail("v", {"a", 1})), Refused::Why::kStaleAttempt);
  EXPECT_EQ(world.State("a"), TrialState::kLeased);
}

TEST(EndedTrialTest, EveryOutcomeIsRefused) {
  SchedulerWorld world = WorldWithALease();
  world.Complete("w", {"a", 1});

  EXPECT_EQ(RefusalOf(world.Start("w", {"a", 1})), Refused::Why::kAlreadyEnded);
  EXPECT_EQ(RefusalOf(world.Fail("w", {"a", 1})), Refused::Why::kAlreadyEnded);
  EXPECT_EQ(RefusalOf(world.HandBack("w", {"a", 1})),
            Refused::Why::kAlreadyEnded);
}

TEST(UnknownTrialTest, EveryOutcomeIsRefused) {
  SchedulerWorld world;
  world.Register("w");

  EXPECT_EQ(RefusalOf(world.Start("w", {"x", 1})), Refused::Why::kUnknownTrial);
  EXPECT_EQ(RefusalOf(world.Complete("w", {"x", 1})),
            Refused::Why::kUnknownTrial);
  EXPECT_EQ(RefusalOf(world.Fail("w", {"x", 1})), Refused::Why::kUnknownTrial);
  EXPECT_EQ(RefusalOf(world.HandBack("w", {"x", 1})),
            Refused::Why::kUnknownTrial);
}

TEST(AttemptHandedBackTest, TrialIsPendingAgainUncounted) {
  SchedulerWorld world = WorldWithALease();

  const Effects effects = world.HandBack("w", {"a", 1});

  EXPECT_EQ(Only<AttemptEnded>(effects).at(0).how, How::kHandedBack);
  EXPECT_FALSE(Only<AttemptEnded>(effects)[0].counted);
  EXPECT_THAT(Only<WorkAvailable>(effects), SizeIs(1));
  EXPECT_THAT(world.Lease("w"), ElementsAre(AttemptId{"a", 2}));
}

TEST(AttemptFailedTest, EachCauseHasItsOwnBudget) {
  struct Case {
    Cause cause;
    int survived;
  };
  const RetryBudget budget{
      .out_of_memory = 2, .crash = 3, .timeout = 1, .environment = 4};
  for (const Case& c : {Case{Cause::kOutOfMemory, 2}, Case{Cause::kCrash, 3},
                        Case{Cause::kTimeout, 1}, Case{Cause::kEnvironment, 4},
                        Case{Cause::kBadConfig, 0}}) {
    SchedulerWorld world;
    world.Step(
        SweepSubmitted{.sweep_id = "s", .trial_ids = {"a"}, .budget = budget});
    world.Register("w");
    for (int i = 0; i < c.survived; ++i) {
      const Effects effects = world.Fail("w", world.Lease("w").at(0), c.cause);
      EXPECT_TRUE(Only<AttemptEnded>(effects).at(0).counted);
      EXPECT_EQ(world.State("a"), TrialState::kPending);
    }
    world.Fail("w", world.Lease("w").at(0), c.cause);
    EXPECT_EQ(world.State("a"), TrialState::kFailed)
        << "cause " << static_cast<int>(c.cause);
  }
}

TEST(AttemptFailedTest, DifferentCausesDoNotAddUp) {
  SchedulerWorld world;
  world.Submit("s", {"a"});
  world.Register("w");
  for (const Cause cause : {Cause::kCrash, Cause::kCrash, Cause::kCrash,
                            Cause::kTimeout, Cause::kOutOfMemory}) {
    world.Fail("w", world.Lease("w").at(0), cause);
  }

  EXPECT_EQ(world.State("a"), TrialState::kPending);
}

TEST(AttemptFailedTest, PreemptionAndWorkerLossAreNeverCounted) {
  SchedulerWorld world;
  world.Submit("s", {"a"});
  world.Register("w");
  for (int i = 0; i < 50; ++i) {
    const Effects effects =
        world.Fail("w", world.Lease("w").at(0),
                   i % 2 == 0 ? Cause::kPreempted : Cause::kWorkerLost);
    EXPECT_FALSE(Only<AttemptEnded>(effects).at(0).counted);
  }

  EXPECT_EQ(world.State("a"), TrialState::kPending);
  EXPECT_EQ(world.WorkerIs("w"), WorkerState::kOnline);
}

TEST(AttemptFailedTest, RetryGoesToAnotherHealthyWorker) {
  SchedulerWorld world;
  world.Submit("s", {"a", "b"});
  world.Register("w");
  world.Register("v");
  world.Fail("w", world.Lease("w").at(0));

  EXPECT_THAT(world.Lease("w"), ElementsAre(AttemptId{"b", 1}));
  EXPECT_THAT(world.Lease("v"), ElementsAre(AttemptId{"a", 2}));
}

TEST(AttemptFailedTest, RetryGoesToTheSameWorkerIfNoOtherCanTakeIt) {
  SchedulerWorld world;
  world.Submit("s", {"a"});
  world.Register("w");
  world.Register("v");
  world.Fail("w", world.Lease("w").at(0));
  ASSERT_THAT(world.Lease("w"), IsEmpty());

  const Effects effects = world.Step(WorkerDrained{"v"});

  EXPECT_THAT(Only<WorkAvailable>(effects), SizeIs(1));
  EXPECT_THAT(world.Lease("w"), ElementsAre(AttemptId{"a", 2}));
}

TEST(AttemptFailedTest, TrialThatFailsOnTwoWorkersIsPoisoned) {
  SchedulerWorld world;
  world.Submit("s", {"a"});
  world.Register("w");
  world.Register("v");
  world.Fail("w", world.Lease("w").at(0));
  world.Fail("v", world.Lease("v").at(0));

  EXPECT_EQ(world.State("a"), TrialState::kFailed);
}

TEST(AttemptNumberTest, RisesWithEveryLease) {
  SchedulerWorld world;
  world.Submit("s", {"a"});
  world.Register("w");
  for (int attempt = 1; attempt <= 20; ++attempt) {
    ASSERT_THAT(world.Lease("w"), ElementsAre(AttemptId{"a", attempt}));
    world.HandBack("w", {"a", attempt});
  }
}

}  // namespace
}  // namespace dfsweep::coordinator
