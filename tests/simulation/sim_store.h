#ifndef DFSWEEP_TESTS_SIMULATION_SIM_STORE_H_
#define DFSWEEP_TESTS_SIMULATION_SIM_STORE_H_

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "coordinator/core/scheduler.h"

namespace dfsweep::simulation {

// What a real store would have on disk: only what the events and effects of
// committed steps say. It knows nothing of the scheduler's inside, so that a
// restart from it proves that the effects tell everything. It aborts the
// process, naming the seed, when the effects contradict what is stored.
class SimStore {
 public:
  struct Attempt {
    std::string worker_id;
    bool is_copy = false;  // and not the current attempt, so far
    std::optional<coordinator::AttemptEnded> ended;
    bool is_forgiven = false;
    int64_t end_order = 0;
  };
  struct Trial {
    coordinator::TrialState state = coordinator::TrialState::kPending;
    int attempt = 0;
    std::string worker_id;
    coordinator::Requirements requirements;
    coordinator::RetryBudget budget;
    std::map<int, Attempt> attempts;
    int accepted_attempt = 0;  // 0: none
    coordinator::FirstStage first_stage;
    bool first_stage_is_over = false;  // of the attempts that live
    double work = 0;
  };

  explicit SimStore(uint64_t seed) : seed_(seed) {}

  // One transaction: an event that was not refused, and all its effects.
  void Commit(const coordinator::Event& event,
              const coordinator::Effects& effects);

  coordinator::RestoredState Restore() const;

  const std::map<std::string, Trial>& trials() const { return trials_; }

  // Aborts with the seed unless `holds`.
  void Require(bool holds, const std::string& what,
               const std::string& id) const;

 private:
  void Apply(const coordinator::SweepSubmitted& event);
  void Apply(const coordinator::TrialDropped& event);
  // A new one if it is unknown.
  coordinator::RestoredSweep& SweepOf(const std::string& sweep_id);
  template <typename Event>
  void AddTrials(coordinator::RestoredSweep& sweep, const Event& event);
  void Apply(const coordinator::WorkerRegistered& event);
  void Apply(const coordinator::FirstStageOver& event);
  void SetPaused(const std::string& sweep_id, bool paused);
  void Write(const coordinator::TrialChanged& effect);
  void Write(const coordinator::LeaseGranted& effect);
  void Write(const coordinator::AttemptEnded& effect);
  void Write(const coordinator::FailureForgiven& effect);
  void Write(const coordinator::WorkerChanged& effect);
  // After a transaction: what must hold of each trial it touched.
  void Check(const std::string& trial_id) const;
  std::vector<coordinator::RestoredFailure> StreakOf(
      const std::string& worker_id) const;

  uint64_t seed_;
  std::map<std::string, Trial> trials_;
  std::vector<coordinator::RestoredSweep> sweeps_;
  std::map<std::string, coordinator::RestoredWorker> workers_;
  std::map<std::string, int64_t> last_completion_;  // end order, by worker
  int64_t end_order_ = 0;
};

}  // namespace dfsweep::simulation

#endif  // DFSWEEP_TESTS_SIMULATION_SIM_STORE_H_
