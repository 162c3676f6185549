#include "coordinator/engine/searches.h"

#include <gmock/gmock.h>

#include <map>
#include <optional>
#include <set>
#include <string>

#include "coordinator/engine/engine_testing.h"

namespace dfsweep::coordinator {
namespace {

class SearchesTest : public EngineTest {
 protected:
  static std::string Tpe(int trials) {
    return File("strategy: naive, learning_rate: {min: 1e-4, max: 1e-1}",
                "method: tpe\ntrials: " + std::to_string(trials) + "\n");
  }
  // What there is now; empty if there is nothing.
  std::optional<AttemptId> TryLease(const std::string& worker) {
    Call<Leases> call;
    Do([&](Turn& turn) {
      LeaseTrials(turn, {.call = engine_->NextCallId(),
                         .request = {worker, "1", 1},
                         .request_id = RandomHex(8),
                         .deadline = turn.now(),
                         .reply = call.reply()});
    });
    const auto leases = call.Wait();
    EXPECT_TRUE(leases.ok()) << leases.status();
    if (!leases.ok() || leases->empty()) return std::nullopt;
    return leases->at(0).attempt;
  }
  // A larger learning rate is better here.
  void Train(const std::string& worker, const AttemptId& attempt) {
    TrialResultRow result = AResult();
    const Json drawn = Json::parse(Trial(attempt.trial_id).configuration_json);
    result.metrics["validation_average_accuracy"] = drawn["learning_rate"];
    EXPECT_TRUE(Complete(worker, attempt, result).accepted);
  }
  // Trains what there is until there is no more; returns how many trials.
  int TrainAll(const std::string& worker) {
    int count = 0;
    for (; auto attempt = TryLease(worker); ++count) Train(worker, *attempt);
    return count;
  }
};

TEST_F(SearchesTest, ASweepIsFinishedWhenAllOfItsPointsAre) {
  Register("w");
  const std::string sweep = Submit(Tpe(25));
  EXPECT_EQ(TrialIds(sweep).size(), 10);
  EXPECT_EQ(TrainAll("w"), 25);
  EXPECT_EQ(View(sweep).state, SweepState::kFinished);
  EXPECT_EQ(Count(sweep, TrialState::kCompleted), 25);
}

TEST_F(SearchesTest, ASweepIsNeverSeenFinishedBeforeItsTime) {
  Register("w");
  const std::string sweep = Submit(Tpe(12));
  for (int i = 0; i < 12; ++i) {
    EXPECT_EQ(View(sweep).state, SweepState::kActive);
    Train("w", Lease("w"));
  }
  EXPECT_EQ(View(sweep).state, SweepState::kFinished);
}

TEST_F(SearchesTest, ARestartLosesNothingAndDrawsNothingTwice) {
  Register("w");
  const std::string sweep = Submit(Tpe(20));
  for (int i = 0; i < 15; ++i) Train("w", Lease("w"));
  const std::vector<std::string> before = TrialIds(sweep);
  Restart();
  EXPECT_EQ(TrialIds(sweep), before);
  Register("w");
  EXPECT_EQ(TrainAll("w"), 5);
  const std::vector<std::string> ids = TrialIds(sweep);
  EXPECT_EQ(std::set<std::string>(ids.begin(), ids.end()).size(), 20);
}

TEST_F(SearchesTest, MoreSlotsHaveMorePointsAtATime) {
  const std::string sweep = Submit(Tpe(40));
  Register("w", 4);
  Register("v", 12);
  EXPECT_EQ(TrialIds(sweep).size(), 16);
}

TEST_F(SearchesTest, ACancelledSweepGetsNoMorePoints) {
  Register("w");
  const std::string sweep = Submit(Tpe(20));
  Do([&](Turn& turn) { CancelSweep(turn, sweep).IgnoreError(); });
  EXPECT_EQ(TrialIds(sweep).size(), 10);
  EXPECT_EQ(TrainAll("w"), 0);
}

TEST_F(SearchesTest, SubmittingItAgainGoesOnWithTheSameSweep) {
  Register("w");
  const std::string sweep = Submit(Tpe(12));
  TrainAll("w");
  EXPECT_EQ(Submit(Tpe(12)), sweep);
  EXPECT_EQ(TrialIds(sweep).size(), 12);
}

TEST_F(SearchesTest, KnownResultsAreLearntFromAtOnce) {
  Register("w");
  Submit(Tpe(12));
  TrainAll("w");
  // The same results lead to the same points, one after another: only what is
  // new is trained.
  const std::string longer = Submit(Tpe(14));
  EXPECT_EQ(TrainAll("w"), 2);
  EXPECT_EQ(View(longer).state, SweepState::kFinished);
  EXPECT_EQ(TrialIds(longer).size(), 14);
}

TEST_F(SearchesTest, ThePlanHasTheWholeBudget) {
  const Submission submission = Read(Tpe(30));
  const PlanView view =
      Get([&](Turn& turn) { return PlanSweep(turn.store(), submission); });
  EXPECT_EQ(view.plan.trials, 30);
  EXPECT_EQ(view.plan.drawn, 30);
  EXPECT_EQ(view.plan.drawn_ahead, 10);
}

// ---- Trials that are stopped early ------------------------------------------

// Six trials of nine epochs; a larger learning rate is better.
class EarlyTerminateTest : public SearchesTest {
 protected:
  static std::string Asha(const std::string& more = "") {
    return File(
        "strategy: joint, epochs: 9, learning_rate: [0.1, 0.2, 0.3, "
        "0.4, 0.5, 0.6]",
        "early_terminate: {type: asha, min_iter: 1, eta: 3}\n" + more);
  }
  double RateOf(const std::string& trial_id) {
    return Json::parse(Trial(trial_id).configuration_json)["learning_rate"];
  }
  bool IsCurrent(const AttemptId& attempt) {
    const TrialRow trial = Trial(attempt.trial_id);
    return trial.attempt == attempt.attempt && !IsTerminal(trial.state);
  }
  static EpochRow Epoch(int64_t done, double accuracy) {
    return {.epoch = static_cast<int>(done - 1),
            .metrics = {{"validation_accuracy", accuracy}},
            .epochs_done = done,
            .epochs_total = 9};
  }
  // Reports epochs until the trial is stopped or has its result. Stopped ones
  // go on where they were, as with a checkpoint.
  void TrainAsFarAsWanted(const AttemptId& attempt) {
    const double rate = RateOf(attempt.trial_id);
    int64_t& done = done_[attempt.trial_id];
    while (done < 9) {
      ++done;
      ++epochs_;
      EXPECT_TRUE(Report({.worker_id = "w",
                          .attempt = attempt,
                          .epochs = {Epoch(done, rate)}})
                      .ok());
      if (!IsCurrent(attempt)) return;
    }
    TrialResultRow result = AResult();
    result.metrics["validation_average_accuracy"] = rate;
    result.epochs.clear();
    for (int64_t i = 1; i <= 9; ++i) result.epochs.push_back(Epoch(i, rate));
    EXPECT_TRUE(Complete("w", attempt, result).accepted);
  }
  void TrainAsWanted() {
    while (auto attempt = TryLease("w")) TrainAsFarAsWanted(*attempt);
  }

