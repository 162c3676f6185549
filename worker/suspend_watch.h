#ifndef DFSWEEP_WORKER_SUSPEND_WATCH_H_
#define DFSWEEP_WORKER_SUSPEND_WATCH_H_

#include <functional>

#include "absl/time/time.h"

namespace dfsweep::worker {

// Notices that the machine slept: the time that counts sleep (CLOCK_BOOTTIME)
// has run ahead of the time that does not (CLOCK_MONOTONIC). One thread.
class SuspendWatch {
 public:
  using TimeSource = std::function<absl::Duration()>;
  SuspendWatch(TimeSource with_sleep, TimeSource without_sleep)
      : with_sleep_(std::move(with_sleep)),
        without_sleep_(std::move(without_sleep)),
        lead_(Lead()) {}

  // How long the machine has slept since the last call.
  absl::Duration SleptSinceLastCall() {
    absl::Duration before = lead_;
    lead_ = Lead();
    return lead_ - before;
  }

 private:
  absl::Duration Lead() const { return with_sleep_() - without_sleep_(); }

  TimeSource with_sleep_;
  TimeSource without_sleep_;
  absl::Duration lead_;
};

}  // namespace dfsweep::worker

#endif  // DFSWEEP_WORKER_SUSPEND_WATCH_H_
