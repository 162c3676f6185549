// The life of every trial, as a pure state machine.
//
// Scheduler::Step(event, now) -> effects is the only place that moves a trial.
// It has no clock, thread, socket or file: the engine feeds it events in order,
// writes its effects to the store in the same transaction, and answers the
// callers after the COMMIT; the simulator runs millions of histories through
// it. `now` is time since an arbitrary start (Clock::Elapsed), never a time of
// day, and never goes back.
//
// Not thread-safe: one owner.
#ifndef DFSWEEP_COORDINATOR_CORE_SCHEDULER_H_
#define DFSWEEP_COORDINATOR_CORE_SCHEDULER_H_

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "absl/time/time.h"

namespace dfsweep::coordinator {

enum class TrialState {
  kPending,
  kLeased,
  kRunning,
  kCompleted,
  kDiverged,
  kFailed,
  kCancelled,
  // Cancelled because its sweep's search stopped it early. Only in what people
  // are shown of a sweep: the scheduler has no trial in this state.
  kPruned,
};

// Whether nothing but a retry moves the trial any more.
bool IsTerminal(TrialState state);

enum class Cause {
  kWorkerLost,
  kPreempted,
  kOutOfMemory,
  kCrash,
  kTimeout,
  kBadConfig,
  kEnvironment,
};

enum class WorkerState {
  kOnline,
  kSuspect,
  kLost,
  kDraining,
  kQuarantined,
  kLeft,
  kPaused
};

// What a person has ordered of a worker.
enum class WorkerOrder {
  kWork,
  kDrain,   // finish what it has, until its daemon is restarted
  kPause,   // hand back what it has and take nothing
  kRemove,  // stay away
};

// How many failures of a cause a trial survives; the failure after that ends
// it. Worker loss and preemption are never counted against the trial.
struct RetryBudget {
  int out_of_memory = 2;
  int crash = 3;
  int timeout = 1;
  int environment = 3;
};

struct SchedulerOptions {
  absl::Duration suspect_after = absl::Seconds(30);
  absl::Duration lost_after = absl::Seconds(120);
  // A lease whose attempt the worker does not list as held for this long was
  // never received: it is given back.
  absl::Duration unheld_after = absl::Seconds(60);
  // Distinct trials in a row that fail on a worker before it is quarantined.
  int quarantine_after = 3;
  // Wait before a quarantined worker's canary trial; doubles up to the maximum.
  absl::Duration canary_after = absl::Seconds(30);
  absl::Duration canary_after_maximum = absl::Minutes(30);
  // A trial that failed on this many workers is poisoned: it ends as failed.
  int poisoned_after_workers = 2;
  // A free worker that finds no other work makes a copy of a running trial if
  // it would, from the beginning, be done sooner by so much and by this share
  // of the time that the copy takes.
  absl::Duration copy_saves = absl::Seconds(30);
  double copy_saves_share = 0.5;
};

struct AttemptId {
  std::string trial_id;
  int attempt = 0;
  friend bool operator==(const AttemptId&, const AttemptId&) = default;
  friend auto operator<=>(const AttemptId&, const AttemptId&) = default;
};

// What a worker must have to be leased a trial.
struct Requirements {
  std::string device = "any";  // "any", "cpu" or "cuda"
  int64_t memory_bytes = 0;
  friend bool operator==(const Requirements&, const Requirements&) = default;
};

// What trials have in common that are trained alike from the beginning: the
// first stage of that name (see sweeps/stages.h), of which this trial trains so
// many epochs. Without a name: nothing.
struct FirstStage {
  std::string name;
  int64_t epochs = 0;
  friend bool operator==(const FirstStage&, const FirstStage&) = default;
};

// ---- Events: what happened, in past tense -----------------------------------

// A sweep was submitted. Trials that are known already gain one more sweep that
// needs them; a cancelled trial becomes pending again; a failed one stays. A
// trial that has not ended takes over these requirements and this budget. A
// sweep that is known already goes on (no longer paused or cancelled) with the
// new priority, and these trials are added to its own.
//
// Sweeps of the highest priority share the workers' slots evenly; beyond that,
// the one that was submitted first goes first.
// Trials of a sweep that are expected to take long go first, so that no worker
// is left alone with one in the end, and a slow worker takes none that the
// others would have to wait for (see scheduler_placement.cc). Trials that share
// a first stage go where the longest of them does, and run one at a time until
// one has trained it, those with fewer epochs of it first: theirs are a prefix
// of the others'.
struct SweepSubmitted {
  std::string sweep_id;
  int priority = 0;
  // In the order in which to run them, but for what is said above.
  std::vector<std::string> trial_ids;
  std::map<std::string, FirstStage> first_stages;  // by trial id, where known
  // What the time of a training is proportional to, by trial id; else 0.
  std::map<std::string, double> work;
  Requirements requirements;
  RetryBudget budget;
};
// A search gives a sweep that is known and not cancelled more trials. As
// SweepSubmitted, but a sweep that is paused stays so.
struct TrialsAdded {
  std::string sweep_id;
  std::vector<std::string> trial_ids;
  std::map<std::string, FirstStage> first_stages;
  std::map<std::string, double> work;
  Requirements requirements;
  RetryBudget budget;
};
// The sweep does not need the trial to go on, for others look better: if no
// other sweep needs it and it has not ended, it is stopped and cancelled.
struct TrialDropped {
  std::string sweep_id;
  std::string trial_id;
};
// A sweep that dropped the trial needs it after all.
struct TrialTakenUp {
  std::string sweep_id;
  std::string trial_id;
};
struct SweepPaused {
  std::string sweep_id;
};
struct SweepResumed {
  std::string sweep_id;
};
// Its open trials that no other sweep needs become cancelled.
struct SweepCancelled {
  std::string sweep_id;
};
// Failed and cancelled trials become pending with fresh budgets
// (FailureForgiven for each of their attempts); others are left alone. A trial
// all of whose sweeps are cancelled runs under the best of these until
// cancelled again.
struct TrialsRetried {
  std::vector<std::string> trial_ids;
};

// A handshake. With a new incarnation, attempts that the scheduler has on this
// worker and `held` lacks ended with the worker's old process, and an earlier
// drain is over. The same incarnation may register any number of times.
struct WorkerRegistered {
  std::string worker_id;
  std::string incarnation;
  std::string device;        // "cpu" or "cuda"
  int64_t memory_bytes = 0;  // of the device
  int slots = 1;
  std::vector<AttemptId> held;
  double samples_per_second = 0;  // of its probe; 0: not known
};
struct HeartbeatReceived {
  std::string worker_id;
  std::string incarnation;
  int64_t sequence = 0;
  std::vector<AttemptId> held;
  bool leaving = false;
  // Why it takes no work of its own accord, in a phrase; "" if it takes some.
  std::string pause_reason;
  // Why it only finishes what it has of its own accord; "" if it goes on.
  std::string drain_reason;
};
struct WorkerDrained {
  std::string worker_id;
};
// Until WorkerResumed, whatever registers.
struct WorkerPaused {
  std::string worker_id;
};
// It is shut out until WorkerResumed.
struct WorkerRemoved {
  std::string worker_id;
};
// All these orders are void.
struct WorkerResumed {
  std::string worker_id;
};
// Whether a worker computes as the fleet does: why it is given no work, or "".
struct ParityJudged {
  std::string worker_id;
  std::string refusal;
};

// A worker has `max_trials` free slots, on a device with so much free memory,
// if it can tell.
struct LeasesRequested {
  std::string worker_id;
  std::string incarnation;
  int max_trials = 1;
  std::optional<int64_t> free_bytes = std::nullopt;
};

struct AttemptStarted {
  std::string worker_id;
  AttemptId attempt;
};
// Trials that share the attempt's first stage need not wait for it any more: it
// is trained and can be fetched, or its worker does not share it.
struct FirstStageOver {
  std::string worker_id;
  AttemptId attempt;
};
// A complete, valid result.
struct AttemptCompleted {
  std::string worker_id;
  AttemptId attempt;
  bool diverged = false;
};
struct AttemptFailed {
  std::string worker_id;
  AttemptId attempt;
  Cause cause;
  std::string message;
};
struct AttemptHandedBack {
  std::string worker_id;
  AttemptId attempt;
};

// Time has passed; find what is overdue.
struct Ticked {};

using Event =
    std::variant<SweepSubmitted, TrialsAdded, TrialDropped, TrialTakenUp,
                 SweepPaused, SweepResumed, SweepCancelled, TrialsRetried,
                 WorkerRegistered, HeartbeatReceived, WorkerDrained,
                 WorkerPaused, WorkerRemoved, WorkerResumed, ParityJudged,
                 LeasesRequested, AttemptStarted, FirstStageOver,
                 AttemptCompleted, AttemptFailed, AttemptHandedBack, Ticked>;

// ---- Effects: what must be written or told ----------------------------------

// A trial has a new state. The store writes it; watchers hear of it. Running
// with an attempt that AttemptEnded called lost means that its worker came back
// before anybody else was given the trial: the attempt lives again.
struct TrialChanged {
  std::string trial_id;
  TrialState state;
  int attempt = 0;  // number of the current attempt
  // That holds it, held it last, or sent the accepted result; may be "".
  std::string worker_id;
};
// A new attempt was promised to a worker: goes into the store and the answer.
// A copy lives beside the trial's current attempt, of a worker that is slower;
// the first result wins. TrialChanged tells if it becomes the current one.
struct LeaseGranted {
  std::string worker_id;
  AttemptId attempt;
  bool is_copy = false;
};
// An attempt has ended, and how. `counted` says whether it counts against the
// trial's budget.
struct AttemptEnded {
  AttemptId attempt;
  enum class How {
    kCompleted,
    kDiverged,
    kFailed,
    kLost,  // the worker was silent for too long, or restarted
    kHandedBack,
    kCancelled,
    kSuperseded,  // another attempt's result was accepted
  } how;
  std::optional<Cause> cause;  // for kFailed and kLost
  bool counted = false;
};
// A failure no longer counts against its trial: it turned out to be the
// worker's fault, or the trial was retried. Uncount it, if it was counted.
struct FailureForgiven {
  AttemptId attempt;
};
// The worker must stop this attempt; the answer to its heartbeat says so.
struct StopAttempt {
  std::string worker_id;
  AttemptId attempt;
};
struct WorkerChanged {
  std::string worker_id;
  WorkerState state;
  std::string reason;  // a sentence, "" when online
  WorkerOrder order = WorkerOrder::kWork;
};
// The event was refused; nothing changed.
struct Refused {
  enum class Why {
    kUnknownWorker,   // register again
    kOldIncarnation,  // a newer process of that worker is registered
    kRemovedWorker,   // a person has shut it out
    kUnknownTrial,
    kStaleAttempt,  // another attempt is the trial's now: stop the trainer
    kAlreadyEnded,  // the trial has ended: drop the outcome
    kUnknownSweep,
  } why;
  std::string message;  // a sentence
};
// Work may have become available: wake the parked LeaseTrials calls.
struct WorkAvailable {};

using Effect =
    std::variant<TrialChanged, LeaseGranted, AttemptEnded, FailureForgiven,
                 StopAttempt, WorkerChanged, Refused, WorkAvailable>;
using Effects = std::vector<Effect>;

// ---- What a store knows of the past, for a restart --------------------------

struct RestoredTrial {
  std::string trial_id;
  TrialState state = TrialState::kPending;
  int attempt = 0;         // as TrialChanged told last
  int newest_attempt = 0;  // of all that were granted
  std::string worker_id;   // holder, if leased or running
  // Of a copy that lives; 0 and "" if there is none.
  int copy_attempt = 0;
  std::string copy_worker_id;
  Requirements requirements;
  RetryBudget budget;
  std::map<Cause, int> counted_failures;
  std::vector<std::string> failed_on_workers;  // distinct, counted failures
  FirstStage first_stage;
  bool first_stage_is_over = false;  // see FirstStageOver
  double work = 0;                   // see SweepSubmitted
};
struct RestoredSweep {
  std::string sweep_id;
  int priority = 0;
  bool paused = false;
  bool cancelled = false;
  std::vector<std::string> trial_ids;  // in order; oldest sweep first
  std::vector<std::string> dropped_trial_ids;
};
struct RestoredFailure {
  AttemptId attempt;
  Cause cause = Cause::kCrash;
};
struct RestoredWorker {
  std::string worker_id;
  std::string incarnation;
  std::string device;
  int64_t memory_bytes = 0;
  int slots = 1;
  double samples_per_second = 0;  // of its probe; 0: not known
  WorkerState state = WorkerState::kOnline;
  WorkerOrder order = WorkerOrder::kWork;
  // Its counted failures since its last completion, oldest first. May be left
  // empty: then the worker's streak of failures starts anew.
  std::vector<RestoredFailure> failure_streak;
};
struct RestoredState {
  std::vector<RestoredSweep> sweeps;
  std::vector<RestoredTrial> trials;
  std::vector<RestoredWorker> workers;
};

// ---- The machine ------------------------------------------------------------

class Scheduler {
 public:
  explicit Scheduler(const SchedulerOptions& options);
  // Continues from a store: every lease and every worker counts as heard from
  // at `now`, so that a restart never expires anybody.
  Scheduler(const SchedulerOptions& options, const RestoredState& state,
            absl::Duration now);
  ~Scheduler();
  Scheduler(Scheduler&&) noexcept;
  Scheduler& operator=(Scheduler&&) noexcept;

