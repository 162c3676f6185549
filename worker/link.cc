#include "worker/link.h"

#include <spdlog/spdlog.h>

#include <algorithm>
#include <random>
#include <utility>

namespace dfsweep::worker {
namespace {

constexpr absl::Duration kComplainEvery = absl::Minutes(5);

std::string InSeconds(absl::Duration duration) {
  return absl::FormatDuration(absl::Trunc(duration, absl::Seconds(1)));
}

}  // namespace

absl::Duration Backoff::Next() {
  absl::Duration longest = limits_.first;
  for (int i = 0; i < tries_ && longest < limits_.longest; ++i) longest *= 2;
  ++tries_;
  static thread_local std::mt19937_64 random{std::random_device{}()};
  std::uniform_real_distribution<double> fraction(0, 1);
  return fraction(random) * std::min(longest, limits_.longest);
}

void Link::Registered() {
  absl::MutexLock lock(&mutex_);
  must_register_ = false;
  ++generation_;
}

void Link::Heard() {
  absl::MutexLock lock(&mutex_);
  if (reachable_) return;
  reachable_ = true;
  ++returns_;
  spdlog::info("the coordinator answers again after {}",
               InSeconds(clock_.Elapsed() - lost_at_));
}

void Link::Lost(const absl::Status& status) {
  absl::MutexLock lock(&mutex_);
  absl::Duration now = clock_.Elapsed();
  if (reachable_) {
    reachable_ = false;
    lost_at_ = last_complaint_ = now;
    spdlog::warn(
        "{} at {}; training goes on, results are kept until it is back",
        PartsOf(MessageOf(status)).what, PartsOf(MessageOf(status)).where);
  } else if (now - last_complaint_ >= kComplainEvery) {
    last_complaint_ = now;
    spdlog::warn("the coordinator has not answered for {}",
                 InSeconds(now - lost_at_));
  }
}

void Link::SetOrders(bool draining, bool paused) {
  absl::MutexLock lock(&mutex_);
  if (draining != draining_ || paused != ordered_pause_) {
    spdlog::info(paused     ? "paused by a person: hands back what it has"
                 : draining ? "draining: takes no new work"
                            : "takes work again, as far as it was told not to");
  }
  draining_ = draining;
  ordered_pause_ = paused;
  if (paused) pause_reason_ = "a person has paused this worker";
}

void Link::SetOwnPause(const std::string& reason) {
  absl::MutexLock lock(&mutex_);
  const bool was_paused = std::exchange(own_pause_, !reason.empty());
  if (own_pause_) pause_reason_ = reason;
  if (own_pause_) {
    spdlog::info("pauses: {}", reason);
  } else if (was_paused) {
    spdlog::info("nothing speaks against training any more");
  }
}

void Link::RegisterAgain() {
  absl::MutexLock lock(&mutex_);
  must_register_ = true;
}

void Link::Stop() {
  absl::MutexLock lock(&mutex_);
  stopping_ = true;
}

bool Link::must_register() const {
  absl::MutexLock lock(&mutex_);
  return must_register_;
}

bool Link::reachable() const {
  absl::MutexLock lock(&mutex_);
  return reachable_;
}

bool Link::stopping() const {
  absl::MutexLock lock(&mutex_);
  return stopping_;
}

std::string Link::pause_reason() const {
  absl::MutexLock lock(&mutex_);
  return pause_reason_;
}

bool Link::refuses_work() const {
  absl::MutexLock lock(&mutex_);
  return stopping_ || IsPaused();
}

uint64_t Link::generation() const {
  absl::MutexLock lock(&mutex_);
  return generation_;
}

Permission Link::AwaitPermission(bool holds_device) const {
  absl::MutexLock lock(&mutex_);
  auto must_free = [&]() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_) {
    return holds_device && IsPaused();
  };
  auto changed = [&]() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_) {
    return stopping_ || MayWork() || must_free();
  };
  mutex_.Await(absl::Condition(&changed));
  if (stopping_) return Permission::kStop;
  return must_free() ? Permission::kFreeDevice : Permission::kWork;
}

void Link::AwaitRetry(absl::Duration duration) const {
  absl::MutexLock lock(&mutex_);
  uint64_t returns = returns_;
  auto changed = [&]() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_) {
    return stopping_ || returns_ != returns;
  };
  mutex_.AwaitWithTimeout(absl::Condition(&changed), duration);
}

void Link::Pause(absl::Duration duration) const {
  absl::MutexLock lock(&mutex_);
  auto changed = [&]() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_) {
    return stopping_ || must_register_;
  };
  mutex_.AwaitWithTimeout(absl::Condition(&changed), duration);
}

bool Link::AwaitStop(absl::Duration duration) const {
  absl::MutexLock lock(&mutex_);
  mutex_.AwaitWithTimeout(absl::Condition(&stopping_), duration);
  return stopping_;
}

}  // namespace dfsweep::worker
