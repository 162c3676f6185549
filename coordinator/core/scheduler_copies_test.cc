// Copies of trials that are slow, by workers that have nothing else to do.
#include "coordinator/core/scheduler_testing.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace dfsweep::coordinator {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::SizeIs;

// Trials of equal work, on "fast", which needs a minute for one, and "slow",
// which needs ten.
class CopiesTest : public ::testing::Test {
 protected:
  void Submit(const std::vector<std::string>& trials) {
    SweepSubmitted event{.sweep_id = "s", .trial_ids = trials};
    for (const std::string& trial : trials) event.work[trial] = 6;
    world_.Step(event);
  }

  void Pass(absl::Duration time) {
    for (absl::Duration end = world_.now + time; world_.now < end;) {
      world_.now = std::min(end, world_.now + absl::Seconds(10));
      for (const char* worker : {"fast", "slow"}) {
        world_.Beat(worker, world_.Held(worker));
      }
      world_.Tick();
    }
  }

  AttemptId Begin(const std::string& worker) {
    std::vector<AttemptId> granted = world_.Lease(worker);
    EXPECT_THAT(granted, SizeIs(1));
    world_.Start(worker, granted.at(0));
    return granted.at(0);
  }

  // Of these trials both workers complete one; "fast" then waits for "slow".
  void CompleteOneEach(const std::vector<std::string>& trials) {
    Submit(trials);
    world_.Register("fast");
    world_.Register("slow");
    const AttemptId a = Begin("fast");
    const AttemptId b = Begin("slow");
    Pass(absl::Minutes(1));
    world_.Complete("fast", a);
    Pass(absl::Minutes(9));
    world_.Complete("slow", b);
  }

  // "slow" has just begun with "c", and "fast" has a copy of it.
  void MakeCopy() {
    CompleteOneEach({"a", "b", "c"});
    ASSERT_EQ(Begin("slow"), original_);
    ASSERT_THAT(world_.Lease("fast"), ElementsAre(copy_));
  }

  SchedulerWorld world_;
  const AttemptId original_{"c", 1};
  const AttemptId copy_{"c", 2};
};

TEST_F(CopiesTest, FreeFasterWorkerCopiesAndItsResultIsTheTrials) {
  MakeCopy();
  world_.Start("fast", copy_);

  const Effects effects = world_.Complete("fast", copy_);

  EXPECT_EQ(world_.State("c"), TrialState::kCompleted);
  EXPECT_THAT(Only<StopAttempt>(effects), SizeIs(1));
  EXPECT_EQ(Only<StopAttempt>(effects)[0].attempt, original_);
  EXPECT_THAT(world_.Held("slow"), IsEmpty());
  EXPECT_EQ(RefusalOf(world_.Complete("slow", original_)),
            Refused::Why::kAlreadyEnded);
}

TEST_F(CopiesTest, OriginalMayWinAndTheCopyIsStopped) {
  MakeCopy();

  const Effects effects = world_.Complete("slow", original_);

  EXPECT_EQ(world_.State("c"), TrialState::kCompleted);
  ASSERT_THAT(Only<StopAttempt>(effects), SizeIs(1));
  EXPECT_EQ(Only<StopAttempt>(effects)[0].worker_id, "fast");
  EXPECT_EQ(Only<StopAttempt>(effects)[0].attempt, copy_);
  EXPECT_EQ(Only<AttemptEnded>(effects).size(), 2u);
  EXPECT_THAT(world_.Held("fast"), IsEmpty());
}

TEST_F(CopiesTest, BothAreHeardAndNeitherIsToldToStop) {
  MakeCopy();

  EXPECT_THAT(Only<StopAttempt>(world_.Beat("slow", {original_})), IsEmpty());
  EXPECT_THAT(Only<StopAttempt>(world_.Beat("fast", {copy_})), IsEmpty());
  EXPECT_TRUE(world_.scheduler.IsLive("slow", original_));
  EXPECT_TRUE(world_.scheduler.IsLive("fast", copy_));
  EXPECT_FALSE(world_.scheduler.IsLive("slow", copy_));
}

TEST_F(CopiesTest, NothingIsCopiedThatIsAboutToEnd) {
  Submit({"a", "b"});
  world_.Register("fast");
  world_.Register("slow");
  const AttemptId a = Begin("fast");
  Begin("slow");
  Pass(absl::Minutes(1));
  world_.Complete("fast", a);

  // It might be done in a minute: nothing is known of "slow" yet.
  EXPECT_THAT(world_.Lease("fast"), IsEmpty());
  Pass(absl::Seconds(40));
  EXPECT_THAT(world_.Lease("fast"), ElementsAre(AttemptId{"b", 2}));
}

TEST_F(CopiesTest, SlowWorkerCopiesNothing) {
  CompleteOneEach({"a", "b", "c", "d"});
  Begin("fast");
  world_.Lease("slow");

  EXPECT_THAT(world_.Lease("slow"), IsEmpty());
}

TEST_F(CopiesTest, WorkThatWaitsGoesFirst) {
  MakeCopy();
  world_.Complete("slow", original_);
  Submit({"x", "y"});
  Begin("slow");

  EXPECT_THAT(world_.Lease("fast"), ElementsAre(AttemptId{"y", 1}));
}

