#include "coordinator/core/worker_health.h"

#include <algorithm>
#include <set>
#include <string>
#include <utility>

namespace dfsweep::coordinator {

std::vector<RestoredFailure> WorkerHealth::AddFailure(
    const RestoredFailure& failure, absl::Duration now) {
  streak_.push_back(failure);
  std::set<std::string> trials;
  for (const RestoredFailure& past : streak_) {
    trials.insert(past.attempt.trial_id);
  }
  if (static_cast<int>(trials.size()) < options_.quarantine_after) return {};
  quarantine_ = {.wait = options_.canary_after,
                 .canary_due = now + options_.canary_after};
  return std::exchange(streak_, {});
}

void WorkerHealth::AddCompletion() {
  streak_.clear();
  quarantine_.reset();
}

void WorkerHealth::EndCanary(bool failed, absl::Duration now) {
  if (failed) {
    quarantine_->wait =
        std::min(2 * quarantine_->wait, options_.canary_after_maximum);
  }
  quarantine_->canary_due = now + quarantine_->wait;
  quarantine_->canary_announced = false;
}

void WorkerHealth::Restore(const std::vector<RestoredFailure>& streak,
                           bool is_quarantined, absl::Duration now) {
  if (is_quarantined) {
    quarantine_ = {.wait = options_.canary_after,
                   .canary_due = now + options_.canary_after};
  } else {
    streak_ = streak;
  }
}

}  // namespace dfsweep::coordinator
