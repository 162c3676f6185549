#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "coordinator/core/scheduler_testing.h"

namespace dfsweep::coordinator {
namespace {

using testing::ElementsAre;

TEST(TrialsAddedTest, TheyRunAfterTheSweepsOthers) {
  SchedulerWorld world;
  world.Register("w", 3);
  world.Submit("s", {"a"});
  world.Step(TrialsAdded{.sweep_id = "s", .trial_ids = {"b", "c"}});
  EXPECT_THAT(
      world.Lease("w", 3),
      ElementsAre(AttemptId{"a", 1}, AttemptId{"b", 1}, AttemptId{"c", 1}));
}

TEST(TrialsAddedTest, APausedSweepStaysPaused) {
  SchedulerWorld world;
  world.Register("w", 3);
  world.Submit("s", {"a"});
  world.Step(SweepPaused{"s"});
  world.Step(TrialsAdded{.sweep_id = "s", .trial_ids = {"b"}});
  EXPECT_THAT(world.Lease("w", 3), ElementsAre());
  EXPECT_EQ(world.scheduler.Trial("b")->state, TrialState::kPending);
}

TEST(TrialsAddedTest, AnUnknownSweepIsRefused) {
  SchedulerWorld world;
  EXPECT_EQ(RefusalOf(world.Step(TrialsAdded{.sweep_id = "x"})),
            Refused::Why::kUnknownSweep);
}

TEST(TrialsAddedTest, ACancelledSweepIsRefused) {
  SchedulerWorld world;
  world.Submit("s", {"a"});
  world.Step(SweepCancelled{"s"});
  EXPECT_EQ(
      RefusalOf(world.Step(TrialsAdded{.sweep_id = "s", .trial_ids = {"b"}})),
      Refused::Why::kUnknownSweep);
  EXPECT_FALSE(world.scheduler.Trial("b").has_value());
}

TEST(TrialDroppedTest, ARunningTrialIsStoppedAndCancelled) {
  SchedulerWorld world;
  world.Register("w");
  world.Submit("s", {"a"});
  const AttemptId attempt = world.Lease("w").at(0);
  world.Start("w", attempt);

  const Effects effects = world.Step(TrialDropped{"s", "a"});

  const auto stops = Only<StopAttempt>(effects);
  ASSERT_EQ(stops.size(), 1);
  EXPECT_EQ(stops[0].attempt, attempt);
  EXPECT_EQ(world.scheduler.Trial("a")->state, TrialState::kCancelled);
}

TEST(TrialDroppedTest, AnotherSweepKeepsItRunning) {
  SchedulerWorld world;
  world.Register("w");
  world.Submit("s", {"a"});
  world.Submit("other", {"a"});
  world.Start("w", world.Lease("w").at(0));
  EXPECT_TRUE(Only<StopAttempt>(world.Step(TrialDropped{"s", "a"})).empty());
  EXPECT_EQ(world.scheduler.Trial("a")->state, TrialState::kRunning);
  world.Step(SweepCancelled{"other"});
  EXPECT_EQ(world.scheduler.Trial("a")->state, TrialState::kCancelled);
}

TEST(TrialDroppedTest, AResultStays) {
  SchedulerWorld world;
  world.Register("w");
  world.Submit("s", {"a"});
  world.Complete("w", world.Lease("w").at(0));
  world.Step(TrialDropped{"s", "a"});
  EXPECT_EQ(world.scheduler.Trial("a")->state, TrialState::kCompleted);
}

TEST(TrialDroppedTest, ATrialThatTheSweepDoesNotHaveIsRefused) {
  SchedulerWorld world;
  world.Submit("s", {"a"});
  world.Submit("t", {"b"});
  EXPECT_EQ(RefusalOf(world.Step(TrialDropped{"s", "b"})),
            Refused::Why::kUnknownTrial);
}

TEST(TrialDroppedTest, AResultThatWasOnItsWayIsAccepted) {
  SchedulerWorld world;
  world.Register("w");
  world.Submit("s", {"a"});
  const AttemptId attempt = world.Lease("w").at(0);
  world.Start("w", attempt);
  world.Step(TrialDropped{"s", "a"});
  EXPECT_EQ(RefusalOf(world.Complete("w", attempt)), std::nullopt);
  EXPECT_EQ(world.scheduler.Trial("a")->state, TrialState::kCompleted);
}

TEST(TrialDroppedTest, AResultAfterTheSweepWasCancelledIsNot) {
  SchedulerWorld world;
  world.Register("w");
  world.Submit("s", {"a"});
  const AttemptId attempt = world.Lease("w").at(0);
  world.Step(TrialDropped{"s", "a"});
  world.Step(SweepCancelled{"s"});
  EXPECT_EQ(RefusalOf(world.Complete("w", attempt)),
            Refused::Why::kAlreadyEnded);
}

TEST(TrialTakenUpTest, ItGoesOnWithTheNextAttempt) {
  SchedulerWorld world;
  world.Register("w");
  world.Submit("s", {"a", "b"});
  world.Start("w", world.Lease("w").at(0));
  world.Step(TrialDropped{"s", "a"});
  world.Step(TrialTakenUp{"s", "a"});
  EXPECT_THAT(world.Lease("w"), ElementsAre(AttemptId{"a", 2}));
}

TEST(TrialTakenUpTest, ACancelledSweepDoesNotRunIt) {
  SchedulerWorld world;
  world.Submit("s", {"a"});
  world.Step(TrialDropped{"s", "a"});
  world.Step(SweepCancelled{"s"});
  world.Step(TrialTakenUp{"s", "a"});
  EXPECT_EQ(world.scheduler.Trial("a")->state, TrialState::kCancelled);
}

TEST(DroppedTrialTest, SubmittingTheSweepAgainLeavesItDropped) {
  SchedulerWorld world;
  world.Submit("s", {"a", "b"});
  world.Step(TrialDropped{"s", "a"});
  world.Submit("s", {"a", "b"});
  EXPECT_EQ(world.scheduler.Trial("a")->state, TrialState::kCancelled);
}

TEST(DroppedTrialTest, ARestartRemembersIt) {
  SchedulerWorld world(RestoredState{
      .sweeps = {{.sweep_id = "s",
                  .trial_ids = {"a", "b"},
                  .dropped_trial_ids = {"a"}}},
      .trials = {{.trial_id = "a", .state = TrialState::kCancelled},
                 {.trial_id = "b"}}});
  world.Register("w", 2);
  EXPECT_THAT(world.Lease("w", 2), ElementsAre(AttemptId{"b", 1}));
  world.Step(TrialTakenUp{"s", "a"});
  EXPECT_THAT(world.Lease("w"), ElementsAre(AttemptId{"a", 1}));
}

}  // namespace
}  // namespace dfsweep::coordinator
