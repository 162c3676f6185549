#include "proto/channel.h"

#include <grpc/grpc.h>
#include <grpcpp/create_channel.h>
#include <grpcpp/resource_quota.h>
#include <grpcpp/security/credentials.h>

#include <chrono>

#include "absl/time/clock.h"
#include "absl/time/time.h"
#include "base/status.h"

namespace dfsweep::rpc {
namespace {

constexpr absl::Duration kFirstBackoff = absl::Milliseconds(500);
constexpr absl::Duration kLastBackoff = absl::Seconds(30);
// A coordinator that got another address is found as soon as its name says so.
constexpr absl::Duration kLeastAgeOfAName = absl::Seconds(5);
constexpr absl::Duration kMaxConnectionIdle = absl::Minutes(15);
constexpr absl::Duration kHandshakeTimeout = absl::Seconds(10);
constexpr size_t kServerMemoryBytes = 256u << 20;

// What gRPC says, with OpenSSL's words, of a certificate that does not hold.
constexpr char kDistrusted[] = "certificate verify failed";

int Milliseconds(absl::Duration duration) {
  return static_cast<int>(absl::ToInt64Milliseconds(duration));
}

absl::Status DistrustedError(const std::string& address) {
  return MakeError(
      absl::StatusCode::kUnavailable,
      "the coordinator's certificate does not hold here", address,
      "set this machine's clock if it is wrong (it says " +
          absl::FormatTime("%Y-%m-%d %H:%M", absl::Now(), absl::UTCTimeZone()) +
          " UTC); else the coordinator has another authority by now: ask its "
          "owner for a new command to join or to log in");
}

}  // namespace

grpc::ChannelArguments ClientChannelArguments() {
  grpc::ChannelArguments arguments;
  arguments.SetInt(GRPC_ARG_KEEPALIVE_TIME_MS, Milliseconds(kClientKeepalive));
  arguments.SetInt(GRPC_ARG_KEEPALIVE_TIMEOUT_MS,
                   Milliseconds(kClientKeepaliveTimeout));
  arguments.SetInt(GRPC_ARG_KEEPALIVE_PERMIT_WITHOUT_CALLS, 1);
  arguments.SetInt(GRPC_ARG_HTTP2_MAX_PINGS_WITHOUT_DATA, 0);
  arguments.SetInt(GRPC_ARG_MIN_RECONNECT_BACKOFF_MS,
                   Milliseconds(kFirstBackoff));
  arguments.SetInt(GRPC_ARG_INITIAL_RECONNECT_BACKOFF_MS,
                   Milliseconds(kFirstBackoff));
  arguments.SetInt(GRPC_ARG_MAX_RECONNECT_BACKOFF_MS,
                   Milliseconds(kLastBackoff));
  arguments.SetInt(GRPC_ARG_DNS_MIN_TIME_BETWEEN_RESOLUTIONS_MS,
                   Milliseconds(kLeastAgeOfAName));
  arguments.SetMaxReceiveMessageSize(kMaxMessageBytes);
  arguments.SetMaxSendMessageSize(kMaxMessageBytes);
  // A proxy of the environment can't reach a machine of the same network.
  arguments.SetInt(GRPC_ARG_ENABLE_HTTP_PROXY, 0);
  return arguments;
}

std::shared_ptr<grpc::Channel> Connect(const Endpoint& endpoint,
                                       grpc::ChannelArguments arguments) {
  if (endpoint.authority_pem.empty()) {
    return grpc::CreateCustomChannel(
        endpoint.address, grpc::InsecureChannelCredentials(), arguments);
  }
  arguments.SetSslTargetNameOverride(kServerName);
  std::shared_ptr<grpc::ChannelCredentials> credentials =
      grpc::SslCredentials({.pem_root_certs = endpoint.authority_pem});
  if (!endpoint.token.empty()) {
    credentials = grpc::CompositeChannelCredentials(
        credentials, grpc::AccessTokenCredentials(endpoint.token));
  }
  return grpc::CreateCustomChannel(endpoint.address, credentials, arguments);
}

void ApplyServerLimits(grpc::ServerBuilder& builder) {
  builder.SetMaxReceiveMessageSize(kMaxMessageBytes);
  builder.SetMaxSendMessageSize(kMaxMessageBytes);
  builder.AddChannelArgument(GRPC_ARG_KEEPALIVE_TIME_MS,
                             Milliseconds(kServerKeepalive));
  builder.AddChannelArgument(GRPC_ARG_KEEPALIVE_TIMEOUT_MS,
                             Milliseconds(kServerKeepaliveTimeout));
  builder.AddChannelArgument(GRPC_ARG_KEEPALIVE_PERMIT_WITHOUT_CALLS, 1);
  builder.AddChannelArgument(GRPC_ARG_HTTP2_MAX_PINGS_WITHOUT_DATA, 0);
  builder.AddChannelArgument(
      GRPC_ARG_HTTP2_MIN_RECV_PING_INTERVAL_WITHOUT_DATA_MS,
      Milliseconds(kServerMinPingInterval));
  builder.AddChannelArgument(GRPC_ARG_MAX_CONCURRENT_STREAMS,
                             kMaxConcurrentStreams);
  builder.AddChannelArgument(GRPC_ARG_MAX_CONNECTION_IDLE_MS,
                             Milliseconds(kMaxConnectionIdle));
  builder.AddChannelArgument(GRPC_ARG_MAX_METADATA_SIZE, kMaxMetadataBytes);
  builder.AddChannelArgument(GRPC_ARG_SERVER_HANDSHAKE_TIMEOUT_MS,
                             Milliseconds(kHandshakeTimeout));
  // Without this a second server could listen on the same port unnoticed.
  builder.AddChannelArgument(GRPC_ARG_ALLOW_REUSEPORT, 0);
  builder.SetResourceQuota(
      grpc::ResourceQuota("dfsweep").Resize(kServerMemoryBytes));
}

grpc::Status ToGrpcStatus(const absl::Status& status) {
  if (status.ok()) return grpc::Status::OK;
  return grpc::Status(static_cast<grpc::StatusCode>(status.code()),
                      MessageOf(status));
}

absl::Status FromGrpcStatus(const grpc::Status& status,
                            const std::string& address) {
  if (status.ok()) return absl::OkStatus();
  auto code = static_cast<absl::StatusCode>(status.error_code());
  if (status.error_message().find('\n') != std::string::npos) {
    return absl::Status(code, status.error_message());
  }
  if (status.error_message().find(kDistrusted) != std::string::npos) {
    return DistrustedError(address);
  }
  bool away = code == absl::StatusCode::kUnavailable ||
              code == absl::StatusCode::kDeadlineExceeded;
  std::string what =
      away ? "the coordinator does not answer" : "the coordinator refused";
  return MakeError(code, what + " (" + status.error_message() + ")", address,
                   away ? "check that dfsweep-coordinator runs there and that "
                          "the address is right; one that serves a team wants "
                          "`dfsweep login`, or --store DIR on its own machine"
                        : "check that both programs have the same version");
}

void SetDeadline(grpc::ClientContext& context, absl::Duration timeout) {
  context.set_deadline(std::chrono::system_clock::now() +
                       absl::ToChronoMilliseconds(timeout));
}

}  // namespace dfsweep::rpc
