// First stages that trials share are trained by one trial at a time.
#include "coordinator/core/scheduler_testing.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace dfsweep::coordinator {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::SizeIs;

// A worker with five slots, and three trials that share their first stage.
class StagesTest : public ::testing::Test {
 protected:
  StagesTest() {
    world_.SubmitSharing("sweep", {{"a", 4}, {"b", 4}, {"c", 4}});
    world_.Register("w", /*slots=*/5);
  }
  SchedulerWorld world_;
};

TEST_F(StagesTest, OthersWaitUntilTheFirstStageIsOver) {
  EXPECT_THAT(world_.Lease("w", 5), ElementsAre(AttemptId{"a", 1}));
  world_.Start("w", {"a", 1});
  EXPECT_THAT(world_.Lease("w", 5), IsEmpty());

  EXPECT_THAT(Only<WorkAvailable>(world_.EndFirstStage("w", {"a", 1})),
              SizeIs(1));

  EXPECT_THAT(world_.Lease("w", 5),
              ElementsAre(AttemptId{"b", 1}, AttemptId{"c", 1}));
}

TEST_F(StagesTest, TrialsThatShareNothingDoNotWait) {
  world_.Submit("other", {"x", "y"});
  EXPECT_THAT(
      world_.Lease("w", 5),
      ElementsAre(AttemptId{"a", 1}, AttemptId{"x", 1}, AttemptId{"y", 1}));
}

TEST_F(StagesTest, ResultShowsThatTheFirstStageIsOver) {
  world_.Lease("w", 5);
  world_.Complete("w", {"a", 1});
  EXPECT_THAT(world_.Lease("w", 5), SizeIs(2));
}

TEST_F(StagesTest, NextTrialTrainsItWhenTheFirstIsGivenUp) {
  const std::vector<std::function<void()>> endings = {
      [this] {
        world_.Fail("w", {"a", 1}, Cause::kBadConfig);
      },
      [this] {
        world_.Complete("w", {"b", 1}, /*diverged=*/true);
      },
      [this] {
        world_.HandBack("w", {"c", 1});
      }};
  for (const char* trial : {"a", "b", "c"}) {
    EXPECT_THAT(world_.Lease("w", 5), ElementsAre(AttemptId{trial, 1}));
    endings[trial[0] - 'a']();
  }
  EXPECT_THAT(world_.Lease("w", 5), ElementsAre(AttemptId{"c", 2}));
}

TEST_F(StagesTest, TrialThatHasFailedHoldsNobodyUp) {
  world_.Lease("w", 1);
  world_.Fail("w", {"a", 1});
  EXPECT_THAT(world_.Lease("w", 5),
              ElementsAre(AttemptId{"a", 2}, AttemptId{"b", 1}));
}

TEST_F(StagesTest, CancelledOrLostTrialHoldsNobodyUp) {
  world_.Submit("urgent", {"a"}, /*priority=*/1);
  EXPECT_THAT(world_.Lease("w", 1), ElementsAre(AttemptId{"a", 1}));
  world_.Step(SweepCancelled{"urgent"});
  EXPECT_THAT(world_.Lease("w", 5), IsEmpty());  // its other sweep needs it

  world_.Register("w2");
  world_.now += absl::Minutes(3);
  world_.Beat("w2");
  world_.Tick();

  EXPECT_THAT(world_.Lease("w2", 1), ElementsAre(AttemptId{"a", 2}));
}

TEST_F(StagesTest, AttemptThatComesBackTrainsBesideItsSuccessor) {
  world_.Lease("w", 1);
  world_.Register("w2");
  world_.Step(SweepPaused{"sweep"});
  world_.now += absl::Minutes(3);
  world_.Beat("w2");
  world_.Tick();  // a's attempt is lost
  world_.SubmitSharing("second", {{"b", 4}});
  EXPECT_THAT(world_.Lease("w2", 1), ElementsAre(AttemptId{"b", 1}));

  world_.Beat("w", {{"a", 1}});  // and lives again

  world_.Step(SweepResumed{"sweep"});
  EXPECT_THAT(world_.Lease("w", 5), IsEmpty());
  world_.EndFirstStage("w2", {"b", 1});
  EXPECT_THAT(world_.Lease("w", 5), ElementsAre(AttemptId{"c", 1}));
}

