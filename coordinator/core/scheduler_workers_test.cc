// What workers do, and silence, against the states of workers and trials.
#include <optional>
#include <string>
#include <vector>

#include "coordinator/core/scheduler_testing.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace dfsweep::coordinator {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::SizeIs;
using How = AttemptEnded::How;

// One trial, leased to the worker w.
SchedulerWorld WorldWithALease() {
  SchedulerWorld world;
  world.Submit("s", {"a"});
  world.Register("w");
  world.Lease("w");
  return world;
}

TEST(LeasesRequestedTest, GrantsAtMostTheFreeSlots) {
  SchedulerWorld world;
  world.Submit("s", {"a", "b", "c"});
  world.Register("w", /*slots=*/2);

  EXPECT_THAT(world.Lease("w", 10), SizeIs(2));
  EXPECT_THAT(world.Lease("w", 10), IsEmpty());
  world.Complete("w", {"a", 1});
  EXPECT_THAT(world.Lease("w", 10), ElementsAre(AttemptId{"c", 1}));
}

TEST(LeasesRequestedTest, GrantsAtMostWhatWasAskedFor) {
  SchedulerWorld world;
  world.Submit("s", {"a", "b", "c"});
  world.Register("w", /*slots=*/3);

  EXPECT_THAT(world.Lease("w", 1), SizeIs(1));
}

TEST(LeasesRequestedTest, DeviceAndMemoryMustMatch) {
  struct Case {
    Requirements requirements;
    std::string device;
    int64_t memory_bytes;
    bool fits;
  };
  const Case cases[] = {
      {{"any", 0}, "cpu", 0, true},      {{"any", 8}, "cuda", 8, true},
      {{"any", 9}, "cuda", 8, false},    {{"cuda", 0}, "cpu", 100, false},
      {{"cuda", 50}, "cuda", 100, true}, {{"cpu", 0}, "cpu", 0, true},
      {{"cpu", 0}, "cuda", 100, false},
  };
  for (const Case& c : cases) {
    SchedulerWorld world;
    world.Step(SweepSubmitted{
        .sweep_id = "s", .trial_ids = {"a"}, .requirements = c.requirements});
    world.Step(WorkerRegistered{.worker_id = "w",
                                .incarnation = "1",
                                .device = c.device,
                                .memory_bytes = c.memory_bytes});
    EXPECT_EQ(world.Lease("w").size() == 1, c.fits)
        << c.requirements.device << " " << c.requirements.memory_bytes << " on "
        << c.device << " " << c.memory_bytes;
  }
}

TEST(LeasesRequestedTest, FittingTrialBehindAnUnfittingOneIsFound) {
  SchedulerWorld world;
  world.Step(SweepSubmitted{.sweep_id = "gpu",
                            .trial_ids = {"g"},
                            .requirements = {.device = "cuda"}});
  world.Submit("s", {"a"});
  world.Register("w");

  EXPECT_THAT(world.Lease("w"), ElementsAre(AttemptId{"a", 1}));
}

TEST(LeasesRequestedTest, UnknownWorkerAndOldProcessAreRefused) {
  SchedulerWorld world;
  world.Register("w", 1, {}, "1");
  world.Register("w", 1, {}, "2");

  EXPECT_EQ(RefusalOf(world.Step(LeasesRequested{"x", "1", 1})),
            Refused::Why::kUnknownWorker);
  EXPECT_EQ(RefusalOf(world.Step(LeasesRequested{"w", "1", 1})),
            Refused::Why::kOldIncarnation);
}

TEST(LeasesRequestedTest, SuspectAndLostWorkersGetNothing) {
  SchedulerWorld world;
  world.Submit("s", {"a"});
  world.Register("w");

  world.Tick(absl::Seconds(30));
  EXPECT_THAT(world.Lease("w"), IsEmpty());
  world.Tick(absl::Seconds(90));
  EXPECT_THAT(world.Lease("w"), IsEmpty());
  world.Beat("w");
  EXPECT_THAT(world.Lease("w"), SizeIs(1));
}

TEST(LeasesRequestedTest, AskingDoesNotRenew) {
  SchedulerWorld world;
  world.Register("w");
  world.now += absl::Seconds(29);
  world.Lease("w");

  world.Tick(absl::Seconds(1));

  EXPECT_EQ(world.WorkerIs("w"), WorkerState::kSuspect);
}

