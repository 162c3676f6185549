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
  void SetDraining(bool draining);

  // ---- Told by anybody.

  // The coordinator does not know this worker: a handshake is needed.
  void RegisterAgain();
  void Stop();

  // ---- Asked by anybody.

  bool must_register() const;
  bool reachable() const;
  bool stopping() const;
  // Counts handshakes. A request that was sent in an older one is void.
  uint64_t generation() const;

  // Waits until work may be asked for; false if the worker is stopping.
  bool AwaitWorkAllowed() const;
  // Waits for `duration`, or less if the connection comes back or the worker
  // stops.
  void AwaitRetry(absl::Duration duration) const;
  // Waits for `duration`, or less if a handshake is wanted or the worker stops.
  void Pause(absl::Duration duration) const;

 private:
  bool WorkAllowed() const ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_) {
    return stopping_ ||
           (generation_ > 0 && !must_register_ && reachable_ && !draining_);
  }

  const Clock& clock_;
  mutable absl::Mutex mutex_;
  bool must_register_ ABSL_GUARDED_BY(mutex_) = true;
  bool reachable_ ABSL_GUARDED_BY(mutex_) = true;
  bool draining_ ABSL_GUARDED_BY(mutex_) = false;
  bool stopping_ ABSL_GUARDED_BY(mutex_) = false;
  uint64_t generation_ ABSL_GUARDED_BY(mutex_) = 0;
  uint64_t returns_ ABSL_GUARDED_BY(mutex_) = 0;  // times it came back
  absl::Duration lost_at_ ABSL_GUARDED_BY(mutex_);
  absl::Duration last_complaint_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace dfsweep::worker

#endif  // DFSWEEP_WORKER_LINK_H_
