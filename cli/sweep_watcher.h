// Follows a sweep across restarts of the coordinator.
#ifndef DFSWEEP_CLI_SWEEP_WATCHER_H_
#define DFSWEEP_CLI_SWEEP_WATCHER_H_

#include <deque>
#include <memory>
#include <optional>
#include <string>
#include <thread>
#include <variant>

#include "absl/base/thread_annotations.h"
#include "absl/synchronization/mutex.h"
#include "cli/client.h"

namespace dfsweep::cli {

// A thread reads the stream and connects again when it breaks. Thread-safe.
class SweepWatcher {
 public:
  // The stream broke; it is tried again. The next update starts afresh.
  struct Lost {
    absl::Status why;
  };
  // The last event. OK: the sweep has ended.
  struct Ended {
    absl::Status status;
  };
  using Event = std::variant<v1::WatchSweepResponse, Lost, Ended>;

  // Gives up after `patience` without an update.
  SweepWatcher(std::shared_ptr<Client> client, std::string sweep_id,
               absl::Duration patience);
  // Cancels the stream.
  ~SweepWatcher();

  // The next event; nothing after `timeout`, or when woken.
  std::optional<Event> Next(absl::Duration timeout);
  void Wake();

 private:
  void Run();
  // Passes updates on until the stream ends. Whether the sweep has ended.
  absl::StatusOr<bool> ReadStream();
  void Push(Event event);
  // False if stopping.
  bool Wait(absl::Duration duration);

  const std::shared_ptr<Client> client_;
  const std::string sweep_id_;
  const absl::Duration patience_;
  absl::Duration last_update_;  // of the thread alone

  absl::Mutex mutex_;
  std::deque<Event> events_ ABSL_GUARDED_BY(mutex_);
  bool woken_ ABSL_GUARDED_BY(mutex_) = false;
  bool stopping_ ABSL_GUARDED_BY(mutex_) = false;
  grpc::ClientContext* stream_ ABSL_GUARDED_BY(mutex_) = nullptr;
  std::thread thread_;
};

}  // namespace dfsweep::cli

#endif  // DFSWEEP_CLI_SWEEP_WATCHER_H_