TEST(WorkerRegisteredTest, SameProcessAgainChangesNothing) {
  SchedulerWorld world = WorldWithALease();

  EXPECT_THAT(world.Register("w"), IsEmpty());
  EXPECT_THAT(world.Held("w"), SizeIs(1));
}

TEST(WorkerRegisteredTest, NewProcessWithoutTheAttemptLosesIt) {
  SchedulerWorld world = WorldWithALease();

  const Effects effects = world.Register("w", 1, {}, "2");

  ASSERT_THAT(Only<AttemptEnded>(effects), SizeIs(1));
  EXPECT_EQ(Only<AttemptEnded>(effects)[0].how, How::kLost);
  EXPECT_FALSE(Only<AttemptEnded>(effects)[0].counted);
  EXPECT_EQ(world.State("a"), TrialState::kPending);
  EXPECT_THAT(Only<WorkAvailable>(effects), SizeIs(1));
  EXPECT_THAT(world.Lease("w", 1, "2"), ElementsAre(AttemptId{"a", 2}));
}

TEST(WorkerRegisteredTest, NewProcessThatHoldsTheAttemptKeepsIt) {
  SchedulerWorld world = WorldWithALease();
  world.Start("w", {"a", 1});

  const Effects effects = world.Register("w", 1, {{"a", 1}}, "2");

  EXPECT_THAT(effects, IsEmpty());
  EXPECT_EQ(world.State("a"), TrialState::kRunning);
}

TEST(WorkerRegisteredTest, StaleAttemptIsStopped) {
  SchedulerWorld world = WorldWithALease();
  world.Register("w", 1, {}, "2");
  world.Lease("w", 1, "2");

  const Effects effects =
      world.Register("w", 1, {{"a", 1}, {"a", 2}, {"x", 1}}, "3");

  const std::vector<StopAttempt> stops = Only<StopAttempt>(effects);
  ASSERT_THAT(stops, SizeIs(2));
  EXPECT_EQ(stops[0].attempt, (AttemptId{"a", 1}));
  EXPECT_EQ(stops[1].attempt, (AttemptId{"x", 1}));
  EXPECT_THAT(world.Held("w"), ElementsAre(AttemptId{"a", 2}));
}

TEST(WorkerRegisteredTest, LateHandshakeOfAnOldProcessIsRefused) {
  SchedulerWorld world = WorldWithALease();
  world.Register("w", 1, {{"a", 1}}, "2");

  EXPECT_EQ(RefusalOf(world.Register("w", 1, {}, "1")),
            Refused::Why::kOldIncarnation);
  EXPECT_THAT(world.Held("w"), SizeIs(1));
}

TEST(WorkerRegisteredTest, ReplacedProcessThatLivesIsNotLockedOutForEver) {
  SchedulerWorld world;
  world.Register("w", 1, {}, "2");
  world.Register("w", 1, {}, "1");  // of the dead process, very late
  ASSERT_EQ(RefusalOf(world.Register("w", 1, {}, "2")),
            Refused::Why::kOldIncarnation);

  world.now += absl::Seconds(120);

  EXPECT_EQ(RefusalOf(world.Register("w", 1, {}, "2")), std::nullopt);
}

TEST(HeartbeatTest, RenewsTheLease) {
  SchedulerWorld world = WorldWithALease();

  for (int i = 0; i < 60; ++i) {
    world.now += absl::Seconds(10);
    world.Beat("w", {{"a", 1}});
    EXPECT_THAT(Only<TrialChanged>(world.Tick()), IsEmpty());
  }

  EXPECT_EQ(world.State("a"), TrialState::kLeased);
  EXPECT_EQ(world.WorkerIs("w"), WorkerState::kOnline);
}

TEST(HeartbeatTest, OlderAndRepeatedOnesAreIgnored) {
  SchedulerWorld world = WorldWithALease();
  const HeartbeatReceived newer{"w", "1", 7, {{"a", 1}}, false};
  world.Step(newer);
  world.now += absl::Seconds(10);

  HeartbeatReceived older = newer;
  older.sequence = 6;
  older.leaving = true;
  EXPECT_THAT(world.Step(older), IsEmpty());
  EXPECT_THAT(world.Step(newer), IsEmpty());

  EXPECT_EQ(world.scheduler.Worker("w")->last_heard, absl::ZeroDuration());
  EXPECT_EQ(world.WorkerIs("w"), WorkerState::kOnline);
}

