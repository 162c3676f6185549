#include <cstdio>
#include <cstdlib>
#include <string>

#include "coordinator/core/scheduler_impl.h"
#include "fmt/format.h"

namespace dfsweep::coordinator {
namespace {

void Require(bool holds, const std::string& what, const std::string& id) {
  if (holds) return;
  fmt::print(stderr, "scheduler invariant broken: {} ({})\n", what, id);
  std::abort();
}

}  // namespace

void Scheduler::CheckInvariants() const {
  size_t queued = 0;
  for (const auto& [id, trial] : impl_->trials) {
    impl_->CheckTrial(*trial);
    queued += trial->queue_position.group == nullptr ? 0 : 1;
  }
  Require(queued == impl_->pending.Size(), "the queue has an alien trial", "");
  for (const auto& [id, worker] : impl_->workers) impl_->CheckWorker(*worker);
}

void Scheduler::Impl::CheckTrial(const TrialRecord& trial) const {
  const bool is_held =
      trial.state == TrialState::kLeased || trial.state == TrialState::kRunning;
  Require(is_held == (trial.holder != nullptr),
          "a trial is held exactly while leased or running", trial.id);
  if (is_held) {
    const auto held = trial.holder->held.find(trial.id);
    Require(held != trial.holder->held.end() && held->second == &trial,
            "a held trial is in its holder's list", trial.id);
    Require(trial.attempt > 0, "a held trial has an attempt", trial.id);
    Require(trial.holder->id == trial.last_worker,
            "the holder is the last worker", trial.id);
  }
  Require(trial.attempt <= trial.newest_attempt,
          "no attempt is newer than the newest", trial.id);
  if (trial.copy.has_value()) {
    Require(trial.state == TrialState::kRunning &&
                trial.copy->worker != trial.holder,
            "a copy is of a trial that runs elsewhere", trial.id);
    Require(trial.copy->worker->held.contains(trial.id),
            "a copy is in its worker's list", trial.id);
  }
  Require(!trial.is_resumable || trial.state == TrialState::kPending,
          "only a pending trial can be resumed", trial.id);
  Require(!trial.is_canary || is_held, "only a held trial is a canary",
          trial.id);
  if (trial.stage != nullptr) {
    Require(TrainsForOthers(trial) == trial.stage->training.contains(&trial),
            "a stage knows which trials train it", trial.id);
  }
  const bool may_queue = trial.state == TrialState::kPending && !Waits(trial);
  const std::optional<PendingQueue::Place> place =
      may_queue ? PlaceOf(trial) : std::nullopt;
  const PendingQueue::Position& position = trial.queue_position;
  Require(
      place.has_value() == (position.group != nullptr),
      "a trial is queued exactly if pending in an active sweep and not waiting",
      trial.id);
  if (!place) return;
  Require(place->negative_priority == position.place.negative_priority &&
              place->sweep_order == position.place.sweep_order &&
              place->negative_work == position.place.negative_work &&
              place->index == position.place.index &&
              position.place.trial == &trial,
          "a queued trial is at its place", trial.id);
  Require(position.group->requirements == trial.requirements &&
              position.group->sweep_order == place->sweep_order &&
              position.group->failed_on == trial.failed_on &&
              position.group->exhausted_bytes == trial.exhausted_bytes,
          "a queued trial is in its group", trial.id);
}

void Scheduler::Impl::CheckWorker(const WorkerRecord& worker) const {
  for (const auto& [id, trial] : worker.held) {
    const bool is_copy = trial->copy && trial->copy->worker == &worker;
    Require((trial->holder == &worker || is_copy) && trial->id == id,
            "a worker's trial knows its holder", worker.id);
  }
  Require(worker.held.empty() ||
              worker.presence == WorkerRecord::Presence::kHeard ||
              worker.presence == WorkerRecord::Presence::kSuspect,
          "a worker that is not there holds nothing", worker.id);
  Require(worker.told_state == StateOf(worker), "a worker's state was told",
          worker.id);
}

}  // namespace dfsweep::coordinator
