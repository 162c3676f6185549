// The scheduler's state and its steps, one handler an event. Internal to
// coordinator/core; scheduler.cc dispatches, the files named below hold the
// handlers.
#ifndef DFSWEEP_COORDINATOR_CORE_SCHEDULER_IMPL_H_
#define DFSWEEP_COORDINATOR_CORE_SCHEDULER_IMPL_H_

#include <map>
#include <memory>
#include <optional>
#include <string>
#include <unordered_map>
#include <vector>

#include "coordinator/core/pending_queue.h"
#include "coordinator/core/records.h"
#include "coordinator/core/scheduler.h"
#include "coordinator/core/speeds.h"

namespace dfsweep::coordinator {

struct Scheduler::Impl {
  explicit Impl(const SchedulerOptions& options) : options(options) {}

  // ---- scheduler_sweeps.cc ----
  void On(const SweepSubmitted& event);
  void On(const TrialsAdded& event);
  void On(const SweepPaused& event);
  void On(const SweepResumed& event);
  void On(const SweepCancelled& event);
  void On(const TrialsRetried& event);
  // Null, with a refusal, for an unknown sweep.
  SweepRecord* FindSweep(const std::string& sweep_id);
  SweepRecord& SweepOf(const std::string& sweep_id);
  void AddTrial(SweepRecord& sweep, const std::string& trial_id);
  // Those of a SweepSubmitted or TrialsAdded.
  template <typename Event>
  void AddTrialsOf(SweepRecord& sweep, const Event& event);
  void SetPaused(const std::string& sweep_id, bool paused);
  void CancelTrial(TrialRecord& trial);

  // ---- scheduler_workers.cc ----
  void On(const WorkerRegistered& event);
  void On(const HeartbeatReceived& event);
  void On(const WorkerDrained& event);
  void On(const WorkerPaused& event);
  void On(const WorkerRemoved& event);
  void On(const WorkerResumed& event);
  void On(const ParityJudged& event);
  void On(const LeasesRequested& event);
  void On(const Ticked& event);
  WorkerRecord& WorkerOf(const std::string& worker_id);
  // Null, with a refusal, unless this process of the worker is registered.
  WorkerRecord* FindWorker(const std::string& worker_id,
                           const std::string& incarnation);
  // Null, with a refusal, for a worker that is unknown or was removed.
  WorkerRecord* FindWorker(const std::string& worker_id);
  // Null, with a refusal, for a worker that was never seen.
  WorkerRecord* FindKnown(const std::string& worker_id);
  void StartIncarnation(WorkerRecord& worker, const WorkerRegistered& event);
  void Hear(WorkerRecord& worker);
  // Brings the leases in line with what the worker says it has.
  void Reconcile(WorkerRecord& worker, const std::vector<AttemptId>& held);
  void GiveBackUnheld(WorkerRecord& worker);
  void LoseAll(WorkerRecord& worker, bool resumable);
  void JudgeSilence(WorkerRecord& worker);
  int FreeSlots(const WorkerRecord& worker) const;
  bool CanaryIsOut(const WorkerRecord& worker) const;
  // The trial to give it now; null if there is none for it.
  TrialRecord* NextFor(const WorkerRecord& worker) const;
  // How many trials of the sweep are leased or running.
  int Held(int sweep_order) const;
  bool MayRun(const WorkerRecord& worker,
              const PendingQueue::Group& group) const;
  // Whether an online worker beside `worker` (may be null) fits, has not failed
  // and has more memory than was exhausted.
  bool HasBetterPlace(const WorkerRecord* worker,
                      const PendingQueue::Group& group) const;
  void Grant(WorkerRecord& worker, TrialRecord& trial);
  void Resume(WorkerRecord& worker, TrialRecord& trial);
  // Tells the worker's state if it is not what was told last.
  void Announce(WorkerRecord& worker);
  std::optional<absl::Duration> DeadlineOf(const WorkerRecord& worker) const;

  // ---- scheduler_attempts.cc ----
  void On(const AttemptStarted& event);
  void On(const AttemptCompleted& event);
  void On(const AttemptFailed& event);
  void On(const AttemptHandedBack& event);
  // Null, with a refusal, unless the attempt is the trial's current one or its
  // copy, and this worker holds it.
  TrialRecord* FindLive(const std::string& worker_id, const AttemptId& attempt);
  static bool IsCurrent(const TrialRecord& trial, const std::string& worker_id,
                        const AttemptId& attempt);
  // Ends what lives of the trial, of which one attempt has a result.
  void EndAll(TrialRecord& trial, const AttemptCompleted& winner);
  // With its copy, or it waits for another worker: its attempt has ended.
  void GoOn(TrialRecord& trial);
  void LoseAttempt(TrialRecord& trial, bool resumable);
  // Ends the attempt of a held trial and takes it from its holder. The caller
  // then moves the trial.
  void EndAttempt(TrialRecord& trial, AttemptEnded::How how,
                  std::optional<Cause> cause, bool counted);
  // Ends the attempt of a held trial because its holder must stop it.
  void StopAndEnd(TrialRecord& trial, AttemptEnded::How how);
  void Blame(WorkerRecord& worker, const RestoredFailure& failure,
             bool was_canary);
  void Forgive(const RestoredFailure& failure, const std::string& worker_id);
  bool HasSpentBudget(const TrialRecord& trial) const;

