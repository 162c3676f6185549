// What people ask for, against the states of trials: order, pause, cancel,
// resubmission, retry.
#include "coordinator/core/scheduler_testing.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace dfsweep::coordinator {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::SizeIs;

TEST(SweepSubmittedTest, NewTrialsArePendingAndWakeWorkers) {
  SchedulerWorld world;

  const Effects effects = world.Submit("s", {"a", "b"});

  EXPECT_THAT(Only<TrialChanged>(effects), SizeIs(2));
  EXPECT_THAT(Only<WorkAvailable>(effects), SizeIs(1));
  EXPECT_EQ(world.State("a"), TrialState::kPending);
}

TEST(SweepSubmittedTest, TrialsRunByPriorityThenShareThenSubmission) {
  SchedulerWorld world;
  world.Submit("first", {"f1", "f2"});
  world.Submit("second", {"s1"});
  world.Submit("urgent", {"u1", "u2"}, /*priority=*/5);
  world.Register("w", /*slots=*/5);

  EXPECT_THAT(
      world.Lease("w", 5),
      ElementsAre(AttemptId{"u1", 1}, AttemptId{"u2", 1}, AttemptId{"f1", 1},
                  AttemptId{"s1", 1}, AttemptId{"f2", 1}));
}

TEST(SweepSubmittedTest, SharedTrialRunsOnceUnderItsBestSweep) {
  SchedulerWorld world;
  world.Submit("slow", {"a", "shared"});
  world.Submit("urgent", {"shared"}, /*priority=*/1);
  world.Register("w", /*slots=*/3);

  EXPECT_THAT(world.Lease("w", 3),
              ElementsAre(AttemptId{"shared", 1}, AttemptId{"a", 1}));
}

TEST(SweepSubmittedTest, TrialTwiceInASweepRunsOnce) {
  SchedulerWorld world;
  world.Submit("s", {"a", "a"});
  world.Register("w", /*slots=*/2);

  EXPECT_THAT(world.Lease("w", 2), SizeIs(1));
}

TEST(SweepSubmittedTest, EndedTrialsStayEndedButCancelledOnesReturn) {
  SchedulerWorld world;
  world.Submit("s", {"done", "nan", "broken", "unwanted"});
  world.Register("w", /*slots=*/3);
  world.Lease("w", 3);
  world.Complete("w", {"done", 1});
  world.Complete("w", {"nan", 1}, /*diverged=*/true);
  world.Fail("w", {"broken", 1}, Cause::kBadConfig);
  world.Step(SweepCancelled{"s"});

  world.Submit("again", {"done", "nan", "broken", "unwanted"});

  EXPECT_EQ(world.State("done"), TrialState::kCompleted);
  EXPECT_EQ(world.State("nan"), TrialState::kDiverged);
  EXPECT_EQ(world.State("broken"), TrialState::kFailed);
  EXPECT_EQ(world.State("unwanted"), TrialState::kPending);
}

TEST(SweepSubmittedTest, KnownSweepGoesOnWithTheNewTrialsToo) {
  SchedulerWorld world;
  world.Submit("s", {"a"});
  world.Step(SweepCancelled{"s"});

  world.Submit("s", {"b"});

  EXPECT_EQ(world.State("a"), TrialState::kPending);
  world.Register("w", /*slots=*/2);
  EXPECT_THAT(world.Lease("w", 2),
              ElementsAre(AttemptId{"a", 1}, AttemptId{"b", 1}));
}

TEST(SweepSubmittedTest, NewRequirementsHoldForTrialsThatHaveNotEnded) {
  SchedulerWorld world;
  world.Step(SweepSubmitted{
      .sweep_id = "s", .trial_ids = {"a"}, .requirements = {.device = "cuda"}});
  world.Register("w");
  ASSERT_THAT(world.Lease("w"), IsEmpty());

  world.Submit("again", {"a"});

  EXPECT_THAT(world.Lease("w"), SizeIs(1));
}

TEST(SweepPausedTest, NothingOfItIsLeasedUntilResumed) {
  SchedulerWorld world;
  world.Submit("s", {"a", "b"});
  world.Register("w", /*slots=*/2);
  world.Lease("w", 1);

  world.Step(SweepPaused{"s"});
  EXPECT_EQ(world.State("a"), TrialState::kLeased) << "what runs goes on";
  EXPECT_THAT(world.Lease("w"), IsEmpty());

  EXPECT_THAT(Only<WorkAvailable>(world.Step(SweepResumed{"s"})), SizeIs(1));
  EXPECT_THAT(world.Lease("w"), SizeIs(1));
}

TEST(SweepPausedTest, SharedTrialRunsUnderTheOtherSweep) {
  SchedulerWorld world;
  world.Submit("paused", {"shared", "own"});
  world.Submit("active", {"shared"});
  world.Step(SweepPaused{"paused"});
  world.Register("w", /*slots=*/2);

  EXPECT_THAT(world.Lease("w", 2), ElementsAre(AttemptId{"shared", 1}));
}

TEST(SweepCancelledTest, OpenTrialsOfEveryStateEndAndHeldOnesAreStopped) {
  SchedulerWorld world;
  world.Submit("s", {"running", "leased", "pending"});
  world.Register("w", /*slots=*/2);
  world.Lease("w", 2);
  world.Start("w", {"running", 1});

  const Effects effects = world.Step(SweepCancelled{"s"});

  for (const char* trial : {"running", "leased", "pending"}) {
    EXPECT_EQ(world.State(trial), TrialState::kCancelled) << trial;
  }
  EXPECT_THAT(Only<StopAttempt>(effects), SizeIs(2));
  EXPECT_THAT(Only<AttemptEnded>(effects), SizeIs(2));
  EXPECT_EQ(Only<AttemptEnded>(effects)[0].how, AttemptEnded::How::kCancelled);
  EXPECT_THAT(world.Held("w"), IsEmpty());
}

