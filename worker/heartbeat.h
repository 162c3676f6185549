#ifndef DFSWEEP_WORKER_HEARTBEAT_H_
#define DFSWEEP_WORKER_HEARTBEAT_H_

#include <cstdint>
#include <optional>
#include <string>

#include "absl/time/time.h"
#include "base/status.h"
#include "dfsweep/v1/worker_service.pb.h"
#include "worker/attempt.h"
#include "worker/coordinator_client.h"
#include "worker/link.h"
#include "worker/machine_watch.h"

namespace dfsweep::worker {

// Who this worker is.
struct Identity {
  std::string worker_id;    // made once, kept in the state folder
  std::string incarnation;  // of this process
  std::string name;
  int slots = 1;
  v1::Environment environment;
  std::optional<v1::Probe> probe;
};

// Registers, and then proves life for ever. Its long poll carries the
// coordinator's commands back. Run() is one thread's; the rest is thread-safe.
class Heartbeat {
 public:
  Heartbeat(Identity identity, Backoff::Limits backoff,
            const MachineWatch& machine, CoordinatorClient& client, Link& link,
            AttemptTable& attempts)
      : identity_(std::move(identity)),
        backoff_(backoff),
        machine_(machine),
        client_(client),
        link_(link),
        attempts_(attempts) {}

  // Returns when the worker stops, or with the coordinator's refusal to have
  // it.
  absl::Status Run();

  // After Run(): says that the worker leaves. One try.
  void SayGoodbye();

 private:
  absl::Status RegisterOnce();
  absl::Status BeatOnce();
  v1::HeartbeatRequest NextRequest();
  void Obey(const v1::HeartbeatResponse& response);

  const Identity identity_;
  Backoff backoff_;
  const MachineWatch& machine_;
  CoordinatorClient& client_;
  Link& link_;
  AttemptTable& attempts_;
  absl::Duration interval_ = absl::Seconds(10);
  int64_t sequence_ = 0;
};

}  // namespace dfsweep::worker

#endif  // DFSWEEP_WORKER_HEARTBEAT_H_
