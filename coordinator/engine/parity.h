// Whether the machines compute alike: equal versions and equal numbers of the
// probe are what makes equal trials give equal results.
#ifndef DFSWEEP_COORDINATOR_ENGINE_PARITY_H_
#define DFSWEEP_COORDINATOR_ENGINE_PARITY_H_

#include <string>

#include "absl/time/time.h"
#include "coordinator/engine/turn.h"
#include "coordinator/store/records.h"

namespace dfsweep::coordinator {

enum class Parity {
  kWarn,    // a worker that differs is shown
  kStrict,  // and given no work
};

// How `mine` computes otherwise than `other`, which is named: "torch 2.5.0 (on
// lab-1: 2.6.0), …"; "" if nothing that changes numbers differs, or if the two
// train on different kinds of device.
std::string DifferencesOf(const WorkerRow& mine, const WorkerRow& other);

// Compares the workers that are there: one that differs from those that agree
// so far gets a warning, and no work if `parity` is strict. Who had none goes
// first, so that a newcomer is the one that differs. Who left or was lost less
// than an hour ago counts as if it were there, unless a person removed it:
// while one restarts, the newcomer would become the one that was there first.
// `since`: when the scheduler was made, which has heard nobody before.
void JudgeParity(Turn& turn, Parity parity, absl::Duration since);

}  // namespace dfsweep::coordinator

#endif  // DFSWEEP_COORDINATOR_ENGINE_PARITY_H_
