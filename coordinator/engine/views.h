// What people are shown: rows of the store, put together.
#ifndef DFSWEEP_COORDINATOR_ENGINE_VIEWS_H_
#define DFSWEEP_COORDINATOR_ENGINE_VIEWS_H_

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "absl/time/time.h"
#include "coordinator/engine/fleet.h"
#include "coordinator/store/records.h"
#include "coordinator/store/store.h"

namespace dfsweep::coordinator {

enum class SweepState { kActive, kPaused, kFinished, kCancelled };

struct SweepView {
  SweepRow row;
  SweepState state = SweepState::kActive;
  SweepProgress progress;
  std::optional<BestRow> best;
  std::string best_varying_json;  // of `best`
  std::optional<absl::Duration> time_left;
};

struct WorkerView {
  WorkerRow row;
  std::vector<std::string> trial_ids;
  absl::Duration silence;
  std::optional<MachineStatus> machine;  // empty until it was told
};

// Work that is left in `progress` over the slots, at the pace of what has been
// trained so far. Empty while nothing has finished and fewer than two epochs
// were seen, and without a slot. Other sweeps on the same workers are not
// counted.
std::optional<absl::Duration> TimeLeft(const SweepProgress& progress,
                                       int slots);

// At `now`, a time of day.
SweepView ViewSweep(Store& store, const SweepRow& row, absl::Time now);

}  // namespace dfsweep::coordinator

#endif  // DFSWEEP_COORDINATOR_ENGINE_VIEWS_H_
