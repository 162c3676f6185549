// What workers ask for: handshakes, leases, heartbeats, progress, outcomes.
#include "coordinator/engine/worker_calls.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <set>

#include "coordinator/engine/engine_testing.h"

namespace dfsweep::coordinator {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;
using testing::SizeIs;

class WorkerCallsTest : public EngineTest {
 protected:
  WorkerRow Worker(const std::string& id) {
    return *Get([&](Turn& turn) { return turn.store().FindWorker(id); });
  }
  std::vector<ResultRow> Results(const std::string& sweep) {
    return ResultsIn(folder_.path(), *Get([&](Turn& turn) {
                       return turn.store().FindSweep(sweep);
                     }));
  }
};

// ---- Register ---------------------------------------------------------------

TEST_F(WorkerCallsTest, NameIsMadeUniqueAmongThoseThatAreThere) {
  EXPECT_EQ(Register(AWorker("a", "laptop")).name, "laptop");
  EXPECT_EQ(Register(AWorker("b", "laptop")).name, "laptop-2");
  EXPECT_EQ(Register(AWorker("c", "laptop")).name, "laptop-3");
  EXPECT_EQ(Register(AWorker("a", "laptop")).name, "laptop");  // itself

  Do([](Turn& turn) { EXPECT_TRUE(RemoveWorker(turn, "a").ok()); });

  EXPECT_EQ(Register(AWorker("e", "laptop")).name, "laptop");
}

TEST_F(WorkerCallsTest, DifferingEnvironmentIsSaid) {
  Register(AWorker("a", "first"));
  WorkerRow other = AWorker("b", "second");
  other.environment.torch_version = "2.5.0";
  other.environment.cudnn_version = "9.1";
  Register(other);

  EXPECT_EQ(Worker("a").parity_warning, "");
  EXPECT_EQ(Worker("b").parity_warning,
            "its numbers may differ from other workers': torch 2.5.0 (on "
            "first: 2.4.1), cuDNN 9.1 (on first: none)");
  std::vector<WorkerView> views =
      Get([](Turn& turn) { return ListWorkers(turn, false); });
  EXPECT_EQ(views[1].row.state, WorkerState::kOnline);
}

TEST_F(WorkerCallsTest, NewcomerIsTheOneThatDiffersHoweverOftenTheyRegister) {
  Register(AWorker("b", "zebra"));
  WorkerRow newcomer = AWorker("a", "antelope");
  newcomer.environment.torch_version = "2.5.0";
  Register(newcomer);
  Register(AWorker("b", "zebra"));
  EXPECT_EQ(Worker("b").parity_warning, "");
  EXPECT_THAT(Worker("a").parity_warning, HasSubstr("on zebra: 2.4.1"));

  Register(AWorker("a", "antelope"));  // aligned
  EXPECT_EQ(Worker("a").parity_warning, "");
}

TEST_F(WorkerCallsTest, WhoDiffersFromOneThatLeftIsJudgedAnew) {
  Register(AWorker("a", "first"));
  WorkerRow other = AWorker("b", "second");
  other.environment.torch_version = "2.5.0";
  Register(other);
  Do([](Turn& turn) { EXPECT_TRUE(RemoveWorker(turn, "a").ok()); });
  EXPECT_EQ(Worker("b").parity_warning, "");
}

// A laptop that restarts must not find that its place is taken.
TEST_F(WorkerCallsTest, WhoLeavesForAWhileIsStillTheOneThatWasThereFirst) {
  options_.parity = Parity::kStrict;
  Restart();
  Advance(absl::Seconds(1));
  Register(AWorker("a", "first"));
  WorkerRow other = AWorker("b", "second");
  other.environment.torch_version = "2.5.0";
  Register(other);
  auto first_leaves = [this](const std::string& incarnation) {
    Do([&](Turn& turn) {
      EXPECT_TRUE(turn.Step(HeartbeatReceived{.worker_id = "a",
                                              .incarnation = incarnation,
                                              .leaving = true})
                      .ok());
    });
  };
  first_leaves("1");
  EXPECT_EQ(Worker("a").state, WorkerState::kLeft);
  EXPECT_EQ(Worker("b").state, WorkerState::kPaused);
  WorkerRow restarted = AWorker("a", "first");
  restarted.incarnation = "2";
  Register(restarted);
  EXPECT_EQ(Worker("a").state, WorkerState::kOnline);
  EXPECT_EQ(Worker("b").state, WorkerState::kPaused);

  first_leaves("2");
  for (int minute = 0; minute < 125; ++minute) {
    Advance(absl::Minutes(1));
    Register(other);
  }
  EXPECT_EQ(Worker("b").state, WorkerState::kOnline) << "it is alone for good";
}

TEST_F(WorkerCallsTest, UnderStrictParityOnlyThoseThatAgreeAreGivenWork) {
  options_.parity = Parity::kStrict;
  Restart();
  Register("a");
  WorkerRow other = AWorker("b", "b");
  other.environment.torch_version = "2.5.0";
  Register(other);
  EXPECT_EQ(Worker("b").state, WorkerState::kPaused);
  EXPECT_THAT(Worker("b").reason, HasSubstr("torch 2.5.0 (on a: 2.4.1)"));
  Submit(File("strategy: naive"));
  EXPECT_FALSE(AskForWork("b").answered());

  Restart();
  EXPECT_FALSE(AskForWork("b").answered()) << "nor after a restart";

  Do([](Turn& turn) { EXPECT_TRUE(RemoveWorker(turn, "a").ok()); });
  EXPECT_EQ(Worker("b").state, WorkerState::kOnline) << "it is alone now";
}

TEST_F(WorkerCallsTest, ProbesOfTheSameCardAreCompared) {
  WorkerRow first = AWorker("a", "first"), second = AWorker("b", "second");
  first.probe_digest = std::string(64, 'a');
  second.probe_digest = std::string(64, 'b');
  Register(first);
  Register(second);
  EXPECT_EQ(Worker("b").parity_warning,
            "its numbers may differ from other workers': probe bbbbbbbb (on "
            "first: aaaaaaaa)");

  second.environment.device_name = "another";
  Register(second);
  EXPECT_EQ(Worker("b").parity_warning, "");
}

TEST_F(WorkerCallsTest, PrecisionAndBuildAreCompared) {
  Register(AWorker("a", "first"));
  WorkerRow other = AWorker("b", "second");
  other.environment.bf16 = true;
  other.environment.build = "dirty";
  Register(other);

  EXPECT_THAT(Worker("b").parity_warning, HasSubstr("bf16 yes (on first: no)"));
  EXPECT_THAT(Worker("b").parity_warning,
              HasSubstr("build dirty (on first: abc)"));
}

TEST_F(WorkerCallsTest, OtherKindsOfDevicesAndThoseThatLeftAreNotCompared) {
  WorkerRow gone = AWorker("gone", "gone");
  gone.environment.torch_version = "1.0";
  Register(gone);
  Do([](Turn& turn) { EXPECT_TRUE(RemoveWorker(turn, "gone").ok()); });
  WorkerRow gpu = AWorker("gpu", "gpu");
  gpu.environment.device = "cuda";
  gpu.environment.torch_version = "2.0";
  Register(gpu);

  Register(AWorker("a", "first"));

  EXPECT_EQ(Worker("a").parity_warning, "");
}

TEST_F(WorkerCallsTest, HandshakeSaysWhichHeldAttemptsToStop) {
  std::string sweep = Submit(File("strategy: naive"));
  Register("w");
  AttemptId attempt = Lease("w");
  Do([&](Turn& turn) { EXPECT_TRUE(CancelSweep(turn, sweep).ok()); });

  RegisterAnswer answer = Register(AWorker("w", "w"), {attempt});

  EXPECT_THAT(answer.stop, ElementsAre(attempt));
}

TEST_F(WorkerCallsTest, ReplacedProcessIsRefused) {
  Register(AWorker("w", "w"));
  WorkerRow newer = AWorker("w", "w");
  newer.incarnation = "2";
  Register(newer);
  Call<RegisterAnswer> late;

  Do([&](Turn& turn) {
    RegisterWorker(turn, AWorker("w", "w"), {}, late.reply());
  });

  EXPECT_EQ(late.Wait().status().code(), absl::StatusCode::kFailedPrecondition);
}

TEST_F(WorkerCallsTest, NewProcessLosesWhatTheOldOneHeld) {
  std::string sweep = Submit(File("strategy: naive"));
  Register(AWorker("w", "w"));
  AttemptId attempt = Lease("w");
  WorkerRow newer = AWorker("w", "w");
  newer.incarnation = "2";

  Register(newer);

  EXPECT_EQ(Trial(attempt.trial_id).state, TrialState::kPending);
  EXPECT_THAT(Trial(attempt.trial_id).message, HasSubstr("worker was lost"));
}

// ---- LeaseTrials ------------------------------------------------------------

TEST_F(WorkerCallsTest, LeaseSaysWhatToTrain) {
  Submit(File("strategy: naive", "seeds: [7]"));
  Register("w");

  auto leases = AskForWork("w").Wait();

  ASSERT_THAT(*leases, SizeIs(1));
  const LeaseRow& lease = leases->at(0);
  EXPECT_EQ(lease.attempt.attempt, 1);
  EXPECT_EQ(lease.seed, 7);
  EXPECT_EQ(lease.dataset_name, "data");
  EXPECT_EQ(lease.dataset_digest, Id('d'));
  EXPECT_EQ(lease.dataset_size_bytes, 1000);
  EXPECT_EQ(lease.sweep_name, "s");
  EXPECT_EQ(Json::parse(lease.configuration_json)["strategy"], "naive");
  EXPECT_EQ(Trial(lease.attempt.trial_id).state, TrialState::kLeased);
}

TEST_F(WorkerCallsTest, RequestWaitsForWorkAndGetsIt) {
  Register("w");
  Call<Leases> call = AskForWork("w");
  EXPECT_FALSE(call.answered());

  Submit(File("strategy: naive"));

  EXPECT_THAT(*call.Wait(), SizeIs(1));
}

TEST_F(WorkerCallsTest, RequestThatWaitedLongEnoughIsAnsweredWithNothing) {
  Register("w");
  Call<Leases> call = AskForWork("w");
  Advance(absl::Seconds(59));
  EXPECT_FALSE(call.answered());

  Advance(absl::Seconds(1));

  EXPECT_THAT(*call.Wait(), IsEmpty());
}

TEST_F(WorkerCallsTest, OldestRequestIsServedFirst) {
  Register("a");
  Register("b");
  Call<Leases> first = AskForWork("a");
  Call<Leases> second = AskForWork("b");

  Submit(File("strategy: naive"));

  EXPECT_THAT(*first.Wait(), SizeIs(1));
  EXPECT_FALSE(second.answered());
}

TEST_F(WorkerCallsTest, RepeatedRequestGetsTheSameLeases) {
  Submit(File("strategy: naive", "seeds: 3"));
  Register("w", 2);
  auto first = AskForWork("w", "r", 2).Wait();
  ASSERT_THAT(*first, SizeIs(2));

  auto again = AskForWork("w", "r", 2).Wait();

  ASSERT_THAT(*again, SizeIs(2));
  std::set<AttemptId> both = {first->at(0).attempt, first->at(1).attempt};
  EXPECT_TRUE(both.contains(again->at(0).attempt));
  EXPECT_TRUE(both.contains(again->at(1).attempt));
}

TEST_F(WorkerCallsTest, RepeatedRequestReplacesTheOneThatWaits) {
  Register("w");
  Call<Leases> given_up = AskForWork("w", "r");
  Call<Leases> repeated = AskForWork("w", "r");
  EXPECT_THAT(*given_up.Wait(), IsEmpty());

  Submit(File("strategy: naive"));

  EXPECT_THAT(*repeated.Wait(), SizeIs(1));
}

TEST_F(WorkerCallsTest, SlotThatAsksBeforeItsResultArrivesNeedNotWait) {
  Submit(File("strategy: naive", "seeds: 2"));
  Register("w", 1);
  AttemptId attempt = Lease("w");
  Call<Leases> next = AskForWork("w");
  EXPECT_FALSE(next.answered());

  Complete("w", attempt);

  ASSERT_TRUE(next.answered());
  EXPECT_THAT(*next.Wait(), SizeIs(1));
}

TEST_F(WorkerCallsTest, UnknownWorkerHasToRegister) {
  EXPECT_EQ(AskForWork("nobody").Wait().status().code(),
            absl::StatusCode::kNotFound);
  EXPECT_EQ(Beat("nobody").Wait().status().code(), absl::StatusCode::kNotFound);
}

TEST_F(WorkerCallsTest, RequestOfARemovedWorkerIsRefusedWhenWorkComes) {
  Register("w");
  Call<Leases> call = AskForWork("w");
  Do([](Turn& turn) { EXPECT_TRUE(RemoveWorker(turn, "w").ok()); });

  Submit(File("strategy: naive"));

  EXPECT_EQ(call.Wait().status().code(), absl::StatusCode::kNotFound);
}

// ---- Copies -----------------------------------------------------------------

TEST_F(WorkerCallsTest, CopyOfAStragglerOutlivesARestartAndGivesTheOneRow) {
  Register("slow");
  Register("fast");
  const std::string sweep = Submit(File("strategy: naive", "seeds: 2\n"));
  const AttemptId original = Lease("slow");
  ASSERT_TRUE(
      Report({.worker_id = "slow", .attempt = original, .started = true}).ok());
  const AttemptId other = Lease("fast");
  auto live = [&](const std::vector<AttemptId>& fast) {
    Advance(absl::Seconds(20));
    Beat("slow", {original});
    Beat("fast", fast);
  };
  for (int i = 0; i < 3; ++i) live({other});
  EXPECT_TRUE(Complete("fast", other).accepted);
  for (int i = 0; i < 9; ++i) live({});

  const AttemptId copy = Lease("fast");

  EXPECT_EQ(copy, (AttemptId{original.trial_id, 2}));
  auto report = [&](const std::string& worker, const AttemptId& attempt) {
    return Report({.worker_id = worker,
                   .attempt = attempt,
                   .started = true,
                   .epochs = {{.epochs_done = 1, .epochs_total = 3}}});
  };
  EXPECT_TRUE(report("slow", original).ok());
  EXPECT_TRUE(report("fast", copy).ok());
  Restart();
  EXPECT_TRUE(report("slow", original).ok());
  EXPECT_TRUE(report("fast", copy).ok());
  Call<HeartbeatAnswer> beat = Beat("slow", {original});

  EXPECT_TRUE(Complete("fast", copy).accepted);

  EXPECT_THAT(beat.Wait()->stop, ElementsAre(original));
  EXPECT_FALSE(Complete("slow", original).accepted);
  std::vector<ResultRow> rows = Results(sweep);
  ASSERT_THAT(rows, SizeIs(2));
  EXPECT_EQ(rows[0].trial_id, original.trial_id);
  EXPECT_EQ(rows[0].status, "completed");
  EXPECT_EQ(rows[0].worker, "fast");
  EXPECT_EQ(rows[0].attempt, 2);
}

// ---- Heartbeat --------------------------------------------------------------

TEST_F(WorkerCallsTest, HeartbeatWithoutNewsIsAnsweredAtItsDeadline) {
  Register("w");
  Call<HeartbeatAnswer> call = Beat("w");
  Advance(absl::Seconds(9));
  EXPECT_FALSE(call.answered());

  Advance(absl::Seconds(1));

  auto answer = call.Wait();
  EXPECT_THAT(answer->stop, IsEmpty());
  EXPECT_FALSE(answer->drain);
  EXPECT_FALSE(answer->register_again);
}

TEST_F(WorkerCallsTest, CancelReachesTheWorkerAtOnceAndOnce) {
  std::string sweep = Submit(File("strategy: naive"));
  Register("w");
  AttemptId attempt = Lease("w");
  Call<HeartbeatAnswer> call = Beat("w", {attempt});
  EXPECT_FALSE(call.answered());

  Do([&](Turn& turn) { EXPECT_TRUE(CancelSweep(turn, sweep).ok()); });

  EXPECT_THAT(call.Wait()->stop, ElementsAre(attempt));
  EXPECT_FALSE(Beat("w").answered());
}

TEST_F(WorkerCallsTest, StopWhoseAnswerWasLostIsToldAgain) {
  std::string sweep = Submit(File("strategy: naive"));
  Register("w");
  AttemptId attempt = Lease("w");
  Do([&](Turn& turn) { EXPECT_TRUE(CancelSweep(turn, sweep).ok()); });
  EXPECT_THAT(Beat("w", {attempt}).Wait()->stop, ElementsAre(attempt));

  EXPECT_THAT(Beat("w", {attempt}).Wait()->stop, ElementsAre(attempt));
}

TEST_F(WorkerCallsTest, DrainIsToldAtOnceAndThenOnlyInTime) {
  Register("w");
  Call<HeartbeatAnswer> call = Beat("w");

  Do([](Turn& turn) { EXPECT_TRUE(DrainWorker(turn, "w").ok()); });

  EXPECT_TRUE(call.Wait()->drain);
  Call<HeartbeatAnswer> next = Beat("w");
  EXPECT_FALSE(next.answered());
  Advance(absl::Seconds(10));
  EXPECT_TRUE(next.Wait()->drain);
}

TEST_F(WorkerCallsTest, RemovedWorkerIsShutOutUntilItIsResumed) {
  Register("w");
  Call<HeartbeatAnswer> call = Beat("w");
  Do([](Turn& turn) { EXPECT_TRUE(RemoveWorker(turn, "w").ok()); });
  EXPECT_TRUE(call.Wait()->register_again);

  EXPECT_EQ(TryToRegister(AWorker("w", "w")).status().code(),
            absl::StatusCode::kPermissionDenied);
  Do([](Turn& turn) { EXPECT_TRUE(ResumeWorker(turn, "w").ok()); });
  EXPECT_TRUE(TryToRegister(AWorker("w", "w")).ok());
}

TEST_F(WorkerCallsTest, PauseReachesTheWorkerAtOnceAndSoDoesItsEnd) {
  Register("w");
  Call<HeartbeatAnswer> call = Beat("w");
  Do([](Turn& turn) { EXPECT_TRUE(PauseWorker(turn, "w").ok()); });
  EXPECT_TRUE(call.Wait()->pause);
  EXPECT_FALSE(call.Wait()->drain);

  Call<HeartbeatAnswer> next = Beat("w");
  EXPECT_FALSE(next.answered()) << "it was told";
  Do([](Turn& turn) { EXPECT_TRUE(ResumeWorker(turn, "w").ok()); });
  EXPECT_FALSE(next.Wait()->pause);
}

TEST_F(WorkerCallsTest, PauseOutlivesTheDaemonAndTheCoordinator) {
  Register("w");
  Do([](Turn& turn) { EXPECT_TRUE(PauseWorker(turn, "w").ok()); });
  Restart();
  EXPECT_TRUE(Beat("w").Wait()->pause);

  WorkerRow newer = AWorker("w", "w");
  newer.incarnation = "2";
  Register(newer);
  EXPECT_TRUE(Beat("w", {}, "2").Wait()->pause);
  EXPECT_EQ(Worker("w").state, WorkerState::kPaused);
  EXPECT_EQ(Worker("w").order, WorkerOrder::kPause);
}

TEST_F(WorkerCallsTest, WhyAWorkerPausesAndHowItIsAreShown) {
  Register("w");
  EXPECT_FALSE(Get([](Turn& turn) { return ListWorkers(turn, false); })
                   .at(0)
                   .machine.has_value());

  Beat("w", {}, "1",
       {.pause_reasons = {"cuda:0 is hotter than 90 °C", "on battery"},
        .battery_percent = 83});

  WorkerView view =
      Get([](Turn& turn) { return ListWorkers(turn, false); }).at(0);
  EXPECT_EQ(view.row.state, WorkerState::kPaused);
  EXPECT_EQ(view.row.reason, "cuda:0 is hotter than 90 °C, on battery");
  EXPECT_EQ(view.machine->battery_percent, 83);
}

TEST_F(WorkerCallsTest, WorkerThatDrainsByItselfIsShownSo) {
  Register("w");
  Beat("w", {}, "1", {.drain_reasons = {"its disk is full"}});
  WorkerView view =
      Get([](Turn& turn) { return ListWorkers(turn, false); }).at(0);
  EXPECT_EQ(view.row.state, WorkerState::kDraining);
  EXPECT_EQ(view.machine->drain_reasons,
            std::vector<std::string>{"its disk is full"});
}

TEST_F(WorkerCallsTest, OldProcessIsToldToRegisterAgain) {
  WorkerRow newer = AWorker("w", "w");
  newer.incarnation = "2";
  Register(newer);

  EXPECT_TRUE(Beat("w", {}, "1").Wait()->register_again);
}

TEST_F(WorkerCallsTest, NewHeartbeatEndsTheOneBefore) {
  Register("w");
  Call<HeartbeatAnswer> older = Beat("w");

  Call<HeartbeatAnswer> newer = Beat("w");

  EXPECT_TRUE(older.Wait().ok());
  EXPECT_FALSE(newer.answered());
}

TEST_F(WorkerCallsTest, LeaseThatTheWorkerNeverReceivedIsGivenBack) {
  Submit(File("strategy: naive"));
  Register("w");
  AttemptId lost = Lease("w");
  Beat("w");
  EXPECT_EQ(Trial(lost.trial_id).state, TrialState::kLeased);

  for (int i = 0; i < 6; ++i) {
    Advance(absl::Seconds(10));
    Beat("w");
  }

  EXPECT_EQ(Trial(lost.trial_id).state, TrialState::kPending);
  EXPECT_EQ(Lease("w").attempt, 2);
}

// ---- ReportProgress ---------------------------------------------------------

TEST_F(WorkerCallsTest, ProgressOfTheHolderIsKept) {
  Submit(File("strategy: naive, epochs: 4"));
  Register("w");
  AttemptId attempt = Lease("w");

  EXPECT_TRUE(Report({.worker_id = "w",
                      .attempt = attempt,
                      .epochs = {{0, 0, {{"loss", 3}}, 1, 8}},
                      .lines = {{0, "info", "hello", absl::Seconds(1)}}})
                  .ok());

  TrialRow trial = Trial(attempt.trial_id);
  EXPECT_EQ(trial.state, TrialState::kRunning);
  EXPECT_EQ(trial.epochs_done, 1);
  EXPECT_EQ(trial.metrics.at("loss"), 3);
  Do([&](Turn& turn) {
    EXPECT_THAT(turn.store().LogLines(attempt, 0, 10), SizeIs(1));
  });
}

TEST_F(WorkerCallsTest, ProgressOfAStaleAttemptIsRefusedAndDropped) {
  Submit(File("strategy: naive"));
  Register("a");
  Register("b");
  AttemptId stale = Lease("a");
  Complete({.worker_id = "a", .attempt = stale, .outcome = HandBackRow{}});
  AttemptId newer = Lease("b");
  const Progress late = {.worker_id = "a",
                         .attempt = stale,
                         .epochs = {{0, 0, {{"loss", 666}}, 5, 8}},
                         .lines = {{0, "info", "late", absl::Seconds(1)}}};

  absl::Status status = Report(late);

  EXPECT_EQ(status.code(), absl::StatusCode::kFailedPrecondition);
  EXPECT_THAT(Trial(newer.trial_id).metrics, IsEmpty());
  EXPECT_EQ(Trial(newer.trial_id).state, TrialState::kLeased);
  Do([&](Turn& turn) {
    EXPECT_THAT(turn.store().LogLines(stale, 0, 10), IsEmpty());
  });
}

TEST_F(WorkerCallsTest, ProgressOfAnotherWorkersAttemptIsRefused) {
  Submit(File("strategy: naive"));
  Register("a");
  Register("thief");
  AttemptId attempt = Lease("a");

  EXPECT_EQ(Report({.worker_id = "thief",
                    .attempt = attempt,
                    .lines = {{0, "info", "mine", absl::ZeroDuration()}}})
                .code(),
            absl::StatusCode::kFailedPrecondition);
}

// ---- CompleteTrial ----------------------------------------------------------

TEST_F(WorkerCallsTest, ResultEndsTheTrialOnceHoweverOftenItIsSent) {
  std::string sweep = Submit(File("strategy: naive"));
  Register("w");
  AttemptId attempt = Lease("w");

  EXPECT_TRUE(Complete("w", attempt, AResult(0.5)).accepted);
  EXPECT_TRUE(Complete("w", attempt, AResult(0.5)).accepted);

  EXPECT_EQ(View(sweep).state, SweepState::kFinished);
  EXPECT_EQ(engine_->trials_ended(), 1);
  EXPECT_EQ(Results(sweep)[0].metrics.Find("average_accuracy"), 0.5);
}

TEST_F(WorkerCallsTest, DivergedTrialIsAResult) {
  std::string sweep = Submit(File("strategy: naive"));
  Register("w");
  TrialResultRow result = AResult();
  result.diverged = true;

  EXPECT_TRUE(Complete("w", Lease("w"), result).accepted);

  EXPECT_EQ(Count(sweep, TrialState::kDiverged), 1);
  EXPECT_EQ(Results(sweep)[0].status, "diverged");
}

TEST_F(WorkerCallsTest, LateResultOfAnOpenTrialIsAcceptedAndTheNewerStopped) {
  std::string sweep = Submit(File("strategy: naive"));
  Register("slow");
  AttemptId older = Lease("slow");
  Advance(absl::Minutes(2));  // lost
  Register("quick");
  AttemptId newer = Lease("quick");
  Call<HeartbeatAnswer> beat = Beat("quick", {newer});

  EXPECT_TRUE(Complete("slow", older, AResult(0.75)).accepted);

  EXPECT_THAT(beat.Wait()->stop, ElementsAre(newer));
  CompletionAnswer second = Complete("quick", newer, AResult(0.25));
  EXPECT_FALSE(second.accepted);
  EXPECT_THAT(second.reason, HasSubstr("ended already"));
  ResultRow row = Results(sweep)[0];
  EXPECT_EQ(row.metrics.Find("average_accuracy"), 0.75);
  EXPECT_EQ(row.attempt, 1);
  EXPECT_EQ(row.worker, "slow");
}

TEST_F(WorkerCallsTest, LateFailureIsNotWantedAndCostsNothing) {
  Submit(File("strategy: naive"));
  Register("slow");
  AttemptId older = Lease("slow");
  Advance(absl::Minutes(2));
  Register("quick");
  AttemptId newer = Lease("quick");

  EXPECT_FALSE(Fail("slow", older).accepted);

  EXPECT_EQ(Trial(newer.trial_id).state, TrialState::kLeased);
  EXPECT_EQ(Trial(newer.trial_id).attempt, 2);
}

TEST_F(WorkerCallsTest, ResultThatWasNeverLeasedToTheSenderIsRefused) {
  std::string sweep = Submit(File("strategy: naive"));
  Register("w");
  Register("thief");
  AttemptId attempt = Lease("w");

  EXPECT_FALSE(Complete("thief", attempt).accepted);
  EXPECT_FALSE(Complete("w", {attempt.trial_id, 2}).accepted);
  EXPECT_FALSE(Complete("w", {Id('0'), 1}).accepted);

  EXPECT_EQ(Count(sweep, TrialState::kLeased), 1);
}

TEST_F(WorkerCallsTest, ResultOfACancelledTrialIsNotWanted) {
  std::string sweep = Submit(File("strategy: naive"));
  Register("w");
  AttemptId attempt = Lease("w");
  Do([&](Turn& turn) { EXPECT_TRUE(CancelSweep(turn, sweep).ok()); });

  EXPECT_FALSE(Complete("w", attempt).accepted);

  EXPECT_EQ(Count(sweep, TrialState::kCancelled), 1);
}

TEST_F(WorkerCallsTest, FailureIsTriedAgainAndSaysWhy) {
  Submit(File("strategy: naive"));
  Register("w");
  AttemptId attempt = Lease("w");

  EXPECT_TRUE(Fail("w", attempt).accepted);

  TrialRow trial = Trial(attempt.trial_id);
  EXPECT_EQ(trial.state, TrialState::kPending);
  EXPECT_EQ(trial.cause, Cause::kCrash);
  EXPECT_EQ(trial.message, "it broke\nhere\nfix it");
  EXPECT_EQ(Lease("w"), (AttemptId{attempt.trial_id, 2}));
}

TEST_F(WorkerCallsTest, FailedTrialKeepsItsReasonAndTheSweepGoesOn) {
  std::string sweep = Submit(File("strategy: naive", "seeds: 2"));
  Register("w");
  AttemptId bad = Lease("w");

  EXPECT_TRUE(Fail("w", bad, Cause::kBadConfig).accepted);
  EXPECT_TRUE(Complete("w", Lease("w")).accepted);

  EXPECT_EQ(View(sweep).state, SweepState::kFinished);
  EXPECT_EQ(Trial(bad.trial_id).state, TrialState::kFailed);
  EXPECT_EQ(Trial(bad.trial_id).message, "it broke\nhere\nfix it");
}

TEST_F(WorkerCallsTest, HandedBackTrialGoesToTheNextWorkerUncounted) {
  Submit(File("strategy: naive", "retry: {crash: 0}"));
  Register("a");
  AttemptId first = Lease("a");
  EXPECT_TRUE(
      Complete({.worker_id = "a", .attempt = first, .outcome = HandBackRow{}})
          .accepted);
  Register("b");

  AttemptId second = Lease("b");

  EXPECT_EQ(second, (AttemptId{first.trial_id, 2}));
  EXPECT_TRUE(Complete("b", second).accepted);
}

TEST_F(WorkerCallsTest, LogLinesComeWithTheOutcome) {
  Submit(File("strategy: naive"));
  Register("w");
  AttemptId attempt = Lease("w");

  Complete({.worker_id = "w",
            .attempt = attempt,
            .outcome = FailureRow{Cause::kCrash, "x"},
            .lines = {{3, "error", "boom", absl::Seconds(1)}}});

  Do([&](Turn& turn) {
    EXPECT_EQ(turn.store().LogLines(attempt, 0, 10).at(0).message, "boom");
  });
}

// ---- Checkpoints ------------------------------------------------------------

// Its own, by both names of the first stage, and the second stage; none twice.
TEST_F(WorkerCallsTest, TrialGoesOnFromItsOwnAndItsStagesEachOnce) {
  const std::string trial =
      TrialIds(Submit(File("strategy: naive, tasks.count: 2"))).front();
  const auto owners =
      Get([&](Turn& turn) { return CheckpointOwners(turn, trial); });
  ASSERT_TRUE(owners.ok()) << owners.status();
  EXPECT_THAT(*owners, SizeIs(4));
  EXPECT_EQ(owners->front(), trial);
  EXPECT_THAT(std::set<std::string>(owners->begin(), owners->end()), SizeIs(4));
}

}  // namespace
}  // namespace dfsweep::coordinator