TEST(HeartbeatTest, UnknownWorkerAndOldProcessAreRefused) {
  SchedulerWorld world;
  EXPECT_EQ(RefusalOf(world.Beat("w")), Refused::Why::kUnknownWorker);
  world.Register("w", 1, {}, "1");
  world.Register("w", 1, {}, "2");
  EXPECT_EQ(RefusalOf(world.Beat("w")), Refused::Why::kOldIncarnation);
}

TEST(HeartbeatTest, LeaseThatNeverArrivedIsGivenBack) {
  SchedulerWorld world = WorldWithALease();
  world.now += absl::Seconds(59);
  EXPECT_THAT(Only<AttemptEnded>(world.Beat("w")), IsEmpty());

  world.now += absl::Seconds(1);
  const std::vector<AttemptEnded> ended = Only<AttemptEnded>(world.Beat("w"));

  ASSERT_THAT(ended, SizeIs(1));
  EXPECT_EQ(ended[0].how, How::kLost);
  EXPECT_FALSE(ended[0].counted);
  EXPECT_EQ(world.State("a"), TrialState::kPending);
}

TEST(HeartbeatTest, LeaseThatArrivedVeryLateGoesOnIfUnclaimed) {
  SchedulerWorld world = WorldWithALease();
  world.now += absl::Seconds(60);
  world.Beat("w");

  world.Beat("w", {{"a", 1}});

  EXPECT_EQ(world.State("a"), TrialState::kRunning);
  EXPECT_THAT(world.Held("w"), ElementsAre(AttemptId{"a", 1}));
}

TEST(HeartbeatTest, AttemptThatLivesAgainNeedsAFreeSlot) {
  SchedulerWorld world;
  world.Submit("s", {"b", "a"});
  world.Register("w");
  world.Lease("w");
  world.now += absl::Seconds(60);
  world.Step(SweepPaused{"s"});
  world.Beat("w");
  world.Submit("other", {"c"});
  ASSERT_THAT(world.Lease("w"), ElementsAre(AttemptId{"c", 1}));

  const Effects effects = world.Beat("w", {{"b", 1}, {"c", 1}});

  EXPECT_THAT(Only<StopAttempt>(effects), SizeIs(1));
  EXPECT_THAT(world.Held("w"), ElementsAre(AttemptId{"c", 1}));
}

TEST(SilenceTest, SuspectAtThirtySecondsLostAtTwoMinutes) {
  SchedulerWorld world = WorldWithALease();
  EXPECT_EQ(world.scheduler.NextDeadline(), absl::Seconds(30));

  world.Tick(absl::Seconds(29));
  EXPECT_EQ(world.WorkerIs("w"), WorkerState::kOnline);
  world.Tick(absl::Seconds(1));
  EXPECT_EQ(world.WorkerIs("w"), WorkerState::kSuspect);
  EXPECT_EQ(world.State("a"), TrialState::kLeased) << "its leases still hold";
  EXPECT_EQ(world.scheduler.NextDeadline(), absl::Seconds(120));

  world.Tick(absl::Seconds(89));
  EXPECT_EQ(world.WorkerIs("w"), WorkerState::kSuspect);
  const Effects effects = world.Tick(absl::Seconds(1));
  EXPECT_EQ(world.WorkerIs("w"), WorkerState::kLost);
  ASSERT_THAT(Only<AttemptEnded>(effects), SizeIs(1));
  EXPECT_EQ(Only<AttemptEnded>(effects)[0].cause, Cause::kWorkerLost);
  EXPECT_FALSE(Only<AttemptEnded>(effects)[0].counted);
  EXPECT_EQ(world.State("a"), TrialState::kPending);
  EXPECT_EQ(world.scheduler.NextDeadline(), std::nullopt);
}