TEST(SweepCancelledTest, TrialOfAnotherUncancelledSweepGoesOn) {
  SchedulerWorld world;
  world.Submit("one", {"shared"});
  world.Submit("two", {"shared"});
  world.Step(SweepPaused{"two"});

  world.Step(SweepCancelled{"one"});
  EXPECT_EQ(world.State("shared"), TrialState::kPending);

  world.Step(SweepCancelled{"two"});
  EXPECT_EQ(world.State("shared"), TrialState::kCancelled);
}

TEST(SweepCancelledTest, LateResultIsRefused) {
  SchedulerWorld world;
  world.Submit("s", {"a"});
  world.Register("w");
  world.Lease("w");
  world.Step(SweepCancelled{"s"});

  EXPECT_EQ(RefusalOf(world.Complete("w", {"a", 1})),
            Refused::Why::kAlreadyEnded);
  EXPECT_EQ(world.State("a"), TrialState::kCancelled);
}

TEST(SweepCancelledTest, WorkerThatStillListsTheAttemptIsToldAgain) {
  SchedulerWorld world;
  world.Submit("s", {"a"});
  world.Register("w");
  world.Lease("w");
  world.Step(SweepCancelled{"s"});

  EXPECT_THAT(Only<StopAttempt>(world.Beat("w", {{"a", 1}})), SizeIs(1));
}

TEST(SweepEventsTest, UnknownSweepIsRefused) {
  SchedulerWorld world;

  EXPECT_EQ(RefusalOf(world.Step(SweepPaused{"x"})),
            Refused::Why::kUnknownSweep);
  EXPECT_EQ(RefusalOf(world.Step(SweepResumed{"x"})),
            Refused::Why::kUnknownSweep);
  EXPECT_EQ(RefusalOf(world.Step(SweepCancelled{"x"})),
            Refused::Why::kUnknownSweep);
}

TEST(TrialsRetriedTest, FailedTrialHasAFreshBudget) {
  SchedulerWorld world;
  world.Step(SweepSubmitted{
      .sweep_id = "s", .trial_ids = {"a"}, .budget = {.crash = 1}});
  world.Register("w");
  world.Fail("w", world.Lease("w").at(0));
  world.Fail("w", world.Lease("w").at(0));
  ASSERT_EQ(world.State("a"), TrialState::kFailed);

  const Effects effects = world.Step(TrialsRetried{{"a"}});

  EXPECT_EQ(world.State("a"), TrialState::kPending);
  EXPECT_THAT(Only<FailureForgiven>(effects), SizeIs(2));
  world.Fail("w", world.Lease("w").at(0));
  EXPECT_EQ(world.State("a"), TrialState::kPending);
  world.Fail("w", world.Lease("w").at(0));
  EXPECT_EQ(world.State("a"), TrialState::kFailed);
}

TEST(TrialsRetriedTest, OnlyFailedAndCancelledTrialsMove) {
  SchedulerWorld world;
  world.Submit("s", {"done", "running", "pending"});
  world.Register("w", /*slots=*/2);
  world.Lease("w", 2);
  world.Complete("w", {"done", 1});

  EXPECT_THAT(world.Step(TrialsRetried{{"done", "running", "pending"}}),
              IsEmpty());
}

TEST(TrialsRetriedTest, TrialOfACancelledSweepRunsUntilCancelledAgain) {
  SchedulerWorld world;
  world.Submit("s", {"a", "b"});
  world.Step(SweepCancelled{"s"});
  world.Register("w", /*slots=*/2);

  world.Step(TrialsRetried{{"a"}});
  EXPECT_THAT(world.Lease("w", 2), ElementsAre(AttemptId{"a", 1}));

  world.Step(SweepCancelled{"s"});
  EXPECT_EQ(world.State("a"), TrialState::kCancelled);
}

TEST(TrialsRetriedTest, OneUnknownTrialRefusesAll) {
  SchedulerWorld world;
  world.Submit("s", {"a"});
  world.Step(SweepCancelled{"s"});

  EXPECT_EQ(RefusalOf(world.Step(TrialsRetried{{"a", "x"}})),
            Refused::Why::kUnknownTrial);
  EXPECT_EQ(world.State("a"), TrialState::kCancelled);
}

TEST(FairShareTest, SweepsOfOnePriorityShareTheSlots) {
  SchedulerWorld world;
  world.Step(SweepSubmitted{.sweep_id = "old", .trial_ids = {"a", "b", "c"}});
  world.Step(SweepSubmitted{.sweep_id = "new", .trial_ids = {"x", "y", "z"}});
  world.Register("w", /*slots=*/5);

  EXPECT_THAT(
      world.Lease("w", 3),
      ElementsAre(AttemptId{"a", 1}, AttemptId{"x", 1}, AttemptId{"b", 1}));
  world.Step(SweepSubmitted{
      .sweep_id = "urgent", .priority = 1, .trial_ids = {"u", "v"}});
  EXPECT_THAT(world.Lease("w", 2),
              ElementsAre(AttemptId{"u", 1}, AttemptId{"v", 1}));
}

}  // namespace
}  // namespace dfsweep::coordinator
