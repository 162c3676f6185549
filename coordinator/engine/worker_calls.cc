#include "coordinator/engine/worker_calls.h"

#include <fmt/format.h>

#include <algorithm>
#include <nlohmann/json.hpp>
#include <utility>

#include "absl/strings/str_join.h"
#include "sweeps/stages.h"

namespace dfsweep::coordinator {
namespace {

bool IsGone(WorkerState state) {
  return state == WorkerState::kLost || state == WorkerState::kLeft;
}

// The name, or the first of "name-2", "name-3", … that no other present worker
// has.
std::string UniqueName(Store& store, const WorkerRow& worker) {
  const std::vector<std::string> others = store.NamesBeside(worker.worker_id);
  auto is_taken = [&](const std::string& name) {
    return std::find(others.begin(), others.end(), name) != others.end();
  };
  std::string name = worker.name;
  for (int i = 2; is_taken(name); ++i) {
    name = fmt::format("{}-{}", worker.name, i);
  }
  return name;
}

// What an unjudged worker is noted with: one that computes as it did keeps what
// it was found to be; a newcomer is judged after the others.
std::string EarlierVerdict(Store& store, const WorkerRow& worker) {
  std::optional<WorkerRow> known = store.FindWorker(worker.worker_id);
  const bool is_as_before = known && known->worker_id == worker.worker_id &&
                            !IsGone(known->state) &&
                            known->environment == worker.environment &&
                            known->probe_digest == worker.probe_digest;
  return is_as_before ? known->parity_warning : "it was not compared yet";
}

absl::Status AcceptResult(Turn& turn, const Completion& completion,
                          const TrialResultRow& result) {
  DFSWEEP_RETURN_IF_ERROR(turn.Step(AttemptCompleted{
      completion.worker_id, completion.attempt, result.diverged}));
  turn.store().AcceptResult(completion.attempt, result);
  return absl::OkStatus();
}

absl::Status ApplyOutcome(Turn& turn, const Completion& completion) {
  if (auto* result = std::get_if<TrialResultRow>(&completion.outcome)) {
    return AcceptResult(turn, completion, *result);
  }
  if (auto* failure = std::get_if<FailureRow>(&completion.outcome)) {
    return turn.Step(AttemptFailed{completion.worker_id, completion.attempt,
                                   failure->cause, failure->message},
                     {.message = failure->message});
  }
  return turn.Step(AttemptHandedBack{completion.worker_id, completion.attempt});
}

}  // namespace

void RegisterWorker(Turn& turn, WorkerRow worker,
                    const std::vector<AttemptId>& held,
                    Reply<RegisterAnswer> reply) {
  absl::Status status = turn.Step(WorkerRegistered{
      worker.worker_id, worker.incarnation, worker.environment.device,
      worker.environment.device_memory_bytes, worker.slots, held,
      worker.samples_per_second});
  if (!status.ok()) {
    turn.Answer<RegisterAnswer>(std::move(reply), status);
    return;
  }
  Store& store = turn.store();
  worker.name = UniqueName(store, worker);
  worker.parity_warning = EarlierVerdict(store, worker);
  if (auto view = turn.scheduler().Worker(worker.worker_id)) {
    worker.state = view->state;
    worker.reason = view->reason;
    worker.order = view->order;
  }
  store.PutWorker(worker, turn.wall_time());
  store.AddEvent(
      "worker_registered",
      fmt::format("worker {} ({}) registered", worker.worker_id, worker.name),
      turn.wall_time());
  turn.WorkersChanged();
  turn.parked().SetTold(worker.worker_id, WorkerOrder::kWork);
  turn.Answer<RegisterAnswer>(
      std::move(reply),
      RegisterAnswer{.name = worker.name,
                     .stop = turn.parked().TakeStops(worker.worker_id)});
}

namespace {

// Ends a parked call that the worker has given up and now repeats: work that
// it was given would be lost for a while.
void EndRepeated(Turn& turn, const ParkedLease& request) {
  std::list<ParkedLease>& parked = turn.parked().leases();
  auto older = std::find_if(
      parked.begin(), parked.end(), [&request](const ParkedLease& lease) {
        return lease.request_id == request.request_id &&
               lease.request.worker_id == request.request.worker_id;
      });
  if (older == parked.end()) return;
  turn.Answer<Leases>(std::move(older->reply), Leases{});
  parked.erase(older);
}

}  // namespace

void LeaseTrials(Turn& turn, ParkedLease request) {
  EndRepeated(turn, request);
  const std::string& worker_id = request.request.worker_id;
  // Most workers that ask hold nothing: the store need not be asked.
  std::vector<AttemptId> earlier;
  if (turn.scheduler().HoldsAny(worker_id)) {
    earlier = turn.store().LeasesOfRequest(worker_id, request.request_id);
  }
  if (earlier.empty()) {
    turn.LeaseOrPark(std::move(request));
    return;
  }
  Leases leases;
  for (const AttemptId& attempt : earlier) {
    if (!turn.scheduler().IsLive(worker_id, attempt)) continue;
    if (auto row = turn.store().DescribeLease(attempt)) leases.push_back(*row);
  }
  turn.Answer<Leases>(std::move(request.reply), std::move(leases));
}

void Heartbeat(Turn& turn, HeartbeatReceived event, MachineStatus machine,
               ParkedHeartbeat heartbeat) {
  event.pause_reason = absl::StrJoin(machine.pause_reasons, ", ");
  event.drain_reason = absl::StrJoin(machine.drain_reasons, ", ");
  absl::Status status = turn.Step(event);
  if (status.ok()) turn.fleet()[event.worker_id] = std::move(machine);
  if (absl::IsFailedPrecondition(status)) {  // a newer process took its place
    turn.Answer<HeartbeatAnswer>(std::move(heartbeat.reply),
                                 HeartbeatAnswer{.register_again = true});
  } else if (!status.ok()) {
    turn.Answer<HeartbeatAnswer>(std::move(heartbeat.reply), status);
  } else {
    turn.AnswerOrPark(std::move(heartbeat));
  }
}

absl::Status ReportProgress(Turn& turn, const Progress& progress) {
  if (progress.started || !progress.epochs.empty()) {
    DFSWEEP_RETURN_IF_ERROR(
        turn.Step(AttemptStarted{progress.worker_id, progress.attempt}));
  }
  if (!turn.scheduler().IsLive(progress.worker_id, progress.attempt)) {
    return MakeError(
        absl::StatusCode::kFailedPrecondition,
        "this attempt is no longer the worker's",
        fmt::format("attempt {} of trial {}", progress.attempt.attempt,
                    progress.attempt.trial_id),
        "the worker has to stop it");
  }
  if (progress.first_stage_over) {
    DFSWEEP_RETURN_IF_ERROR(
        turn.Step(FirstStageOver{progress.worker_id, progress.attempt}));
  }
  Store& store = turn.store();
  store.AddEpochs(progress.attempt, progress.epochs);
  for (const EpochRow& row : progress.epochs) {
    turn.news().epochs.push_back({progress.attempt.trial_id, row});
  }
  store.AddEvaluations(progress.attempt, progress.evaluations);
  store.AddLogLines(progress.attempt, progress.lines);
  turn.watchers().TrialChanged(progress.attempt.trial_id);
  return absl::OkStatus();
}

absl::StatusOr<std::vector<std::string>> CheckpointOwners(
    Turn& turn, const std::string& trial_id) {
  std::optional<TrialRow> trial = turn.store().FindTrial(trial_id);
  if (!trial) {
    return MakeError(absl::StatusCode::kNotFound, "there is no such trial",
                     "trial " + trial_id, "stop it");
  }
  const auto configuration = nlohmann::json::parse(trial->configuration_json);
  auto stages = [&](bool records_path) {
    return sweeps::StageNames(configuration, trial->dataset_digest, trial->seed,
                              records_path);
  };
  std::vector<std::string> owners = stages(/*records_path=*/false);
  // The first stage has another name in sweeps that record SI's path.
  if (std::string other = stages(/*records_path=*/true).front();
      other != owners.front()) {
    owners.push_back(std::move(other));
  }
  owners.insert(owners.begin(), trial_id);
  return owners;
}

absl::Status CheckCheckpoint(Turn& turn, const std::string& worker_id,
                             const AttemptId& attempt,
                             const CheckpointName& name) {
  const std::string where =
      fmt::format("attempt {} of trial {}", attempt.attempt, attempt.trial_id);
  auto trial = turn.scheduler().Trial(attempt.trial_id);
  const bool is_current = trial && trial->attempt == attempt.attempt &&
                          turn.store().WorkerOfAttempt(attempt) == worker_id;
  if ((!is_current && !turn.scheduler().IsLive(worker_id, attempt)) ||
      (!name.is_stage && IsTerminal(trial->state) &&
       trial->state != TrialState::kCancelled)) {
    return MakeError(absl::StatusCode::kFailedPrecondition,
                     "this attempt is no longer the worker's", where,
                     "the worker has to stop it");
  }
  DFSWEEP_ASSIGN_OR_RETURN(std::vector<std::string> owners,
                           CheckpointOwners(turn, attempt.trial_id));
  // The trial itself owns progress, and nothing else does.
  const auto owner = std::find(owners.begin(), owners.end(), name.owner);
  if (owner == owners.end() || (owner == owners.begin()) == name.is_stage) {
    return MakeError(absl::StatusCode::kPermissionDenied,
                     "the trial has no checkpoint of this name", where,
                     "use the same dfsweep version on both sides");
  }
  return absl::OkStatus();
}

CompletionAnswer CompleteTrial(Turn& turn, const Completion& completion) {
  Store& store = turn.store();
  std::optional<std::string> worker_id =
      store.WorkerOfAttempt(completion.attempt);
  if (worker_id != completion.worker_id) {
    return {.reason = "this attempt was never leased to this worker here"};
  }
  store.AddLogLines(completion.attempt, completion.lines);
  turn.watchers().TrialChanged(completion.attempt.trial_id);
  // The answer to the same message was lost.
  if (std::holds_alternative<TrialResultRow>(completion.outcome) &&
      store.IsAccepted(completion.attempt)) {
    return {.accepted = true};
  }
  absl::Status status = ApplyOutcome(turn, completion);
  if (!status.ok()) return {.reason = PartsOf(MessageOf(status)).what};
  return {.accepted = true};
}

}  // namespace dfsweep::coordinator
