#ifndef DFSWEEP_WORKER_JOIN_H_
#define DFSWEEP_WORKER_JOIN_H_

#include <string>

#include "base/status.h"
#include "proto/endpoint.h"
#include "worker/state_folder.h"

namespace dfsweep::worker {

// What `dfsweep token create --worker` hands out.
struct Invitation {
  std::string address;      // HOST:PORT
  std::string token;        // of scope "worker"
  std::string fingerprint;  // of the coordinator's authority: "sha256:…"
};

// Checks that the coordinator there has the fingerprint, and exchanges the
// token for a credential of this worker, which is kept in the state folder.
absl::StatusOr<rpc::Endpoint> Join(const Invitation& invitation,
                                   const std::string& name,
                                   const StateFolder& state);

// Where a worker that was told `address` ("": nothing) works, and how it is let
// in: loopback needs no credential. kInvalidArgument if that is not HOST:PORT;
// kUnauthenticated if it has to join first.
absl::StatusOr<rpc::Endpoint> CoordinatorOf(const std::string& address,
                                            const StateFolder& state);

}  // namespace dfsweep::worker

#endif  // DFSWEEP_WORKER_JOIN_H_
