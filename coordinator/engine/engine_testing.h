// For tests: an engine on a real store, with a clock that stands still, and one
// short call for everything that workers and people do.
#ifndef DFSWEEP_COORDINATOR_ENGINE_ENGINE_TESTING_H_
#define DFSWEEP_COORDINATOR_ENGINE_ENGINE_TESTING_H_

#include <gtest/gtest.h>

#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/synchronization/notification.h"
#include "base/clock.h"
#include "coordinator/engine/engine.h"
#include "coordinator/engine/sweep_calls.h"
#include "coordinator/engine/worker_calls.h"
#include "coordinator/store/store_testing.h"

namespace dfsweep::coordinator {

// Long enough for a busy machine; nothing waits that long unless it is broken.
inline constexpr absl::Duration kDeadline = absl::Seconds(20);

// A call that waits for its answer.
template <typename T>
class Call {
 public:
  Reply<T> reply() {
    return [state = state_](absl::StatusOr<T> answer) {
      ASSERT_FALSE(state->answered.HasBeenNotified()) << "answered twice";
      state->answer = std::move(answer);
      state->answered.Notify();
    };
  }
  bool answered() const { return state_->answered.HasBeenNotified(); }
  absl::StatusOr<T> Wait() const {
    if (state_->answered.WaitForNotificationWithTimeout(kDeadline)) {
      return state_->answer;
    }
    return absl::DeadlineExceededError("the call was not answered");
  }

 private:
  struct State {
    absl::Notification answered;
    absl::StatusOr<T> answer = absl::UnknownError("");
  };
  std::shared_ptr<State> state_ = std::make_shared<State>();
};

class EngineTest : public testing::Test {
 protected:
  EngineTest() {
    Start();
    Do([](Turn& turn) { turn.store().PutDataset(ADataset()); });
  }

  void Start() {
    auto engine = Engine::Start(OpenStore(folder_.path()), clock_, options_);
    ASSERT_TRUE(engine.ok()) << engine.status();
    engine_ = *std::move(engine);
  }
  // With options_, which may be changed before.
  void Restart() {
    engine_.reset();
    Start();
  }

  // Runs the handler on the engine's thread; returns with the outcome of its
  // COMMIT when everything that the turn has to tell is told.
  absl::Status TryDo(const Engine::Handler& handler) {
    absl::Status committed = RunOne(handler);
    RunOne([](Turn&) {}).IgnoreError();
    return committed;
  }
  void Do(const Engine::Handler& handler) {
    absl::Status committed = TryDo(handler);
    EXPECT_TRUE(committed.ok()) << committed;
  }
  // What the function returns on the engine's thread.
  template <typename Function>
  auto Get(Function function) {
    std::optional<decltype(function(std::declval<Turn&>()))> result;
    Do([&](Turn& turn) { result.emplace(function(turn)); });
    return *std::move(result);
  }
  void Advance(absl::Duration time) {
    clock_.Advance(time);
    Do([](Turn&) {});
  }

  // ---- People

  static std::string File(const std::string& parameters,
                          const std::string& more = "") {
    return "name: s\ndataset: data\nparameters: {" + parameters + "}\n" + more;
  }
  static Submission Read(const std::string& text) {
    auto submission = ReadSubmission(text, "s.yaml", {}, Id('d'));
    EXPECT_TRUE(submission.ok()) << submission.status();
    return *std::move(submission);
  }
  absl::StatusOr<SubmitAnswer> TrySubmit(const std::string& text,
                                         const std::string& request_id) {
    return Get([&](Turn& turn) {
      return CreateSweep(turn, Prepare(Read(text)), request_id);
    });
  }
  // Id of the sweep.
  std::string Submit(const std::string& text) {
    auto answer = TrySubmit(text, RandomHex(8));
    EXPECT_TRUE(answer.ok()) << answer.status();
    return answer->sweep.row.sweep_id;
  }
  SweepView View(const std::string& sweep) {
    return *Get([&](Turn& turn) { return GetSweep(turn, sweep); });
  }
  int64_t Count(const std::string& sweep, TrialState state) {
    return View(sweep).progress[state].trials;
  }
  TrialRow Trial(const std::string& trial_id) {
    return *Get([&](Turn& turn) { return turn.store().FindTrial(trial_id); });
  }
  std::vector<std::string> TrialIds(const std::string& sweep) {
    return Get([&](Turn& turn) { return turn.store().TrialIds(sweep); });
  }

