// The attempts that this worker answers for, from lease to delivered outcome.
#ifndef DFSWEEP_WORKER_ATTEMPT_H_
#define DFSWEEP_WORKER_ATTEMPT_H_

#include <atomic>
#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/synchronization/mutex.h"
#include "dfsweep/v1/worker_service.pb.h"

namespace dfsweep::worker {

// One try at a trial; the coordinator's fencing token.
struct AttemptId {
  std::string trial_id;  // SHA-256, 64 hexadecimal digits
  int attempt = 0;       // 1, 2, …
  friend bool operator==(const AttemptId&, const AttemptId&) = default;
  friend auto operator<=>(const AttemptId&, const AttemptId&) = default;
};

// "1a2b3c4d#2", for logs.
inline std::string ShortName(const AttemptId& id) {
  return id.trial_id.substr(0, 8) + "#" + std::to_string(id.attempt);
}

// An attempt that a slot works on. Thread-safe.
struct Attempt {
  explicit Attempt(AttemptId attempt_id) : id(std::move(attempt_id)) {}
  const AttemptId id;
  // Set by anybody, never cleared: whoever works on it stops within a second.
  std::atomic<bool> stop = false;
  // Set before `stop` if the coordinator is to be told that it is given back.
  std::atomic<bool> hand_back = false;
};

// Thread-safe.
class AttemptTable {
 public:
  // From now on it is held. Null if it is in the table already.
  std::shared_ptr<Attempt> Begin(const AttemptId& id) {
    absl::MutexLock lock(&mutex_);
    auto [entry, is_new] = attempts_.emplace(id, nullptr);
    if (!is_new) return nullptr;
    entry->second = std::make_shared<Attempt>(id);
    return entry->second;
  }

  // The worker is done with it: delivered, or not to be reported.
  void End(const AttemptId& id) {
    absl::MutexLock lock(&mutex_);
    attempts_.erase(id);
  }

  // The coordinator does not want it any more. It is not listed as held from
  // now on, so that the coordinator does not have to repeat itself.
  void Stop(const AttemptId& id) {
    absl::MutexLock lock(&mutex_);
    auto entry = attempts_.find(id);
    if (entry != attempts_.end()) entry->second->stop = true;
  }
  void StopAll() {
    absl::MutexLock lock(&mutex_);
    for (auto& [id, attempt] : attempts_) attempt->stop = true;
  }

  // The worker does not want them any more: they are stopped and given back.
  void HandBackAll() {
    absl::MutexLock lock(&mutex_);
    for (auto& [id, attempt] : attempts_) HandBack(*attempt);
  }
  static void HandBack(Attempt& attempt) {
    if (attempt.stop) return;
    attempt.hand_back = true;
    attempt.stop = true;
  }

  // Those that are trained or whose outcome is not delivered yet.
  std::vector<AttemptId> Held() const {
    absl::MutexLock lock(&mutex_);
    std::vector<AttemptId> held;
    for (const auto& [id, attempt] : attempts_) {
      if (!attempt->stop || attempt->hand_back) held.push_back(id);
    }
    return held;
  }

 private:
  mutable absl::Mutex mutex_;
  std::map<AttemptId, std::shared_ptr<Attempt>> attempts_
      ABSL_GUARDED_BY(mutex_);
};

inline AttemptId FromRef(const v1::AttemptRef& ref) {
  return {ref.trial_id(), ref.attempt()};
}

inline void ToRef(const AttemptId& id, v1::AttemptRef* ref) {
  ref->set_trial_id(id.trial_id);
  ref->set_attempt(id.attempt);
}

}  // namespace dfsweep::worker

#endif  // DFSWEEP_WORKER_ATTEMPT_H_
