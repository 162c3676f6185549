// A scheduler with its own time for tests: one short call an event, invariants
// checked after each.
#ifndef DFSWEEP_COORDINATOR_CORE_SCHEDULER_TESTING_H_
#define DFSWEEP_COORDINATOR_CORE_SCHEDULER_TESTING_H_

#include <algorithm>
#include <functional>
#include <optional>
#include <ostream>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "absl/time/time.h"
#include "coordinator/core/scheduler.h"

namespace dfsweep::coordinator {

// The effects of one kind, in order.
template <typename T>
std::vector<T> Only(const Effects& effects) {
  std::vector<T> found;
  for (const Effect& effect : effects) {
    if (const T* it = std::get_if<T>(&effect)) found.push_back(*it);
  }
  return found;
}

// Why the event was refused; empty if it was not.
inline std::optional<Refused::Why> RefusalOf(const Effects& effects) {
  const std::vector<Refused> refusals = Only<Refused>(effects);
  if (refusals.empty()) return std::nullopt;
  return refusals.front().why;
}

class SchedulerWorld {
 public:
  explicit SchedulerWorld(const SchedulerOptions& options = {})
      : scheduler(options) {}
  explicit SchedulerWorld(const RestoredState& state,
                          const SchedulerOptions& options = {})
      : scheduler(options, state, absl::ZeroDuration()) {
    scheduler.CheckInvariants();
  }

  Effects Step(const Event& event) {
    Effects effects = scheduler.Step(event, now);
    scheduler.CheckInvariants();
    return effects;
  }

  Effects Submit(const std::string& sweep, std::vector<std::string> trials,
                 int priority = 0) {
    return Step(SweepSubmitted{
        .sweep_id = sweep, .priority = priority, .trial_ids = trials});
  }
  // A worker named w has the incarnation "w.1" unless told otherwise.
  Effects Register(const std::string& worker, int slots = 1,
                   std::vector<AttemptId> held = {},
                   const std::string& incarnation = "1") {
    return Step(WorkerRegistered{.worker_id = worker,
                                 .incarnation = incarnation,
                                 .device = "cpu",
                                 .memory_bytes = 0,
                                 .slots = slots,
                                 .held = std::move(held)});
  }
  Effects Beat(const std::string& worker, std::vector<AttemptId> held = {},
               bool leaving = false, const std::string& incarnation = "1") {
    return Step(HeartbeatReceived{.worker_id = worker,
                                  .incarnation = incarnation,
                                  .sequence = ++sequence,
                                  .held = std::move(held),
                                  .leaving = leaving});
  }
  // The attempts that the worker is granted.
  std::vector<AttemptId> Lease(const std::string& worker, int max_trials = 1,
                               const std::string& incarnation = "1") {
    std::vector<AttemptId> granted;
    for (const LeaseGranted& lease :
         Only<LeaseGranted>(Step(LeasesRequested{.worker_id = worker,
         .incarnation = incarnation,
         .max_trials = max_trials}))) {
      granted.push_back(lease.attempt);
    }
    return granted;
  }
  Effects Start(const std::string& worker, const AttemptId& attempt) {
    return Step(AttemptStarted{worker, attempt});
  }
  // A sweep of trials that share the first stage "s", with their epochs of it.
  Effects SubmitSharing(
      const std::string& sweep,
      const std::vector<std::pair<std::string, int64_t>>& trials) {
    SweepSubmitted event{.sweep_id = sweep};
    for (const auto& [trial, epochs] : trials) {
      event.trial_ids.push_back(trial);
      event.first_stages[trial] = {"s", epochs};
    }
    return Step(event);
  }
  Effects EndFirstStage(const std::string& worker, const AttemptId& attempt) {
    return Step(FirstStageOver{worker, attempt});
  }
  Effects Complete(const std::string& worker, const AttemptId& attempt,
                   bool diverged = false) {
    return Step(AttemptCompleted{worker, attempt, diverged});
  }
  Effects Fail(const std::string& worker, const AttemptId& attempt,
               Cause cause = Cause::kCrash) {
    return Step(AttemptFailed{worker, attempt, cause, "it failed"});
  }
  Effects HandBack(const std::string& worker, const AttemptId& attempt) {
    return Step(AttemptHandedBack{worker, attempt});
  }
  Effects Tick(absl::Duration after = absl::ZeroDuration()) {
    now += after;
    return Step(Ticked{});
  }
  // Lets time pass in which the worker is heard from.
  void Live(const std::string& worker, absl::Duration time) {
    for (absl::Duration end = now + time; now < end;) {
      now = std::min(end, now + absl::Seconds(10));
      Beat(worker, scheduler.Worker(worker)->held);
      Tick();
    }
  }

  TrialState State(const std::string& trial) const {
    return scheduler.Trial(trial)->state;
  }
  WorkerState WorkerIs(const std::string& worker) const {
    return scheduler.Worker(worker)->state;
  }
  std::vector<AttemptId> Held(const std::string& worker) const {
    return scheduler.Worker(worker)->held;
  }

  Scheduler scheduler;
  absl::Duration now;
  int64_t sequence = 0;
};

// Readable names in failed expectations.
inline void PrintTo(const AttemptId& attempt, std::ostream* out) {
  *out << attempt.trial_id << "#" << attempt.attempt;
}
inline void PrintTo(TrialState state, std::ostream* out) {
  static constexpr const char* kNames[] = {"pending",   "leased",   "running",
                                           "completed", "diverged", "failed",
                                           "cancelled"};
  *out << kNames[static_cast<int>(state)];
}
inline void PrintTo(WorkerState state, std::ostream* out) {
  static constexpr const char* kNames[] = {
      "online", "suspect", "lost", "draining", "quarantined", "left", "paused"};
  *out << kNames[static_cast<int>(state)];
}

}  // namespace dfsweep::coordinator

#endif  // DFSWEEP_COORDINATOR_CORE_SCHEDULER_TESTING_H_
