#include "coordinator/search/median.h"

#include <algorithm>
#include <limits>
#include <utility>

namespace dfsweep::coordinator {
namespace {

constexpr size_t kNeeded = 5;

// Of sorted values; of an even number of them the mean of the middle two.
double MedianOf(const std::vector<double>& values) {
  const size_t middle = values.size() / 2;
  if (values.size() % 2 == 1) return values[middle];
  return (values[middle - 1] + values[middle]) / 2;
}

}  // namespace

bool MedianStopper::Report(const std::string& trial_id, int64_t epochs,
                           double loss) {
  const bool is_new = curves_[trial_id].try_emplace(epochs, loss).second;
  if (is_new && is_completed_.contains(trial_id)) averages_.clear();
  return epochs >= min_iter_;
}

void MedianStopper::Complete(const std::string& trial_id) {
  if (is_completed_.insert(trial_id).second) completed_.push_back(trial_id);
}

bool MedianStopper::Keeps(const std::string& trial_id) const {
  const auto own = curves_.find(trial_id);
  if (own == curves_.end()) return true;
  const int64_t epochs = own->second.rbegin()->first;
  if (epochs < min_iter_) return true;
  std::vector<double> without_own;  // one that is trained once more
  const std::vector<double>* others = &AveragesAfter(epochs);
  if (is_completed_.contains(trial_id)) {
    without_own = *others;
    without_own.erase(std::lower_bound(without_own.begin(), without_own.end(),
                                       *AverageAfter(trial_id, epochs)));
    others = &without_own;
  }
  return others->size() < kNeeded || BestOf(trial_id) <= MedianOf(*others);
}

std::optional<double> MedianStopper::AverageAfter(const std::string& trial_id,
                                                  int64_t epochs) const {
  const auto curve = curves_.find(trial_id);
  if (curve == curves_.end()) return std::nullopt;
  double sum = 0;
  int64_t count = 0;
  for (const auto& [at, loss] : curve->second) {
    if (at > epochs) break;
    sum += loss;
    ++count;
  }
  if (count == 0) return std::nullopt;
  return sum / static_cast<double>(count);
}

const std::vector<double>& MedianStopper::AveragesAfter(int64_t epochs) const {
  auto& [sorted, seen] = averages_[epochs];
  for (; seen < completed_.size(); ++seen) {
    const auto average = AverageAfter(completed_[seen], epochs);
    if (!average) continue;
    sorted.insert(std::upper_bound(sorted.begin(), sorted.end(), *average),
                  *average);
  }
  return sorted;
}

std::string MedianStopper::Foremost(
    const std::vector<std::string>& stopped) const {
  return *std::min_element(stopped.begin(), stopped.end(),
                           [this](const std::string& a, const std::string& b) {
                             return BestOf(a) < BestOf(b);
                           });
}

double MedianStopper::BestOf(const std::string& trial_id) const {
  double best = std::numeric_limits<double>::infinity();
  const auto curve = curves_.find(trial_id);
  if (curve == curves_.end()) return best;
  for (const auto& [epochs, loss] : curve->second) best = std::min(best, loss);
  return best;
}

}  // namespace dfsweep::coordinator
