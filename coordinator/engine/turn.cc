#include "coordinator/engine/turn.h"

#include <fmt/format.h>

#include "coordinator/store/names.h"

namespace dfsweep::coordinator {
namespace {

// Three lines, for people who look at the trial.
std::string MessageOfEnd(AttemptEnded::How how, const std::string& worker_id) {
  switch (how) {
    case AttemptEnded::How::kLost:
      return fmt::format(
          "the worker was lost: it was silent for too long, or restarted\n"
          "worker {}\nnothing: the trial is given to another worker",
          worker_id);
    case AttemptEnded::How::kCancelled:
      return "the trial was cancelled by a person\n\n"
             "to run it after all: dfsweep retry";
    case AttemptEnded::How::kCompleted:
    case AttemptEnded::How::kDiverged:
    case AttemptEnded::How::kFailed:
    case AttemptEnded::How::kHandedBack:
    case AttemptEnded::How::kSuperseded:
      return "";
  }
  return "";
}

absl::Status RefusalOf(const Refused& refused) {
  switch (refused.why) {
    case Refused::Why::kUnknownWorker:
      return MakeError(absl::StatusCode::kNotFound, refused.message, "",
                       "the worker has to register again");
    case Refused::Why::kRemovedWorker:
      return MakeError(absl::StatusCode::kPermissionDenied, refused.message, "",
                       "to let it in again: dfsweep workers resume NAME");
    case Refused::Why::kUnknownTrial:
    case Refused::Why::kUnknownSweep:
      return MakeError(absl::StatusCode::kNotFound, refused.message, "",
                       "list what there is with dfsweep ls");
    case Refused::Why::kOldIncarnation:
      return MakeError(absl::StatusCode::kFailedPrecondition, refused.message,
                       "", "stop the older process");
    case Refused::Why::kStaleAttempt:
    case Refused::Why::kAlreadyEnded:
      return MakeError(absl::StatusCode::kFailedPrecondition, refused.message,
                       "", "the worker has to stop that attempt");
  }
  return absl::InternalError(refused.message);
}

}  // namespace

Turn::Turn(Scheduler& scheduler, Store& store, ParkedCalls& parked,
           Watchers& watchers, Fleet& fleet, absl::Duration now,
           absl::Time wall_time)
    : scheduler_(scheduler),
      store_(store),
      parked_(parked),
      watchers_(watchers),
      fleet_(fleet),
      now_(now),
      wall_time_(wall_time) {}

absl::Status Turn::Step(const Event& event, const StepNotes& notes,
                        std::vector<AttemptId>* granted) {
  refusal_ = absl::OkStatus();
  granted_ = granted;
  for (const Effect& effect : scheduler_.Step(event, now_)) {
    std::visit([&](const auto& happened) { Apply(happened, notes); }, effect);
  }
  return refusal_;
}

// ---- Effects ----------------------------------------------------------------

void Turn::Apply(const TrialChanged& effect, const StepNotes&) {
  store_.SetTrialState(effect, wall_time_);
  watchers_.TrialChanged(effect.trial_id);
  news_.trial_ids.insert(effect.trial_id);
  if (!IsTerminal(effect.state)) return;
  ++ended_;
  store_.AddEvent(
      "trial_ended",
      fmt::format("trial {} {} (attempt {}, worker {})", effect.trial_id,
                  NameOf(effect.state), effect.attempt, effect.worker_id),
      wall_time_);
}

void Turn::Apply(const LeaseGranted& effect, const StepNotes& notes) {
  store_.OpenLease(effect, notes.request_id, wall_time_);
  if (effect.is_copy) {
    store_.AddEvent(
        "copy_started",
        fmt::format("attempt {} of trial {} on worker {} is a copy: "
                    "the trial is slow elsewhere",
                    effect.attempt.attempt, effect.attempt.trial_id,
                    effect.worker_id),
        wall_time_);
  }
  if (granted_ != nullptr) granted_->push_back(effect.attempt);
}

void Turn::Apply(const AttemptEnded& effect, const StepNotes& notes) {
  // Its worker may have asked for more before it told of the end.
  work_available_ = true;
  if (effect.how == AttemptEnded::How::kCompleted) {
    store_.EndAttempt(effect, notes.message, wall_time_);
    return;
  }
  std::string worker_id =
      store_.WorkerOfAttempt(effect.attempt).value_or("unknown");
  std::string message = !notes.message.empty()
                            ? notes.message
                            : MessageOfEnd(effect.how, worker_id);
  store_.EndAttempt(effect, message, wall_time_);
  store_.AddEvent("attempt_ended",
                  fmt::format("attempt {} of trial {} on worker {}: {}{}",
                              effect.attempt.attempt, effect.attempt.trial_id,
                              worker_id, NameOf(effect.how),
                              effect.cause.has_value()
                                  ? fmt::format(" ({})", NameOf(*effect.cause))
                                  : ""),
                  wall_time_);
}

void Turn::Apply(const FailureForgiven& effect, const StepNotes&) {
  store_.Forgive(effect.attempt);
}

void Turn::Apply(const StopAttempt& effect, const StepNotes&) {
  parked_.AddStop(effect.worker_id, effect.attempt);
  workers_with_news_.push_back(effect.worker_id);
}

void Turn::Apply(const WorkerChanged& effect, const StepNotes&) {
  store_.SetWorkerState(effect);
  store_.AddEvent(
      "worker_changed",
      fmt::format("worker {} is {}{}{}", effect.worker_id, NameOf(effect.state),
                  effect.reason.empty() ? "" : ": ", effect.reason),
      wall_time_);
  WorkersChanged();
  news_.fleet_changed = true;
  workers_with_news_.push_back(effect.worker_id);
}

void Turn::WorkersChanged() {
  workers_changed_ = true;
  watchers_.WorkersChanged();
}

void Turn::Apply(const Refused& effect, const StepNotes&) {
  refusal_ = RefusalOf(effect);
}

void Turn::Apply(const WorkAvailable&, const StepNotes&) {
  work_available_ = true;
}

// ---- Requests for work ------------------------------------------------------

bool Turn::TryLease(ParkedLease& lease) {
  std::vector<AttemptId> granted;
  absl::Status status =
      Step(lease.request, {.request_id = lease.request_id}, &granted);
  if (!status.ok()) {
    Answer<Leases>(std::move(lease.reply), status);
    return true;
  }
  if (granted.empty()) return false;
  Leases leases;
  for (const AttemptId& attempt : granted) {
    if (auto row = store_.DescribeLease(attempt)) leases.push_back(*row);
  }
  Answer<Leases>(std::move(lease.reply), std::move(leases));
  return true;
}

void Turn::LeaseOrPark(ParkedLease lease) {
  if (TryLease(lease)) return;
  if (lease.deadline <= now_) {
    Answer<Leases>(std::move(lease.reply), Leases{});
  } else {
    parked_.Add(std::move(lease));
  }
}

void Turn::ServeLeases() {
  std::list<ParkedLease>& leases = parked_.leases();
  // A lease may make more work available (a canary): once more is enough then,
  // for the next turn comes with the next event.
  const bool has_work = std::exchange(work_available_, false);
  for (auto lease = leases.begin(); lease != leases.end();) {
    bool done = has_work && TryLease(*lease);
    if (!done && lease->deadline <= now_) {
      Answer<Leases>(std::move(lease->reply), Leases{});
      done = true;
    }
    lease = done ? leases.erase(lease) : std::next(lease);
  }
}

// ---- Heartbeats -------------------------------------------------------------

WorkerOrder Turn::OrderFor(const std::string& worker_id) const {
  auto worker = scheduler_.Worker(worker_id);
  if (!worker.has_value()) return WorkerOrder::kWork;
  if (worker->order == WorkerOrder::kPause) return WorkerOrder::kPause;
  return worker->state == WorkerState::kDraining ? WorkerOrder::kDrain
                                                 : WorkerOrder::kWork;
}

bool Turn::HasNews(const std::string& worker_id) const {
  if (parked_.HasStops(worker_id)) return true;
  auto worker = scheduler_.Worker(worker_id);
  if (!worker.has_value() || worker->state == WorkerState::kLeft) return true;
  return OrderFor(worker_id) != parked_.Told(worker_id);
}

void Turn::AnswerHeartbeat(ParkedHeartbeat heartbeat) {
  auto worker = scheduler_.Worker(heartbeat.worker_id);
  const WorkerOrder order = OrderFor(heartbeat.worker_id);
  HeartbeatAnswer answer{.stop = parked_.TakeStops(heartbeat.worker_id),
                         .drain = order == WorkerOrder::kDrain,
                         .pause = order == WorkerOrder::kPause};
  answer.register_again =
      !worker.has_value() || worker->state == WorkerState::kLeft;
  parked_.SetTold(heartbeat.worker_id, order);
  Answer<HeartbeatAnswer>(std::move(heartbeat.reply), std::move(answer));
}

void Turn::AnswerOrPark(ParkedHeartbeat heartbeat) {
  // The worker gave up on an older one.
  if (auto older = parked_.TakeHeartbeat(heartbeat.worker_id)) {
    Answer<HeartbeatAnswer>(std::move(older->reply), HeartbeatAnswer{});
  }
  if (heartbeat.deadline <= now_ || HasNews(heartbeat.worker_id)) {
    AnswerHeartbeat(std::move(heartbeat));
  } else {
    parked_.Add(std::move(heartbeat));
  }
}

void Turn::ServeParkedCalls() {
  ServeLeases();
  for (const std::string& worker_id : std::exchange(workers_with_news_, {})) {
    if (!HasNews(worker_id)) continue;
    if (auto heartbeat = parked_.TakeHeartbeat(worker_id)) {
      AnswerHeartbeat(*std::move(heartbeat));
    }
  }
  for (ParkedHeartbeat& heartbeat : parked_.TakeHeartbeatsDueAt(now_)) {
    AnswerHeartbeat(std::move(heartbeat));
  }
}

void Turn::EndParkedCalls() {
  for (ParkedLease& lease : parked_.leases()) {
    Answer<Leases>(std::move(lease.reply), Leases{});
  }
  parked_.leases().clear();
  for (ParkedHeartbeat& heartbeat : parked_.TakeAllHeartbeats()) {
    AnswerHeartbeat(std::move(heartbeat));
  }
}

}  // namespace dfsweep::coordinator
