#include "coordinator/engine/views.h"

#include <algorithm>

#include "coordinator/results/rows.h"

namespace dfsweep::coordinator {
namespace {

StateSums SumsOf(const SweepProgress& progress, TrialState state) {
  auto found = progress.find(state);
  return found == progress.end() ? StateSums{} : found->second;
}

SweepState StateOf(SweepStatus status, const SweepProgress& progress) {
  if (status == SweepStatus::kCancelled) return SweepState::kCancelled;
  bool is_open =
      std::any_of(progress.begin(), progress.end(),
                  [](const auto& entry) { return !IsTerminal(entry.first); });
  if (!is_open) return SweepState::kFinished;
  return status == SweepStatus::kPaused ? SweepState::kPaused
                                        : SweepState::kActive;
}

// Seconds that a unit of work takes; empty while nobody can know.
std::optional<double> PaceOf(const SweepProgress& progress) {
  double seconds = 0;
  double work = 0;
  for (TrialState state : {TrialState::kCompleted, TrialState::kDiverged}) {
    seconds += SumsOf(progress, state).train_seconds;
    work += SumsOf(progress, state).work_done;
  }
  StateSums running = SumsOf(progress, TrialState::kRunning);
  if (work <= 0 && running.epochs_done >= 2) {
    seconds = running.elapsed_seconds;
    work = running.work_done;
  }
  if (work <= 0 || seconds <= 0) return std::nullopt;
  return seconds / work;
}

std::string VaryingOf(const SweepRow& row, const BestRow& best) {
  Json configuration = Json::parse(best.configuration_json);
  Json varying = Json::object();
  for (const std::string& name : row.varying) {
    if (configuration.contains(name)) varying[name] = configuration[name];
  }
  return varying.dump();
}

}  // namespace

std::optional<absl::Duration> TimeLeft(const SweepProgress& progress,
                                       int slots) {
  double left = 0;
  double longest = 0;
  for (TrialState state :
       {TrialState::kPending, TrialState::kLeased, TrialState::kRunning}) {
    StateSums sums = SumsOf(progress, state);
    left += sums.work - sums.work_done;
    longest = std::max(longest, sums.largest_work_left);
  }
  std::optional<double> pace = PaceOf(progress);
  if (left <= 0 || slots <= 0 || !pace.has_value()) return std::nullopt;
  return absl::Seconds(*pace * std::max(left / slots, longest));
}

SweepView ViewSweep(Store& store, const SweepRow& row, absl::Time now) {
  SweepView view{.row = row,
                 .progress = store.Progress(row.sweep_id, now),
                 .best = store.BestTrial(row)};
  view.state = StateOf(row.status, view.progress);
  if (view.best.has_value()) {
    view.best_varying_json = VaryingOf(row, *view.best);
  }
  if (view.state == SweepState::kActive) {
    view.time_left = TimeLeft(view.progress, store.OnlineFleet().slots);
  }
  return view;
}

}  // namespace dfsweep::coordinator
