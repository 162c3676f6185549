// Calls of workers that wait for something to happen: requests for work, and
// heartbeats that wait for a command.
#ifndef DFSWEEP_COORDINATOR_ENGINE_PARKED_CALLS_H_
#define DFSWEEP_COORDINATOR_ENGINE_PARKED_CALLS_H_

#include <list>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "absl/time/time.h"
#include "coordinator/core/scheduler.h"
#include "coordinator/engine/reply.h"
#include "coordinator/store/records.h"

namespace dfsweep::coordinator {

using Leases = std::vector<LeaseRow>;

// A LeaseTrials that found no work yet.
struct ParkedLease {
  CallId call = 0;
  LeasesRequested request;
  std::string request_id;
  absl::Duration deadline;  // on the scale of Clock::Elapsed
  Reply<Leases> reply;
};

struct HeartbeatAnswer {
  std::vector<AttemptId> stop;
  bool drain = false;
  bool pause = false;
  bool register_again = false;
};

// A Heartbeat without anything to tell yet.
struct ParkedHeartbeat {
  CallId call = 0;
  std::string worker_id;
  absl::Duration deadline;
  Reply<HeartbeatAnswer> reply;
};

// Who waits for what. Only keeps them: Turn answers. Belongs to the engine's
// thread.
class ParkedCalls {
 public:
  // ---- Requests for work, oldest first.
  void Add(ParkedLease lease) { leases_.push_back(std::move(lease)); }
  std::list<ParkedLease>& leases() { return leases_; }

  // ---- Heartbeats, at most one a worker.
  void Add(ParkedHeartbeat heartbeat);
  std::optional<ParkedHeartbeat> TakeHeartbeat(const std::string& worker_id);
  std::vector<ParkedHeartbeat> TakeHeartbeatsDueAt(absl::Duration now);
  std::vector<ParkedHeartbeat> TakeAllHeartbeats();
  std::optional<ParkedHeartbeat> TakeHeartbeat(CallId call);

  // ---- Commands for workers that were not told yet.
  void AddStop(const std::string& worker_id, const AttemptId& attempt);
  std::vector<AttemptId> TakeStops(const std::string& worker_id);
  bool HasStops(const std::string& worker_id) const;
  // What a worker was last told to do; to work when it has registered.
  WorkerOrder Told(const std::string& worker_id) const;
  void SetTold(const std::string& worker_id, WorkerOrder order);
  // After an undone transaction: some of them were never given. Those that
  // still hold arise again from the next heartbeats.
  void ForgetCommands();

  // When the first of all these has waited long enough.
  std::optional<absl::Duration> NextDeadline() const;

 private:
  std::list<ParkedLease> leases_;
  std::map<std::string, ParkedHeartbeat> heartbeats_;  // by worker
  std::map<std::string, std::set<AttemptId>> stops_;   // by worker
  std::map<std::string, WorkerOrder> told_;  // without those told to work
};

}  // namespace dfsweep::coordinator

#endif  // DFSWEEP_COORDINATOR_ENGINE_PARKED_CALLS_H_
