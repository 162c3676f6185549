// The words by which enums are stored and shown.
#ifndef DFSWEEP_COORDINATOR_STORE_NAMES_H_
#define DFSWEEP_COORDINATOR_STORE_NAMES_H_

#include <string>
#include <string_view>

#include "coordinator/core/scheduler.h"
#include "coordinator/store/records.h"

namespace dfsweep::coordinator {

const char* NameOf(TrialState state);
const char* NameOf(Cause cause);
const char* NameOf(WorkerState state);
const char* NameOf(WorkerOrder order);
const char* NameOf(SweepStatus status);
const char* NameOf(AttemptEnded::How how);

// The reverse. A word that is none (CHECKs in the tables forbid it) reads as
// the first value.
TrialState TrialStateOf(std::string_view name);
Cause CauseOf(std::string_view name);
WorkerState WorkerStateOf(std::string_view name);
WorkerOrder WorkerOrderOf(std::string_view name);
SweepStatus SweepStatusOf(std::string_view name);

}  // namespace dfsweep::coordinator

#endif  // DFSWEEP_COORDINATOR_STORE_NAMES_H_
