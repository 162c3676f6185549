#ifndef DFSWEEP_WORKER_PROBE_H_
#define DFSWEEP_WORKER_PROBE_H_

#include <atomic>
#include <string>

#include "base/status.h"
#include "dfsweep/v1/resources.pb.h"
#include "worker/trainer_process.h"

namespace dfsweep::worker {

// Has a trainer of its own make the probe of model/train/probe.h on `device`.
// kFailedPrecondition if it can't; kCancelled if `stop` was set.
absl::StatusOr<v1::Probe> RunProbe(const TrainerProcess::Options& trainer,
                                   const std::string& device, int threads,
                                   const std::atomic<bool>& stop);

}  // namespace dfsweep::worker

#endif  // DFSWEEP_WORKER_PROBE_H_
