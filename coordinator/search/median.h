#ifndef DFSWEEP_COORDINATOR_SEARCH_MEDIAN_H_
#define DFSWEEP_COORDINATOR_SEARCH_MEDIAN_H_

#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "coordinator/search/stopper.h"

namespace dfsweep::coordinator {

// The median stopping rule (Golovin, Solnik, Moitra, Kochanski, Karro, Sculley
// 2017, "Google Vizier", section 3.2.2): a trial is stopped after an epoch if
// its best loss so far is worse than the median of the running averages that
// the completed trials had after as many epochs. Not before min_iter epochs,
// and not before five trials are completed.
class MedianStopper : public Stopper {
 public:
  explicit MedianStopper(int64_t min_iter) : min_iter_(min_iter) {}

  bool Report(const std::string& trial_id, int64_t epochs,
              double loss) override;
  void Complete(const std::string& trial_id) override;
  bool Keeps(const std::string& trial_id) const override;
  std::set<std::string> TakeRisen() override { return {}; }
  // The one with the smallest loss.
  std::string Foremost(const std::vector<std::string>& stopped) const override;

 private:
  using Curve = std::map<int64_t, double>;  // loss after so many epochs

  // Running averages after some number of epochs, sorted.
  struct Averages {
    std::vector<double> sorted;
    size_t seen = 0;  // of completed_
  };

  double BestOf(const std::string& trial_id) const;
  // Empty if the trial has not reported by then.
  std::optional<double> AverageAfter(const std::string& trial_id,
                                     int64_t epochs) const;
  // Of all completed trials.
  const std::vector<double>& AveragesAfter(int64_t epochs) const;

  const int64_t min_iter_;
  std::map<std::string, Curve> curves_;
  std::vector<std::string> completed_;
  std::set<std::string> is_completed_;  // the same
  // By epochs; brought up to date when asked for.
  mutable std::map<int64_t, Averages> averages_;
};

}  // namespace dfsweep::coordinator

#endif  // DFSWEEP_COORDINATOR_SEARCH_MEDIAN_H_
