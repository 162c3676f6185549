#ifndef DFSWEEP_COORDINATOR_SEARCH_ASHA_H_
#define DFSWEEP_COORDINATOR_SEARCH_ASHA_H_

#include <map>
#include <set>
#include <string>
#include <utility>
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
  std::set<std::string> TakeRisen() override {
    return std::exchange(risen_, {});
  }
  // The one on the highest rung with the smallest loss there.
  std::string Foremost(const std::vector<std::string>& stopped) const override;

 private:
  // Ordered by loss.
  using Ranking = std::set<std::pair<double, std::string>>;
  // The trials that have reached it. What a report or a question costs grows
  // with the logarithm of their number: sweeps have thousands.
  struct Rung {
    std::map<std::string, double> losses;
    Ranking best;  // 1/eta of them
    Ranking others;
  };

  // False if the trial was there.
  bool Add(const std::string& trial_id, double loss, Rung& rung);
  // Index of the highest rung that the trial has reached; -1: none.
  int HighestOf(const std::string& trial_id) const;

  const int64_t min_iter_;
  const int64_t eta_;
  std::vector<Rung> rungs_;
  std::set<std::string> risen_;  // into the best of a rung
};

}  // namespace dfsweep::coordinator

#endif  // DFSWEEP_COORDINATOR_SEARCH_ASHA_H_
