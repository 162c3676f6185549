// How every dfsweep program talks gRPC: limits, keepalive, status conversion.
// Client and server take their numbers from here, so that they can't drift
// apart (a client that pings faster than the server allows is cut off with
// "too_many_pings"). All functions are thread-safe.
#ifndef DFSWEEP_PROTO_CHANNEL_H_
#define DFSWEEP_PROTO_CHANNEL_H_

#include <grpcpp/channel.h>
#include <grpcpp/client_context.h>
#include <grpcpp/server_builder.h>
#include <grpcpp/support/channel_arguments.h>
#include <grpcpp/support/status.h>

#include <memory>
#include <string>

#include "absl/status/status.h"
#include "absl/time/time.h"
#include "proto/endpoint.h"

namespace dfsweep::rpc {

// Larger messages are refused with RESOURCE_EXHAUSTED on either side.
inline constexpr int kMaxMessageBytes = 4 << 20;
// Piece of a file or of an export in a stream.
inline constexpr int kChunkBytes = 1 << 20;
// Metadata of a call.
inline constexpr int kMaxMetadataBytes = 8 << 10;
// Calls of one connection at the same time: a daemon has a heartbeat, a lease
// request, reports and a download; a person a watch and a few more.
inline constexpr int kMaxConcurrentStreams = 32;

// An ordinary call must be answered within this.
inline constexpr absl::Duration kCallTimeout = absl::Seconds(30);
// The longest a long poll may wait (LeaseTrials, Heartbeat). Its caller's
// deadline is the wait plus kCallTimeout.
inline constexpr absl::Duration kMaxLongPoll = absl::Seconds(50);
// Streams that follow something may live this long; the caller starts again.
inline constexpr absl::Duration kMaxStream = absl::Hours(24);
// Transfers of datasets and exports.
inline constexpr absl::Duration kTransferTimeout = absl::Hours(1);

// A client pings after this much silence, and gives the connection up when the
// answer is missing for kClientKeepaliveTimeout: a half-open connection is
// found within half a minute. The server allows pings from
// kServerMinPingInterval on, well below what clients send.
inline constexpr absl::Duration kClientKeepalive = absl::Seconds(20);
inline constexpr absl::Duration kClientKeepaliveTimeout = absl::Seconds(10);
inline constexpr absl::Duration kServerKeepalive = absl::Seconds(30);
inline constexpr absl::Duration kServerKeepaliveTimeout = absl::Seconds(15);
inline constexpr absl::Duration kServerMinPingInterval = absl::Seconds(10);

// Keepalive, message size and reconnect back-off (0.5 s … 30 s).
grpc::ChannelArguments ClientChannelArguments();

// A channel that connects in the background: TLS with a token in each call if
// the endpoint has an authority, else plain text, which is for loopback only.
// `arguments` are ClientChannelArguments(), perhaps with more.
std::shared_ptr<grpc::Channel> Connect(
    const Endpoint& endpoint,
    grpc::ChannelArguments arguments = ClientChannelArguments());

// The server's side of the same.
void ApplyServerLimits(grpc::ServerBuilder& builder);

// Codes are the same on both sides; the message (three lines) is kept.
grpc::Status ToGrpcStatus(const absl::Status& status);

// An error of the transport itself (UNAVAILABLE without our three lines) gets
// them: `address` says where.
absl::Status FromGrpcStatus(const grpc::Status& status,
                            const std::string& address);

// Gives the call a deadline. Every call needs one: the coordinator refuses a
// call without.
void SetDeadline(grpc::ClientContext& context, absl::Duration timeout);

}  // namespace dfsweep::rpc

#endif  // DFSWEEP_PROTO_CHANNEL_H_
