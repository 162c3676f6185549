#ifndef DFSWEEP_COORDINATOR_SEARCH_SWEEP_SEARCH_H_
#define DFSWEEP_COORDINATOR_SEARCH_SWEEP_SEARCH_H_

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <unordered_set>
#include <vector>

#include "base/status.h"
#include "coordinator/core/scheduler.h"
#include "coordinator/search/stopper.h"
#include "sweeps/expand.h"
#include "sweeps/search/proposer.h"
#include "sweeps/sweep_file.h"

namespace dfsweep::coordinator {

// What a search is told of a trial of its sweep.
struct SearchTrial {
  std::string trial_id;
  std::string configuration_json;  // canonical, effective
  int64_t seed = 0;
  TrialState state = TrialState::kPending;
  std::optional<double> value;  // of the sweep's metric, once completed
  bool pruned = false;          // stopped early by this search
};

// Trials that are to be stopped, and stopped ones that are to go on.
struct SearchDecisions {
  std::vector<std::string> drop;
  std::vector<std::string> take_up;
};

// The search of one sweep. What it does next follows from the sweep and from
// what it was told, and nothing else: told the same after a restart, it goes on
// alike. Not thread-safe.
class SweepSearch {
 public:
  // kInvalidArgument if the sweep can't be expanded.
  static absl::StatusOr<std::unique_ptr<SweepSearch>> Make(
      sweeps::Sweep sweep, std::string dataset_digest);

  const sweeps::Sweep& sweep() const { return sweep_; }
  bool Has(const std::string& trial_id) const {
    return trials_.contains(trial_id);
  }

  // Tells of a trial, new ones in the order of the sweep.
  void Put(const SearchTrial& trial);

  bool IsPruned(const std::string& trial_id) const {
    const auto trial = trials_.find(trial_id);
    return trial != trials_.end() && trial->second.pruned;
  }

  // Whether it wants to hear of the trial's epochs.
  bool Watches(const std::string& trial_id) const;
  // Tells of the metric of `early_terminate` after so many epochs, all tasks
  // together. Only of trials that it watches.
  void Report(const std::string& trial_id, int64_t epochs, double value);
  // The same, of the past: nothing is decided from it alone.
  void Recall(const std::string& trial_id, int64_t epochs, double value);
  // Tells of all epochs of a completed trial that it watches.
  void Complete(const std::string& trial_id, const std::vector<double>& curve);

  // What is to be stopped, and to go on, after what was told since the last
  // call. The search takes it for done.
  SearchDecisions Decide();

  // The further seeds of a configuration that has survived; else the trials of
  // one more point, if the search has points left and fewer trials are open
  // than there are slots: as late as possible, so that the point is drawn from
  // as many results as possible. Empty if it is too early, or over.
  // The caller adds them to the sweep and Puts them. kInvalidArgument for a
  // point that is no valid configuration; then the search is over.
  absl::StatusOr<std::vector<sweeps::Trial>> Next(int slots);

 private:
  struct Configuration {
    std::shared_ptr<const sweeps::Json> json;
    std::string canonical;
    int64_t epochs = 0;  // that a trial of it trains
    std::vector<std::string> trial_ids;
  };
  struct Latest {
    int64_t epochs = 0;
    double loss = 0;
  };

  SweepSearch(sweeps::Sweep sweep, std::string dataset_digest)
      : sweep_(std::move(sweep)), dataset_digest_(std::move(dataset_digest)) {}

  // True if the trial is to be judged now.
  bool Take(const std::string& trial_id, int64_t epochs, double value);
  void AddToConfiguration(const SearchTrial& trial);
  void SetPruned(const std::string& trial_id, bool pruned);
  // Adds `change` to what is counted of such trials.
  void Count(const SearchTrial& trial, int64_t change);
  // Looks whether the configuration is one of survivors_.
  void NoteSurvivor(size_t index);
  std::vector<std::string> ToTakeUp();
  std::vector<std::string> Stopped() const;
  const Configuration& ConfigurationOf(const std::string& trial_id) const;
  std::vector<sweeps::Trial> FurtherSeeds() const;
  bool HasPointsLeft() const;
  std::vector<sweeps::Observation> Observations() const;
  // Empty if nothing can be learnt from it.
  std::optional<sweeps::Observation> Observe(
      const Configuration& configuration) const;

  const sweeps::Sweep sweep_;
  const std::string dataset_digest_;
  std::optional<sweeps::Proposer> proposer_;
  std::unique_ptr<Stopper> stopper_;  // null: trials are trained to their end
  std::set<std::string> to_judge_;
  bool has_news_ = false;                 // since the last Decide
  std::map<std::string, Latest> latest_;  // reports
  int64_t not_drawn_ = 0;                 // configurations that `include` gives
  bool is_over_ = false;                  // no new point could be drawn
  // What is asked after each report is counted, not searched for.
  std::map<std::string, SearchTrial> trials_;
  int64_t open_ = 0;
  int64_t completed_ = 0;
  // Configurations whose further seeds are wanted and not there yet, by index;
  // only with survivors_only.
  std::set<size_t> survivors_;
  std::vector<Configuration> configurations_;
  std::map<std::string, size_t> index_;   // by canonical JSON
  std::unordered_set<std::string> seen_;  // its keys
};

}  // namespace dfsweep::coordinator

#endif  // DFSWEEP_COORDINATOR_SEARCH_SWEEP_SEARCH_H_
