#include "coordinator/search/sweep_search.h"

#include <algorithm>
#include <utility>

#include "sweeps/identity.h"

namespace dfsweep::coordinator {
namespace {

using Outcome = sweeps::Observation::Outcome;

}  // namespace

absl::StatusOr<std::unique_ptr<SweepSearch>> SweepSearch::Make(
    sweeps::Sweep sweep, std::string dataset_digest) {
  std::unique_ptr<SweepSearch> search(
      new SweepSearch(std::move(sweep), std::move(dataset_digest)));
  DFSWEEP_ASSIGN_OR_RETURN(
      sweeps::Expansion expansion,
      sweeps::Expand(search->sweep_, search->dataset_digest_));
  search->not_drawn_ = expansion.configurations - expansion.drawn;
  DFSWEEP_ASSIGN_OR_RETURN(search->proposer_,
                           sweeps::Proposer::Make(search->sweep_));
  return search;
}

void SweepSearch::Put(const SearchTrial& trial) {
  const bool is_new = !trials_.contains(trial.trial_id);
  trials_[trial.trial_id] = trial;
  if (!is_new) return;
  auto [found, is_new_configuration] =
      index_.try_emplace(trial.configuration_json, configurations_.size());
  if (is_new_configuration) {
    seen_.insert(trial.configuration_json);
    configurations_.push_back(
        {std::make_shared<const sweeps::Json>(
             sweeps::Json::parse(trial.configuration_json)),
         {}});
  }
  configurations_[found->second].trial_ids.push_back(trial.trial_id);
}

absl::StatusOr<std::vector<sweeps::Trial>> SweepSearch::Next(int slots) {
  std::vector<sweeps::Trial> trials;
  if (!HasPointsLeft() || OpenTrials() >= std::max(slots, 1)) return trials;
  const int64_t index = std::ssize(configurations_) - not_drawn_;
  auto point = proposer_->Propose(index, Observations(), seen_);
  is_over_ = !point.ok() || !point->has_value();
  if (!point.ok()) return point.status();
  if (is_over_) return trials;
  const sweeps::Json& configuration = **point;
  sweeps::AppendTrials(std::make_shared<const sweeps::Json>(configuration),
                       sweeps::CanonicalJson(configuration), dataset_digest_,
                       sweep_.seeds, trials);
  return trials;
}

int64_t SweepSearch::OpenTrials() const {
  return std::count_if(trials_.begin(), trials_.end(), [](const auto& entry) {
    return !IsTerminal(entry.second.state);
  });
}

bool SweepSearch::HasPointsLeft() const {
  return !is_over_ && sweep_.search.method == sweeps::Method::kTpe &&
         std::ssize(configurations_) - not_drawn_ < sweep_.search.trials;
}

std::vector<sweeps::Observation> SweepSearch::Observations() const {
  std::vector<sweeps::Observation> observations;
  for (const Configuration& configuration : configurations_) {
    if (auto seen = Observe(configuration)) {
      observations.push_back(*std::move(seen));
    }
  }
  return observations;
}

std::optional<sweeps::Observation> SweepSearch::Observe(
    const Configuration& configuration) const {
  double sum = 0;
  int completed = 0;
  bool is_open = false;
  bool has_diverged = false;
  for (const std::string& id : configuration.trial_ids) {
    const SearchTrial& trial = trials_.at(id);
    is_open |= !IsTerminal(trial.state);
    has_diverged |= trial.state == TrialState::kDiverged;
    if (!trial.value) continue;
    sum += *trial.value;
    ++completed;
  }
  sweeps::Observation seen{.configuration = configuration.json};
  if (has_diverged) {
    seen.outcome = Outcome::kDiverged;
  } else if (completed > 0) {
    seen.outcome = Outcome::kCompleted;
    seen.loss = sum / completed * (sweep_.metric.maximize ? -1 : 1);
  } else if (!is_open) {
    return std::nullopt;
  }
  return seen;
}

}  // namespace dfsweep::coordinator
