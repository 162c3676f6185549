// Handlers of what becomes of attempts.
#include <algorithm>
#include <utility>

#include "coordinator/core/scheduler_impl.h"
#include "fmt/format.h"

namespace dfsweep::coordinator {
namespace {

using How = AttemptEnded::How;

bool CountsAgainstTrial(Cause cause) {
  switch (cause) {
    case Cause::kWorkerLost:
    case Cause::kPreempted:
      return false;
    case Cause::kOutOfMemory:
    case Cause::kCrash:
    case Cause::kTimeout:
    case Cause::kBadConfig:
    case Cause::kEnvironment:
      return true;
  }
  return true;
}

// A bad configuration fails everywhere; every other failure that counts may be
// the machine's.
bool SpeaksAgainstWorker(Cause cause) {
  return CountsAgainstTrial(cause) && cause != Cause::kBadConfig;
}

int Allowed(const RetryBudget& budget, Cause cause) {
  switch (cause) {
    case Cause::kOutOfMemory:
      return budget.out_of_memory;
    case Cause::kCrash:
      return budget.crash;
    case Cause::kTimeout:
      return budget.timeout;
    case Cause::kEnvironment:
      return budget.environment;
    case Cause::kBadConfig:
    case Cause::kWorkerLost:
    case Cause::kPreempted:
      return 0;
  }
  return 0;
}

}  // namespace

void Scheduler::Impl::On(const AttemptStarted& event) {
  TrialRecord* trial = FindLive(event.worker_id, event.attempt);
  if (trial == nullptr || trial->state == TrialState::kRunning) return;
  MoveTo(*trial, TrialState::kRunning);
}

// The first complete result of an open trial, or of one that was at its end
// when its search stopped it, is accepted from whomever it comes, for it is as
// good as any other: work is never thrown away.
void Scheduler::Impl::On(const AttemptCompleted& event) {
  TrialRecord* trial = FindTrial(event.attempt.trial_id);
  if (trial == nullptr) {
    Refuse(Refused::Why::kUnknownTrial,
           fmt::format("no trial {} is known", event.attempt.trial_id));
    return;
  }
  if (IsTerminal(trial->state) && !WasDropped(*trial)) {
    Refuse(Refused::Why::kAlreadyEnded,
           fmt::format("trial {} has ended already", trial->id));
    return;
  }
  if (event.attempt.attempt < 1 ||
      event.attempt.attempt > trial->newest_attempt) {
    Refuse(Refused::Why::kStaleAttempt,
           fmt::format("attempt {} of trial {} was never leased",
                       event.attempt.attempt, trial->id));
    return;
  }
  EndAll(*trial, event);
  trial->is_resumable = false;
  trial->last_worker = event.worker_id;
  MoveTo(*trial,
         event.diverged ? TrialState::kDiverged : TrialState::kCompleted);
  const auto worker = workers.find(event.worker_id);
  if (worker != workers.end()) {
    worker->second->health.AddCompletion();
    Announce(*worker->second);
  }
}

void Scheduler::Impl::EndAll(TrialRecord& trial,
                             const AttemptCompleted& winner) {
  const How how = winner.diverged ? How::kDiverged : How::kCompleted;
  const bool is_copy = IsCopy(trial, winner.worker_id, winner.attempt);
  if (is_copy) {
    EndCopy(trial, how, std::nullopt);
  } else if (trial.copy.has_value()) {
    StopCopy(trial, How::kSuperseded);
  }
  if (IsCurrent(trial, winner.worker_id, winner.attempt)) {
    AddToSpeed(trial, now);
    EndAttempt(trial, how, std::nullopt, /*counted=*/false);
    return;
  }
  if (trial.holder != nullptr) StopAndEnd(trial, How::kSuperseded);
  if (is_copy) return;
  effects.push_back(AttemptEnded{.attempt = winner.attempt, .how = how});
}

void Scheduler::Impl::On(const AttemptFailed& event) {
  TrialRecord* trial = FindLive(event.worker_id, event.attempt);
  if (trial == nullptr) return;
  if (IsCopy(*trial, event.worker_id, event.attempt)) {
    EndCopy(*trial, How::kFailed, event.cause);
    trial->is_uncopyable = true;
    return;
  }
  WorkerRecord& worker = *trial->holder;
  const bool was_canary = trial->is_canary;
  // What was leased before the quarantine fails with the rest of the streak:
  // it is not the trial's fault.
  const bool is_excused = SpeaksAgainstWorker(event.cause) &&
                          worker.health.is_quarantined() && !was_canary;
  const bool counted = CountsAgainstTrial(event.cause) && !is_excused;
  EndAttempt(*trial, How::kFailed, event.cause, counted);
  if (counted) {
    ++trial->counted_failures[event.cause];
    trial->failed_on.insert(worker.id);
    if (event.cause == Cause::kOutOfMemory) {
      trial->exhausted_bytes =
          std::max(trial->exhausted_bytes, trial->granted_bytes);
    }
    if (SpeaksAgainstWorker(event.cause)) {
      Blame(worker, {event.attempt, event.cause}, was_canary);
    }
  }
  if (HasSpentBudget(*trial)) {
    if (trial->copy.has_value()) StopCopy(*trial, How::kSuperseded);
    MoveTo(*trial, TrialState::kFailed);
  } else {
    GoOn(*trial);
  }
  Announce(worker);
}

void Scheduler::Impl::On(const AttemptHandedBack& event) {
  TrialRecord* trial = FindLive(event.worker_id, event.attempt);
  if (trial == nullptr) return;
  if (IsCopy(*trial, event.worker_id, event.attempt)) {
    EndCopy(*trial, How::kHandedBack, std::nullopt);
    return;
  }
  EndAttempt(*trial, How::kHandedBack, std::nullopt, /*counted=*/false);
  GoOn(*trial);
}

void Scheduler::Impl::GoOn(TrialRecord& trial) {
  if (trial.copy.has_value()) {
    Promote(trial);
  } else {
    MoveTo(trial, TrialState::kPending);
  }
}

TrialRecord* Scheduler::Impl::FindLive(const std::string& worker_id,
                                       const AttemptId& attempt) {
  TrialRecord* trial = FindTrial(attempt.trial_id);
  if (trial == nullptr) {
    Refuse(Refused::Why::kUnknownTrial,
           fmt::format("no trial {} is known", attempt.trial_id));
    return nullptr;
  }
  if (IsTerminal(trial->state)) {
    Refuse(Refused::Why::kAlreadyEnded,
           fmt::format("trial {} has ended already", trial->id));
    return nullptr;
  }
  if (!IsCurrent(*trial, worker_id, attempt) &&
      !IsCopy(*trial, worker_id, attempt)) {
    Refuse(Refused::Why::kStaleAttempt,
           fmt::format("attempt {} of trial {} is no longer worker {}'s",
                       attempt.attempt, trial->id, worker_id));
    return nullptr;
  }
  return trial;
}

bool Scheduler::Impl::IsCurrent(const TrialRecord& trial,
                                const std::string& worker_id,
                                const AttemptId& attempt) {
  return trial.holder != nullptr && trial.holder->id == worker_id &&
         trial.attempt == attempt.attempt;
}

void Scheduler::Impl::LoseAttempt(TrialRecord& trial, bool resumable) {
  EndAttempt(trial, How::kLost, Cause::kWorkerLost, /*counted=*/false);
  trial.is_resumable = resumable && !trial.copy.has_value();
  GoOn(trial);
}

void Scheduler::Impl::EndAttempt(TrialRecord& trial, How how,
                                 std::optional<Cause> cause, bool counted) {
  effects.push_back(AttemptEnded{.attempt = CurrentAttempt(trial),
                                 .how = how,
                                 .cause = cause,
                                 .counted = counted});
  WorkerRecord& worker = *trial.holder;
  worker.held.erase(trial.id);
  trial.holder = nullptr;
  if (trial.is_canary && worker.health.is_quarantined()) {
    worker.health.EndCanary(/*failed=*/counted && *cause != Cause::kBadConfig,
                            now);
  }
  trial.is_canary = false;
}

void Scheduler::Impl::StopAndEnd(TrialRecord& trial, How how) {
  effects.push_back(StopAttempt{trial.holder->id, CurrentAttempt(trial)});
  EndAttempt(trial, how, std::nullopt, /*counted=*/false);
}

// A canary's failure has set the worker's next canary already; it is never
// given back, or one worker and three broken trials would go on for ever.
void Scheduler::Impl::Blame(WorkerRecord& worker,
                            const RestoredFailure& failure, bool was_canary) {
  if (was_canary) return;
  for (const RestoredFailure& given_back :
       worker.health.AddFailure(failure, now)) {
    Forgive(given_back, worker.id);
  }
}

void Scheduler::Impl::Forgive(const RestoredFailure& failure,
                              const std::string& worker_id) {
  TrialRecord* trial = FindTrial(failure.attempt.trial_id);
  if (trial == nullptr || failure.attempt.attempt <= trial->forgiven_through) {
    return;
  }
  effects.push_back(FailureForgiven{failure.attempt});
  const auto count = trial->counted_failures.find(failure.cause);
  if (count != trial->counted_failures.end() && --count->second <= 0) {
    trial->counted_failures.erase(count);
  }
  trial->failed_on.erase(worker_id);
  if (trial->state == TrialState::kFailed && !HasSpentBudget(*trial)) {
    MoveTo(*trial,
           IsNeeded(*trial) ? TrialState::kPending : TrialState::kCancelled);
  } else {
    FollowInStage(*trial);
    Requeue(*trial);
  }
}

bool Scheduler::Impl::HasSpentBudget(const TrialRecord& trial) const {
  for (const auto& [cause, count] : trial.counted_failures) {
    if (count > Allowed(trial.budget, cause)) return true;
  }
  if (static_cast<int>(trial.failed_on.size()) <
      options.poisoned_after_workers) {
    return false;
  }
  // What two machines were too small for is not broken if a third has more.
  const bool may_need_more = trial.exhausted_bytes > 0;
  return !may_need_more ||
         !HasBetterPlace(nullptr, {trial.requirements, trial.failed_on,
                                   trial.exhausted_bytes});
}

}  // namespace dfsweep::coordinator
