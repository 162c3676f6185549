#include "worker/join.h"

#include <grpcpp/client_context.h>

#include "base/address.h"
#include "dfsweep/v1/worker_service.grpc.pb.h"
#include "proto/channel.h"

namespace dfsweep::worker {
namespace {

constexpr absl::Duration kFetchTimeout = absl::Seconds(10);

absl::Status NotJoined() {
  return MakeError(absl::StatusCode::kUnauthenticated,
                   "this machine has not joined a coordinator", "",
                   "on the coordinator's machine: dfsweep token create "
                   "--worker; then paste here what it prints");
}

}  // namespace

absl::StatusOr<rpc::Endpoint> Join(const Invitation& invitation,
                                   const std::string& name,
                                   const StateFolder& state) {
  rpc::Endpoint endpoint{.address = invitation.address,
                         .token = invitation.token};
  DFSWEEP_ASSIGN_OR_RETURN(
      endpoint.authority_pem,
      rpc::FetchAuthority(invitation.address, invitation.fingerprint,
                          kFetchTimeout));
  v1::JoinRequest request;
  request.set_worker_id(state.worker_id());
  request.set_name(name);
  v1::JoinResponse response;
  grpc::ClientContext context;
  rpc::SetDeadline(context, rpc::kCallTimeout);
  auto stub = v1::WorkerService::NewStub(rpc::Connect(endpoint));
  DFSWEEP_RETURN_IF_ERROR(rpc::FromGrpcStatus(
      stub->Join(&context, request, &response), endpoint.address));
  endpoint.token = response.token();
  DFSWEEP_RETURN_IF_ERROR(rpc::WriteEndpoint(state.credential(), endpoint));
  return endpoint;
}

absl::StatusOr<rpc::Endpoint> CoordinatorOf(const std::string& address,
                                            const StateFolder& state) {
  if (!address.empty()) {
    DFSWEEP_RETURN_IF_ERROR(ParseAddress(address).status());
  }
  absl::StatusOr<rpc::Endpoint> joined = rpc::ReadEndpoint(state.credential());
  if (absl::IsNotFound(joined.status())) {
    if (address.empty()) return NotJoined();
    rpc::Endpoint endpoint{.address = address};
    DFSWEEP_RETURN_IF_ERROR(rpc::CheckEndpoint(endpoint));
    return endpoint;
  }
  // A machine that has joined may work for its own coordinator all the same.
  if (!address.empty() && rpc::IsLoopback(address)) {
    return rpc::Endpoint{.address = address};
  }
  DFSWEEP_RETURN_IF_ERROR(joined.status());
  if (address.empty() || address == joined->address) return joined;
  // It has moved: its certificate still tells who it is.
  joined->address = address;
  return joined;
}

}  // namespace dfsweep::worker
