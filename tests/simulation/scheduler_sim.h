#ifndef DFSWEEP_TESTS_SIMULATION_SCHEDULER_SIM_H_
#define DFSWEEP_TESTS_SIMULATION_SCHEDULER_SIM_H_

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <queue>
#include <set>
#include <string>
#include <vector>

#include "absl/time/time.h"
#include "coordinator/core/scheduler.h"
#include "tests/simulation/sim_random.h"
#include "tests/simulation/sim_store.h"
#include "tests/simulation/sim_worker.h"

namespace dfsweep::simulation {

// What a history is made of. How often each fault comes is drawn from the seed.
struct SimPlan {
  uint64_t seed = 0;
  // Processes crash and sleep, people pause, cancel, retry, drain and remove,
  // and some trials are broken. Else only the network is bad.
  bool has_chaos = true;
  bool has_black_hole = false;  // a worker that fails everything
};

struct SimReport {
  int64_t events = 0;
  int64_t leases = 0;
  int64_t copies = 0;  // of the leases
  int coordinator_crashes = 0;
  int completed = 0;
  int failed = 0;
  int cancelled = 0;
  // Trials that the black hole failed, and how many it may by the passing of
  // time: three before its quarantine, then one a canary.
  int touched_by_black_hole = 0;
  int allowed_to_black_hole = 0;
  absl::Duration virtual_time;
};

// One history of a coordinator, its store, its workers and the network between
// them, in virtual time, on one thread. Faults come for half an hour, then
// stop; from then on every trial must end. Everything that happens comes from
// the seed. What must always hold is checked after each event; what does not
// hold aborts the process and names the seed.
class SchedulerSim : private SimHost {
 public:
  explicit SchedulerSim(const SimPlan& plan);
  ~SchedulerSim() override = default;

  // Runs the history to its end.
  SimReport Run();

 private:
  struct Due {
    absl::Duration when;
    int64_t order;  // equal times: first come, first served
    std::function<void()> what;
    friend bool operator>(const Due& a, const Due& b) {
      return a.when != b.when ? a.when > b.when : a.order > b.order;
    }
  };
  struct Parked {
    coordinator::LeasesRequested request;
    SimHost::OnReply on_reply;
    absl::Duration until;  // however often it is woken in vain
  };
  struct Network {
    double loss = 0;
    double doubling = 0;
    double slowness = 0;  // share of messages that take up to a minute
  };

  // ---- SimHost ----
  absl::Duration Now() const override { return now_; }
  SimRandom& Random() override { return random_; }
  void After(absl::Duration delay, std::function<void()> what) override;
  void Send(const coordinator::Event& request, OnReply on_reply) override;
  coordinator::Event OutcomeOf(const std::string& worker_id,
                               const coordinator::AttemptId& attempt) override;
  void OnAcknowledged(const coordinator::AttemptId& attempt) override;

  // ---- The coordinator ----
  void StartCoordinator();
  void CrashCoordinator();
  // A step and its transaction; empty if the coordinator is down or dies.
  std::optional<coordinator::Effects> Step(const coordinator::Event& event);
  // A request for work that finds none is parked `until` then.
  void Answer(const coordinator::Event& request, const OnReply& on_reply,
              absl::Duration until);
  void Park(Parked parked);
  void EndParked();
  void WakeParked();
  void ArmTick();
  void Tick();
  void CheckAfterStep(const coordinator::Effects& effects);

  // ---- Faults and people ----
  void Deliver(std::function<void()> what);
  void SubmitSweep(const std::string& sweep_id);
  void DoMischief();
  void HarmWorker();
  void ActAsPerson();
  void ActAsSearch(const std::string& sweep_id);
  void RestartLater(SimWorker& worker);
  void StopFaults();

  bool AllEnded() const;
  // Open trials and all workers, for a history that does not end.
  std::string DescribeOpen() const;
  SimReport Report();

  const SimPlan plan_;
  SimRandom random_;
  SimStore store_;
  Network network_;
  double flakiness_ = 0;
  std::set<std::string> poison_;      // trials that fail everywhere
  std::set<std::string> bad_config_;  // trials that no worker accepts
  std::string black_hole_;            // a worker's id; "" for none
  std::vector<std::unique_ptr<SimWorker>> workers_;
  std::vector<std::string> sweep_ids_;
  int trial_count_ = 0;

  std::unique_ptr<coordinator::Scheduler> scheduler_;  // null while down
  absl::Duration clock_offset_;  // a machine's clock starts anywhere
  std::optional<absl::Duration> armed_;
  std::vector<Parked> parked_;
  std::map<std::string, std::vector<coordinator::AttemptId>> stops_;

  absl::Duration now_;
  std::priority_queue<Due, std::vector<Due>, std::greater<>> due_;
  int64_t order_ = 0;
  bool has_faults_ = true;
  std::map<std::string, int> acknowledged_;  // attempt, by trial
  std::set<std::string> touched_by_black_hole_;
  SimReport report_;
};

}  // namespace dfsweep::simulation

#endif  // DFSWEEP_TESTS_SIMULATION_SCHEDULER_SIM_H_
