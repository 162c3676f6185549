#ifndef DFSWEEP_COORDINATOR_ENGINE_TURN_H_
#define DFSWEEP_COORDINATOR_ENGINE_TURN_H_

#include <functional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "absl/time/time.h"
#include "base/status.h"
#include "coordinator/core/scheduler.h"
#include "coordinator/engine/fleet.h"
#include "coordinator/engine/parked_calls.h"
#include "coordinator/engine/reply.h"
#include "coordinator/engine/watchers.h"
#include "coordinator/store/store.h"

namespace dfsweep::coordinator {

// What goes into the store beside an event's effects.
struct StepNotes {
  std::string request_id;  // of the LeaseTrials
  std::string message;     // why the attempt ended, if it has to be told
};

// What searches have to look at after a turn's handlers.
struct SearchNews {
  std::set<std::string> sweep_ids;  // new, or of a new status
  std::set<std::string> trial_ids;  // of a new state
  bool fleet_changed = false;
  struct Epoch {
    std::string trial_id;
    EpochRow row;
  };
  std::vector<Epoch> epochs;  // reported while training

  bool IsEmpty() const {
    return sweep_ids.empty() && trial_ids.empty() && !fleet_changed &&
           epochs.empty();
  }
};

// What a handler sees: the scheduler and the store within one transaction that
// may hold many handlers. Nothing is told to anybody before its COMMIT: answers
// go through Answer or AfterCommit. Belongs to the engine's thread; a reference
// is valid during the handler only.
class Turn {
 public:
  // How to tell, with the outcome of COMMIT.
  using Tell = std::function<void(const absl::Status&)>;

  Turn(Scheduler& scheduler, Store& store, ParkedCalls& parked,
       Watchers& watchers, Fleet& fleet, absl::Duration now,
       absl::Time wall_time);

  Store& store() { return store_; }
  const Scheduler& scheduler() const { return scheduler_; }
  ParkedCalls& parked() { return parked_; }
  Watchers& watchers() { return watchers_; }
  Fleet& fleet() { return fleet_; }
  SearchNews& news() { return news_; }
  absl::Duration now() const { return now_; }
  absl::Time wall_time() const { return wall_time_; }

  // Feeds the scheduler and writes the effects. A refusal becomes an error:
  // kNotFound for what is unknown (a worker registers again), else
  // kFailedPrecondition. `granted`, if not null, gets the leases.
  absl::Status Step(const Event& event, const StepNotes& notes = {},
                    std::vector<AttemptId>* granted = nullptr);

  // Answers after COMMIT, or with its error.
  template <typename T>
  void Answer(Reply<T> reply, absl::StatusOr<T> answer) {
    AfterCommit([reply = std::move(reply),
                 answer = std::move(answer)](const absl::Status& committed) {
      reply(committed.ok() ? answer : absl::StatusOr<T>(committed));
    });
  }
  void AfterCommit(Tell tell) { tells_.push_back(std::move(tell)); }

  // Gives parked requests what work there is, and answers parked calls that
  // have something to tell or have waited long enough.
  void ServeParkedCalls();
  // Answers all parked calls with nothing: the coordinator stops.
  void EndParkedCalls();
  // Answers the heartbeat at once if there is something to tell, or parks it.
  void AnswerOrPark(ParkedHeartbeat heartbeat);
  // Leases what there is and answers, or parks the request.
  void LeaseOrPark(ParkedLease lease);

  std::vector<Tell> TakeTells() { return std::move(tells_); }
  // Trials that ended in this turn.
  int64_t ended() const { return ended_; }
  // Whether a worker has registered or has a new state, in this turn.
  bool workers_changed() const { return workers_changed_; }
  void WorkersChanged();

 private:
  void Apply(const TrialChanged& effect, const StepNotes& notes);
  void Apply(const LeaseGranted& effect, const StepNotes& notes);
  void Apply(const AttemptEnded& effect, const StepNotes& notes);
  void Apply(const FailureForgiven& effect, const StepNotes& notes);
  void Apply(const StopAttempt& effect, const StepNotes& notes);
  void Apply(const WorkerChanged& effect, const StepNotes& notes);
  void Apply(const Refused& effect, const StepNotes& notes);
  void Apply(const WorkAvailable& effect, const StepNotes& notes);
  // Whether the lease was answered.
  bool TryLease(ParkedLease& lease);
  // What the worker is to be told to do, as far as it does not know itself.
  WorkerOrder OrderFor(const std::string& worker_id) const;
  bool HasNews(const std::string& worker_id) const;
  void AnswerHeartbeat(ParkedHeartbeat heartbeat);
  void ServeLeases();

  Scheduler& scheduler_;
  Store& store_;
  ParkedCalls& parked_;
  Watchers& watchers_;
  Fleet& fleet_;
  const absl::Duration now_;
  const absl::Time wall_time_;
  std::vector<Tell> tells_;
  std::vector<std::string> workers_with_news_;
  SearchNews news_;
  bool work_available_ = false;
  bool workers_changed_ = false;
  int64_t ended_ = 0;
  // Of the present step.
  absl::Status refusal_;
  std::vector<AttemptId>* granted_ = nullptr;
};

}  // namespace dfsweep::coordinator

#endif  // DFSWEEP_COORDINATOR_ENGINE_TURN_H_
