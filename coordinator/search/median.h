#ifndef DFSWEEP_COORDINATOR_SEARCH_MEDIAN_H_
#define DFSWEEP_COORDINATOR_SEARCH_MEDIAN_H_

#include <map>
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
  bool TakesUp() const override { return false; }
  // The one with the smallest loss.
  std::string Foremost(const std::vector<std::string>& stopped) const override;

 private:
  using Curve = std::map<int64_t, double>;  // loss after so many epochs

  double BestOf(const std::string& trial_id) const;

  const int64_t min_iter_;
  std::map<std::string, Curve> curves_;
  std::set<std::string> completed_;
};

}  // namespace dfsweep::coordinator

#endif  // DFSWEEP_COORDINATOR_SEARCH_MEDIAN_H_
