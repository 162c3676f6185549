#include "cli/client.h"

#include <fmt/format.h>

#include <utility>

#include "absl/time/clock.h"
#include "base/version.h"

namespace dfsweep::cli {
namespace {

constexpr absl::Duration kGreetTimeout = absl::Seconds(5);

}  // namespace

Client::Client(const rpc::Endpoint& endpoint)
    : address_(endpoint.address),
      stub_(v1::SweepService::NewStub(rpc::Connect(endpoint))) {}

absl::StatusOr<v1::GetServerInfoResponse> Client::Greet() {
  DFSWEEP_ASSIGN_OR_RETURN(
      v1::GetServerInfoResponse info,
      Call(&Stub::GetServerInfo, v1::GetServerInfoRequest(), kGreetTimeout));
  if (info.protocol_major() == kProtocolMajor) return info;
  bool server_is_older = info.protocol_major() < kProtocolMajor;
  return MakeError(
      absl::StatusCode::kFailedPrecondition,
      fmt::format("the coordinator speaks protocol {}.{}, this program {}.{}",
                  info.protocol_major(), info.protocol_minor(), kProtocolMajor,
                  kProtocolMinor),
      address_,
      server_is_older
          ? fmt::format("upgrade the coordinator to {}", kVersion)
          : fmt::format("upgrade this program to {}", info.version()));
}

void Client::Sleep(absl::Duration duration) { absl::SleepFor(duration); }

}  // namespace dfsweep::cli
