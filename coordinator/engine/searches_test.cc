#include "coordinator/engine/searches.h"

#include <gmock/gmock.h>

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
      Get([&](Turn& turn) { return PlanSweep(turn, submission); });
  EXPECT_EQ(view.plan.trials, 30);
  EXPECT_EQ(view.plan.drawn, 30);
  EXPECT_EQ(view.plan.drawn_ahead, 10);
}

}  // namespace
}  // namespace dfsweep::coordinator
