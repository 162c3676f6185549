// Handlers of what people ask for: sweeps and retries.
#include <algorithm>
#include <utility>

#include "coordinator/core/scheduler_impl.h"
#include "fmt/format.h"

namespace dfsweep::coordinator {

void Scheduler::Impl::On(const SweepSubmitted& event) {
  SweepRecord& sweep = SweepOf(event.sweep_id);
  sweep.priority = event.priority;
  sweep.paused = false;
  sweep.cancelled = false;
  AddTrialsOf(sweep, event);
}

void Scheduler::Impl::On(const TrialsAdded& event) {
  SweepRecord* sweep = FindSweep(event.sweep_id);
  if (sweep == nullptr) return;
  if (sweep->cancelled) {
    Refuse(Refused::Why::kUnknownSweep,
           fmt::format("sweep {} is cancelled", event.sweep_id));
    return;
  }
  AddTrialsOf(*sweep, event);
}

template <typename Event>
void Scheduler::Impl::AddTrialsOf(SweepRecord& sweep, const Event& event) {
  for (const std::string& trial_id : event.trial_ids) {
    if (FindTrial(trial_id) == nullptr) {
      auto trial = std::make_unique<TrialRecord>();
      trial->id = trial_id;
      trial->state = TrialState::kCancelled;  // becomes pending below
      trials[trial_id] = std::move(trial);
    }
    TrialRecord& trial = *FindTrial(trial_id);
    trial.requirements = event.requirements;
    trial.budget = event.budget;
    const auto stage = event.first_stages.find(trial_id);
    if (stage != event.first_stages.end()) {
      SetFirstStage(trial, stage->second);
    }
    const auto work = event.work.find(trial_id);
    if (work != event.work.end()) trial.work = work->second;
    AddTrial(sweep, trial_id);
  }
  OrderTrials(sweep);
  for (TrialRecord* trial : sweep.trials) {
    if (trial->state == TrialState::kCancelled && IsNeeded(*trial)) {
      MoveTo(*trial, TrialState::kPending);
    } else {
      Requeue(*trial);
    }
  }
}

void Scheduler::Impl::On(const SweepPaused& event) {
  SetPaused(event.sweep_id, true);
}

void Scheduler::Impl::On(const SweepResumed& event) {
  SetPaused(event.sweep_id, false);
}

void Scheduler::Impl::On(const SweepCancelled& event) {
  SweepRecord* sweep = FindSweep(event.sweep_id);
  if (sweep == nullptr) return;
  sweep->cancelled = true;
  for (TrialRecord* trial : sweep->trials) {
    if (IsTerminal(trial->state)) continue;
    if (IsNeeded(*trial)) {
      Requeue(*trial);
    } else {
      CancelTrial(*trial);
    }
  }
}

void Scheduler::Impl::On(const TrialsRetried& event) {
  for (const std::string& trial_id : event.trial_ids) {
    if (FindTrial(trial_id) == nullptr) {
      Refuse(Refused::Why::kUnknownTrial,
             fmt::format("no trial {} is known", trial_id));
      return;
    }
  }
  for (const std::string& trial_id : event.trial_ids) {
    TrialRecord& trial = *FindTrial(trial_id);
    if (trial.state != TrialState::kFailed &&
        trial.state != TrialState::kCancelled) {
      continue;
    }
    if (!trial.counted_failures.empty()) {
      for (int attempt = 1; attempt <= trial.newest_attempt; ++attempt) {
        effects.push_back(FailureForgiven{{trial_id, attempt}});
      }
    }
    trial.counted_failures.clear();
    trial.failed_on.clear();
    trial.forgiven_through = trial.newest_attempt;
    trial.is_uncopyable = false;
    MoveTo(trial, TrialState::kPending);
  }
}

SweepRecord* Scheduler::Impl::FindSweep(const std::string& sweep_id) {
  const auto found = sweeps.find(sweep_id);
  if (found != sweeps.end()) return found->second.get();
  Refuse(Refused::Why::kUnknownSweep,
         fmt::format("no sweep {} is known", sweep_id));
  return nullptr;
}

SweepRecord& Scheduler::Impl::SweepOf(const std::string& sweep_id) {
  std::unique_ptr<SweepRecord>& sweep = sweeps[sweep_id];
  if (sweep == nullptr) {
    sweep = std::make_unique<SweepRecord>();
    sweep->id = sweep_id;
    sweep->order = static_cast<int>(sweeps.size());
  }
  return *sweep;
}

// Does nothing if the sweep has the trial already, or it is unknown.
void Scheduler::Impl::AddTrial(SweepRecord& sweep,
                               const std::string& trial_id) {
  TrialRecord* trial = FindTrial(trial_id);
  if (trial == nullptr) return;
  const bool has_it =
      std::any_of(trial->needs.begin(), trial->needs.end(),
                  [&sweep](const Need& need) { return need.sweep == &sweep; });
  if (has_it) return;
  trial->needs.push_back({&sweep, static_cast<int>(sweep.trials.size())});
  sweep.trials.push_back(trial);
}

void Scheduler::Impl::SetPaused(const std::string& sweep_id, bool paused) {
  SweepRecord* sweep = FindSweep(sweep_id);
  if (sweep == nullptr) return;
  sweep->paused = paused;
  for (TrialRecord* trial : sweep->trials) Requeue(*trial);
}

void Scheduler::Impl::CancelTrial(TrialRecord& trial) {
  if (trial.copy.has_value()) StopCopy(trial, AttemptEnded::How::kCancelled);
  if (trial.holder != nullptr) {
    StopAndEnd(trial, AttemptEnded::How::kCancelled);
  }
  trial.is_resumable = false;
  MoveTo(trial, TrialState::kCancelled);
}

}  // namespace dfsweep::coordinator
