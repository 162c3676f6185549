// Copies of stragglers: in the end of a sweep, a worker that has nothing else
// to do makes a second attempt at a trial that a slower one is still training.
// The first result wins.
#include <algorithm>
#include <utility>

#include "coordinator/core/scheduler_impl.h"

namespace dfsweep::coordinator {
namespace {

using How = AttemptEnded::How;

}  // namespace

void Scheduler::Impl::GrantCopies(WorkerRecord& worker, int free) {
  if (StateOf(worker) != WorkerState::kOnline) return;
  const Speeds speeds(workers);
  std::vector<std::pair<absl::Duration, TrialRecord*>> found;
  for (const auto& [id, other] : workers) {
    for (const auto& [trial_id, trial] : other->held) {
      if (trial->holder != other.get()) continue;
      if (auto saving = SavingOf(worker, *trial, speeds)) {
        found.emplace_back(*saving, trial);
      }
    }
  }
  std::stable_sort(
      found.begin(), found.end(),
      [](const auto& a, const auto& b) { return a.first > b.first; });
  for (int i = 0; i < std::min<int>(free, found.size()); ++i) {
    GrantCopy(worker, *found[i].second);
  }
}

// A trial that takes longer than was expected, or of whose worker or beginning
// nothing is known, is expected to take as long again.
std::optional<absl::Duration> Scheduler::Impl::SavingOf(
    const WorkerRecord& worker, const TrialRecord& trial,
    const Speeds& speeds) const {
  if (trial.state != TrialState::kRunning || trial.copy.has_value()) {
    return std::nullopt;
  }
  const std::optional<absl::Duration> mine = speeds.TimeFor(worker, trial.work);
  if (!mine) return std::nullopt;
  const absl::Duration elapsed = now - trial.granted_at;
  const absl::Duration expected =
      trial.is_restored ? absl::ZeroDuration()
                        : speeds.TimeFor(*trial.holder, trial.work)
                              .value_or(absl::ZeroDuration());
  const absl::Duration left = expected > elapsed ? expected - elapsed : elapsed;
  const absl::Duration saving = left - *mine;
  const bool is_enough = saving >= options.copy_saves &&
                         saving >= options.copy_saves_share * *mine;
  if (!is_enough || !MayCopy(worker, trial)) return std::nullopt;
  return saving;
}

bool Scheduler::Impl::MayCopy(const WorkerRecord& worker,
                              const TrialRecord& trial) const {
  const PendingQueue::Group group{trial.requirements, trial.failed_on,
                                  trial.exhausted_bytes};
  return !trial.is_uncopyable && trial.failed_on.empty() &&
         trial.holder != &worker && PlaceOf(trial).has_value() &&
         MayRun(worker, group);
}

void Scheduler::Impl::GrantCopy(WorkerRecord& worker, TrialRecord& trial) {
  HoldCopy(worker, trial, ++trial.newest_attempt, /*is_restored=*/false);
  effects.push_back(LeaseGranted{
      worker.id, {trial.id, trial.copy->attempt}, /*is_copy=*/true});
}

void Scheduler::Impl::HoldCopy(WorkerRecord& worker, TrialRecord& trial,
                               int attempt, bool is_restored) {
  trial.copy = Copy{.worker = &worker,
                    .attempt = attempt,
                    .granted_at = now,
                    .is_restored = is_restored,
                    .last_listed = now};
  worker.held[trial.id] = &trial;
}

bool Scheduler::Impl::IsCopy(const TrialRecord& trial,
                             const std::string& worker_id,
                             const AttemptId& attempt) {
  return trial.copy && trial.copy->worker->id == worker_id &&
         trial.copy->attempt == attempt.attempt;
}

void Scheduler::Impl::EndCopy(TrialRecord& trial, How how,
                              std::optional<Cause> cause) {
  effects.push_back(AttemptEnded{
      .attempt = {trial.id, trial.copy->attempt}, .how = how, .cause = cause});
  trial.copy->worker->held.erase(trial.id);
  trial.copy.reset();
}

void Scheduler::Impl::StopCopy(TrialRecord& trial, How how) {
  effects.push_back(
      StopAttempt{trial.copy->worker->id, {trial.id, trial.copy->attempt}});
  EndCopy(trial, how, std::nullopt);
}

void Scheduler::Impl::Promote(TrialRecord& trial) {
  const Copy copy = *std::exchange(trial.copy, std::nullopt);
  trial.holder = copy.worker;
  trial.last_worker = copy.worker->id;
  trial.attempt = copy.attempt;
  trial.granted_at = copy.granted_at;
  trial.is_restored = copy.is_restored;
  trial.last_listed = copy.last_listed;
  trial.granted_bytes = FreeBytes(*copy.worker);
  MoveTo(trial, TrialState::kRunning);
}

void Scheduler::Impl::LoseOn(WorkerRecord& worker, TrialRecord& trial,
                             bool resumable) {
  if (trial.holder == &worker) {
    LoseAttempt(trial, resumable);
  } else {
    EndCopy(trial, How::kLost, Cause::kWorkerLost);
  }
}

}  // namespace dfsweep::coordinator
