// How fast the workers are, as far as is known. Internal to coordinator/core.
#ifndef DFSWEEP_COORDINATOR_CORE_SPEEDS_H_
#define DFSWEEP_COORDINATOR_CORE_SPEEDS_H_

#include <map>
#include <memory>
#include <optional>
#include <string>

#include "absl/time/time.h"
#include "coordinator/core/records.h"

namespace dfsweep::coordinator {

// The speeds at the moment of its making. A worker that has completed trials is
// as fast as it was then; of another, its probe tells how it compares with
// those. While none has completed any, only the probes can be compared.
class Speeds {
 public:
  explicit Speeds(
      const std::map<std::string, std::unique_ptr<WorkerRecord>>& workers);

  // Work that one of its slots does in a second, or, unless in_seconds(), in a
  // unit of time that is the same for all workers. 0: not known.
  double Of(const WorkerRecord& worker) const;
  bool in_seconds() const { return in_seconds_; }
  // Of all slots of all workers, whatever their state.
  double OfAll() const { return of_all_; }

  // How long the worker needs for so much; empty if that is not known.
  std::optional<absl::Duration> TimeFor(const WorkerRecord& worker,
                                        double work) const;

 private:
  bool in_seconds_ = false;
  double work_per_sample_ = 1;  // of a probe; 0: not known
  double of_all_ = 0;
};

// Counts the completed trial to its holder's speed.
void AddToSpeed(const TrialRecord& trial, absl::Duration now);

}  // namespace dfsweep::coordinator

#endif  // DFSWEEP_COORDINATOR_CORE_SPEEDS_H_
