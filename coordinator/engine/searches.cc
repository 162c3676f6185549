#include "coordinator/engine/searches.h"

#include <fmt/format.h>
#include <spdlog/spdlog.h>

#include <limits>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "coordinator/engine/new_trials.h"

namespace dfsweep::coordinator {
namespace {

// `pruned`: whether the search has stopped the trial.
SearchTrial SearchTrialOf(const TrialRow& row, const std::string& metric,
                          bool pruned) {
  SearchTrial trial{.trial_id = row.trial_id,
                    .configuration_json = row.configuration_json,
                    .seed = row.seed,
                    .state = row.state,
                    .pruned = pruned};
  const auto value = row.metrics.find(metric);
  if (row.state == TrialState::kCompleted && value != row.metrics.end()) {
    trial.value = value->second;
  }
  return trial;
}

// Puts the trial, and tells what its result says of early termination.
void PutTrial(Store& store, const TrialRow& row, const std::string& metric,
              bool pruned, SweepSearch& search) {
  search.Put(SearchTrialOf(row, metric, pruned));
  if (row.state != TrialState::kCompleted || !search.Watches(row.trial_id)) {
    return;
  }
  search.Complete(
      row.trial_id,
      store.Curve(row.trial_id, search.sweep().early_terminate.metric));
}

constexpr char kPruned[] =
    "the search stopped it early: other trials looked better\n"
    "early_terminate of its sweep\n"
    "nothing; or run it under a sweep without early_terminate";

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
  const std::vector<std::string> pruned = store.PrunedTrialIds(sweep_id);
  const std::set<std::string> is_pruned(pruned.begin(), pruned.end());
  for (const TrialRow& trial :
       store.ListTrials(sweep_id, 0, std::numeric_limits<int>::max())) {
    PutTrial(store, trial, row->metric_name, is_pruned.contains(trial.trial_id),
             **search);
  }
  for (const SearchReport& report : store.SearchReports(sweep_id)) {
    (*search)->Recall(report.trial_id, report.epochs, report.value);
  }
  entries_[sweep_id] = {*std::move(row), *std::move(search)};
}

void Searches::Advance(Turn& turn) {
  while (!turn.news().IsEmpty()) {
    const SearchNews news = std::exchange(turn.news(), {});
    for (const std::string& id : news.sweep_ids) Load(turn.store(), id);
    if (entries_.empty()) return;
    Tell(turn, news);
    const int slots = turn.store().OnlineFleet().slots;
    for (auto& [id, entry] : entries_) {
      AddPoints(turn, slots, entry);
      CarryOut(turn, entry);
    }
  }
}

void Searches::Tell(Turn& turn, const SearchNews& news) {
  TellEpochs(turn, news.epochs);
  for (const std::string& id : news.trial_ids) TellTrial(turn, id);
}

void Searches::TellEpochs(Turn& turn,
                          const std::vector<SearchNews::Epoch>& epochs) {
  for (const auto& [trial_id, row] : epochs) {
    for (auto& [sweep_id, entry] : entries_) {
      if (!entry.search->Watches(trial_id)) continue;
      const auto value =
          row.metrics.find(entry.search->sweep().early_terminate.metric);
      if (value == row.metrics.end()) continue;
      turn.store().AddSearchReport(sweep_id,
                                   {trial_id, row.epochs_done, value->second});
      entry.search->Report(trial_id, row.epochs_done, value->second);
    }
  }
}

void Searches::TellTrial(Turn& turn, const std::string& trial_id) {
  std::optional<TrialRow> row;
  for (auto& [sweep_id, entry] : entries_) {
    if (!entry.search->Has(trial_id)) continue;
    if (!row) row = turn.store().FindTrial(trial_id);
    if (!row) return;
    PutTrial(turn.store(), *row, entry.row.metric_name,
             entry.search->IsPruned(trial_id), *entry.search);
  }
}

void Searches::CarryOut(Turn& turn, Entry& entry) {
  const std::string& sweep_id = entry.row.sweep_id;
  const SearchDecisions decisions = entry.search->Decide();
  for (const std::string& id : decisions.drop) {
    turn.store().SetPruned(sweep_id, id, true);
    // The sweep has the trial.
    turn.Step(TrialDropped{sweep_id, id}, {.message = kPruned}).IgnoreError();
  }
  for (const std::string& id : decisions.take_up) {
    turn.store().SetPruned(sweep_id, id, false);
    turn.Step(TrialTakenUp{sweep_id, id}).IgnoreError();
  }
}

void Searches::AddPoints(Turn& turn, int slots, Entry& entry) {
  Store& store = turn.store();
  const sweeps::Sweep& sweep = entry.search->sweep();
  while (true) {
    auto trials = entry.search->Next(slots);
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
        NewTrialsOf(sweep, *trials, entry.row.dataset_digest);
    TrialsAdded event{.sweep_id = entry.row.sweep_id};
    FillTrials(sweep, added, event);
    store.AddTrials(entry.row, added, event.requirements, event.budget);
    if (!turn.Step(event).ok()) return;
    for (const NewTrial& trial : added) {
      auto row = store.FindTrial(trial.trial_id);
      // Only after a failed write: then nothing of this turn will be.
      if (!row) return;
      PutTrial(store, *row, entry.row.metric_name, /*pruned=*/false,
               *entry.search);
    }
    turn.watchers().TrialsAdded(entry.row.sweep_id, event.trial_ids);
  }
}

}  // namespace dfsweep::coordinator
