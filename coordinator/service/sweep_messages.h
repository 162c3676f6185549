// Messages of WatchSweep.
#ifndef DFSWEEP_COORDINATOR_SERVICE_SWEEP_MESSAGES_H_
#define DFSWEEP_COORDINATOR_SERVICE_SWEEP_MESSAGES_H_

#include <string>
#include <vector>

#include "absl/time/time.h"
#include "base/status.h"
#include "coordinator/engine/watchers.h"
#include "coordinator/store/store.h"
#include "dfsweep/v1/sweep_service.pb.h"

namespace dfsweep::coordinator {

struct SweepMessage {
  v1::WatchSweepResponse response;
  std::vector<std::string> left;  // changed trials that it has no room for
  bool has_ended = false;         // the sweep
};

// Makes a message of Watchers' news, which are committed in `store`. At `now`,
// a time of day; on any thread.
absl::StatusOr<SweepMessage> MakeSweepMessage(Store& store,
                                              const SweepNews& news,
                                              absl::Time now);

}  // namespace dfsweep::coordinator

#endif  // DFSWEEP_COORDINATOR_SERVICE_SWEEP_MESSAGES_H_
