// The thread: transactions, answers after COMMIT, time, failures, restarts.
#include "coordinator/engine/engine.h"

#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include "coordinator/engine/engine_testing.h"

namespace dfsweep::coordinator {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;
using testing::SizeIs;

TEST_F(EngineTest, AnswerSaysWhatIsInTheFileAlready) {
  absl::Notification told;
  int64_t in_file = -1;
  engine_->Post([&](Turn& turn) {
    turn.store().PutRequest("r", "M", "{}", turn.wall_time());
    turn.Answer<int>(
        [&](const absl::StatusOr<int>&) {
          auto reader = Database::Open(folder_.path() / SqliteStore::kFileName);
          Query query(**reader, "SELECT count(*) FROM requests");
          if (query.Next()) in_file = query.Int(0);
          told.Notify();
        },
        1);
  });
  ASSERT_TRUE(told.WaitForNotificationWithTimeout(kDeadline));

  EXPECT_EQ(in_file, 1);
}

TEST_F(EngineTest, HandlersRunInTheOrderOfPosting) {
  std::vector<int> order;
  for (int i = 0; i < 1000; ++i) {
    engine_->Post([&order, i](Turn&) { order.push_back(i); });
  }
  Do([](Turn&) {});

  ASSERT_THAT(order, SizeIs(1000));
  EXPECT_TRUE(std::is_sorted(order.begin(), order.end()));
}

TEST_F(EngineTest, StopRunsWhatWasPosted) {
  int ran = 0;
  for (int i = 0; i < 1000; ++i) {
    engine_->Post([&ran](Turn&) { ++ran; });
  }

  engine_->Stop();

  EXPECT_EQ(ran, 1000);
  engine_->Stop();  // again does nothing
}

TEST_F(EngineTest, StopReleasesTheStore) {
  engine_->Stop();

  OpenStore(folder_.path());
}

TEST_F(EngineTest, CountsUptimeAndEndedTrials) {
  Submit(File("strategy: naive"));
  Register("w");
  EXPECT_EQ(engine_->trials_ended(), 0);

  Complete("w", Lease("w"));
  Advance(absl::Minutes(3));

  EXPECT_EQ(engine_->trials_ended(), 1);
  EXPECT_EQ(engine_->Uptime(), absl::Minutes(3));
}

// ---- Time -------------------------------------------------------------------

TEST_F(EngineTest, SilentWorkerLosesItsTrialToAnother) {
  std::string sweep = Submit(File("strategy: naive"));
  Register("silent");
  AttemptId first = Lease("silent");
  Advance(absl::Seconds(110));
  Register("other");
  Call<Leases> waiting = AskForWork("other");
  EXPECT_FALSE(waiting.answered());

  Advance(absl::Seconds(10));

  auto leases = waiting.Wait();
  ASSERT_THAT(*leases, SizeIs(1));
  EXPECT_EQ(leases->at(0).attempt, (AttemptId{first.trial_id, 2}));
  Do([](Turn& turn) {
    EXPECT_EQ(turn.store().FindWorker("silent")->state, WorkerState::kLost);
  });
}

TEST_F(EngineTest, HeartbeatThatWaitsInTheQueueIsHeardBeforeItsWorkerIsJudged) {
  Submit(File("strategy: naive"));
  Register("w");
  AttemptId attempt = Lease("w");
  clock_.Advance(absl::Minutes(5));  // the coordinator was suspended

  Call<HeartbeatAnswer> beat = Beat("w", {attempt});

  EXPECT_FALSE(beat.answered());
  EXPECT_EQ(Trial(attempt.trial_id).state, TrialState::kLeased);
  Do([](Turn& turn) {
    EXPECT_EQ(turn.store().FindWorker("w")->state, WorkerState::kOnline);
  });
}

TEST_F(EngineTest, OldRequestsAreForgottenAfterADay) {
  auto find = [](Turn& turn) { return *turn.store().FindRequest("r", "M"); };
  Do([](Turn& turn) {
    turn.store().PutRequest("r", "M", "{}", turn.wall_time());
  });

  Advance(absl::Hours(23));
  EXPECT_TRUE(Get(find).has_value());
  Advance(absl::Hours(2));

  EXPECT_FALSE(Get(find).has_value());
}

// ---- A COMMIT that fails ----------------------------------------------------

TEST_F(EngineTest, FailedCommitFailsAllCallsOfItsTurnAndUndoesThem) {
  Register("w");
  Submission submission = Read(File("strategy: naive"));
  Call<Leases> lease;
  Call<HeartbeatAnswer> beat;

  absl::Status committed = TryDo([&](Turn& turn) {
    EXPECT_TRUE(CreateSweep(turn, Prepare(submission), "r").ok());
    LeaseTrials(turn, {.request = {"w", "1", 1},
                       .request_id = "l",
                       .deadline = turn.now() + absl::Minutes(1),
                       .reply = lease.reply()});
    Break(turn);
  });

  EXPECT_FALSE(committed.ok());
  EXPECT_EQ(lease.Wait().status(), committed);
  EXPECT_THAT(
      Get([](Turn& turn) { return turn.store().ListSweeps(INT64_MAX, 10); }),
      IsEmpty());
  // The scheduler has forgotten it too: the trial's first attempt is still to
  // come, and its worker has a free slot.
  Submit(File("strategy: naive"));
  EXPECT_EQ(Lease("w").attempt, 1);
}

TEST_F(EngineTest, StopThatWasUndoneIsNotTold) {
  std::string sweep = Submit(File("strategy: naive"));
  Register("w");
  AttemptId attempt = Lease("w");

  absl::Status committed = TryDo([&](Turn& turn) {
    EXPECT_TRUE(CancelSweep(turn, sweep).ok());
    Break(turn);
  });
  EXPECT_FALSE(committed.ok());
  Call<HeartbeatAnswer> beat = Beat("w", {attempt});

  EXPECT_FALSE(beat.answered());
  EXPECT_EQ(Count(sweep, TrialState::kLeased), 1);
  EXPECT_TRUE(Complete("w", attempt).accepted);
}

TEST_F(EngineTest, ResultOfAFailedCommitIsAcceptedWhenItIsSentAgain) {
  std::string sweep = Submit(File("strategy: naive"));
  Register("w");
  AttemptId attempt = Lease("w");
  const Completion completion = {
      .worker_id = "w", .attempt = attempt, .outcome = AResult()};
  absl::Status committed = TryDo([&](Turn& turn) {
    EXPECT_TRUE(CompleteTrial(turn, completion).accepted);
    Break(turn);
  });
  EXPECT_FALSE(committed.ok());
  EXPECT_EQ(engine_->trials_ended(), 0);

  EXPECT_TRUE(Complete(completion).accepted);

  EXPECT_EQ(Count(sweep, TrialState::kCompleted), 1);
}

TEST_F(EngineTest, CallsThatWaitSurviveAFailedCommit) {
  Register("w");
  Call<Leases> lease = AskForWork("w");
  Call<HeartbeatAnswer> beat = Beat("w");
  EXPECT_FALSE(TryDo([](Turn& turn) { Break(turn); }).ok());

  Submit(File("strategy: naive"));

  EXPECT_THAT(*lease.Wait(), SizeIs(1));
  Advance(absl::Seconds(10));
  EXPECT_TRUE(beat.Wait().ok());
}

// Makes every write to the WAL fail, as a broken disk does.
void BreakDisk() {
  for (int descriptor = 3; descriptor < 1000; ++descriptor) {
    char target[4096];
    std::string link = "/proc/self/fd/" + std::to_string(descriptor);
    ssize_t size = ::readlink(link.c_str(), target, sizeof target);
    if (size > 0 && std::string_view(target, size).ends_with("-wal")) {
      ::dup2(::open("/dev/null", O_RDONLY | O_CLOEXEC), descriptor);
    }
  }
}

TEST(EngineDeathTest, BrokenDiskIsFatal) {
  TemporaryFolder folder;
  FakeClock clock;
  auto write_to_a_broken_disk = [&] {
    auto engine =
        Engine::Start(OpenStore(folder.path()), clock,
                      {.on_fatal = [](const absl::Status&) { ::_exit(75); }});
    absl::Notification told;
    (*engine)->Post([&](Turn& turn) {
      BreakDisk();
      turn.store().PutRequest("r", "M", "{}", turn.wall_time());
      turn.AfterCommit([&](const absl::Status&) { told.Notify(); });
    });
    told.WaitForNotificationWithTimeout(kDeadline);
    ::_exit(0);  // somebody was told something
  };

  EXPECT_EXIT(write_to_a_broken_disk(), testing::ExitedWithCode(75), "");
}

// ---- Restart ----------------------------------------------------------------

TEST_F(EngineTest, RestartedCoordinatorGoesOnWithItsLeases) {
  std::string sweep = Submit(File("strategy: naive", "seeds: 2"));
  Register("w", 2);
  AttemptId running = Lease("w");
  EXPECT_TRUE(
      Report({.worker_id = "w", .attempt = running, .started = true}).ok());
  engine_.reset();
  clock_.Advance(absl::Hours(6));  // it was away

  Start();

  EXPECT_EQ(Trial(running.trial_id).state, TrialState::kRunning);
  Call<HeartbeatAnswer> beat = Beat("w", {running});
  EXPECT_FALSE(beat.answered());
  EXPECT_TRUE(Complete("w", running).accepted);
  EXPECT_EQ(Lease("w").attempt, 1);  // the second trial's first
}

TEST_F(EngineTest, ResultThatWasSpooledDuringARestartIsAccepted) {
  std::string sweep = Submit(File("strategy: naive"));
  Register("w");
  AttemptId attempt = Lease("w");

  Restart();

  EXPECT_TRUE(Complete("w", attempt).accepted);
  EXPECT_EQ(View(sweep).state, SweepState::kFinished);
}

TEST_F(EngineTest, RequestIdIsRememberedOverARestart) {
  std::string file = File("strategy: naive");
  std::string sweep = TrySubmit(file, "r")->sweep.row.sweep_id;

  Restart();

  EXPECT_EQ(TrySubmit(file, "r")->sweep.row.sweep_id, sweep);
  EXPECT_FALSE(TrySubmit(file, "r")->existed);
}

TEST_F(EngineTest, WorkerThatWasSuspectBeforeARestartIsCountedAgain) {
  Register("w");
  Advance(absl::Seconds(40));
  EXPECT_EQ(Get([](Turn& turn) { return turn.store().OnlineFleet(); }).workers,
            0);

  Restart();
  Beat("w");

  EXPECT_EQ(Get([](Turn& turn) { return turn.store().OnlineFleet(); }).workers,
            1);
}

// ---- The end ----------------------------------------------------------------

TEST_F(EngineTest, EndingAnswersCallsThatWaitAndThoseThatCome) {
  Register("w", 2);
  Call<Leases> lease = AskForWork("w");
  Call<HeartbeatAnswer> beat = Beat("w");

  engine_->EndCalls();

  EXPECT_THAT(*lease.Wait(), IsEmpty());
  EXPECT_THAT(beat.Wait()->stop, IsEmpty());
  EXPECT_THAT(*AskForWork("w").Wait(), IsEmpty());
  EXPECT_TRUE(Beat("w").Wait().ok());
}

TEST_F(EngineTest, EndingTellsStreamsAsSoonAsTheyHaveWritten) {
  Submit(File("strategy: naive"));
  std::vector<SweepNews> sent;
  const CallId call = engine_->NextCallId();
  Do([&](Turn& turn) {
    turn.watchers().WatchSweep(
        call, "s", [&sent](const SweepNews& news) { sent.push_back(news); });
    turn.watchers().SetTrials(call, {});
  });
  ASSERT_THAT(sent, SizeIs(1));
  engine_->EndCalls();
  Do([](Turn&) {});
  ASSERT_THAT(sent, SizeIs(1));  // it is still writing the first one

  Do([call](Turn& turn) { turn.watchers().Ready(call); });

  ASSERT_THAT(sent, SizeIs(2));
  EXPECT_TRUE(sent[1].server_stopping);
}

}  // namespace
}  // namespace dfsweep::coordinator
