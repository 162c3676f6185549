// What people ask for: submitting, cancelling, retrying, draining.
#include "coordinator/engine/sweep_calls.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <set>

#include "coordinator/engine/engine_testing.h"

namespace dfsweep::coordinator {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;
using testing::SizeIs;

class SweepCallsTest : public EngineTest {
 protected:
  absl::StatusOr<SweepView> Pause(const std::string& sweep) {
    return Get([&](Turn& turn) { return PauseSweep(turn, sweep); });
  }
  absl::StatusOr<SweepView> Resume(const std::string& sweep) {
    return Get([&](Turn& turn) { return ResumeSweep(turn, sweep); });
  }
  absl::StatusOr<SweepView> Cancel(const std::string& sweep) {
    return Get([&](Turn& turn) { return CancelSweep(turn, sweep); });
  }
  absl::StatusOr<RetryAnswer> Retry(
      const std::string& sweep, const std::vector<std::string>& trials = {},
      const std::string& request_id = RandomHex(8)) {
    return Get([&](Turn& turn) {
      return RetryTrials(turn, sweep, trials, request_id);
    });
  }
  int64_t CountSweeps() {
    return static_cast<int64_t>(Get([](Turn& turn) {
                                  return turn.store().ListSweeps(INT64_MAX,
                                                                 100);
                                }).size());
  }
};

// ---- Submitting -------------------------------------------------------------

TEST_F(SweepCallsTest, SweepIsStoredWithWhatItsFileSays) {
  std::string id = Submit(
      File("strategy: ewc, ewc.lambda: [1, 10], epochs: 3",
           "seeds: 2\npriority: 5\nmetric: {name: forgetting, goal: minimize}"
           "\nrequires: {device: cuda, memory_gib: 2}\n"
           "retry: {crash: 7, oom: 0}\n"));

  SweepView view = View(id);

  EXPECT_EQ(view.row.name, "s");
  EXPECT_EQ(view.row.priority, 5);
  EXPECT_EQ(view.row.metric_name, "forgetting");
  EXPECT_FALSE(view.row.metric_maximize);
  EXPECT_EQ(view.row.dataset_digest, Id('d'));
  EXPECT_THAT(view.row.varying, ElementsAre("ewc.lambda"));
  EXPECT_EQ(view.state, SweepState::kActive);
  EXPECT_EQ(view.progress[TrialState::kPending].trials, 4);
  RestoredTrial trial =
      Get([](Turn& turn) { return turn.store().Restore(); }).trials.at(0);
  EXPECT_EQ(trial.requirements, (Requirements{"cuda", int64_t{2} << 30}));
  EXPECT_EQ(trial.budget.crash, 7);
  EXPECT_EQ(trial.budget.out_of_memory, 0);
  EXPECT_EQ(trial.budget.timeout, RetryBudget{}.timeout);
}

// One trial trains the first task for all, si's included.
TEST_F(SweepCallsTest, FirstStageIsSharedWithSiWhereSomeTrialNeedsItsPath) {
  const auto stages = [&](const std::string& file) {
    std::set<std::string> names;
    const std::string id = Submit(file);
    for (const RestoredTrial& trial :
         Get([](Turn& turn) { return turn.store().Restore(); }).trials) {
      names.insert(trial.first_stage.name);
    }
    return names;
  };
  const std::set<std::string> plain =
      stages(File("strategy: [naive, ewc], ewc.lambda: 1"));
  const std::set<std::string> both =
      stages(File("strategy: [mas, si], mas.lambda: 1, si.c: [1, 2]"));
  EXPECT_THAT(plain, SizeIs(1));
  EXPECT_THAT(both, SizeIs(2));
}

TEST_F(SweepCallsTest, RepeatedRequestMakesNoSecondSweep) {
  std::string file = File("strategy: naive");
  auto first = TrySubmit(file, "r");

  auto again = TrySubmit(file, "r");

  EXPECT_EQ(again->sweep.row.sweep_id, first->sweep.row.sweep_id);
  EXPECT_FALSE(again->existed);  // the same answer
  EXPECT_EQ(CountSweeps(), 1);
}

TEST_F(SweepCallsTest, SameMeaningIsTheSameSweep) {
  auto first = TrySubmit(File("strategy: naive"), "r1");

  auto second = TrySubmit("# a comment\n" + File("strategy: naive"), "r2");

  EXPECT_TRUE(second->existed);
  EXPECT_EQ(second->sweep.row.sweep_id, first->sweep.row.sweep_id);
}

TEST_F(SweepCallsTest, UnknownDatasetIsRefusedAndNothingStored) {
  auto submission =
      ReadSubmission(File("strategy: naive"), "s.yaml", {}, Id('e'));

  absl::Status status = Get([&](Turn& turn) {
                          return CreateSweep(turn, Prepare(*submission), "r");
                        }).status();

  EXPECT_EQ(status.code(), absl::StatusCode::kFailedPrecondition);
  ExpectThreeParts(status);
  EXPECT_EQ(CountSweeps(), 0);
}

TEST_F(SweepCallsTest, AddingAValueRunsOnlyWhatIsNew) {
  Submit(File("strategy: ewc, ewc.lambda: [1, 10]"));
  Register("w");
  Complete("w", Lease("w"));
  Complete("w", Lease("w"));

  const std::string text = File("strategy: ewc, ewc.lambda: [1, 10, 100]");
  PlanView view =
      Get([&](Turn& turn) { return PlanSweep(turn.store(), Read(text)); });
  auto answer = TrySubmit(text, "r");

  EXPECT_EQ(view.plan.known, 2);
  EXPECT_EQ(answer->sweep.progress[TrialState::kCompleted].trials, 2);
  EXPECT_EQ(answer->sweep.progress[TrialState::kPending].trials, 1);
  Complete("w", Lease("w"));
  EXPECT_EQ(View("s").state, SweepState::kFinished);
  EXPECT_FALSE(AskForWork("w").answered());
}

TEST_F(SweepCallsTest, TrialRunsOnceForAllSweepsThatNeedIt) {
  std::string first = Submit(File("strategy: naive", "seeds: [0, 1]"));
  std::string second = Submit(File("strategy: naive", "seeds: [1, 2]"));
  Register("w");

  for (int i = 0; i < 3; ++i) Complete("w", Lease("w"));

  EXPECT_EQ(View(first).state, SweepState::kFinished);
  EXPECT_EQ(View(second).state, SweepState::kFinished);
  EXPECT_EQ(engine_->trials_ended(), 3);
}

TEST_F(SweepCallsTest, PlanTellsWhatItWillCostAndStoresNothing) {
  Submit(File("strategy: naive, epochs: 2"));
  Register("w", 2);
  Complete("w", Lease("w"));  // 20 s
  Submission submission =
      Read(File("strategy: naive, epochs: 2", "seeds: [0, 1, 2, 3, 4]"));

  PlanView view =
      Get([&](Turn& turn) { return PlanSweep(turn.store(), submission); });

  EXPECT_EQ(view.plan.trials, 5);
  EXPECT_EQ(view.plan.known, 1);
  EXPECT_EQ(view.slots, 2);
  EXPECT_EQ(view.expected_time, absl::Seconds(40));
  EXPECT_EQ(CountSweeps(), 1);
}

TEST_F(SweepCallsTest, PlanWithoutWorkersExpectsTheTimeOfOneSlot) {
  Submit(File("strategy: naive, epochs: 2"));
  Register("w", 2);
  Complete("w", Lease("w"));  // 20 s
  Do([](Turn& turn) { EXPECT_TRUE(RemoveWorker(turn, "w").ok()); });
  Submission submission =
      Read(File("strategy: naive, epochs: 2", "seeds: [0, 1, 2, 3, 4]"));

  PlanView view =
      Get([&](Turn& turn) { return PlanSweep(turn.store(), submission); });

  EXPECT_EQ(view.slots, 0);
  EXPECT_EQ(view.expected_time, absl::Seconds(80));
}

TEST_F(SweepCallsTest, PlanWithoutExperienceExpectsNothing) {
  Submission submission = Read(File("strategy: naive"));

  PlanView view =
      Get([&](Turn& turn) { return PlanSweep(turn.store(), submission); });

  EXPECT_FALSE(view.expected_time.has_value());
}

// ---- Pausing and cancelling -------------------------------------------------

TEST_F(SweepCallsTest, PausedSweepGivesOutNothingUntilResumed) {
  std::string sweep = Submit(File("strategy: naive"));
  Register("w");

  EXPECT_EQ(Pause(sweep)->state, SweepState::kPaused);
  Call<Leases> call = AskForWork("w");
  EXPECT_FALSE(call.answered());
  EXPECT_EQ(Resume(sweep)->state, SweepState::kActive);

  EXPECT_THAT(*call.Wait(), SizeIs(1));
}

TEST_F(SweepCallsTest, PauseOutlivesARestart) {
  std::string sweep = Submit(File("strategy: naive"));
  EXPECT_TRUE(Pause(sweep).ok());

  Restart();
  Register("w");

  EXPECT_FALSE(AskForWork("w").answered());
  EXPECT_EQ(View(sweep).state, SweepState::kPaused);
}

TEST_F(SweepCallsTest, CancelEndsOnlyTrialsThatNoOtherSweepNeeds) {
  std::string first = Submit(File("strategy: naive", "seeds: [0, 1]"));
  std::string second = Submit(File("strategy: naive", "seeds: [1, 2]"));

  EXPECT_EQ(Cancel(first)->state, SweepState::kCancelled);

  EXPECT_EQ(Count(first, TrialState::kCancelled), 1);
  EXPECT_EQ(Count(second, TrialState::kCancelled), 0);
  EXPECT_EQ(Count(second, TrialState::kPending), 2);
  EXPECT_TRUE(Cancel(second).ok());
  EXPECT_EQ(Count(second, TrialState::kCancelled), 2);
}

TEST_F(SweepCallsTest, CancellingAFinishedSweepChangesNothing) {
  std::string sweep = Submit(File("strategy: naive"));
  Register("w");
  Complete("w", Lease("w"));

  EXPECT_EQ(Cancel(sweep)->state, SweepState::kFinished);

  EXPECT_EQ(View(sweep).row.status, SweepStatus::kActive);
}

TEST_F(SweepCallsTest, CancelledSweepIsNeitherPausedNorResumed) {
  std::string sweep = Submit(File("strategy: naive"));
  EXPECT_TRUE(Cancel(sweep).ok());
  EXPECT_EQ(Cancel(sweep)->state, SweepState::kCancelled);

  EXPECT_EQ(Pause(sweep).status().code(),
            absl::StatusCode::kFailedPrecondition);
  EXPECT_EQ(Resume(sweep).status().code(),
            absl::StatusCode::kFailedPrecondition);
  ExpectThreeParts(Resume(sweep).status());
}

TEST_F(SweepCallsTest, SubmittingACancelledSweepAgainStartsItAnew) {
  std::string cancelled = Submit(File("strategy: naive"));
  EXPECT_TRUE(Cancel(cancelled).ok());

  std::string again = Submit(File("strategy: naive"));

  EXPECT_NE(again, cancelled);
  EXPECT_EQ(Count(again, TrialState::kPending), 1);
  EXPECT_EQ(View("s").row.sweep_id, again);
}

TEST_F(SweepCallsTest, UnknownSweepIsNotFound) {
  for (const absl::Status& status :
       {Pause("no").status(), Resume("no").status(), Cancel("no").status(),
        Retry("no").status()}) {
    EXPECT_EQ(status.code(), absl::StatusCode::kNotFound);
    ExpectThreeParts(status);
  }
}

// ---- Retrying ---------------------------------------------------------------

TEST_F(SweepCallsTest, RetryRunsFailedTrialsWithFreshBudgets) {
  std::string sweep =
      Submit(File("strategy: naive", "retry: {crash: 0}\nseeds: 2"));
  Register("w");
  AttemptId failed = Lease("w");
  Fail("w", failed);
  Complete("w", Lease("w"));
  ASSERT_EQ(Count(sweep, TrialState::kFailed), 1);

  EXPECT_EQ(Retry(sweep)->retried, 1);

  AttemptId again = Lease("w");
  EXPECT_EQ(again, (AttemptId{failed.trial_id, 2}));
  Fail("w", again);
  EXPECT_EQ(Count(sweep, TrialState::kFailed), 1);
  Restart();
  EXPECT_EQ(Trial(failed.trial_id).state, TrialState::kFailed);
}

TEST_F(SweepCallsTest, ForgivenFailuresStayForgivenAfterARestart) {
  std::string sweep = Submit(File("strategy: naive", "retry: {crash: 1}"));
  Register("w");
  Fail("w", Lease("w"));
  Fail("w", Lease("w"));
  ASSERT_EQ(Count(sweep, TrialState::kFailed), 1);
  EXPECT_EQ(Retry(sweep)->retried, 1);

  Restart();

  Fail("w", Lease("w"));
  EXPECT_EQ(Count(sweep, TrialState::kPending), 1);  // one is allowed again
}

TEST_F(SweepCallsTest, RepeatedRetryIsOneRetry) {
  std::string sweep = Submit(File("strategy: naive", "retry: {crash: 0}"));
  Register("w");
  Fail("w", Lease("w"));
  EXPECT_EQ(Retry(sweep, {}, "r")->retried, 1);
  Fail("w", Lease("w"));

  EXPECT_EQ(Retry(sweep, {}, "r")->retried, 1);

  EXPECT_EQ(Count(sweep, TrialState::kFailed), 1);
  EXPECT_EQ(TrySubmit(File("strategy: joint"), "r").status().code(),
            absl::StatusCode::kInvalidArgument);  // another call's id
}

TEST_F(SweepCallsTest, OnlyEndedTrialsOfTheSweepAreRetried) {
  std::string sweep = Submit(File("strategy: naive", "retry: {crash: 0}"));
  std::string other = Submit(File("strategy: joint"));
  Register("w");
  AttemptId attempt = Lease("w");
  Fail("w", attempt);
  std::string pending = TrialIds(other).at(0);

  EXPECT_EQ(Retry(sweep, {pending}).status().code(),
            absl::StatusCode::kFailedPrecondition);
  EXPECT_EQ(Retry(sweep, {"zzz"}).status().code(), absl::StatusCode::kNotFound);
  EXPECT_EQ(Retry(sweep, {""}).status().code(), absl::StatusCode::kNotFound);
  EXPECT_EQ(Count(sweep, TrialState::kFailed), 1);
  EXPECT_EQ(Retry(sweep, {attempt.trial_id.substr(0, 12)})->retried, 1);
}

TEST_F(SweepCallsTest, RetryTakesBackACancelling) {
  std::string sweep =
      Submit(File("strategy: naive", "seeds: 2\nrequires: {device: cpu}"));
  EXPECT_TRUE(Cancel(sweep).ok());
  std::string trial = TrialIds(sweep).at(0);
  EXPECT_EQ(Retry(sweep, {trial}).status().code(),
            absl::StatusCode::kFailedPrecondition);

  EXPECT_EQ(Retry(sweep)->retried, 2);

  EXPECT_EQ(View(sweep).state, SweepState::kActive);
  EXPECT_EQ(Count(sweep, TrialState::kPending), 2);
  Restart();
  Register("w");
  EXPECT_EQ(Lease("w").attempt, 1);
  EXPECT_TRUE(Cancel(sweep).ok());  // and it is one sweep as before
  EXPECT_EQ(Count(sweep, TrialState::kCancelled), 2);
}

TEST_F(SweepCallsTest, RevivedSweepKeepsTheRequirementsOfItsTrials) {
  std::string first = Submit(File("strategy: naive"));
  EXPECT_TRUE(Cancel(first).ok());
  std::string second =
      Submit(File("strategy: naive", "requires: {device: cuda}"));
  EXPECT_TRUE(Retry(first).ok());
  Register("cpu");

  // The store and the scheduler agree that the trial needs a GPU.
  EXPECT_FALSE(AskForWork("cpu").answered());
  Restart();
  EXPECT_FALSE(AskForWork("cpu").answered());
}

TEST_F(SweepCallsTest, TrialIsFoundByUniquePrefix) {
  std::string sweep = Submit(File("strategy: naive", "seeds: 20"));
  std::string id = TrialIds(sweep).at(0);
  auto find = [&](const std::string& prefix) {
    return Get([&](Turn& turn) { return FindTrialId(turn, prefix); });
  };

  EXPECT_EQ(*find(id), id);
  EXPECT_EQ(*find(id.substr(0, 16)), id);
  EXPECT_EQ(find("").status().code(), absl::StatusCode::kNotFound);
  ExpectThreeParts(find("0123456789").status());
}

// ---- Workers ----------------------------------------------------------------

TEST_F(SweepCallsTest, WorkersAreListedWithWhatTheyHold) {
  Submit(File("strategy: naive"));
  Register("b");
  Register("a");
  AttemptId attempt = Lease("a");
  Advance(absl::Seconds(5));

  std::vector<WorkerView> views =
      Get([](Turn& turn) { return ListWorkers(turn, false); });

  ASSERT_THAT(views, SizeIs(2));
  EXPECT_EQ(views[0].row.name, "a");
  EXPECT_THAT(views[0].trial_ids, ElementsAre(attempt.trial_id));
  EXPECT_EQ(views[0].silence, absl::Seconds(5));
  EXPECT_THAT(views[1].trial_ids, IsEmpty());
}

TEST_F(SweepCallsTest, WorkersThatAreGoneAreListedOnlyIfAskedFor) {
  Register("w");
  Do([](Turn& turn) { EXPECT_TRUE(RemoveWorker(turn, "w").ok()); });

  EXPECT_THAT(Get([](Turn& turn) { return ListWorkers(turn, false); }),
              IsEmpty());
  EXPECT_THAT(Get([](Turn& turn) { return ListWorkers(turn, true); }),
              SizeIs(1));
}

TEST_F(SweepCallsTest, DrainedWorkerGetsNothingNew) {
  Submit(File("strategy: naive"));
  Register("w");

  auto view = Get([](Turn& turn) { return DrainWorker(turn, "w"); });

  EXPECT_EQ(view->row.state, WorkerState::kDraining);
  EXPECT_FALSE(AskForWork("w").answered());
  EXPECT_EQ(Get([](Turn& turn) { return DrainWorker(turn, "nobody"); })
                .status()
                .code(),
            absl::StatusCode::kNotFound);
}

TEST_F(SweepCallsTest, RemovedWorkersTrialsGoToOthers) {
  Submit(File("strategy: naive"));
  Register("a");
  AttemptId attempt = Lease("a");
  Register("b");
  Call<Leases> call = AskForWork("b");

  Do([](Turn& turn) { EXPECT_TRUE(RemoveWorker(turn, "a").ok()); });

  EXPECT_EQ(call.Wait()->at(0).attempt, (AttemptId{attempt.trial_id, 2}));
  EXPECT_EQ(Get([](Turn& turn) { return RemoveWorker(turn, "nobody"); }).code(),
            absl::StatusCode::kNotFound);
}

}  // namespace
}  // namespace dfsweep::coordinator
