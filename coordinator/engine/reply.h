#ifndef DFSWEEP_COORDINATOR_ENGINE_REPLY_H_
#define DFSWEEP_COORDINATOR_ENGINE_REPLY_H_

#include <cstdint>
#include <functional>

#include "base/status.h"

namespace dfsweep::coordinator {

// How a call is answered: called exactly once, on the engine's thread, after
// what the answer says is on the disk.
template <typename T>
using Reply = std::function<void(absl::StatusOr<T>)>;

// Names a call that waits, so that it can be ended when its client has gone.
using CallId = uint64_t;

}  // namespace dfsweep::coordinator

#endif  // DFSWEEP_COORDINATOR_ENGINE_REPLY_H_