TEST(SilenceTest, SuspectWorkerThatIsHeardAgainIsOnline) {
  SchedulerWorld world = WorldWithALease();
  world.Tick(absl::Seconds(100));

  world.Beat("w", {{"a", 1}});

  EXPECT_EQ(world.WorkerIs("w"), WorkerState::kOnline);
  world.Tick(absl::Seconds(29));
  EXPECT_EQ(world.State("a"), TrialState::kLeased);
}

TEST(SilenceTest, LostWorkerTakesUpWhatNobodyElseWasGiven) {
  SchedulerWorld world = WorldWithALease();
  world.Start("w", {"a", 1});
  world.Tick(absl::Seconds(120));

  const Effects effects = world.Beat("w", {{"a", 1}});

  EXPECT_EQ(world.WorkerIs("w"), WorkerState::kOnline);
  ASSERT_THAT(Only<TrialChanged>(effects), SizeIs(1));
  EXPECT_EQ(world.State("a"), TrialState::kRunning);
  EXPECT_EQ(world.scheduler.Trial("a")->attempt, 1);
  EXPECT_EQ(RefusalOf(world.Complete("w", {"a", 1})), std::nullopt);
}

TEST(SilenceTest, LostWorkerMustStopWhatAnotherWasGiven) {
  SchedulerWorld world = WorldWithALease();
  world.Tick(absl::Seconds(120));
  world.Register("v");
  world.Lease("v");

  const Effects effects = world.Beat("w", {{"a", 1}});

  ASSERT_THAT(Only<StopAttempt>(effects), SizeIs(1));
  EXPECT_EQ(Only<StopAttempt>(effects)[0].attempt, (AttemptId{"a", 1}));
  EXPECT_THAT(world.Held("v"), ElementsAre(AttemptId{"a", 2}));
  EXPECT_EQ(world.WorkerIs("w"), WorkerState::kOnline);
}

TEST(SilenceTest, ReportedEndIsNeverUndoneByALateHeartbeat) {
  SchedulerWorld world = WorldWithALease();
  world.Fail("w", {"a", 1});

  const Effects effects = world.Beat("w", {{"a", 1}});

  EXPECT_THAT(Only<StopAttempt>(effects), SizeIs(1));
  EXPECT_EQ(world.State("a"), TrialState::kPending);
}

TEST(WorkerDrainedTest, FinishesWhatItHasAndGetsNothingNew) {
  SchedulerWorld world;
  world.Submit("s", {"a", "b"});
  world.Register("w");
  world.Lease("w");

  const Effects effects = world.Step(WorkerDrained{"w"});

  ASSERT_THAT(Only<WorkerChanged>(effects), SizeIs(1));
  EXPECT_EQ(Only<WorkerChanged>(effects)[0].state, WorkerState::kDraining);
  EXPECT_THAT(world.Held("w"), SizeIs(1));
  world.Complete("w", {"a", 1});
  world.Beat("w");
  EXPECT_EQ(world.WorkerIs("w"), WorkerState::kDraining);
  EXPECT_THAT(world.Lease("w"), IsEmpty());
}

TEST(WorkerDrainedTest, RestartedDaemonOffersItselfAnew) {
  SchedulerWorld world;
  world.Submit("s", {"a"});
  world.Register("w");
  world.Step(WorkerDrained{"w"});

  world.Register("w", 1, {}, "2");

  EXPECT_THAT(world.Lease("w", 1, "2"), SizeIs(1));
}

TEST(WorkerLeavingTest, GetsNothingNewAndHasLeftOnceSilent) {
  SchedulerWorld world;
  world.Submit("s", {"a", "b"});
  world.Register("w");
  world.Lease("w");

  world.Beat("w", {{"a", 1}}, /*leaving=*/true);
  EXPECT_EQ(world.WorkerIs("w"), WorkerState::kDraining);
  EXPECT_NE(world.scheduler.Worker("w")->reason, "");
  EXPECT_THAT(world.Lease("w"), IsEmpty());

  world.Complete("w", {"a", 1});
  world.Tick(absl::Seconds(30));
  world.Tick(absl::Seconds(90));
  EXPECT_EQ(world.WorkerIs("w"), WorkerState::kLeft);
}

