#include "cli/sweep_watcher.h"

#include <algorithm>
#include <utility>

#include "base/clock.h"
#include "cli/progress.h"

namespace dfsweep::cli {
namespace {

constexpr absl::Duration kFirstBackoff = absl::Milliseconds(200);
constexpr absl::Duration kLastBackoff = absl::Seconds(4);
// A slow reader gets the newest state, not a growing queue.
constexpr size_t kMaxQueued = 1000;

// Whether another try can end differently.
bool IsTransient(const absl::Status& status) {
  switch (status.code()) {
    case absl::StatusCode::kUnavailable:
    case absl::StatusCode::kDeadlineExceeded:
    case absl::StatusCode::kCancelled:
    case absl::StatusCode::kInternal:
    case absl::StatusCode::kUnknown:
    case absl::StatusCode::kResourceExhausted:
      return true;
    default:
      return false;
  }
}

}  // namespace

SweepWatcher::SweepWatcher(std::shared_ptr<Client> client, std::string sweep_id,
                           absl::Duration patience)
    : client_(std::move(client)),
      sweep_id_(std::move(sweep_id)),
      patience_(patience),
      last_update_(Clock::Real().Elapsed()),
      thread_([this] { Run(); }) {}

SweepWatcher::~SweepWatcher() {
  {
    absl::MutexLock lock(&mutex_);
    stopping_ = true;
    if (stream_ != nullptr) stream_->TryCancel();
  }
  thread_.join();
}

std::optional<SweepWatcher::Event> SweepWatcher::Next(absl::Duration timeout) {
  absl::MutexLock lock(&mutex_);
  auto ready = [this]() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_) {
    return woken_ || !events_.empty();
  };
  mutex_.AwaitWithTimeout(absl::Condition(&ready), timeout);
  woken_ = false;
  if (events_.empty()) return std::nullopt;
  Event event = std::move(events_.front());
  events_.pop_front();
  return event;
}

void SweepWatcher::Wake() {
  absl::MutexLock lock(&mutex_);
  woken_ = true;
}

void SweepWatcher::Run() {
  absl::Duration backoff = kFirstBackoff;
  while (true) {
    absl::Duration before = last_update_;
    absl::StatusOr<bool> ended = ReadStream();
    if (ended.ok() && *ended) return Push(Ended{});
    absl::Status status = ended.status();
    if (status.ok()) status = absl::UnavailableError("the coordinator stops");
    bool is_hopeless = !IsTransient(status) ||
                       Clock::Real().Elapsed() - last_update_ > patience_;
    if (is_hopeless) return Push(Ended{status});
    Push(Lost{status});
    if (last_update_ != before) backoff = kFirstBackoff;
    if (!Wait(backoff)) return;
    backoff = std::min(backoff * 2, kLastBackoff);
  }
}

absl::StatusOr<bool> SweepWatcher::ReadStream() {
  grpc::ClientContext context;
  rpc::SetDeadline(context, rpc::kMaxStream);
  {
    absl::MutexLock lock(&mutex_);
    if (stopping_) return true;
    stream_ = &context;
  }
  v1::WatchSweepRequest request;
  request.set_sweep(sweep_id_);
  auto reader = client_->stub().WatchSweep(&context, request);
  bool has_ended = false;
  v1::WatchSweepResponse update;
  while (reader->Read(&update)) {
    has_ended = HasEnded(update.sweep());
    last_update_ = Clock::Real().Elapsed();
    Push(std::move(update));
    update.Clear();
  }
  grpc::Status status = reader->Finish();
  {
    absl::MutexLock lock(&mutex_);
    stream_ = nullptr;
  }
  if (!status.ok()) return client_->ToStatus(status);
  return has_ended;
}

void SweepWatcher::Push(Event event) {
  absl::MutexLock lock(&mutex_);
  auto has_room = [this]() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_) {
    return stopping_ || events_.size() < kMaxQueued;
  };
  mutex_.Await(absl::Condition(&has_room));
  events_.push_back(std::move(event));
}

bool SweepWatcher::Wait(absl::Duration duration) {
  absl::MutexLock lock(&mutex_);
  mutex_.AwaitWithTimeout(absl::Condition(&stopping_), duration);
  return !stopping_;
}

}  // namespace dfsweep::cli
