// Whether a worker can be trusted with trials. Internal to coordinator/core.
#ifndef DFSWEEP_COORDINATOR_CORE_WORKER_HEALTH_H_
#define DFSWEEP_COORDINATOR_CORE_WORKER_HEALTH_H_

#include <optional>
#include <vector>

#include "absl/time/time.h"
#include "coordinator/core/scheduler.h"

namespace dfsweep::coordinator {

// Several different trials that fail in a row speak against the worker, not
// against the trials: it is quarantined, and these failures are given back.
// From then on it gets one canary trial at a time, after growing waits, until a
// trial completes there. A canary's failure counts against the canary and is
// never given back: thus a sweep of broken trials ends even where there is but
// one worker.
class WorkerHealth {
 public:
  explicit WorkerHealth(const SchedulerOptions& options) : options_(options) {}

  bool is_quarantined() const { return quarantine_.has_value(); }

  // A trial failed here, not as a canary. Returns the failures to give back if
  // this one brings the quarantine, else nothing.
  std::vector<RestoredFailure> AddFailure(const RestoredFailure& failure,
                                          absl::Duration now);

  // A trial completed here: all is well.
  void AddCompletion();

  // The canary ended, by its own failure or for a reason that says nothing
  // about the worker: the next one is due after the wait.
  void EndCanary(bool failed, absl::Duration now);

  // When the next canary may be leased; only while quarantined.
  absl::Duration canary_due() const { return quarantine_->canary_due; }

  // Whether it has been told that the canary is due; only while quarantined.
  bool canary_announced() const { return quarantine_->canary_announced; }
  void AnnounceCanary() { quarantine_->canary_announced = true; }

  // Continues from a store.
  void Restore(const std::vector<RestoredFailure>& streak, bool is_quarantined,
               absl::Duration now);

 private:
  struct Quarantine {
    absl::Duration wait;
    absl::Duration canary_due;
    bool canary_announced = false;
  };

  SchedulerOptions options_;
  std::vector<RestoredFailure> streak_;  // since the last completion
  std::optional<Quarantine> quarantine_;
};

}  // namespace dfsweep::coordinator

#endif  // DFSWEEP_COORDINATOR_CORE_WORKER_HEALTH_H_
