#include "worker/heartbeat.h"

#include <google/protobuf/util/time_util.h>
#include <spdlog/spdlog.h>

#include <random>
#include <utility>

#include "base/digest.h"
#include "base/version.h"

namespace dfsweep::worker {
namespace {

using google::protobuf::util::TimeUtil;

// Answers can come at once (a command, a drain that lasts); this bounds the
// calls a second and still carries a cancel within the second.
constexpr absl::Duration kLeastSpacing = absl::Milliseconds(250);

absl::Duration Jittered(absl::Duration duration) {
  static thread_local std::mt19937_64 random{std::random_device{}()};
  std::uniform_real_distribution<double> factor(0.8, 1.2);
  return factor(random) * duration;
}

// A refusal that trying again can't change.
bool IsFinal(const absl::Status& status) {
  switch (status.code()) {
    case absl::StatusCode::kAborted:  // versions that can't talk
    case absl::StatusCode::kInvalidArgument:
    case absl::StatusCode::kPermissionDenied:
    case absl::StatusCode::kUnauthenticated:
    case absl::StatusCode::kUnimplemented:
      return true;
    default:
      return false;
  }
}

// Its credential was revoked.
bool IsLockedOut(const absl::Status& status) {
  return absl::IsUnauthenticated(status) || absl::IsPermissionDenied(status);
}

}  // namespace

absl::Status Heartbeat::Run() {
  while (!link_.stopping()) {
    bool handshake = link_.must_register();
    absl::Status status = handshake ? RegisterOnce() : BeatOnce();
    if (status.ok()) {
      backoff_.Reset();
      link_.Heard();
    } else if (absl::IsCancelled(status)) {
      continue;  // interrupted by this worker, for a handshake or the end
    } else if ((handshake && IsFinal(status)) || IsLockedOut(status)) {
      return status;
    } else if (absl::IsNotFound(status) || absl::IsFailedPrecondition(status)) {
      link_.RegisterAgain();
      if (handshake) link_.AwaitRetry(backoff_.Next());
    } else {
      link_.Lost(status);
      link_.AwaitRetry(backoff_.Next());
    }
  }
  return absl::OkStatus();
}

absl::Status Heartbeat::RegisterOnce() {
  v1::RegisterRequest request;
  request.set_request_id(RandomHex(16));
  request.set_worker_id(identity_.worker_id);
  request.set_name(identity_.name);
  request.set_incarnation(identity_.incarnation);
  request.set_protocol_major(kProtocolMajor);
  request.set_protocol_minor(kProtocolMinor);
  request.set_version(kVersion);
  request.set_slots(identity_.slots);
  *request.mutable_environment() = identity_.environment;
  if (identity_.probe) *request.mutable_probe() = *identity_.probe;
  for (const AttemptId& id : attempts_.Held()) ToRef(id, request.add_held());
  v1::RegisterResponse response;
  DFSWEEP_RETURN_IF_ERROR(client_.Register(request, &response));
  for (const v1::AttemptRef& ref : response.stop()) {
    attempts_.Stop(FromRef(ref));
  }
  if (response.heartbeat_interval().seconds() > 0 ||
      response.heartbeat_interval().nanos() > 0) {
    interval_ = absl::Nanoseconds(
        TimeUtil::DurationToNanoseconds(response.heartbeat_interval()));
  }
  link_.Registered();
  // What an earlier handshake's requests bring is void.
  client_.InterruptLeases();
  spdlog::info("registered at {} as {}", client_.address(), response.name());
  return absl::OkStatus();
}

v1::HeartbeatRequest Heartbeat::NextRequest() {
  v1::HeartbeatRequest request;
  request.set_worker_id(identity_.worker_id);
  request.set_incarnation(identity_.incarnation);
  request.set_sequence(++sequence_);
  for (const AttemptId& id : attempts_.Held()) ToRef(id, request.add_held());
  *request.mutable_status() = machine_.Status();
  return request;
}

absl::Status Heartbeat::BeatOnce() {
  absl::Duration wait = Jittered(interval_);
  const uint64_t news = machine_.changes();  // before the request tells them
  v1::HeartbeatRequest request = NextRequest();
  *request.mutable_max_wait() =
      TimeUtil::NanosecondsToDuration(absl::ToInt64Nanoseconds(wait));
  v1::HeartbeatResponse response;
  absl::Duration sent_at = Clock::Real().Elapsed();
  auto is_void = [&] {
    return link_.stopping() || link_.must_register() ||
           machine_.changes() != news;
  };
  DFSWEEP_RETURN_IF_ERROR(client_.Heartbeat(request, is_void, &response));
  Obey(response);
  absl::Duration taken = Clock::Real().Elapsed() - sent_at;
  if (taken < kLeastSpacing) link_.Pause(kLeastSpacing - taken);
  return absl::OkStatus();
}

void Heartbeat::Obey(const v1::HeartbeatResponse& response) {
  for (const v1::AttemptRef& ref : response.stop()) {
    attempts_.Stop(FromRef(ref));
  }
  link_.SetOrders(response.drain(), response.pause());
  if (response.pause()) attempts_.HandBackAll();
  if (response.register_again()) {
    attempts_.StopAll();
    link_.RegisterAgain();
  }
}

void Heartbeat::SayGoodbye() {
  v1::HeartbeatRequest request = NextRequest();
  request.set_leaving(true);
  v1::HeartbeatResponse response;
  absl::Status status = client_.Heartbeat(request, nullptr, &response);
  if (!status.ok()) {
    spdlog::warn("the coordinator was not told that this worker leaves: {}",
                 PartsOf(MessageOf(status)).what);
  }
}

}  // namespace dfsweep::worker
