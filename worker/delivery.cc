#include "worker/delivery.h"

#include <spdlog/spdlog.h>

#include <utility>

#include "base/digest.h"
#include "proto/channel.h"

namespace dfsweep::worker {
namespace {

// A coordinator that still answers NOT_FOUND after that many handshakes means
// the trial, not the worker.
constexpr int kMaxUnknown = 3;
constexpr absl::Duration kRetryAtEnd = absl::Milliseconds(200);
// What a message may hold, less some room for the envelope.
constexpr size_t kMaxOutcomeBytes = rpc::kMaxMessageBytes - 4096;

AttemptId IdOf(const v1::CompleteTrialRequest& outcome) {
  return {outcome.trial_id(), outcome.attempt()};
}

// The outcome itself is refused: trying again can't help.
bool IsRefusal(const absl::Status& status) {
  switch (status.code()) {
    case absl::StatusCode::kInvalidArgument:
    case absl::StatusCode::kOutOfRange:
    case absl::StatusCode::kPermissionDenied:
    case absl::StatusCode::kUnimplemented:
      return true;
    default:
      return false;
  }
}

// An outcome that no message can carry could never be delivered: leaves out
// what the coordinator has from progress reports, and never the result itself.
void FitIntoMessage(v1::CompleteTrialRequest& outcome) {
  if (outcome.ByteSizeLong() > kMaxOutcomeBytes) outcome.clear_log_lines();
  if (outcome.ByteSizeLong() > kMaxOutcomeBytes && outcome.has_result()) {
    spdlog::warn("{} has too long a learning curve for its result",
                 ShortName(IdOf(outcome)));
    outcome.mutable_result()->clear_epochs();
  }
}

}  // namespace

void Delivery::LoadSpool() {
  absl::MutexLock lock(&mutex_);
  for (v1::CompleteTrialRequest& outcome : spool_.ReadAll()) {
    attempts_.Begin(IdOf(outcome));
    spdlog::info("{} waits in the spool to be delivered",
                 ShortName(IdOf(outcome)));
    queue_.push_back(std::move(outcome));
  }
}

void Delivery::Add(v1::CompleteTrialRequest outcome) {
  outcome.set_request_id(RandomHex(16));
  outcome.set_worker_id(worker_id_);
  FitIntoMessage(outcome);
  if (absl::Status status = spool_.Put(outcome); !status.ok()) {
    spdlog::error(
        "{} can't be spooled: {}; don't stop this worker before it "
        "is delivered",
        ShortName(IdOf(outcome)), PartsOf(MessageOf(status)).what);
  }
  absl::MutexLock lock(&mutex_);
  queue_.push_back(std::move(outcome));
}

void Delivery::Run() {
  while (true) {
    v1::CompleteTrialRequest outcome;
    {
      absl::MutexLock lock(&mutex_);
      mutex_.Await(absl::Condition(this, &Delivery::HasWork));
      if (finished_) return;
      outcome = queue_.front();
    }
    bool delivered = DeliverOnce(outcome) == Answer::kDone;
    if (delivered) attempts_.End(IdOf(outcome));
    {
      absl::MutexLock lock(&mutex_);
      queue_.pop_front();
      // Behind the others, so that one that can't be delivered holds none up.
      if (!delivered) queue_.push_back(std::move(outcome));
    }
    if (delivered) {
      backoff_.Reset();
    } else {
      AwaitRetry(backoff_.Next());
    }
  }
}

Delivery::Answer Delivery::DeliverOnce(
    const v1::CompleteTrialRequest& outcome) {
  AttemptId id = IdOf(outcome);
  v1::CompleteTrialResponse response;
  absl::Status status = client_.CompleteTrial(outcome, &response);
  if (!absl::IsNotFound(status)) unknown_in_a_row_ = 0;
  if (status.ok() || absl::IsFailedPrecondition(status)) {
    if (!response.accepted()) {
      spdlog::info(
          "{} was not wanted any more: {}", ShortName(id),
          status.ok() ? response.reason() : PartsOf(MessageOf(status)).what);
    }
    spool_.Remove(id);
    return Answer::kDone;
  }
  if (absl::IsNotFound(status) && ++unknown_in_a_row_ <= kMaxUnknown) {
    link_.RegisterAgain();
    client_.InterruptHeartbeat();
    return Answer::kAgain;
  }
  if (absl::IsNotFound(status) || IsRefusal(status)) {
    unknown_in_a_row_ = 0;
    spool_.SetAside(
        id, "the coordinator refuses it: " + PartsOf(MessageOf(status)).what);
    return Answer::kDone;
  }
  return Answer::kAgain;
}

void Delivery::AwaitRetry(absl::Duration duration) {
  if (!link_.stopping()) {
    link_.AwaitRetry(duration);
    return;
  }
  // Little time is left: try often.
  absl::MutexLock lock(&mutex_);
  mutex_.AwaitWithTimeout(absl::Condition(&finished_), kRetryAtEnd);
}

void Delivery::Finish(absl::Duration timeout) {
  absl::MutexLock lock(&mutex_);
  mutex_.AwaitWithTimeout(absl::Condition(this, &Delivery::IsEmpty), timeout);
  finished_ = true;
}

}  // namespace dfsweep::worker
