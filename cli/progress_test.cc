#include "cli/progress.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/display_text.h"

namespace dfsweep::cli {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;

v1::Trial RunningTrial(const std::string& id, int64_t epochs_done) {
  v1::Trial trial;
  trial.set_trial_id(id);
  trial.set_state(v1::RUNNING);
  trial.set_configuration_json(
      R"({"strategy": "ewc", "ewc.lambda": 1e8, "tasks.count": 2,
          "epochs": 8})");
  trial.set_seed(1);
  trial.set_epochs_done(epochs_done);
  trial.set_epochs_total(16);
  trial.set_worker("laptop-of-somebody");
  (*trial.mutable_metrics())["train_loss"] = 0.3124;
  (*trial.mutable_metrics())["train_accuracy"] = 0.8123;
  return trial;
}

// Half done, two running, one failed.
Progress HalfDone() {
  Progress progress;
  progress.varying = {"strategy", "ewc.lambda"};
  v1::WatchSweepResponse update;
  update.set_workers_online(2);
  v1::Sweep* sweep = update.mutable_sweep();
  sweep->set_name("quickstart");
  sweep->set_state(v1::Sweep::ACTIVE);
  sweep->set_metric_name("average_accuracy");
  sweep->mutable_counts()->set_completed(4);
  sweep->mutable_counts()->set_failed(1);
  sweep->mutable_counts()->set_running(2);
  sweep->mutable_counts()->set_pending(3);
  sweep->set_epochs_total(160);
  sweep->set_epochs_done(80);
  sweep->mutable_time_left()->set_seconds(80);
  sweep->mutable_best()->set_value(0.431);
  sweep->mutable_best()->set_varying_json(
      R"({"strategy": "ewc", "ewc.lambda": 1e8, "ewc.fisher_labels": "all"})");
  *update.add_changed_trials() = RunningTrial("3f2a91bc00", 11);
  *update.add_changed_trials() = RunningTrial("99aa91bc00", 2);
  progress.Apply(update);
  return progress;
}

class ProgressWidth : public ::testing::TestWithParam<int> {};

TEST_P(ProgressWidth, NoLineIsWiderAndTheCountsAreThere) {
  std::vector<std::string> lines = RenderProgress(HalfDone(), GetParam(), 20);

  for (const std::string& line : lines) {
    EXPECT_LE(DisplayWidth(line), GetParam()) << line;
  }
  EXPECT_THAT(lines[0], AllOf(HasSubstr("5/10"), HasSubstr("2 running")));
  std::string all;
  for (const std::string& line : lines) all += line + "\n";
  EXPECT_THAT(all, AllOf(HasSubstr("1 failed"), HasSubstr("epoch 3/8")));
}

INSTANTIATE_TEST_SUITE_P(Widths, ProgressWidth,
                         ::testing::Values(40, 60, 80, 120, 200));

TEST(RenderProgress, AWideTerminalGetsOneHeadline) {
  EXPECT_EQ(RenderProgress(HalfDone(), 160, 20)[0],
            "[##########----------]  5/10  2 running  1 failed  best "
            "average_accuracy 0.431 (strategy=ewc ewc.lambda=1e8)  ETA 1m20s");
}

TEST(RenderProgress, ANarrowOneGetsTheBestOnASecondLine) {
  std::vector<std::string> lines = RenderProgress(HalfDone(), 40, 20);
  EXPECT_THAT(lines[0], HasSubstr("5/10"));
  EXPECT_THAT(lines[1], HasSubstr("best average_accuracy 0.431"));
}

TEST(RenderProgress, ALowTerminalSaysHowManyLinesItLeavesOut) {
  std::vector<std::string> lines = RenderProgress(HalfDone(), 160, 3);
  EXPECT_EQ(lines.size(), 3u);
  EXPECT_EQ(lines[2], "… 2 more");
}

TEST(RenderProgress, EtaIsUnknownUntilTheCoordinatorKnows) {
  Progress progress = HalfDone();
  progress.sweep.clear_time_left();
  EXPECT_THAT(RenderProgress(progress, 160, 20)[0], HasSubstr("ETA unknown"));
}

TEST(RenderProgress, SaysWhyNothingMoves) {
  Progress progress = HalfDone();
  progress.active.clear();
  progress.workers_online = 0;
  EXPECT_EQ(RenderProgress(progress, 160, 20).back(),
            "no worker is online yet");
  progress.sweep.set_state(v1::Sweep::PAUSED);
  EXPECT_THAT(RenderProgress(progress, 160, 20).back(),
              HasSubstr("dfsweep resume quickstart"));
}

TEST(Progress, AnEndedTrialIsNoLongerActive) {
  Progress progress = HalfDone();
  v1::WatchSweepResponse update;
  *update.mutable_sweep() = progress.sweep;
  v1::Trial* trial = update.add_changed_trials();
  *trial = RunningTrial("3f2a91bc00", 16);
  trial->set_state(v1::COMPLETED);

  progress.Apply(update);

  EXPECT_EQ(progress.active.size(), 1u);
}

TEST(EpochText, CountsWithinTheTask) {
  EXPECT_EQ(EpochText(RunningTrial("x", 0)), "task 1/2 epoch 0/8");
  EXPECT_EQ(EpochText(RunningTrial("x", 8)), "task 2/2 epoch 0/8");
  EXPECT_EQ(EpochText(RunningTrial("x", 16)), "task 2/2 epoch 8/8");
}

TEST(EpochText, AConfigurationOfAnotherVersionStillCounts) {
  v1::Trial trial = RunningTrial("x", 3);
  trial.set_configuration_json(R"({"what_is_this": 1})");
  EXPECT_EQ(EpochText(trial), "3/16");
}

TEST(PlainProgress, IsOneLine) {
  EXPECT_EQ(PlainProgress(HalfDone()),
            "5/10  2 running  1 failed  best average_accuracy 0.431 "
            "(strategy=ewc ewc.lambda=1e8)  ETA 1m20s");
}

}  // namespace
}  // namespace dfsweep::cli
