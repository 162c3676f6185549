// What the worker's threads know of its connection to the coordinator.
#ifndef DFSWEEP_WORKER_LINK_H_
#define DFSWEEP_WORKER_LINK_H_

#include <cstdint>
#include <string>

#include "absl/base/thread_annotations.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/time.h"
#include "base/clock.h"
#include "base/status.h"

namespace dfsweep::worker {

// Waiting times between the tries of one call: first·2^k up to `longest`, each
// drawn between nothing and that ("full jitter"), so that many workers don't
// come back in step. One thread.
class Backoff {
 public:
  struct Limits {
    absl::Duration first = absl::Milliseconds(500);
    absl::Duration longest = absl::Seconds(30);
  };
  explicit Backoff(Limits limits) : limits_(limits) {}
  absl::Duration Next();
  void Reset() { tries_ = 0; }

 private:
  const Limits limits_;
  int tries_ = 0;
};

// What a slot may do.
enum class Permission {
  kWork,        // ask for a trial
  kFreeDevice,  // end the trainer: the worker pauses
  kStop,        // end: the worker stops
};

// Thread-safe.
class Link {
 public:
  explicit Link(const Clock& clock) : clock_(clock) {}

  // ---- Told by the thread that sends heartbeats.

  // A handshake succeeded: a new generation begins.
  void Registered();
  // A call was answered.
  void Heard();
  // A call failed. Says so in the log: once when the connection is lost, then
  // every five minutes.
  void Lost(const absl::Status& status);
  // What the coordinator orders: to take nothing new, or to pause, too.
  void SetOrders(bool draining, bool paused);

  // ---- Told by anybody.

  // The coordinator does not know this worker: a handshake is needed.
  void RegisterAgain();
  void Stop();
  // Why this machine is left to its owner, in a phrase; "" when it is not.
  void SetOwnPause(const std::string& reason);

  // ---- Asked by anybody.

  bool must_register() const;
  bool reachable() const;
  bool stopping() const;
  // Why the worker pauses, or did so last, in a phrase.
  std::string pause_reason() const;
  // Whether a trial could not be begun now although the coordinator gave one.
  bool refuses_work() const;
  // Counts handshakes. A request that was sent in an older one is void.
  uint64_t generation() const;

  // Waits until a slot has something to do. Only one that `holds_device` is
  // told to free it.
  Permission AwaitPermission(bool holds_device) const;
  // Waits for `duration`, or less if the connection comes back or the worker
  // stops.
  void AwaitRetry(absl::Duration duration) const;
  // Waits for `duration`, or less if a handshake is wanted or the worker stops.
  void Pause(absl::Duration duration) const;
  // Waits for `duration`, or less if the worker stops; whether it stops.
  bool AwaitStop(absl::Duration duration) const;

 private:
  bool IsPaused() const ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_) {
    return ordered_pause_ || own_pause_;
  }
  bool MayWork() const ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_) {
    return generation_ > 0 && !must_register_ && reachable_ && !draining_ &&
           !IsPaused();
  }

  const Clock& clock_;
  mutable absl::Mutex mutex_;
  bool must_register_ ABSL_GUARDED_BY(mutex_) = true;
  bool reachable_ ABSL_GUARDED_BY(mutex_) = true;
  bool draining_ ABSL_GUARDED_BY(mutex_) = false;
  bool ordered_pause_ ABSL_GUARDED_BY(mutex_) = false;
  bool own_pause_ ABSL_GUARDED_BY(mutex_) = false;
  std::string pause_reason_ ABSL_GUARDED_BY(mutex_);
  bool stopping_ ABSL_GUARDED_BY(mutex_) = false;
  uint64_t generation_ ABSL_GUARDED_BY(mutex_) = 0;
  uint64_t returns_ ABSL_GUARDED_BY(mutex_) = 0;  // times it came back
  absl::Duration lost_at_ ABSL_GUARDED_BY(mutex_);
  absl::Duration last_complaint_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace dfsweep::worker

#endif  // DFSWEEP_WORKER_LINK_H_
