// The rpcs about tokens. `access` may be null: then they say that nothing needs
// a token here.
#ifndef DFSWEEP_COORDINATOR_SERVICE_TOKEN_CALLS_H_
#define DFSWEEP_COORDINATOR_SERVICE_TOKEN_CALLS_H_

#include "coordinator/service/access.h"
#include "coordinator/service/call.h"
#include "dfsweep/v1/sweep_service.pb.h"
#include "dfsweep/v1/worker_service.pb.h"

namespace dfsweep::coordinator {

// Not repeatable: another call makes another token.
absl::Status CreateToken(Turn& turn, Access* access,
                         const v1::CreateJoinTokenRequest& request,
                         v1::CreateJoinTokenResponse* response);

absl::Status RevokeToken(Turn& turn, Access* access,
                         const v1::RevokeTokenRequest& request);

absl::Status ListTokens(Turn& turn, v1::ListTokensResponse* response);

// Gives the worker a credential of its own, and revokes its earlier ones.
absl::Status JoinWorker(Turn& turn, Access* access,
                        const v1::JoinRequest& request,
                        v1::JoinResponse* response);

}  // namespace dfsweep::coordinator

#endif  // DFSWEEP_COORDINATOR_SERVICE_TOKEN_CALLS_H_