  std::map<std::string, int64_t> done_;
  int epochs_ = 0;
};

TEST_F(EarlyTerminateTest, TheBestIsTrainedToItsEndAndTheRestIsPruned) {
  Register("w");
  const std::string sweep = Submit(Asha());
  TrainAsWanted();
  const SweepView view = View(sweep);
  EXPECT_EQ(view.state, SweepState::kFinished);
  EXPECT_GE(Count(sweep, TrialState::kCompleted), 1);
  EXPECT_EQ(
      Count(sweep, TrialState::kCompleted) + Count(sweep, TrialState::kPruned),
      6);
  EXPECT_EQ(view.best->value, 0.6);
  EXPECT_LT(epochs_, 6 * 9);
}

TEST_F(EarlyTerminateTest, AWorkerIsToldToStopAPrunedTrial) {
  Register("w");
  Submit(Asha());
  const AttemptId attempt = Lease("w");
  Report({.worker_id = "w", .attempt = attempt, .epochs = {Epoch(1, 0.1)}})
      .IgnoreError();
  const auto answer = Beat("w", {attempt}).Wait();
  ASSERT_TRUE(answer.ok());
  EXPECT_THAT(answer->stop, testing::ElementsAre(attempt));
  EXPECT_THAT(Trial(attempt.trial_id).message,
              testing::HasSubstr("stopped it early"));
}

// Another worker may be the one that goes on with it.
TEST_F(EarlyTerminateTest, TheCheckpointOfAPrunedTrialIsTaken) {
  Register("w");
  Submit(Asha());
  const AttemptId attempt = Lease("w");
  Report({.worker_id = "w", .attempt = attempt, .epochs = {Epoch(1, 0.1)}})
      .IgnoreError();
  ASSERT_FALSE(IsCurrent(attempt));
  const CheckpointName progress = {.owner = attempt.trial_id,
                                   .is_stage = false};
  const absl::Status status = Get([&](Turn& turn) {
    return CheckCheckpoint(turn, "w", attempt, progress);
  });
  EXPECT_TRUE(status.ok()) << status;
}

TEST_F(EarlyTerminateTest, ARestartInTheMiddleChangesNothing) {
  Register("w");
  const std::string sweep = Submit(Asha());
  for (int i = 0; i < 4; ++i) TrainAsFarAsWanted(Lease("w"));
  const int64_t pruned = Count(sweep, TrialState::kPruned);
  EXPECT_GT(pruned, 0);
  Restart();
  EXPECT_EQ(Count(sweep, TrialState::kPruned), pruned);
  Register("w");
  TrainAsWanted();
  EXPECT_EQ(View(sweep).state, SweepState::kFinished);
  EXPECT_EQ(View(sweep).best->value, 0.6);
}

TEST_F(EarlyTerminateTest, RetryLeavesPrunedTrialsAlone) {
  Register("w");
  const std::string sweep = Submit(Asha());
  TrainAsWanted();
  const auto answer =
      Get([&](Turn& turn) { return RetryTrials(turn, sweep, {}, "r1"); });
  ASSERT_TRUE(answer.ok());
  EXPECT_EQ(answer->retried, 0);
}

TEST_F(EarlyTerminateTest, ASweepThatNeedsThemTrainsPrunedTrials) {
  Register("w");
  Submit(Asha());
  TrainAsWanted();
  const std::string all = Submit(
      File("strategy: joint, epochs: 9, learning_rate: [0.1, 0.2, 0.3, 0.4, "
           "0.5, 0.6]"));
  EXPECT_GT(Count(all, TrialState::kPending), 0);
  TrainAsWanted();
  EXPECT_EQ(Count(all, TrialState::kCompleted), 6);
}

TEST_F(EarlyTerminateTest, SurvivorsGetTheirFurtherSeeds) {
  Register("w");
  const std::string sweep =
      Submit(Asha("seeds: {count: 3, survivors_only: true}\n"));
  EXPECT_EQ(TrialIds(sweep).size(), 6);
  TrainAsWanted();
  const int64_t completed = Count(sweep, TrialState::kCompleted);
  EXPECT_EQ(completed % 3, 0);
  EXPECT_EQ(std::ssize(TrialIds(sweep)), 6 + completed / 3 * 2);
  EXPECT_EQ(View(sweep).state, SweepState::kFinished);
}

}  // namespace
}  // namespace dfsweep::coordinator