  Effects Step(const Event& event, absl::Duration now);

  // When the next Ticked can have an effect; empty if none is due.
  std::optional<absl::Duration> NextDeadline() const;

  // Reading, for answers and invariants. Empty for unknown ids.
  struct TrialView {
    TrialState state;
    int attempt;
    std::string worker_id;
  };
  std::optional<TrialView> Trial(const std::string& trial_id) const;
  // Whether the worker holds this attempt, as the current one or as a copy.
  bool IsLive(const std::string& worker_id, const AttemptId& attempt) const;
  bool HoldsAny(const std::string& worker_id) const;
  struct WorkerView {
    WorkerState state;
    std::string reason;
    WorkerOrder order;
    std::vector<AttemptId> held;  // leased or running there
    absl::Duration last_heard;    // on the scale of `now`
  };
  std::optional<WorkerView> Worker(const std::string& worker_id) const;
  std::vector<std::string> WorkerIds() const;

  // Aborts the process with a message if an invariant is broken: no trial in
  // two live leases, attempts only rise, terminal trials hold no worker, the
  // index of pending trials agrees with the trials. O(trials); for tests and
  // the simulator.
  void CheckInvariants() const;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace dfsweep::coordinator

#endif  // DFSWEEP_COORDINATOR_CORE_SCHEDULER_H_
