#include "coordinator/engine/views.h"

#include <gtest/gtest.h>

#include "coordinator/store/store_testing.h"

namespace dfsweep::coordinator {
namespace {

constexpr auto kPending = TrialState::kPending;
constexpr auto kRunning = TrialState::kRunning;
constexpr auto kCompleted = TrialState::kCompleted;

StateSums Pending(int64_t trials, double work) {
  return {.trials = trials,
          .work = work,
          .largest_work_left = trials > 0 ? work / trials : 0};
}

StateSums Completed(double work, double seconds) {
  return {
      .trials = 1, .work = work, .work_done = work, .train_seconds = seconds};
}

// ---- TimeLeft ---------------------------------------------------------------

TEST(TimeLeft, IsWorkLeftOverSlotsAtThePaceSoFar) {
  SweepProgress progress = {{kCompleted, Completed(100, 20)},
                            {kPending, Pending(4, 400)}};

  EXPECT_EQ(TimeLeft(progress, 1), absl::Seconds(80));
  EXPECT_EQ(TimeLeft(progress, 2), absl::Seconds(40));
}

TEST(TimeLeft, IsNeverLessThanTheLongestTrial) {
  SweepProgress progress = {{kCompleted, Completed(100, 20)},
                            {kPending, Pending(2, 200)}};

  EXPECT_EQ(TimeLeft(progress, 100), absl::Seconds(20));
}

TEST(TimeLeft, CountsWhatRunningTrialsStillHaveToDo) {
  SweepProgress progress = {{kCompleted, Completed(100, 20)},
                            {kRunning,
                             {.trials = 1,
                              .epochs_done = 3,
                              .work = 100,
                              .work_done = 75,
                              .largest_work_left = 25}}};

  EXPECT_EQ(TimeLeft(progress, 1), absl::Seconds(5));
}

TEST(TimeLeft, KnowsThePaceFromTwoEpochsOfTheFirstTrial) {
  StateSums running = {.trials = 1,
                       .epochs_total = 10,
                       .epochs_done = 1,
                       .work = 100,
                       .work_done = 10,
                       .elapsed_seconds = 3,
                       .largest_work_left = 90};
  EXPECT_FALSE(TimeLeft({{kRunning, running}}, 1).has_value());

  running.epochs_done = 2;
  running.work_done = 20;
  running.largest_work_left = 80;
  running.elapsed_seconds = 6;

  EXPECT_EQ(TimeLeft({{kRunning, running}}, 1), absl::Seconds(24));
}

TEST(TimeLeft, DivergedTrialsTellThePaceToo) {
  StateSums diverged = {
      .trials = 1, .work = 100, .work_done = 50, .train_seconds = 10};

  EXPECT_EQ(
      TimeLeft({{TrialState::kDiverged, diverged}, {kPending, Pending(1, 100)}},
               1),
      absl::Seconds(20));
}

TEST(TimeLeft, IsUnknownWithoutSlotsWorkOrExperience) {
  SweepProgress progress = {{kCompleted, Completed(100, 20)},
                            {kPending, Pending(4, 400)}};

  EXPECT_FALSE(TimeLeft(progress, 0).has_value());
  EXPECT_FALSE(TimeLeft({{kCompleted, Completed(100, 20)}}, 1).has_value());
  EXPECT_FALSE(TimeLeft({{kPending, Pending(4, 400)}}, 1).has_value());
  EXPECT_FALSE(TimeLeft({}, 1).has_value());
}

TEST(TimeLeft, IsUnknownWhenTheWallClockWasSetBack) {
  EXPECT_FALSE(TimeLeft({{kRunning,
                          {.trials = 1,
                           .epochs_done = 5,
                           .work = 100,
                           .work_done = 50,
                           .elapsed_seconds = -3600,
                           .largest_work_left = 50}}},
                        1)
                   .has_value());
}

// ---- ViewSweep --------------------------------------------------------------

class ViewSweepTest : public testing::Test {
 protected:
  ViewSweepTest() : store_(OpenStore(folder_.path())) {
    store_->Begin();
    store_->PutDataset(ADataset());
    SweepRow sweep = ASweep("sw-1");
    sweep.varying = {"ewc.lambda", "strategy"};
    store_->InsertSweep(sweep, {ATrial('a'), ATrial('b')}, {}, {});
  }
  ~ViewSweepTest() override { EXPECT_TRUE(store_->Commit().ok()); }

  SweepView View() {
    return ViewSweep(*store_, *store_->FindSweep("sw-1"), kNow);
  }
  void End(char digit, TrialState state) {
    store_->SetTrialState({Id(digit), state, 1, "w"}, kNow);
  }
  void Complete(char digit) {
    store_->OpenLease({"w", {Id(digit), 1}}, "r", kNow);
    End(digit, kCompleted);
    store_->AcceptResult({Id(digit), 1}, AResult());
  }

  TemporaryFolder folder_;
  std::unique_ptr<SqliteStore> store_;
};

TEST_F(ViewSweepTest, IsActiveWhileATrialIsOpen) {
  EXPECT_EQ(View().state, SweepState::kActive);

  End('a', kCompleted);
  EXPECT_EQ(View().state, SweepState::kActive);

  End('b', TrialState::kFailed);
  EXPECT_EQ(View().state, SweepState::kFinished);
}

TEST_F(ViewSweepTest, PausedSweepWithoutOpenTrialsIsFinished) {
  store_->SetSweepStatus("sw-1", SweepStatus::kPaused);
  EXPECT_EQ(View().state, SweepState::kPaused);

  End('a', kCompleted);
  End('b', kCompleted);

  EXPECT_EQ(View().state, SweepState::kFinished);
}

TEST_F(ViewSweepTest, CancelledSweepIsCancelledWhateverItsTrialsDo) {
  store_->SetSweepStatus("sw-1", SweepStatus::kCancelled);

  EXPECT_EQ(View().state, SweepState::kCancelled);
}

TEST_F(ViewSweepTest, ShowsTheBestTrialByWhatVariesInIt) {
  EXPECT_FALSE(View().best.has_value());

  Complete('b');

  EXPECT_EQ(View().best->trial_id, Id('b'));
  EXPECT_EQ(View().best_varying_json, R"({"strategy":"naive"})");
}

TEST_F(ViewSweepTest, ExpectsAnEndOnlyWhileActiveAndSomebodyWorks) {
  Complete('b');
  EXPECT_FALSE(View().time_left.has_value());

  store_->PutWorker(AWorker("w"), kNow);
  EXPECT_EQ(View().time_left, absl::Seconds(20));

  store_->SetSweepStatus("sw-1", SweepStatus::kPaused);
  EXPECT_FALSE(View().time_left.has_value());
}

}  // namespace
}  // namespace dfsweep::coordinator
