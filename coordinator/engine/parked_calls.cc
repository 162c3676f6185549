#include "coordinator/engine/parked_calls.h"

#include <utility>

namespace dfsweep::coordinator {

void ParkedCalls::Add(ParkedHeartbeat heartbeat) {
  std::string worker_id = heartbeat.worker_id;
  heartbeats_.insert_or_assign(std::move(worker_id), std::move(heartbeat));
}

std::optional<ParkedHeartbeat> ParkedCalls::TakeHeartbeat(
    const std::string& worker_id) {
  auto node = heartbeats_.extract(worker_id);
  if (node.empty()) return std::nullopt;
  return std::move(node.mapped());
}

std::optional<ParkedHeartbeat> ParkedCalls::TakeHeartbeat(CallId call) {
  for (const auto& [worker_id, heartbeat] : heartbeats_) {
    if (heartbeat.call == call) return TakeHeartbeat(std::string(worker_id));
  }
  return std::nullopt;
}

std::vector<ParkedHeartbeat> ParkedCalls::TakeHeartbeatsDueAt(
    absl::Duration now) {
  std::vector<ParkedHeartbeat> due;
  for (auto entry = heartbeats_.begin(); entry != heartbeats_.end();) {
    if (entry->second.deadline <= now) {
      due.push_back(std::move(entry->second));
      entry = heartbeats_.erase(entry);
    } else {
      ++entry;
    }
  }
  return due;
}

std::vector<ParkedHeartbeat> ParkedCalls::TakeAllHeartbeats() {
  return TakeHeartbeatsDueAt(absl::InfiniteDuration());
}

void ParkedCalls::AddStop(const std::string& worker_id,
                          const AttemptId& attempt) {
  stops_[worker_id].insert(attempt);
}

std::vector<AttemptId> ParkedCalls::TakeStops(const std::string& worker_id) {
  auto node = stops_.extract(worker_id);
  if (node.empty()) return {};
  return {node.mapped().begin(), node.mapped().end()};
}

bool ParkedCalls::HasStops(const std::string& worker_id) const {
  return stops_.contains(worker_id);
}

WorkerOrder ParkedCalls::Told(const std::string& worker_id) const {
  const auto told = told_.find(worker_id);
  return told == told_.end() ? WorkerOrder::kWork : told->second;
}

void ParkedCalls::SetTold(const std::string& worker_id, WorkerOrder order) {
  if (order == WorkerOrder::kWork) {
    told_.erase(worker_id);
  } else {
    told_[worker_id] = order;
  }
}

void ParkedCalls::ForgetCommands() {
  stops_.clear();
  told_.clear();
}

std::optional<absl::Duration> ParkedCalls::NextDeadline() const {
  std::optional<absl::Duration> next;
  auto consider = [&next](absl::Duration deadline) {
    if (!next || deadline < *next) next = deadline;
  };
  for (const ParkedLease& lease : leases_) consider(lease.deadline);
  for (const auto& [id, heartbeat] : heartbeats_) consider(heartbeat.deadline);
  return next;
}

}  // namespace dfsweep::coordinator
