#ifndef DFSWEEP_COORDINATOR_SEARCH_ASHA_H_
#define DFSWEEP_COORDINATOR_SEARCH_ASHA_H_

#include <map>
#include <string>
#include <vector>

#include "coordinator/search/stopper.h"

namespace dfsweep::coordinator {

// Asynchronous successive halving (Li, Jamieson, Rostamizadeh, Gonina, Hardt,
// Recht, Talwalkar 2020, "A System for Massively Parallel Hyperparameter
// Tuning", algorithm 2). Rung k is after min_iter · eta^k epochs. A trial that
// reaches a rung goes on if it is in the best 1/eta of those that have reached
// it so far; otherwise it is stopped there, and goes on when later ones have
// made it so.
class Asha : public Stopper {
 public:
  Asha(int64_t min_iter, int64_t eta) : min_iter_(min_iter), eta_(eta) {}

  bool Report(const std::string& trial_id, int64_t epochs,
              double loss) override;
  void Complete(const std::string&) override {}
  bool Keeps(const std::string& trial_id) const override;
  bool TakesUp() const override { return true; }
  // The one on the highest rung with the smallest loss there.
  std::string Foremost(const std::vector<std::string>& stopped) const override;

 private:
  // Losses of the trials that have reached it.
  using Rung = std::map<std::string, double>;

  // Index of the highest rung that the trial has reached; -1: none.
  int HighestOf(const std::string& trial_id) const;

  const int64_t min_iter_;
  const int64_t eta_;
  std::vector<Rung> rungs_;
};

}  // namespace dfsweep::coordinator

#endif  // DFSWEEP_COORDINATOR_SEARCH_ASHA_H_