  // ---- scheduler_placement.cc ----
  // The one of the trials that wait in the group, which the worker may run,
  // that it had better take.
  TrialRecord* Choose(const WorkerRecord& worker,
                      const PendingQueue::Group& group,
                      const PendingQueue::Waiting& waiting) const;
  // When all that wait in the group are expected to be done, from now, in
  // seconds (or the unit of `speeds`).
  double TimeOfAll(const PendingQueue::Group& group,
                   const PendingQueue::Waiting& waiting,
                   const Speeds& speeds) const;
  struct WorkLeft {
    double all = 0;    // of what the worker holds
    double least = 0;  // until a slot is free
  };
  WorkLeft LeftOn(const WorkerRecord& worker, double speed,
                  const Speeds& speeds) const;

  // ---- scheduler_copies.cc ----
  // Gives the worker copies of trials that are slow elsewhere, at most `free`.
  void GrantCopies(WorkerRecord& worker, int free);
  // By how much sooner a copy on the worker is expected to be done, if that is
  // enough.
  std::optional<absl::Duration> SavingOf(const WorkerRecord& worker,
                                         const TrialRecord& trial,
                                         const Speeds& speeds) const;
  bool MayCopy(const WorkerRecord& worker, const TrialRecord& trial) const;
  void GrantCopy(WorkerRecord& worker, TrialRecord& trial);
  void HoldCopy(WorkerRecord& worker, TrialRecord& trial, int attempt,
                bool is_restored);
  static bool IsCopy(const TrialRecord& trial, const std::string& worker_id,
                     const AttemptId& attempt);
  // Ends the copy, whose trial goes on with its current attempt.
  void EndCopy(TrialRecord& trial, AttemptEnded::How how,
               std::optional<Cause> cause);
  void StopCopy(TrialRecord& trial, AttemptEnded::How how);
  // The copy becomes the current attempt, which has ended.
  void Promote(TrialRecord& trial);
  // What the worker holds of the trial was lost.
  void LoseOn(WorkerRecord& worker, TrialRecord& trial, bool resumable);

  // ---- scheduler_search.cc ----
  void On(const TrialDropped& event);
  void On(const TrialTakenUp& event);
  // Whether it is cancelled because a sweep that goes on has dropped it.
  static bool WasDropped(const TrialRecord& trial);
  // Null, with a refusal, unless the sweep has the trial.
  Need* FindNeed(const std::string& sweep_id, const std::string& trial_id);

  // ---- scheduler_stages.cc ----
  void On(const FirstStageOver& event);
  void SetFirstStage(TrialRecord& trial, const FirstStage& stage);
  // The longest first, and among those that share a stage fewer epochs of it.
  static void OrderTrials(SweepRecord& sweep);
  // `positions`: of the sweep's trials that share one, ascending.
  static void OrderStage(SweepRecord& sweep, const std::vector<int>& positions);
  // Whether others wait for the trial, which has a stage.
  static bool TrainsForOthers(const TrialRecord& trial);
  // Whether the trial had better wait for another to train its first stage.
  bool Waits(const TrialRecord& trial) const;
  // Brings the stage in line with the state of one of its trials.
  void FollowInStage(TrialRecord& trial);
  void EndFirstStage(TrialRecord& trial);
  void RequeueAll(const StageRecord& stage);

  // ---- scheduler.cc ----
  void Restore(const RestoredState& state);
  void RestoreTrial(const RestoredTrial& restored);
  void RestoreCopy(TrialRecord& trial, const RestoredTrial& restored);
  void RestoreWorker(const RestoredWorker& restored);
  // Null for an unknown trial.
  TrialRecord* FindTrial(const std::string& trial_id) const;
  // Gives the trial a state and its place in the queue, and tells it.
  void MoveTo(TrialRecord& trial, TrialState state);
  // Puts a pending trial where it now belongs, if anywhere.
  void Requeue(TrialRecord& trial);
  std::optional<PendingQueue::Place> PlaceOf(const TrialRecord& trial) const;
  void Refuse(Refused::Why why, std::string message);

  // ---- scheduler_invariants.cc ----
  void CheckTrial(const TrialRecord& trial) const;
  void CheckWorker(const WorkerRecord& worker) const;

  const SchedulerOptions options;
  // Records never move and are never deleted, so that they can point at each
  // other. Trials are never walked over, or the order of effects would depend
  // on the hash.
  std::unordered_map<std::string, std::unique_ptr<TrialRecord>> trials;
  std::map<std::string, std::unique_ptr<SweepRecord>> sweeps;
  std::map<std::string, std::unique_ptr<WorkerRecord>> workers;
  std::unordered_map<std::string, std::unique_ptr<StageRecord>> stages;
  PendingQueue pending;

  // Of the current step.
  absl::Duration now;
  Effects effects;
  bool work_available = false;
};

// Whether a sweep that is not cancelled, and has not dropped it, needs the
// trial.
bool IsNeeded(const TrialRecord& trial);

// What people see of a worker: its presence, drain and health in one word.
WorkerState StateOf(const WorkerRecord& worker);

// Memory of its device that a trial can have, as far as is known.
int64_t FreeBytes(const WorkerRecord& worker);

inline AttemptId CurrentAttempt(const TrialRecord& trial) {
  return {.trial_id = trial.id, .attempt = trial.attempt};
}

// The attempt at the trial that the worker holds.
inline AttemptId AttemptOn(const WorkerRecord& worker,
                           const TrialRecord& trial) {
  return {
      .trial_id = trial.id,
      .attempt = trial.holder == &worker ? trial.attempt : trial.copy->attempt};
}

}  // namespace dfsweep::coordinator

#endif  // DFSWEEP_COORDINATOR_CORE_SCHEDULER_IMPL_H_
