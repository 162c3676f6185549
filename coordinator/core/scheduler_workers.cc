// Handlers of what workers do, and of time.
#include <algorithm>
#include <utility>

#include "coordinator/core/scheduler_impl.h"
#include "fmt/format.h"

namespace dfsweep::coordinator {
namespace {

using Presence = WorkerRecord::Presence;

bool Fits(const WorkerRecord& worker, const Requirements& requirements) {
  return (requirements.device == "any" ||
          requirements.device == worker.device) &&
         requirements.memory_bytes <= FreeBytes(worker);
}

bool LacksMemory(const WorkerRecord& worker, const PendingQueue::Group& group) {
  return group.exhausted_bytes > 0 &&
         FreeBytes(worker) <= group.exhausted_bytes;
}

bool IsPaused(const WorkerRecord& worker) {
  return worker.order == WorkerOrder::kPause || !worker.own_pause.empty() ||
         !worker.refusal.empty();
}

std::string PauseReasonOf(const WorkerRecord& worker) {
  std::string reason;
  auto add = [&reason](const std::string& more) {
    if (more.empty()) return;
    reason += (reason.empty() ? "" : "; ") + more;
  };
  if (worker.order == WorkerOrder::kPause) add("it was paused by a person");
  add(worker.own_pause);
  add(worker.refusal);
  return reason;
}

std::string DrainReasonOf(const WorkerRecord& worker) {
  if (worker.leaving) return "it is leaving";
  return worker.order == WorkerOrder::kDrain ? "it was drained by a person"
                                             : worker.own_drain;
}

const char* LeaveReasonOf(const WorkerRecord& worker) {
  if (worker.order == WorkerOrder::kRemove) return "it was removed by a person";
  return worker.leaving ? "it has left" : "it has not come back yet";
}

std::string ReasonOf(const WorkerRecord& worker,
                     const SchedulerOptions& options) {
  switch (StateOf(worker)) {
    case WorkerState::kOnline:
      return "";
    case WorkerState::kSuspect:
      return fmt::format("it has not been heard from for {}",
                         absl::FormatDuration(options.suspect_after));
    case WorkerState::kLost:
      return fmt::format(
          "it has not been heard from for {}; its trials were given to others",
          absl::FormatDuration(options.lost_after));
    case WorkerState::kDraining:
      return DrainReasonOf(worker) + ": it finishes what it has";
    case WorkerState::kQuarantined:
      return fmt::format(
          "{} different trials in a row failed on it; it gets one trial at a "
          "time until one completes",
          options.quarantine_after);
    case WorkerState::kLeft:
      return LeaveReasonOf(worker);
    case WorkerState::kPaused:
      return PauseReasonOf(worker);
  }
  return "";
}

}  // namespace

int64_t FreeBytes(const WorkerRecord& worker) {
  return std::min(worker.memory_bytes,
                  worker.free_bytes.value_or(worker.memory_bytes));
}

WorkerState StateOf(const WorkerRecord& worker) {
  if (worker.presence == Presence::kLeft) return WorkerState::kLeft;
  if (worker.presence == Presence::kLost) return WorkerState::kLost;
  if (worker.leaving) return WorkerState::kDraining;
  if (IsPaused(worker)) return WorkerState::kPaused;
  if (worker.order == WorkerOrder::kDrain || !worker.own_drain.empty()) {
    return WorkerState::kDraining;
  }
  if (worker.health.is_quarantined()) return WorkerState::kQuarantined;
  if (worker.presence == Presence::kSuspect) return WorkerState::kSuspect;
  return WorkerState::kOnline;
}

void Scheduler::Impl::On(const WorkerRegistered& event) {
  WorkerRecord& worker = WorkerOf(event.worker_id);
  if (worker.order == WorkerOrder::kRemove) {
    Refuse(Refused::Why::kRemovedWorker,
           fmt::format("a person has removed worker {}", event.worker_id));
    return;
  }
  // A late handshake of a process that was replaced must not bring it back. For
  // a while only: if it is the living one after all (the replacement's own
  // handshake came late, to a coordinator that had just restarted), it must not
  // be locked out for ever.
  const auto replaced = worker.replaced_at.find(event.incarnation);
  if (replaced != worker.replaced_at.end() &&
      now - replaced->second < options.lost_after) {
    Refuse(Refused::Why::kOldIncarnation,
           fmt::format("a newer process of worker {} has registered",
                       event.worker_id));
    return;
  }
  if (worker.incarnation != event.incarnation) StartIncarnation(worker, event);
  worker.device = event.device;
  worker.memory_bytes = event.memory_bytes;
  worker.slots = event.slots;
  worker.samples_per_second = event.samples_per_second;
  Hear(worker);
  Reconcile(worker, event.held);
  Announce(worker);
}

void Scheduler::Impl::On(const HeartbeatReceived& event) {
  WorkerRecord* worker = FindWorker(event.worker_id, event.incarnation);
  if (worker == nullptr) return;
  if (event.sequence <= worker->last_sequence) return;  // late or doubled
  worker->last_sequence = event.sequence;
  worker->leaving = event.leaving;
  worker->own_pause = event.pause_reason;
  worker->own_drain = event.drain_reason;
  Hear(*worker);
  Reconcile(*worker, event.held);
  GiveBackUnheld(*worker);
  // Its last word: what it was granted meanwhile will not reach it.
  if (event.leaving && event.held.empty()) {
    worker->presence = Presence::kLeft;
    LoseAll(*worker, /*resumable=*/true);
  }
  Announce(*worker);
}

void Scheduler::Impl::On(const WorkerDrained& event) {
  WorkerRecord* worker = FindWorker(event.worker_id);
  if (worker == nullptr) return;
  worker->order = WorkerOrder::kDrain;
  Announce(*worker);
}

void Scheduler::Impl::On(const WorkerPaused& event) {
  WorkerRecord* worker = FindKnown(event.worker_id);
  if (worker == nullptr) return;
  if (worker->order == WorkerOrder::kRemove) {
    Refuse(Refused::Why::kRemovedWorker,
           fmt::format("a person has removed worker {}", event.worker_id));
    return;
  }
  worker->order = WorkerOrder::kPause;
  Announce(*worker);
}

void Scheduler::Impl::On(const WorkerRemoved& event) {
  WorkerRecord* worker = FindKnown(event.worker_id);
  if (worker == nullptr) return;
  worker->order = WorkerOrder::kRemove;
  worker->presence = Presence::kLeft;
  worker->leaving = false;
  LoseAll(*worker, /*resumable=*/false);
  Announce(*worker);
}

void Scheduler::Impl::On(const WorkerResumed& event) {
  WorkerRecord* worker = FindKnown(event.worker_id);
  if (worker == nullptr) return;
  worker->order = WorkerOrder::kWork;
  Announce(*worker);
}

void Scheduler::Impl::On(const ParityJudged& event) {
  WorkerRecord* worker = FindKnown(event.worker_id);
  if (worker == nullptr) return;
  worker->refusal = event.refusal;
  Announce(*worker);
}

void Scheduler::Impl::On(const LeasesRequested& event) {
  WorkerRecord* worker = FindWorker(event.worker_id, event.incarnation);
  if (worker == nullptr) return;
  worker->free_bytes = event.free_bytes;
  const int free = std::min(event.max_trials, FreeSlots(*worker));
  for (int i = 0; i < free; ++i) {
    TrialRecord* trial = NextFor(*worker);
    if (trial == nullptr) return GrantCopies(*worker, free - i);
    Grant(*worker, *trial);
  }
}

void Scheduler::Impl::On(const Ticked&) {
  for (const auto& [id, worker] : workers) {
    const std::optional<absl::Duration> deadline = DeadlineOf(*worker);
    if (!deadline || *deadline > now) continue;
    if (worker->health.is_quarantined() && now >= worker->health.canary_due()) {
      worker->health.AnnounceCanary();
      work_available = true;
    }
    JudgeSilence(*worker);
  }
}

WorkerRecord& Scheduler::Impl::WorkerOf(const std::string& worker_id) {
  std::unique_ptr<WorkerRecord>& worker = workers[worker_id];
  if (worker == nullptr) {
    worker = std::make_unique<WorkerRecord>(options);
    worker->id = worker_id;
    worker->last_heard = now;
  }
  return *worker;
}

WorkerRecord* Scheduler::Impl::FindWorker(const std::string& worker_id,
                                          const std::string& incarnation) {
  WorkerRecord* worker = FindWorker(worker_id);
  if (worker == nullptr) return nullptr;
  if (worker->incarnation == incarnation) return worker;
  Refuse(Refused::Why::kOldIncarnation,
         fmt::format("this process of worker {} is not the one registered",
                     worker_id));
  return nullptr;
}

WorkerRecord* Scheduler::Impl::FindWorker(const std::string& worker_id) {
  const auto found = workers.find(worker_id);
  if (found != workers.end() && found->second->presence != Presence::kLeft) {
    return found->second.get();
  }
  Refuse(Refused::Why::kUnknownWorker,
         fmt::format("worker {} is not registered", worker_id));
  return nullptr;
}

WorkerRecord* Scheduler::Impl::FindKnown(const std::string& worker_id) {
  const auto found = workers.find(worker_id);
  if (found != workers.end()) return found->second.get();
  Refuse(Refused::Why::kUnknownWorker,
         fmt::format("worker {} is not known", worker_id));
  return nullptr;
}

// The old process is dead, and with it what it held and the new one does not
// list. A restarted daemon offers itself anew: a drain is over. Its quarantine
// is not, for the machine is the same.
void Scheduler::Impl::StartIncarnation(WorkerRecord& worker,
                                       const WorkerRegistered& event) {
  const std::map<std::string, TrialRecord*> held = worker.held;
  for (const auto& [id, trial] : held) {
    if (std::find(event.held.begin(), event.held.end(),
                  AttemptOn(worker, *trial)) == event.held.end()) {
      LoseOn(worker, *trial, /*resumable=*/false);
    }
  }
  std::erase_if(worker.replaced_at, [this](const auto& replaced) {
    return now - replaced.second >= options.lost_after;
  });
  worker.replaced_at[worker.incarnation] = now;
  worker.incarnation = event.incarnation;
  worker.last_sequence = std::numeric_limits<int64_t>::min();
  if (worker.order == WorkerOrder::kDrain) worker.order = WorkerOrder::kWork;
  worker.leaving = false;
  worker.own_pause.clear();
  worker.own_drain.clear();
}

void Scheduler::Impl::Hear(WorkerRecord& worker) {
  worker.last_heard = now;
  worker.presence = Presence::kHeard;
}

void Scheduler::Impl::Reconcile(WorkerRecord& worker,
                                const std::vector<AttemptId>& held) {
  for (const AttemptId& attempt : held) {
    TrialRecord* trial = FindTrial(attempt.trial_id);
    const bool is_current =
        trial != nullptr && trial->attempt == attempt.attempt;
    if (is_current && trial->holder == &worker) {
      trial->last_listed = now;
    } else if (trial != nullptr && IsCopy(*trial, worker.id, attempt)) {
      trial->copy->last_listed = now;
    } else if (is_current && trial->is_resumable &&
               trial->last_worker == worker.id &&
               static_cast<int>(worker.held.size()) < worker.slots) {
      Resume(worker, *trial);
    } else {
      effects.push_back(StopAttempt{worker.id, attempt});
    }
  }
}

void Scheduler::Impl::GiveBackUnheld(WorkerRecord& worker) {
  const std::map<std::string, TrialRecord*> held = worker.held;
  for (const auto& [id, trial] : held) {
    const absl::Duration last_listed = trial->holder == &worker
                                           ? trial->last_listed
                                           : trial->copy->last_listed;
    if (now - last_listed >= options.unheld_after) {
      LoseOn(worker, *trial, /*resumable=*/true);
    }
  }
}

void Scheduler::Impl::LoseAll(WorkerRecord& worker, bool resumable) {
  const std::map<std::string, TrialRecord*> held = worker.held;
  for (const auto& [id, trial] : held) LoseOn(worker, *trial, resumable);
}

void Scheduler::Impl::JudgeSilence(WorkerRecord& worker) {
  const absl::Duration silence = now - worker.last_heard;
  if (silence >= options.lost_after) {
    const bool has_left = worker.leaving && worker.held.empty();
    worker.presence = has_left ? Presence::kLeft : Presence::kLost;
    LoseAll(worker, /*resumable=*/true);
  } else if (silence >= options.suspect_after) {
    worker.presence = Presence::kSuspect;
  }
  Announce(worker);
}

// How many trials it may be given now. A suspect worker gets none: the lease
// would have to be waited out.
int Scheduler::Impl::FreeSlots(const WorkerRecord& worker) const {
  const int free = worker.slots - static_cast<int>(worker.held.size());
  switch (StateOf(worker)) {
    case WorkerState::kOnline:
      return free;
    case WorkerState::kQuarantined: {
      const bool canary_may_go = worker.presence == Presence::kHeard &&
                                 now >= worker.health.canary_due() &&
                                 !CanaryIsOut(worker);
      return canary_may_go ? std::min(free, 1) : 0;
    }
    case WorkerState::kSuspect:
    case WorkerState::kLost:
    case WorkerState::kDraining:
    case WorkerState::kLeft:
    case WorkerState::kPaused:
      return 0;
  }
  return 0;
}

bool Scheduler::Impl::CanaryIsOut(const WorkerRecord& worker) const {
  return std::any_of(
      worker.held.begin(), worker.held.end(), [&worker](const auto& held) {
        return held.second->holder == &worker && held.second->is_canary;
      });
}

TrialRecord* Scheduler::Impl::NextFor(const WorkerRecord& worker) const {
  using Group = PendingQueue::Group;
  using Waiting = PendingQueue::Waiting;
  const auto held = [this](int sweep_order) { return Held(sweep_order); };
  if (worker.health.is_quarantined()) {
    // A canary's failure counts, so spread them: a machine that is broken all
    // night must not use up the budget of one trial after another.
    TrialRecord* unharmed = pending.First(
        [this, &worker](const Group& group, const Waiting& waiting) {
          return group.failed_on.empty() && MayRun(worker, group)
                     ? waiting.First()
                     : nullptr;
        },
        held);
    if (unharmed != nullptr) return unharmed;
  }
  return pending.First(
      [this, &worker](const Group& group, const Waiting& waiting) {
        return MayRun(worker, group) ? Choose(worker, group, waiting) : nullptr;
      },
      held);
}

int Scheduler::Impl::Held(int sweep_order) const {
  int count = 0;
  for (const auto& [id, worker] : workers) {
    for (const auto& [trial_id, trial] : worker->held) {
      count += std::any_of(trial->needs.begin(), trial->needs.end(),
                           [sweep_order](const Need& need) {
                             return need.sweep->order == sweep_order;
                           });
    }
  }
  return count;
}

// A trial that has failed goes where it has not failed yet, and never to a
// quarantined worker, as long as a healthy worker can take it; one that ran out
// of memory goes where there is more.
bool Scheduler::Impl::MayRun(const WorkerRecord& worker,
                             const PendingQueue::Group& group) const {
  if (!Fits(worker, group.requirements)) return false;
  const bool has_failed = worker.health.is_quarantined()
                              ? !group.failed_on.empty()
                              : group.failed_on.count(worker.id) > 0;
  const bool is_doubtful = has_failed || LacksMemory(worker, group);
  return !is_doubtful || !HasBetterPlace(&worker, group);
}

bool Scheduler::Impl::HasBetterPlace(const WorkerRecord* worker,
                                     const PendingQueue::Group& group) const {
  return std::any_of(
      workers.begin(), workers.end(), [worker, &group](const auto& entry) {
        const WorkerRecord& other = *entry.second;
        return &other != worker && StateOf(other) == WorkerState::kOnline &&
               Fits(other, group.requirements) &&
               group.failed_on.count(other.id) == 0 &&
               !LacksMemory(other, group);
      });
}

void Scheduler::Impl::Grant(WorkerRecord& worker, TrialRecord& trial) {
  trial.attempt = ++trial.newest_attempt;
  trial.holder = &worker;
  trial.last_worker = worker.id;
  trial.granted_at = now;
  trial.is_restored = false;
  trial.last_listed = now;
  trial.is_canary = worker.health.is_quarantined();
  trial.is_resumable = false;
  trial.granted_bytes = FreeBytes(worker);
  worker.held[trial.id] = &trial;
  effects.push_back(LeaseGranted{worker.id, CurrentAttempt(trial)});
  MoveTo(trial, TrialState::kLeased);
}

void Scheduler::Impl::Resume(WorkerRecord& worker, TrialRecord& trial) {
  trial.holder = &worker;
  trial.last_listed = now;
  trial.is_canary = worker.health.is_quarantined();
  trial.is_resumable = false;
  worker.held[trial.id] = &trial;
  MoveTo(trial, TrialState::kRunning);
}

// Any change may let a worker have trials that it could not have before: this
// one, or others that stood back for it.
void Scheduler::Impl::Announce(WorkerRecord& worker) {
  const WorkerState state = StateOf(worker);
  std::string reason = ReasonOf(worker, options);
  if (worker.told_state == state && worker.told_reason == reason &&
      worker.told_order == worker.order) {
    return;
  }
  worker.told_state = state;
  worker.told_reason = std::move(reason);
  worker.told_order = worker.order;
  effects.push_back(
      WorkerChanged{worker.id, state, worker.told_reason, worker.order});
  work_available = true;
}

std::optional<absl::Duration> Scheduler::Impl::DeadlineOf(
    const WorkerRecord& worker) const {
  std::optional<absl::Duration> deadline;
  switch (worker.presence) {
    case Presence::kHeard:
      deadline = worker.last_heard + options.suspect_after;
      break;
    case Presence::kSuspect:
      deadline = worker.last_heard + options.lost_after;
      break;
    case Presence::kLost:
    case Presence::kLeft:
      return std::nullopt;
  }
  if (worker.health.is_quarantined() && !worker.health.canary_announced() &&
      !CanaryIsOut(worker)) {
    deadline = std::min(*deadline, worker.health.canary_due());
  }
  return deadline;
}

}  // namespace dfsweep::coordinator