TEST(WorkerLeavingTest, HasLeftAtOnceIfItHasNothing) {
  SchedulerWorld world;
  world.Register("w");

  const Effects effects = world.Beat("w", {}, /*leaving=*/true);

  ASSERT_THAT(Only<WorkerChanged>(effects), SizeIs(1));
  EXPECT_EQ(Only<WorkerChanged>(effects)[0].state, WorkerState::kLeft);
  world.Register("w", 1, {}, /*incarnation=*/"2");
  EXPECT_EQ(world.WorkerIs("w"), WorkerState::kOnline);
}

TEST(WorkerLeavingTest, LeaseThatItDoesNotListIsPendingAtOnce) {
  SchedulerWorld world = WorldWithALease();

  world.Beat("w", {}, /*leaving=*/true);

  EXPECT_EQ(world.WorkerIs("w"), WorkerState::kLeft);
  EXPECT_EQ(world.State("a"), TrialState::kPending);
}

TEST(WorkerLeavingTest, IsLostIfItTakesATrialAlong) {
  SchedulerWorld world = WorldWithALease();
  world.Beat("w", {{"a", 1}}, /*leaving=*/true);

  world.Tick(absl::Seconds(120));

  EXPECT_EQ(world.WorkerIs("w"), WorkerState::kLost);
  EXPECT_EQ(world.State("a"), TrialState::kPending);
}

TEST(WorkerRemovedTest, ItsTrialsBecomePendingAndItIsShutOut) {
  SchedulerWorld world = WorldWithALease();

  world.Step(WorkerRemoved{"w"});

  EXPECT_EQ(world.WorkerIs("w"), WorkerState::kLeft);
  EXPECT_EQ(world.State("a"), TrialState::kPending);
  EXPECT_EQ(RefusalOf(world.Beat("w", {{"a", 1}})),
            Refused::Why::kUnknownWorker);
  EXPECT_EQ(RefusalOf(world.Register("w")), Refused::Why::kRemovedWorker);
  EXPECT_EQ(RefusalOf(world.Register("w", 1, {}, /*incarnation=*/"2")),
            Refused::Why::kRemovedWorker);
  EXPECT_EQ(RefusalOf(world.Step(WorkerPaused{"w"})),
            Refused::Why::kRemovedWorker);
}

TEST(WorkerRemovedTest, ComesBackOnceItIsResumed) {
  SchedulerWorld world = WorldWithALease();
  world.Step(WorkerRemoved{"w"});

  world.Step(WorkerResumed{"w"});

  EXPECT_EQ(world.WorkerIs("w"), WorkerState::kLeft) << "until it registers";
  const Effects effects = world.Register("w", 1, {{"a", 1}});
  EXPECT_THAT(Only<StopAttempt>(effects), SizeIs(1));
  EXPECT_EQ(world.WorkerIs("w"), WorkerState::kOnline);
}

TEST(WorkerRemovedTest, OneThatHasLeftCanBeShutOutToo) {
  SchedulerWorld world;
  world.Register("w");
  world.Beat("w", {}, /*leaving=*/true);
  ASSERT_EQ(world.WorkerIs("w"), WorkerState::kLeft);

  world.Step(WorkerRemoved{"w"});

  EXPECT_EQ(RefusalOf(world.Register("w")), Refused::Why::kRemovedWorker);
}

// ---- Pauses

TEST(WorkerPausedTest, GetsNothingUntilItIsResumedWhateverRestarts) {
  SchedulerWorld world = WorldWithALease();
  world.Submit("t", {"b"});

  const Effects effects = world.Step(WorkerPaused{"w"});

  ASSERT_THAT(Only<WorkerChanged>(effects), SizeIs(1));
  EXPECT_EQ(Only<WorkerChanged>(effects)[0].order, WorkerOrder::kPause);
  EXPECT_EQ(world.WorkerIs("w"), WorkerState::kPaused);
  world.HandBack("w", {"a", 1});
  EXPECT_THAT(world.Lease("w"), IsEmpty());
  world.Register("w", 1, {}, /*incarnation=*/"2");
  EXPECT_THAT(world.Lease("w", 1, "2"), IsEmpty());
  EXPECT_EQ(world.scheduler.Worker("w")->reason, "it was paused by a person");

  EXPECT_THAT(Only<WorkAvailable>(world.Step(WorkerResumed{"w"})), SizeIs(1));

  EXPECT_EQ(world.WorkerIs("w"), WorkerState::kOnline);
  EXPECT_THAT(world.Lease("w", 1, "2"), ElementsAre(AttemptId{"a", 2}));
}

