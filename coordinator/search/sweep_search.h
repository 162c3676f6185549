#ifndef DFSWEEP_COORDINATOR_SEARCH_SWEEP_SEARCH_H_
#define DFSWEEP_COORDINATOR_SEARCH_SWEEP_SEARCH_H_

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <unordered_set>
#include <vector>

#include "base/status.h"
#include "coordinator/core/scheduler.h"
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

  // The trials of one more point, if the search has points left and no more
  // than `slots` slots have work: as late as possible, so that the point is
  // drawn from as many results as possible. Empty if it is too early, or over.
  // The caller adds them to the sweep and Puts them. kInvalidArgument for a
  // point that is no valid configuration; then the search is over.
  absl::StatusOr<std::vector<sweeps::Trial>> Next(int slots);

 private:
  struct Configuration {
    std::shared_ptr<const sweeps::Json> json;
    std::vector<std::string> trial_ids;
  };

  SweepSearch(sweeps::Sweep sweep, std::string dataset_digest)
      : sweep_(std::move(sweep)), dataset_digest_(std::move(dataset_digest)) {}

  int64_t OpenTrials() const;
  bool HasPointsLeft() const;
  std::vector<sweeps::Observation> Observations() const;
  // Empty if nothing can be learnt from it.
  std::optional<sweeps::Observation> Observe(
      const Configuration& configuration) const;

  const sweeps::Sweep sweep_;
  const std::string dataset_digest_;
  std::optional<sweeps::Proposer> proposer_;
  int64_t not_drawn_ = 0;  // configurations that `include` gives
  bool is_over_ = false;   // no new point could be drawn
  std::map<std::string, SearchTrial> trials_;
  std::vector<Configuration> configurations_;
  std::map<std::string, size_t> index_;   // by canonical JSON
  std::unordered_set<std::string> seen_;  // its keys
};

}  // namespace dfsweep::coordinator

#endif  // DFSWEEP_COORDINATOR_SEARCH_SWEEP_SEARCH_H_
