#include "coordinator/core/scheduler.h"

#include <algorithm>
#include <utility>

#include "coordinator/core/scheduler_impl.h"

namespace dfsweep::coordinator {

bool IsTerminal(TrialState state) {
  switch (state) {
    case TrialState::kPending:
    case TrialState::kLeased:
    case TrialState::kRunning:
      return false;
    case TrialState::kCompleted:
    case TrialState::kDiverged:
    case TrialState::kFailed:
    case TrialState::kCancelled:
    case TrialState::kPruned:
      return true;
  }
  return true;
}

Scheduler::Scheduler(const SchedulerOptions& options)
    : impl_(std::make_unique<Impl>(options)) {}

Scheduler::Scheduler(const SchedulerOptions& options,
                     const RestoredState& state, absl::Duration now)
    : impl_(std::make_unique<Impl>(options)) {
  impl_->now = now;
  impl_->Restore(state);
}

Scheduler::~Scheduler() = default;
Scheduler::Scheduler(Scheduler&&) noexcept = default;
Scheduler& Scheduler::operator=(Scheduler&&) noexcept = default;

Effects Scheduler::Step(const Event& event, absl::Duration now) {
  impl_->now = std::max(impl_->now, now);
  impl_->effects.clear();
  impl_->work_available = false;
  std::visit([this](const auto& happened) { impl_->On(happened); }, event);
  if (impl_->work_available) impl_->effects.push_back(WorkAvailable{});
  return std::move(impl_->effects);
}

std::optional<absl::Duration> Scheduler::NextDeadline() const {
  std::optional<absl::Duration> next;
  for (const auto& [id, worker] : impl_->workers) {
    const std::optional<absl::Duration> deadline = impl_->DeadlineOf(*worker);
    if (deadline && (!next || *deadline < *next)) next = deadline;
  }
  return next;
}

std::optional<Scheduler::TrialView> Scheduler::Trial(
    const std::string& trial_id) const {
  const TrialRecord* trial = impl_->FindTrial(trial_id);
  if (trial == nullptr) return std::nullopt;
  return TrialView{trial->state, trial->attempt, trial->last_worker};
}

bool Scheduler::IsLive(const std::string& worker_id,
                       const AttemptId& attempt) const {
  const TrialRecord* trial = impl_->FindTrial(attempt.trial_id);
  return trial != nullptr && (Impl::IsCurrent(*trial, worker_id, attempt) ||
                              Impl::IsCopy(*trial, worker_id, attempt));
}

bool Scheduler::HoldsAny(const std::string& worker_id) const {
  const auto found = impl_->workers.find(worker_id);
  return found != impl_->workers.end() && !found->second->held.empty();
}

std::optional<Scheduler::WorkerView> Scheduler::Worker(
    const std::string& worker_id) const {
  const auto found = impl_->workers.find(worker_id);
  if (found == impl_->workers.end()) return std::nullopt;
  const WorkerRecord& worker = *found->second;
  WorkerView view{.state = StateOf(worker),
                  .reason = worker.told_reason,
                  .order = worker.order,
                  .last_heard = worker.last_heard};
  for (const auto& [id, trial] : worker.held) {
    view.held.push_back(AttemptOn(worker, *trial));
  }
  return view;
}

std::vector<std::string> Scheduler::WorkerIds() const {
  std::vector<std::string> ids;
  for (const auto& [id, worker] : impl_->workers) ids.push_back(id);
  return ids;
}

void Scheduler::Impl::Restore(const RestoredState& state) {
  for (const RestoredWorker& worker : state.workers) RestoreWorker(worker);
  for (const RestoredTrial& trial : state.trials) RestoreTrial(trial);
  for (const RestoredSweep& restored : state.sweeps) {
    SweepRecord& sweep = SweepOf(restored.sweep_id);
    sweep.priority = restored.priority;
    sweep.paused = restored.paused;
    sweep.cancelled = restored.cancelled;
    for (const std::string& id : restored.trial_ids) AddTrial(sweep, id);
    for (const std::string& id : restored.dropped_trial_ids) {
      FindNeed(sweep.id, id)->dropped = true;
    }
    OrderTrials(sweep);
  }
  for (const RestoredTrial& trial : state.trials) {
    Requeue(*FindTrial(trial.trial_id));
  }
  // What a store holds was told before.
  for (const auto& [id, worker] : workers) Announce(*worker);
  effects.clear();
}

void Scheduler::Impl::RestoreCopy(TrialRecord& trial,
                                  const RestoredTrial& restored) {
  if (restored.copy_attempt == 0) return;
  WorkerRecord& worker = WorkerOf(restored.copy_worker_id);
  worker.presence = WorkerRecord::Presence::kHeard;
  HoldCopy(worker, trial, restored.copy_attempt, /*is_restored=*/true);
}

void Scheduler::Impl::RestoreTrial(const RestoredTrial& restored) {
  auto trial = std::make_unique<TrialRecord>();
  trial->id = restored.trial_id;
  trial->state = restored.state;
  trial->attempt = restored.attempt;
  trial->newest_attempt = std::max(restored.attempt, restored.newest_attempt);
  trial->last_worker = restored.worker_id;
  trial->requirements = restored.requirements;
  trial->budget = restored.budget;
  trial->work = restored.work;
  trial->counted_failures = restored.counted_failures;
  trial->failed_on.insert(restored.failed_on_workers.begin(),
                          restored.failed_on_workers.end());
  if (restored.state == TrialState::kLeased ||
      restored.state == TrialState::kRunning) {
    // A worker that holds a lease counts as heard from, whatever the store
    // says of it: if it does not come back, Ticked tells so with all effects.
    WorkerRecord& worker = WorkerOf(restored.worker_id);
    worker.presence = WorkerRecord::Presence::kHeard;
    worker.held[trial->id] = trial.get();
    trial->holder = &worker;
    trial->granted_at = now;
    trial->is_restored = true;
    trial->last_listed = now;
    trial->is_canary = worker.health.is_quarantined();
    RestoreCopy(*trial, restored);
  }
  SetFirstStage(*trial, restored.first_stage);
  if (trial->stage != nullptr && restored.first_stage_is_over) {
    EndFirstStage(*trial);
  }
  trials[restored.trial_id] = std::move(trial);
}

void Scheduler::Impl::RestoreWorker(const RestoredWorker& restored) {
  using Presence = WorkerRecord::Presence;
  WorkerRecord& worker = WorkerOf(restored.worker_id);
  worker.incarnation = restored.incarnation;
  worker.device = restored.device;
  worker.memory_bytes = restored.memory_bytes;
  worker.slots = restored.slots;
  worker.samples_per_second = restored.samples_per_second;
  worker.presence = restored.state == WorkerState::kLost   ? Presence::kLost
                    : restored.state == WorkerState::kLeft ? Presence::kLeft
                                                           : Presence::kHeard;
  worker.order = restored.order;
  worker.health.Restore(restored.failure_streak,
                        restored.state == WorkerState::kQuarantined, now);
}

TrialRecord* Scheduler::Impl::FindTrial(const std::string& trial_id) const {
  const auto found = trials.find(trial_id);
  return found == trials.end() ? nullptr : found->second.get();
}

void Scheduler::Impl::MoveTo(TrialRecord& trial, TrialState state) {
  trial.state = state;
  FollowInStage(trial);
  Requeue(trial);
  effects.push_back(TrialChanged{.trial_id = trial.id,
                                 .state = state,
                                 .attempt = trial.attempt,
                                 .worker_id = trial.last_worker});
}

void Scheduler::Impl::Requeue(TrialRecord& trial) {
  pending.Remove(trial);
  if (trial.state != TrialState::kPending) return;
  const std::optional<PendingQueue::Place> place = PlaceOf(trial);
  if (!place || Waits(trial)) return;
  pending.Add(trial, *place);
  work_available = true;
}

// The best of the sweeps that are active. A pending trial that only cancelled
// sweeps need was retried by hand: the best of these.
std::optional<PendingQueue::Place> Scheduler::Impl::PlaceOf(
    const TrialRecord& trial) const {
  const bool is_needed = IsNeeded(trial);
  std::optional<PendingQueue::Place> best;
  for (const Need& need : trial.needs) {
    const SweepRecord& sweep = *need.sweep;
    const bool gives = !sweep.cancelled && !sweep.paused && !need.dropped;
    if (is_needed && !gives) continue;
    const PendingQueue::Place place{.negative_priority = -sweep.priority,
                                    .sweep_order = sweep.order,
                                    .negative_work = -need.longest,
                                    .index = need.index};
    if (!best || place < *best) best = place;
  }
  return best;
}

void Scheduler::Impl::Refuse(Refused::Why why, std::string message) {
  effects.push_back(Refused{.why = why, .message = std::move(message)});
}

bool IsNeeded(const TrialRecord& trial) {
  return std::any_of(
      trial.needs.begin(), trial.needs.end(),
      [](const Need& need) { return !need.sweep->cancelled && !need.dropped; });
}

}  // namespace dfsweep::coordinator
