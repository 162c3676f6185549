#ifndef DFSWEEP_WORKER_PATIENCE_H_
#define DFSWEEP_WORKER_PATIENCE_H_

#include <algorithm>
#include <vector>

#include "absl/time/time.h"

namespace dfsweep::worker {

// How long a trainer may say nothing before it counts as hanging: ten times its
// median epoch, and never less than `minimum`. Before the first two epochs have
// shown its speed, twelve times `minimum`: reading a large dataset and the
// first epoch of a long configuration on a slow CPU say nothing for long.
class Patience {
 public:
  explicit Patience(absl::Duration minimum) : minimum_(minimum) {}

  void AddEpoch(absl::Duration length) { epochs_.push_back(length); }

  absl::Duration Limit() const {
    if (epochs_.size() < 2) return 12 * minimum_;
    std::vector<absl::Duration> sorted = epochs_;
    auto middle = sorted.begin() + sorted.size() / 2;
    std::nth_element(sorted.begin(), middle, sorted.end());
    return std::max(minimum_, 10 * *middle);
  }

 private:
  absl::Duration minimum_;
  std::vector<absl::Duration> epochs_;
};

}  // namespace dfsweep::worker

#endif  // DFSWEEP_WORKER_PATIENCE_H_
