#ifndef DFSWEEP_TESTS_SIMULATION_SIM_WORKER_H_
#define DFSWEEP_TESTS_SIMULATION_SIM_WORKER_H_

#include <functional>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "absl/time/time.h"
#include "coordinator/core/scheduler.h"
#include "tests/simulation/sim_random.h"

namespace dfsweep::simulation {

// What a coordinator answers.
struct SimReply {
  std::optional<coordinator::Refused::Why> refused;
  std::vector<coordinator::AttemptId> granted;
  std::vector<coordinator::AttemptId> stop;
};

// The world around a worker.
class SimHost {
 public:
  using OnReply = std::function<void(const SimReply&)>;

  virtual ~SimHost() = default;
  virtual absl::Duration Now() const = 0;
  virtual SimRandom& Random() = 0;
  virtual void After(absl::Duration delay, std::function<void()> what) = 0;
  // Through the network: the request may be lost, doubled or late, and so may
  // each reply.
  virtual void Send(const coordinator::Event& request, OnReply on_reply) = 0;
  // What comes of running this attempt on that worker.
  virtual coordinator::Event OutcomeOf(
      const std::string& worker_id, const coordinator::AttemptId& attempt) = 0;
  // The coordinator has acknowledged a complete result.
  virtual void OnAcknowledged(const coordinator::AttemptId& attempt) = 0;
};

// A worker daemon, far simpler than the real one but with the same duties: it
// registers, heartbeats, leases for its free slots, runs, and keeps each
// outcome in a spool that outlives its process until it is answered.
class SimWorker {
 public:
  struct Traits {
    std::string id;
    std::string device = "cpu";
    int64_t memory_bytes = 0;
    int slots = 1;
    double samples_per_second = 0;  // of its probe; 0: not known
  };

  // `host` outlives the worker.
  SimWorker(SimHost& host, const Traits& traits)
      : host_(host), traits_(traits) {}

  void Start();  // a new process
  void Crash();  // the process dies; the spool stays
  // Nothing happens for a while, then everything that was due.
  void Suspend(absl::Duration time);
  // Hands back what it runs and takes nothing new.
  void Leave();

  const std::string& id() const { return traits_.id; }
  int slots() const { return traits_.slots; }
  bool is_alive() const { return is_alive_; }
  bool is_leaving() const { return is_leaving_; }

 private:
  struct Running {
    int64_t ticket = 0;  // tells a run from an earlier one of the attempt
    bool start_is_known = false;
  };

  // Runs `what` in this process after `delay`, unless the process has died; if
  // it is suspended then, once it wakes.
  void Later(absl::Duration delay, std::function<void()> what);
  void Send(const coordinator::Event& request, SimHost::OnReply on_reply);
  void Register();
  void Beat();
  void Lease();
  void Deliver();
  void Run(const coordinator::AttemptId& attempt);
  void ReportStart(const coordinator::AttemptId& attempt, int64_t ticket);
  void Finish(const coordinator::AttemptId& attempt, int64_t ticket);
  void Stop(const std::vector<coordinator::AttemptId>& attempts);
  std::vector<coordinator::AttemptId> Held() const;
  std::string Incarnation() const;

  SimHost& host_;
  const Traits traits_;
  bool is_alive_ = false;
  bool is_registered_ = false;
  bool is_leaving_ = false;
  bool is_leasing_ = false;
  int process_ = 0;
  int64_t sequence_ = 0;
  int64_t tickets_ = 0;
  int64_t lease_ticket_ = 0;
  absl::Duration awake_at_;
  std::map<coordinator::AttemptId, Running> running_;
  std::map<coordinator::AttemptId, coordinator::Event> spool_;  // on disk
};

}  // namespace dfsweep::simulation

#endif  // DFSWEEP_TESTS_SIMULATION_SIM_WORKER_H_
