#include "worker/checkpoint_sender.h"

#include <spdlog/spdlog.h>

#include <algorithm>
#include <filesystem>
#include <fstream>

#include "base/digest.h"

namespace dfsweep::worker {
namespace {

// Less training than this is repeated sooner than sent.
constexpr absl::Duration kLeast = absl::Seconds(30);

}  // namespace

void CheckpointSender::Add(const AttemptId& attempt,
                           const CheckpointEvent& event,
                           std::function<void()> done) {
  const absl::Duration trained = absl::Seconds(event.train_seconds);
  if (!cache_.travels() || trained < std::min(kLeast, cache_.interval())) {
    done();
    return;
  }
  absl::MutexLock lock(&mutex_);
  // What waits of the trial is behind this one.
  std::erase_if(items_, [&](const Item& item) {
    return item.attempt == attempt && item.file.ends_with(".progress");
  });
  items_.push_back({attempt, event.file, std::move(done)});
}

std::optional<CheckpointSender::Item> CheckpointSender::Take() {
  absl::MutexLock lock(&mutex_);
  auto is_due = [this]() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_) {
    return finished_ || !items_.empty();
  };
  mutex_.Await(absl::Condition(&is_due));
  if (finished_) return std::nullopt;
  Item item = items_.front();
  items_.erase(items_.begin());
  is_sending_ = true;
  return item;
}

void CheckpointSender::Run() {
  while (std::optional<Item> item = Take()) {
    const bool done = Send(*item);
    if (!done) {
      absl::MutexLock lock(&mutex_);
      if (items_.empty()) items_.push_back(*item);  // else there is newer
    }
    Sent();
    if (done) {
      item->done();
      backoff_.Reset();
    } else {
      link_.AwaitRetry(backoff_.Next());
    }
  }
}

void CheckpointSender::Finish(absl::Duration timeout) {
  absl::MutexLock lock(&mutex_);
  auto is_idle = [this]() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_) {
    return items_.empty() && !is_sending_;
  };
  mutex_.AwaitWithTimeout(absl::Condition(&is_idle), timeout);
  finished_ = true;
}

bool CheckpointSender::Send(const Item& item) {
  const std::filesystem::path path = cache_.PathOf(item.file);
  std::ifstream file(path, std::ios::binary);
  auto digest = Sha256OfFile(path);
  std::error_code error;
  const auto size = std::filesystem::file_size(path, error);
  if (!file || !digest.ok() || error) return true;  // it has been replaced
  v1::UploadArtifactRequest first;
  first.set_worker_id(worker_id_);
  ToRef(item.attempt, first.mutable_attempt());
  first.set_name(item.file);
  first.set_digest(*digest);
  first.set_size_bytes(static_cast<int64_t>(size));
  absl::Status status = client_.Upload(std::move(first), file);
  if (absl::IsUnavailable(status) || absl::IsDeadlineExceeded(status)) {
    return false;
  }
  if (!status.ok() && !absl::IsCancelled(status)) {
    spdlog::info("the checkpoint {} is not taken: {}", item.file,
                 PartsOf(MessageOf(status)).what);
  }
  return true;
}

}  // namespace dfsweep::worker