TEST(WorkerPausedTest, WhatItHandsBackGoesToAnother) {
  SchedulerWorld world = WorldWithALease();
  world.Register("v");
  world.Step(WorkerPaused{"w"});
  world.HandBack("w", {"a", 1});
  EXPECT_THAT(world.Lease("v"), ElementsAre(AttemptId{"a", 2}));
}

TEST(WorkerPausedTest, OneThatIsAwayIsPausedWhenItComesBack) {
  SchedulerWorld world;
  world.Submit("s", {"a"});
  world.Register("w");
  world.Tick(absl::Seconds(120));
  ASSERT_EQ(world.WorkerIs("w"), WorkerState::kLost);

  world.Step(WorkerPaused{"w"});

  EXPECT_EQ(world.WorkerIs("w"), WorkerState::kLost);
  world.Beat("w");
  EXPECT_EQ(world.WorkerIs("w"), WorkerState::kPaused);
}

TEST(WorkerPausedTest, WorkerMayPauseOfItsOwnAccord) {
  SchedulerWorld world;
  world.Register("w");
  world.Submit("s", {"a"});
  auto beat = [&world](const std::string& reason) {
    return world.Step(HeartbeatReceived{.worker_id = "w",
                                        .incarnation = "1",
                                        .sequence = ++world.sequence,
                                        .pause_reason = reason});
  };

  EXPECT_THAT(Only<WorkerChanged>(beat("on battery")), SizeIs(1));

  EXPECT_EQ(world.WorkerIs("w"), WorkerState::kPaused);
  EXPECT_EQ(world.scheduler.Worker("w")->reason, "on battery");
  EXPECT_EQ(world.scheduler.Worker("w")->order, WorkerOrder::kWork);
  EXPECT_THAT(world.Lease("w"), IsEmpty());
  EXPECT_THAT(Only<WorkerChanged>(beat("on battery")), IsEmpty());

  beat("");
  EXPECT_EQ(world.WorkerIs("w"), WorkerState::kOnline);
  EXPECT_THAT(world.Lease("w"), SizeIs(1));
}

TEST(WorkerDrainedTest, WorkerMayDrainOfItsOwnAccord) {
  SchedulerWorld world;
  world.Register("w", 2);
  world.Submit("s", {"a", "b"});
  const AttemptId held = world.Lease("w").at(0);
  auto beat = [&](const std::string& reason) {
    return world.Step(HeartbeatReceived{.worker_id = "w",
                                        .incarnation = "1",
                                        .sequence = ++world.sequence,
                                        .held = {held},
                                        .drain_reason = reason});
  };

  EXPECT_THAT(Only<WorkerChanged>(beat("its disk is full")), SizeIs(1));

  EXPECT_EQ(world.WorkerIs("w"), WorkerState::kDraining);
  EXPECT_EQ(world.scheduler.Worker("w")->reason,
            "its disk is full: it finishes what it has");
  EXPECT_THAT(world.Lease("w"), IsEmpty());
  EXPECT_TRUE(world.scheduler.IsLive("w", held));

  beat("");
  EXPECT_EQ(world.WorkerIs("w"), WorkerState::kOnline);
  EXPECT_THAT(world.Lease("w"), SizeIs(1));
}

TEST(WorkerPausedTest, AllReasonsAreTold) {
  SchedulerWorld world;
  world.Register("w");
  world.Step(WorkerPaused{"w"});
  world.Step(ParityJudged{"w", "its torch is older"});
  EXPECT_EQ(world.scheduler.Worker("w")->reason,
            "it was paused by a person; its torch is older");
}

TEST(ParityJudgedTest, RefusedWorkerGetsNothingUntilItIsLikeTheOthers) {
  SchedulerWorld world;
  world.Register("w");
  world.Submit("s", {"a"});

  world.Step(ParityJudged{"w", "its torch is older"});

  EXPECT_EQ(world.WorkerIs("w"), WorkerState::kPaused);
  EXPECT_THAT(world.Lease("w"), IsEmpty());
  world.Step(ParityJudged{"w", ""});
  EXPECT_THAT(world.Lease("w"), SizeIs(1));
}

