#include "coordinator/search/median.h"

#include <algorithm>
#include <limits>
#include <utility>

namespace dfsweep::coordinator {
namespace {

constexpr size_t kNeeded = 5;

// Of an even number of values: the mean of the middle two.
double MedianOf(std::vector<double> values) {
  std::sort(values.begin(), values.end());
  const size_t middle = values.size() / 2;
  if (values.size() % 2 == 1) return values[middle];
  return (values[middle - 1] + values[middle]) / 2;
}

}  // namespace

bool MedianStopper::Report(const std::string& trial_id, int64_t epochs,
                           double loss) {
  curves_[trial_id].try_emplace(epochs, loss);
  return epochs >= min_iter_;
}

void MedianStopper::Complete(const std::string& trial_id) {
  completed_.insert(trial_id);
}

bool MedianStopper::Keeps(const std::string& trial_id) const {
  const auto own = curves_.find(trial_id);
  if (own == curves_.end()) return true;
  const int64_t epochs = own->second.rbegin()->first;
  if (epochs < min_iter_) return true;
  std::vector<double> averages;
  for (const std::string& id : completed_) {
    const auto curve = curves_.find(id);
    if (id == trial_id || curve == curves_.end()) continue;
    double sum = 0;
    int64_t count = 0;
    for (const auto& [at, loss] : curve->second) {
      if (at > epochs) break;
      sum += loss;
      ++count;
    }
    if (count > 0) averages.push_back(sum / static_cast<double>(count));
  }
  return averages.size() < kNeeded ||
         BestOf(trial_id) <= MedianOf(std::move(averages));
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
