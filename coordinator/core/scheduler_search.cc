// Handlers of what a search decides: trials that it stops early, and goes on
// with after all.
#include <algorithm>

#include "coordinator/core/scheduler_impl.h"
#include "fmt/format.h"

namespace dfsweep::coordinator {

void Scheduler::Impl::On(const TrialDropped& event) {
  Need* need = FindNeed(event.sweep_id, event.trial_id);
  if (need == nullptr) return;
  need->dropped = true;
  TrialRecord& trial = *FindTrial(event.trial_id);
  if (IsTerminal(trial.state)) return;
  if (IsNeeded(trial)) {
    Requeue(trial);
  } else {
    CancelTrial(trial);
  }
}

void Scheduler::Impl::On(const TrialTakenUp& event) {
  Need* need = FindNeed(event.sweep_id, event.trial_id);
  if (need == nullptr) return;
  need->dropped = false;
  TrialRecord& trial = *FindTrial(event.trial_id);
  if (trial.state == TrialState::kCancelled && IsNeeded(trial)) {
    MoveTo(trial, TrialState::kPending);
  } else {
    Requeue(trial);
  }
}

bool Scheduler::Impl::WasDropped(const TrialRecord& trial) {
  return trial.state == TrialState::kCancelled &&
         std::any_of(trial.needs.begin(), trial.needs.end(),
                     [](const Need& need) {
                       return need.dropped && !need.sweep->cancelled;
                     });
}

Need* Scheduler::Impl::FindNeed(const std::string& sweep_id,
                                const std::string& trial_id) {
  SweepRecord* sweep = FindSweep(sweep_id);
  if (sweep == nullptr) return nullptr;
  if (TrialRecord* trial = FindTrial(trial_id); trial != nullptr) {
    const auto need =
        std::find_if(trial->needs.begin(), trial->needs.end(),
                     [sweep](const Need& n) { return n.sweep == sweep; });
    if (need != trial->needs.end()) return &*need;
  }
  Refuse(Refused::Why::kUnknownTrial,
         fmt::format("sweep {} has no trial {}", sweep_id, trial_id));
  return nullptr;
}

}  // namespace dfsweep::coordinator
