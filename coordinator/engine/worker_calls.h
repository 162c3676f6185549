// What worker daemons ask for, as handlers of the engine. Requests were checked
// by the service: numbers are finite, names and sizes within their limits.
#ifndef DFSWEEP_COORDINATOR_ENGINE_WORKER_CALLS_H_
#define DFSWEEP_COORDINATOR_ENGINE_WORKER_CALLS_H_

#include <string>
#include <variant>
#include <vector>

#include "coordinator/engine/turn.h"
#include "coordinator/store/checkpoint_files.h"

namespace dfsweep::coordinator {

struct RegisterAnswer {
  std::string name;  // made unique
  std::vector<AttemptId> stop;
};

// A handshake of `worker`, whose state and counts are ignored.
void RegisterWorker(Turn& turn, WorkerRow worker,
                    const std::vector<AttemptId>& held,
                    Reply<RegisterAnswer> reply);

// Answers with the leases that the request id was given before, if they live.
void LeaseTrials(Turn& turn, ParkedLease request);

// `machine` says why the worker pauses, which `event` need not. `heartbeat` is
// parked if there is nothing to tell.
void Heartbeat(Turn& turn, HeartbeatReceived event, MachineStatus machine,
               ParkedHeartbeat heartbeat);

struct Progress {
  std::string worker_id;
  AttemptId attempt;
  bool started = false;
  bool first_stage_over = false;
  std::vector<EpochRow> epochs;
  std::vector<EvaluationRow> evaluations;
  std::vector<LogRow> lines;
};
// kFailedPrecondition: the attempt is stale; its trainer must be stopped.
absl::Status ReportProgress(Turn& turn, const Progress& progress);

struct FailureRow {
  Cause cause = Cause::kCrash;
  std::string message;
};
struct HandBackRow {
  std::string reason;
};
struct Completion {
  std::string worker_id;
  AttemptId attempt;
  std::variant<TrialResultRow, FailureRow, HandBackRow> outcome;
  std::vector<LogRow> lines;
};
struct CompletionAnswer {
  bool accepted = false;
  std::string reason;
};
CompletionAnswer CompleteTrial(Turn& turn, const Completion& completion);

// Whose checkpoints an attempt may go on from: its trial's id, then the names
// of its stages. kNotFound if there is no such trial.
absl::StatusOr<std::vector<std::string>> CheckpointOwners(
    Turn& turn, const std::string& trial_id);

// Whether a worker may send a checkpoint of that name for its attempt:
// kFailedPrecondition if the attempt is not its own or no longer the trial's,
// kPermissionDenied if the trial has no such checkpoint.
absl::Status CheckCheckpoint(Turn& turn, const std::string& worker_id,
                             const AttemptId& attempt,
                             const CheckpointName& name);

}  // namespace dfsweep::coordinator

#endif  // DFSWEEP_COORDINATOR_ENGINE_WORKER_CALLS_H_
