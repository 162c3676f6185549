#include "coordinator/search/sweep_search.h"

#include <algorithm>
#include <utility>

#include "sweeps/identity.h"
#include "sweeps/plan.h"

namespace dfsweep::coordinator {
namespace {

using Outcome = sweeps::Observation::Outcome;

// Whether it takes a slot, or will.
bool IsOpen(const SearchTrial& trial) {
  return !IsTerminal(trial.state) && !trial.pruned;
}

// Whether the search has stopped it, and it did not end first.
bool IsStopped(const SearchTrial& trial) {
  return trial.pruned && trial.state != TrialState::kCompleted &&
         trial.state != TrialState::kDiverged;
}

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
  search->stopper_ = MakeStopper(search->sweep_.early_terminate);
  return search;
}

void SweepSearch::Put(const SearchTrial& trial) {
  const auto [place, is_new] = trials_.try_emplace(trial.trial_id, trial);
  if (is_new) {
    AddToConfiguration(trial);
  } else {
    Count(place->second, -1);
    place->second = trial;
  }
  Count(trial, 1);
  has_news_ = true;
  if (sweep_.survivors_only) NoteSurvivor(index_.at(trial.configuration_json));
}

void SweepSearch::SetPruned(const std::string& trial_id, bool pruned) {
  SearchTrial& trial = trials_.at(trial_id);
  Count(trial, -1);
  trial.pruned = pruned;
  Count(trial, 1);
}

void SweepSearch::Count(const SearchTrial& trial, int64_t change) {
  if (IsOpen(trial)) open_ += change;
  if (trial.state == TrialState::kCompleted) completed_ += change;
}

void SweepSearch::AddToConfiguration(const SearchTrial& trial) {
  const std::string& canonical = trial.configuration_json;
  const auto [found, is_new_configuration] =
      index_.try_emplace(canonical, configurations_.size());
  if (is_new_configuration) {
    seen_.insert(canonical);
    auto json =
        std::make_shared<const sweeps::Json>(sweeps::Json::parse(canonical));
    const int64_t epochs = sweeps::TotalEpochs(*json);
    configurations_.push_back(
        {.json = std::move(json), .canonical = canonical, .epochs = epochs});
  }
  configurations_[found->second].trial_ids.push_back(trial.trial_id);
}

// ---- Trials that are stopped early ------------------------------------------

// The further seeds of a survivor are for its deviation, which a selection
// among them would falsify.
bool SweepSearch::Watches(const std::string& trial_id) const {
  const auto trial = trials_.find(trial_id);
  return stopper_ != nullptr && trial != trials_.end() &&
         (!sweep_.survivors_only || trial->second.seed == sweep_.seeds.front());
}

void SweepSearch::Report(const std::string& trial_id, int64_t epochs,
                         double value) {
  const bool is_due = Take(trial_id, epochs, value);
  // Whoever has trained to the end is not stopped there.
  if (is_due && epochs < ConfigurationOf(trial_id).epochs) {
    to_judge_.insert(trial_id);
    has_news_ = true;
  }
}

void SweepSearch::Recall(const std::string& trial_id, int64_t epochs,
                         double value) {
  Take(trial_id, epochs, value);
}

void SweepSearch::Complete(const std::string& trial_id,
                           const std::vector<double>& curve) {
  for (size_t i = 0; i < curve.size(); ++i) {
    Take(trial_id, static_cast<int64_t>(i) + 1, curve[i]);
  }
  stopper_->Complete(trial_id);
}

bool SweepSearch::Take(const std::string& trial_id, int64_t epochs,
                       double value) {
  const double loss = sweep_.early_terminate.maximize ? -value : value;
  Latest& latest = latest_[trial_id];
  if (epochs > latest.epochs) latest = {epochs, loss};
  return stopper_->Report(trial_id, epochs, loss);
}

SearchDecisions SweepSearch::Decide() {
  SearchDecisions decisions;
  if (stopper_ == nullptr || !std::exchange(has_news_, false)) return decisions;
  for (const std::string& id : std::exchange(to_judge_, {})) {
    if (!IsOpen(trials_.at(id)) || stopper_->Keeps(id)) continue;
    SetPruned(id, true);
    decisions.drop.push_back(id);
  }
  decisions.take_up = ToTakeUp();
  for (const std::string& id : decisions.take_up) SetPruned(id, false);
  return decisions;
}

std::vector<std::string> SweepSearch::ToTakeUp() {
  std::vector<std::string> chosen;
  for (const std::string& id : stopper_->TakeRisen()) {
    const auto trial = trials_.find(id);
    if (trial != trials_.end() && IsStopped(trial->second) &&
        stopper_->Keeps(id)) {
      chosen.push_back(id);
    }
  }
  // Too few trials for a best 1/eta: somebody has to reach the end.
  const bool is_stuck =
      chosen.empty() && open_ == 0 && !HasPointsLeft() && completed_ == 0;
  if (!is_stuck) return chosen;
  const std::vector<std::string> stopped = Stopped();
  if (!stopped.empty()) chosen.push_back(stopper_->Foremost(stopped));
  return chosen;
}

std::vector<std::string> SweepSearch::Stopped() const {
  std::vector<std::string> stopped;
  for (const auto& [id, trial] : trials_) {
    if (IsStopped(trial)) stopped.push_back(id);
  }
  return stopped;
}

const SweepSearch::Configuration& SweepSearch::ConfigurationOf(
    const std::string& trial_id) const {
  return configurations_[index_.at(trials_.at(trial_id).configuration_json)];
}

// ---- Trials that are added --------------------------------------------------

absl::StatusOr<std::vector<sweeps::Trial>> SweepSearch::Next(int slots) {
  std::vector<sweeps::Trial> trials = FurtherSeeds();
  if (!trials.empty() || !HasPointsLeft() || open_ >= std::max(slots, 1)) {
    return trials;
  }
  const int64_t index = std::ssize(configurations_) - not_drawn_;
  auto point = proposer_->Propose(index, Observations(), seen_);
  is_over_ = !point.ok() || !point->has_value();
  if (!point.ok()) return point.status();
  if (is_over_) return trials;
  const sweeps::Json& configuration = **point;
  sweeps::AppendTrials(std::make_shared<const sweeps::Json>(configuration),
                       sweeps::CanonicalJson(configuration), dataset_digest_,
                       sweeps::FirstSeeds(sweep_), trials);
  return trials;
}

void SweepSearch::NoteSurvivor(size_t index) {
  const std::vector<std::string>& ids = configurations_[index].trial_ids;
  const bool has_survived =
      trials_.at(ids.front()).state == TrialState::kCompleted;
  if (has_survived && ids.size() == 1) {
    survivors_.insert(index);
  } else {
    survivors_.erase(index);
  }
}

std::vector<sweeps::Trial> SweepSearch::FurtherSeeds() const {
  std::vector<sweeps::Trial> trials;
  if (sweep_.seeds.size() == 1) return trials;
  const std::vector<int64_t> further(sweep_.seeds.begin() + 1,
                                     sweep_.seeds.end());
  for (const size_t index : survivors_) {
    const Configuration& configuration = configurations_[index];
    sweeps::AppendTrials(configuration.json, configuration.canonical,
                         dataset_digest_, further, trials);
  }
  return trials;
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
  const Latest* furthest = nullptr;  // of the pruned ones
  for (const std::string& id : configuration.trial_ids) {
    const SearchTrial& trial = trials_.at(id);
    is_open |= IsOpen(trial);
    has_diverged |= trial.state == TrialState::kDiverged;
    const auto latest = latest_.find(id);
    if (trial.pruned && latest != latest_.end()) furthest = &latest->second;
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
  } else if (is_open) {
    seen.outcome = Outcome::kOpen;
  } else if (furthest != nullptr) {
    seen.outcome = Outcome::kPruned;
    seen.loss = furthest->loss;
    seen.progress = static_cast<double>(furthest->epochs) /
                    static_cast<double>(configuration.epochs);
  } else {
    return std::nullopt;
  }
  return seen;
}

}  // namespace dfsweep::coordinator