TEST_F(CopiesTest, CopyTakesThePlaceOfALostOriginal) {
  MakeCopy();

  const Effects effects = world_.HandBack("slow", original_);

  EXPECT_EQ(world_.State("c"), TrialState::kRunning);
  EXPECT_EQ(world_.scheduler.Trial("c")->attempt, 2);
  EXPECT_EQ(world_.scheduler.Trial("c")->worker_id, "fast");
  EXPECT_THAT(Only<StopAttempt>(effects), IsEmpty());
  world_.Complete("fast", copy_);
  EXPECT_EQ(world_.State("c"), TrialState::kCompleted);
}

TEST_F(CopiesTest, CopyInItsPlaceCountsFromTheCopysOwnGrant) {
  MakeCopy();
  world_.Start("fast", copy_);
  Pass(absl::Minutes(20));
  world_.HandBack("slow", original_);

  // It has taken twenty of its minutes: "slow" would need ten.
  EXPECT_THAT(world_.Lease("slow"), ElementsAre(AttemptId{"c", 3}));
}

TEST_F(CopiesTest, OriginalGoesOnWhenTheCopyFailsAndIsNotCopiedAgain) {
  MakeCopy();

  world_.Fail("fast", copy_);

  EXPECT_EQ(world_.State("c"), TrialState::kRunning);
  EXPECT_EQ(world_.Held("slow"), std::vector<AttemptId>{original_});
  EXPECT_THAT(world_.Lease("fast"), IsEmpty());
}

TEST_F(CopiesTest, LaterAttemptTellsNothingOfSpeed) {
  Submit({"a", "b"});
  world_.Register("fast");
  world_.Register("slow");
  world_.HandBack("fast", Begin("fast"));
  const AttemptId resumed = Begin("fast");
  ASSERT_EQ(resumed.attempt, 2);
  Begin("slow");
  Pass(absl::Seconds(10));
  world_.Complete("fast", resumed);
  Pass(absl::Minutes(20));

  EXPECT_THAT(world_.Lease("fast"), IsEmpty());
}

TEST_F(CopiesTest, TrialBegunBeforeTheRestartTellsNothingOfSpeed) {
  RestoredState state;
  state.sweeps = {{.sweep_id = "s", .trial_ids = {"a", "b"}}};
  for (const auto& [trial, worker] : {std::pair("a", "fast"), {"b", "slow"}}) {
    state.trials.push_back({.trial_id = trial,
                            .state = TrialState::kRunning,
                            .attempt = 1,
                            .worker_id = worker,
                            .work = 6});
    state.workers.push_back(
        {.worker_id = worker, .incarnation = "1", .device = "cpu"});
  }
  world_ = SchedulerWorld(state);
  Pass(absl::Seconds(10));
  world_.Complete("fast", {"a", 1});
  Pass(absl::Minutes(20));

  EXPECT_THAT(world_.Lease("fast"), IsEmpty());
}

TEST_F(CopiesTest, NextAttemptIsNewerThanTheCopy) {
  MakeCopy();
  world_.HandBack("fast", copy_);
  world_.HandBack("slow", original_);

  EXPECT_THAT(world_.Lease("fast"), ElementsAre(AttemptId{"c", 3}));
}

TEST_F(CopiesTest, CancellingStopsBoth) {
  MakeCopy();

  const Effects effects = world_.Step(SweepCancelled{"s"});

  EXPECT_THAT(Only<StopAttempt>(effects), SizeIs(2));
  EXPECT_THAT(world_.Held("fast"), IsEmpty());
  EXPECT_THAT(world_.Held("slow"), IsEmpty());
}

TEST_F(CopiesTest, SilentCopyIsLostAlone) {
  MakeCopy();

  for (int i = 0; i < 13; ++i) {
    world_.now += absl::Seconds(10);
    world_.Beat("slow", {original_});
    world_.Tick();
  }

  EXPECT_EQ(world_.WorkerIs("fast"), WorkerState::kLost);
  EXPECT_THAT(world_.Held("fast"), IsEmpty());
  EXPECT_EQ(world_.Held("slow"), std::vector<AttemptId>{original_});
}

TEST_F(CopiesTest, RestartKnowsBoth) {
  RestoredState state;
  state.sweeps = {{.sweep_id = "s", .trial_ids = {"c"}}};
  state.trials = {{.trial_id = "c",
                   .state = TrialState::kRunning,
                   .attempt = 1,
                   .newest_attempt = 2,
                   .worker_id = "slow",
                   .copy_attempt = 2,
                   .copy_worker_id = "fast"}};
  for (const char* worker : {"slow", "fast"}) {
    state.workers.push_back(
        {.worker_id = worker, .incarnation = "1", .device = "cpu"});
  }
  SchedulerWorld world(state);

  EXPECT_THAT(world.Held("fast"), ElementsAre(copy_));
  EXPECT_THAT(world.Held("slow"), ElementsAre(original_));
  world.Complete("fast", copy_);
  EXPECT_EQ(world.State("c"), TrialState::kCompleted);
}

}  // namespace
}  // namespace dfsweep::coordinator
