#include "coordinator/search/asha.h"

#include <algorithm>
#include <iterator>
#include <tuple>

namespace dfsweep::coordinator {

bool Asha::Report(const std::string& trial_id, int64_t epochs, double loss) {
  bool is_new = false;
  // In multiples of min_iter_, divided: what a worker sends multiplies to
  // more than a number holds.
  size_t k = 0;
  for (int64_t left = epochs / min_iter_; left > 0; left /= eta_, ++k) {
    if (rungs_.size() <= k) rungs_.emplace_back();
    // A report that was lost is made up for by the next.
    is_new |= Add(trial_id, loss, rungs_[k]);
  }
  return is_new;
}

bool Asha::Add(const std::string& trial_id, double loss, Rung& rung) {
  if (!rung.losses.try_emplace(trial_id, loss).second) return false;
  // By way of the best, which may push their last one out.
  rung.best.emplace(loss, trial_id);
  rung.others.insert(rung.best.extract(std::prev(rung.best.end())));
  const size_t most = rung.losses.size() / static_cast<size_t>(eta_);
  if (rung.best.size() < most) {
    rung.best.insert(rung.others.extract(rung.others.begin()));
    risen_.insert(rung.best.rbegin()->second);
  }
  if (rung.best.contains({loss, trial_id})) risen_.insert(trial_id);
  return true;
}

bool Asha::Keeps(const std::string& trial_id) const {
  const int highest = HighestOf(trial_id);
  if (highest < 0) return true;
  const Rung& rung = rungs_[static_cast<size_t>(highest)];
  return rung.best.contains({rung.losses.at(trial_id), trial_id});
}

std::string Asha::Foremost(const std::vector<std::string>& stopped) const {
  auto rank = [this](const std::string& id) {
    const int highest = HighestOf(id);
    const double loss =
        highest < 0 ? 0 : rungs_[static_cast<size_t>(highest)].losses.at(id);
    return std::tuple(-highest, loss, id);
  };
  return *std::min_element(stopped.begin(), stopped.end(),
                           [&](const std::string& a, const std::string& b) {
                             return rank(a) < rank(b);
                           });
}

int Asha::HighestOf(const std::string& trial_id) const {
  int highest = static_cast<int>(rungs_.size()) - 1;
  while (highest >= 0 &&
         !rungs_[static_cast<size_t>(highest)].losses.contains(trial_id)) {
    --highest;
  }
  return highest;
}

}  // namespace dfsweep::coordinator
