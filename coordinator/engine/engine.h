#ifndef DFSWEEP_COORDINATOR_ENGINE_ENGINE_H_
#define DFSWEEP_COORDINATOR_ENGINE_ENGINE_H_

#include <atomic>
#include <functional>
#include <memory>
#include <optional>
#include <thread>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/synchronization/mutex.h"
#include "base/clock.h"
#include "base/status.h"
#include "coordinator/core/scheduler.h"
#include "coordinator/engine/parity.h"
#include "coordinator/engine/parked_calls.h"
#include "coordinator/engine/searches.h"
#include "coordinator/engine/turn.h"
#include "coordinator/engine/watchers.h"
#include "coordinator/store/store.h"

namespace dfsweep::coordinator {

// The one thread that owns the scheduler and the store. It takes what calls
// have posted, runs all of it in one transaction, and tells the answers after
// COMMIT: acknowledged means durable, and one fsync serves many calls.
//
// If COMMIT fails (a full disk), nothing of it happened: the scheduler is made
// anew from the store, the calls fail, and their callers try again. If the disk
// or the file is broken (kDataLoss; a failed fsync among them), no promise can
// be kept: `on_fatal` is called and must not return.
class Engine {
 public:
  using Handler = std::function<void(Turn&)>;
  struct Options {
    SchedulerOptions scheduler;
    Parity parity = Parity::kWarn;
    std::function<void(const absl::Status&)> on_fatal;
  };

  // Restores the scheduler and starts the thread. `clock` outlives the engine.
  static absl::StatusOr<std::unique_ptr<Engine>> Start(
      std::unique_ptr<Store> store, const Clock& clock, Options options);
  // Stops.
  ~Engine();

  // Any thread; never waits. Handlers run in the order of posting; those that
  // are posted after Stop don't.
  void Post(Handler handler);

  // For what AfterCommit runs: `send` runs on another thread, in the order of
  // these calls. gRPC writes an answer to its socket before it returns, which
  // took a quarter of the time of the thread that all calls wait for.
  void Send(std::function<void()> send) { sends_.push_back(std::move(send)); }

  // Lets the thread look at the clock: a fake one was moved.
  void Wake() {
    Post([](Turn&) {});
  }

  // Before the server is shut down: answers all parked calls and ends all
  // streams with `server_stopping`, from now on at once; a stream that is
  // writing as soon as it has written.
  void EndCalls();

  // Runs what was posted, closes the store and waits for the thread.
  // Idempotent.
  void Stop();

  // Thread-safe.
  CallId NextCallId() { return next_call_++; }
  absl::Duration Uptime() const { return clock_.Elapsed() - started_at_; }
  int64_t trials_ended() const { return trials_ended_; }
  const std::string& store_id() const { return store_id_; }

 private:
  Engine(std::unique_ptr<Store> store, const Clock& clock, Options options);
  absl::Status Restore();
  void Run();
  // Waits for handlers, or until something is due; empty if only time passed.
  std::vector<Handler> TakeHandlers();
  void RunTurn(const std::vector<Handler>& handlers);
  // What the watchers' streams are sent after COMMIT.
  void TakeMessages(Turn& turn);
  void Finish(Turn& turn);
  // Gives the sending thread what a turn has left for it.
  void PassSends();
  void RunSends();
  void Judge(Turn& turn);
  // Now and then: forgets old rows, corrects the workers' states, and judges
  // their parity anew.
  void CleanUp(Turn& turn);
  std::optional<absl::Duration> NextDeadline() const;

  const Clock& clock_;
  const Options options_;
  const absl::Duration started_at_;
  std::string store_id_;
  std::atomic<CallId> next_call_ = 1;
  std::atomic<int64_t> trials_ended_ = 0;
  std::atomic<bool> ending_calls_ = false;

  absl::Mutex mutex_;
  std::vector<Handler> queue_ ABSL_GUARDED_BY(mutex_);
  bool stopping_ ABSL_GUARDED_BY(mutex_) = false;

  absl::Mutex sends_mutex_;
  std::vector<std::function<void()>> passed_sends_
      ABSL_GUARDED_BY(sends_mutex_);
  bool no_more_sends_ ABSL_GUARDED_BY(sends_mutex_) = false;

  // Of the thread alone.
  std::unique_ptr<Store> store_;
  std::optional<Scheduler> scheduler_;
  ParkedCalls parked_;
  Watchers watchers_;
  Fleet fleet_;
  bool is_restored_ = false;    // since the last turn
  absl::Duration restored_at_;  // by the clock's Elapsed()
  Searches searches_;
  absl::Duration next_clean_up_;
  bool is_last_turn_ = false;
  std::vector<std::function<void()>> sends_;
  std::thread thread_;
  std::thread sending_thread_;
};

}  // namespace dfsweep::coordinator

#endif  // DFSWEEP_COORDINATOR_ENGINE_ENGINE_H_