  // ---- Workers

  RegisterAnswer Register(const WorkerRow& worker,
                          const std::vector<AttemptId>& held = {}) {
    auto answer = TryToRegister(worker, held);
    EXPECT_TRUE(answer.ok()) << answer.status();
    return answer.value_or(RegisterAnswer{});
  }
  absl::StatusOr<RegisterAnswer> TryToRegister(
      const WorkerRow& worker, const std::vector<AttemptId>& held = {}) {
    Call<RegisterAnswer> call;
    Do([&](Turn& turn) { RegisterWorker(turn, worker, held, call.reply()); });
    return call.Wait();
  }
  RegisterAnswer Register(const std::string& worker, int slots = 1) {
    WorkerRow row = AWorker(worker, worker);
    row.slots = slots;
    return Register(row);
  }
  // A request for work that waits for a minute.
  Call<Leases> AskForWork(const std::string& worker,
                          const std::string& request_id = RandomHex(8),
                          int max_trials = 1) {
    Call<Leases> call;
    Do([&](Turn& turn) {
      LeaseTrials(turn, {.call = engine_->NextCallId(),
                         .request = {worker, "1", max_trials},
                         .request_id = request_id,
                         .deadline = turn.now() + absl::Minutes(1),
                         .reply = call.reply()});
    });
    return call;
  }
  AttemptId Lease(const std::string& worker) {
    auto leases = AskForWork(worker).Wait();
    EXPECT_TRUE(leases.ok() && leases->size() == 1) << leases.status();
    return leases.ok() && !leases->empty() ? leases->at(0).attempt
                                           : AttemptId{};
  }
  Call<HeartbeatAnswer> Beat(const std::string& worker,
                             const std::vector<AttemptId>& held = {},
                             const std::string& incarnation = "1",
                             const MachineStatus& machine = {}) {
    Call<HeartbeatAnswer> call;
    Do([&](Turn& turn) {
      Heartbeat(turn,
                {.worker_id = worker,
                 .incarnation = incarnation,
                 .sequence = ++sequence_,
                 .held = held},
                machine,
                {.call = engine_->NextCallId(),
                 .worker_id = worker,
                 .deadline = turn.now() + absl::Seconds(10),
                 .reply = call.reply()});
    });
    return call;
  }
  absl::Status Report(const Progress& progress) {
    return Get([&](Turn& turn) { return ReportProgress(turn, progress); });
  }
  CompletionAnswer Complete(const Completion& completion) {
    return Get([&](Turn& turn) { return CompleteTrial(turn, completion); });
  }
  CompletionAnswer Complete(const std::string& worker, const AttemptId& attempt,
                            const TrialResultRow& result = AResult()) {
    return Complete(
        {.worker_id = worker, .attempt = attempt, .outcome = result});
  }
  CompletionAnswer Fail(const std::string& worker, const AttemptId& attempt,
                        Cause cause = Cause::kCrash) {
    return Complete({.worker_id = worker,
                     .attempt = attempt,
                     .outcome = FailureRow{cause, "it broke\nhere\nfix it"}});
  }
  // Makes the transaction fail that it is part of.
  static void Break(Turn& turn) {
    turn.store().PutRequest("twice", "M", "{}", turn.wall_time());
    turn.store().PutRequest("twice", "M", "{}", turn.wall_time());
  }

  TemporaryFolder folder_;
  FakeClock clock_;
  Engine::Options options_{.on_fatal = [](const absl::Status& status) {
    ADD_FAILURE() << "fatal: " << status;
  }};
  std::unique_ptr<Engine> engine_;

 private:
  absl::Status RunOne(const Engine::Handler& handler) {
    auto done = std::make_shared<absl::Notification>();
    auto committed = std::make_shared<absl::Status>();
    engine_->Post([handler, done, committed](Turn& turn) {
      handler(turn);
      turn.AfterCommit([done, committed](const absl::Status& status) {
        *committed = status;
        done->Notify();
      });
    });
    if (done->WaitForNotificationWithTimeout(kDeadline)) return *committed;
    return absl::DeadlineExceededError("the engine does not answer");
  }

  int64_t sequence_ = 0;
};

}  // namespace dfsweep::coordinator

#endif  // DFSWEEP_COORDINATOR_ENGINE_ENGINE_TESTING_H_