TEST(WorkerResumedTest, EndsADrain) {
  SchedulerWorld world;
  world.Register("w");
  world.Submit("s", {"a"});
  world.Step(WorkerDrained{"w"});
  world.Step(WorkerResumed{"w"});
  EXPECT_EQ(world.WorkerIs("w"), WorkerState::kOnline);
  EXPECT_THAT(world.Lease("w"), SizeIs(1));
  EXPECT_EQ(RefusalOf(world.Step(WorkerResumed{"nobody"})),
            Refused::Why::kUnknownWorker);
}

// ---- Memory that is free

// Workers with a device of 8 units of memory, of which so much is free.
class MemoryTest : public ::testing::Test {
 protected:
  void Register(const std::string& worker, int64_t memory = 8) {
    world_.Step(WorkerRegistered{.worker_id = worker,
                                 .incarnation = "1",
                                 .device = "cuda",
                                 .memory_bytes = memory});
  }
  std::vector<AttemptId> Lease(const std::string& worker,
                               std::optional<int64_t> free) {
    std::vector<AttemptId> granted;
    for (const LeaseGranted& lease : Only<LeaseGranted>(
             world_.Step(LeasesRequested{worker, "1", 1, free}))) {
      granted.push_back(lease.attempt);
    }
    return granted;
  }
  void Submit(int64_t memory) {
    world_.Step(SweepSubmitted{
        .sweep_id = "s", .trial_ids = {"a"}, .requirements = {"cuda", memory}});
  }
  void RunOutOfMemory(const std::string& worker, int attempt) {
    world_.Fail(worker, {"a", attempt}, Cause::kOutOfMemory);
  }

  SchedulerWorld world_;
};

TEST_F(MemoryTest, TrialWaitsUntilWhatItRequiresIsFree) {
  Register("w");
  Submit(6);
  EXPECT_THAT(Lease("w", 5), IsEmpty());
  EXPECT_THAT(Lease("w", 6), SizeIs(1));
}

TEST_F(MemoryTest, UnknownFreeMemoryIsAllOfIt) {
  Register("w");
  Submit(8);
  EXPECT_THAT(Lease("w", std::nullopt), SizeIs(1));
}

TEST_F(MemoryTest, TrialThatRanOutGoesWhereMoreIsFree) {
  Register("w");
  Register("small");
  Register("big", 16);
  Submit(0);
  EXPECT_THAT(Lease("small", 4), SizeIs(1));
  world_.HandBack("small", {"a", 1});
  ASSERT_THAT(Lease("w", 5), SizeIs(1));
  RunOutOfMemory("w", 2);

  EXPECT_THAT(Lease("small", 4), IsEmpty()) << "it has less";
  EXPECT_THAT(Lease("w", 8), IsEmpty()) << "it failed there";
  EXPECT_THAT(Lease("big", 16), SizeIs(1));
}

TEST_F(MemoryTest, TrialThatRanOutIsTriedAgainIfNobodyHasMore) {
  Register("w");
  Register("small");
  Submit(0);
  Lease("small", 4);
  world_.HandBack("small", {"a", 1});
  ASSERT_THAT(Lease("w", 5), SizeIs(1));
  RunOutOfMemory("w", 2);

  EXPECT_THAT(Lease("small", 4), SizeIs(1));
}

TEST_F(MemoryTest, TwoThatWereTooSmallDontPoisonItWhileAThirdHasMore) {
  Register("v");
  Register("w");
  Register("big", 16);
  Submit(0);
  ASSERT_THAT(Lease("v", 5), SizeIs(1));
  RunOutOfMemory("v", 1);
  ASSERT_THAT(Lease("w", 8), SizeIs(1));
  RunOutOfMemory("w", 2);

  EXPECT_EQ(world_.State("a"), TrialState::kPending);
  ASSERT_THAT(Lease("big", 16), SizeIs(1));
  RunOutOfMemory("big", 3);
  EXPECT_EQ(world_.State("a"), TrialState::kFailed);
}

TEST(WorkerDrainedTest, UnknownWorkerIsRefused) {
  SchedulerWorld world;
  EXPECT_EQ(RefusalOf(world.Step(WorkerDrained{"w"})),
            Refused::Why::kUnknownWorker);
}

}  // namespace
}  // namespace dfsweep::coordinator
