#include "coordinator/engine/searches.h"

#include <fmt/format.h>
#include <spdlog/spdlog.h>

#include <limits>
#include <utility>
#include <vector>

#include "coordinator/engine/new_trials.h"

namespace dfsweep::coordinator {
namespace {

SearchTrial SearchTrialOf(const TrialRow& row, const std::string& metric) {
  SearchTrial trial{.trial_id = row.trial_id,
                    .configuration_json = row.configuration_json,
                    .seed = row.seed,
                    .state = row.state};
  const auto value = row.metrics.find(metric);
  if (row.state == TrialState::kCompleted && value != row.metrics.end()) {
    trial.value = value->second;
  }
  return trial;
}

absl::StatusOr<std::unique_ptr<SweepSearch>> SearchOf(const SweepRow& row) {
  DFSWEEP_ASSIGN_OR_RETURN(
      sweeps::Sweep sweep,
      sweeps::ParseSweep(row.file_text, row.file_name, row.overrides));
  return SweepSearch::Make(std::move(sweep), row.dataset_digest);
}

}  // namespace

void Searches::Restore(Store& store) {
  entries_.clear();
  for (const SweepRow& row : store.SearchingSweeps()) {
    Load(store, row.sweep_id);
  }
}

void Searches::Load(Store& store, const std::string& sweep_id) {
  entries_.erase(sweep_id);
  std::optional<SweepRow> row = store.FindSweep(sweep_id);
  if (!row || !row->searches || row->status == SweepStatus::kCancelled) return;
  auto search = SearchOf(*row);
  if (!search.ok()) {
    // Its trials go on; only nothing is added to them.
    spdlog::error("sweep {} searches no further: {}", sweep_id,
                  MessageOf(search.status()));
    return;
  }
  for (const TrialRow& trial :
       store.ListTrials(sweep_id, 0, std::numeric_limits<int>::max())) {
    (*search)->Put(SearchTrialOf(trial, row->metric_name));
  }
  entries_[sweep_id] = {*std::move(row), *std::move(search)};
}

void Searches::Advance(Turn& turn) {
  while (!turn.news().IsEmpty()) {
    const SearchNews news = std::exchange(turn.news(), {});
    for (const std::string& id : news.sweep_ids) Load(turn.store(), id);
    if (entries_.empty()) return;
    Tell(turn, news);
    for (auto& [id, entry] : entries_) AddPoints(turn, entry);
  }
}

void Searches::Tell(Turn& turn, const SearchNews& news) {
  for (const std::string& trial_id : news.trial_ids) {
    std::optional<TrialRow> row;
    for (auto& [id, entry] : entries_) {
      if (!entry.search->Has(trial_id)) continue;
      if (!row) row = turn.store().FindTrial(trial_id);
      if (!row) break;
      entry.search->Put(SearchTrialOf(*row, entry.row.metric_name));
    }
  }
}

void Searches::AddPoints(Turn& turn, Entry& entry) {
  Store& store = turn.store();
  const sweeps::Sweep& sweep = entry.search->sweep();
  while (true) {
    auto trials = entry.search->Next(store.OnlineFleet().slots);
    if (!trials.ok()) {
      store.AddEvent(
          "search_ended",
          fmt::format("sweep {} searches no further: {}", entry.row.sweep_id,
                      MessageOf(trials.status())),
          turn.wall_time());
      return;
    }
    if (trials->empty()) return;
    const std::vector<NewTrial> added =
        NewTrialsOf(*trials, entry.row.dataset_digest);
    TrialsAdded event{.sweep_id = entry.row.sweep_id};
    FillTrials(sweep, added, event);
    store.AddTrials(entry.row, added, event.requirements, event.budget);
    if (!turn.Step(event).ok()) return;
    for (const NewTrial& trial : added) {
      auto row = store.FindTrial(trial.trial_id);
      // Only after a failed write: then nothing of this turn will be.
      if (!row) return;
      entry.search->Put(SearchTrialOf(*row, entry.row.metric_name));
    }
    turn.watchers().TrialsAdded(entry.row.sweep_id, event.trial_ids);
  }
}

}  // namespace dfsweep::coordinator