TEST_F(StagesTest, OnlyTheHolderSaysThatItIsOver) {
  world_.Lease("w", 5);
  EXPECT_EQ(RefusalOf(world_.EndFirstStage("w2", {"a", 1})),
            Refused::Why::kStaleAttempt);
  EXPECT_EQ(RefusalOf(world_.EndFirstStage("w", {"b", 1})),
            Refused::Why::kStaleAttempt);
  EXPECT_THAT(world_.Lease("w", 5), IsEmpty());
}

TEST(StageOrderTest, FewerEpochsComeFirstAndAreAPrefixOfMore) {
  SchedulerWorld world;
  world.Step(SweepSubmitted{
      .sweep_id = "sweep",
      .trial_ids = {"x", "long", "y", "short", "middle"},
      .first_stages = {
          {"long", {"s", 9}}, {"short", {"s", 2}}, {"middle", {"s", 5}}}});
  world.Register("w", /*slots=*/5);

  EXPECT_THAT(
      world.Lease("w", 5),
      ElementsAre(AttemptId{"x", 1}, AttemptId{"short", 1}, AttemptId{"y", 1}));
  world.EndFirstStage("w", {"short", 1});
  EXPECT_THAT(world.Lease("w", 5), ElementsAre(AttemptId{"middle", 1}));
  world.EndFirstStage("w", {"middle", 1});
  EXPECT_THAT(world.Lease("w", 5), ElementsAre(AttemptId{"long", 1}));
}

TEST(StageOrderTest, LongestGoesFirstAndTakesThoseItSharesWithAlong) {
  SchedulerWorld world;
  world.Step(
      SweepSubmitted{.sweep_id = "sweep",
                     .trial_ids = {"small", "large", "prefix", "even", "more"},
                     .first_stages = {{"prefix", {"s", 2}}, {"more", {"s", 5}}},
                     .work = {{"small", 1},
                              {"large", 8},
                              {"prefix", 2},
                              {"even", 8},
                              {"more", 9}}});
  world.Register("w", /*slots=*/5);

  EXPECT_THAT(world.Lease("w", 5),
              ElementsAre(AttemptId{"prefix", 1}, AttemptId{"large", 1},
                          AttemptId{"even", 1}, AttemptId{"small", 1}));
  world.EndFirstStage("w", {"prefix", 1});
  EXPECT_THAT(world.Lease("w", 5), ElementsAre(AttemptId{"more", 1}));
}

TEST(StageOrderTest, LaterSweepsShareToo) {
  SchedulerWorld world;
  world.SubmitSharing("first", {{"a", 4}});
  world.SubmitSharing("second", {{"b", 4}});
  world.Register("w", /*slots=*/5);
  EXPECT_THAT(world.Lease("w", 5), ElementsAre(AttemptId{"a", 1}));
  world.EndFirstStage("w", {"a", 1});
  EXPECT_THAT(world.Lease("w", 5), ElementsAre(AttemptId{"b", 1}));
}

TEST(StageOrderTest, RestartKnowsWhatIsTrainedAndByWhom) {
  for (const bool is_over : {false, true}) {
    RestoredState state;
    state.workers = {{.worker_id = "w", .incarnation = "1", .slots = 5}};
    state.trials = {{.trial_id = "a",
                     .state = TrialState::kRunning,
                     .attempt = 1,
                     .worker_id = "w",
                     .first_stage = {"s", 4},
                     .first_stage_is_over = is_over},
                    {.trial_id = "b", .first_stage = {"s", 4}},
                    {.trial_id = "c", .first_stage = {"s", 2}}};
    state.sweeps = {{.sweep_id = "sweep", .trial_ids = {"a", "b", "c"}}};
    SchedulerWorld world(state);
    world.Register("w", 5, {{"a", 1}});
    EXPECT_THAT(world.Lease("w", 5), SizeIs(is_over ? 2 : 0));
  }
}

}  // namespace
}  // namespace dfsweep::coordinator
