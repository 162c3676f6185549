// Workers, and what a restarted scheduler needs.
#include <map>
#include <unordered_map>
#include <utility>

#include "coordinator/store/names.h"
#include "coordinator/store/sqlite_store.h"

namespace dfsweep::coordinator {
namespace {

constexpr char kWorkerColumns[] =
    "SELECT w.worker_id, w.name, w.incarnation, w.state, w.reason, "
    "w.parity_warning, w.slots, e.device, e.device_name, e.cpu, e.threads, "
    "e.torch_version, e.cuda_version, e.cudnn_version, e.driver_version, "
    "e.device_memory_bytes, e.bf16, e.build, e.os, w.ordered, "
    "w.probe_digest, w.samples_per_second, ";
// Attempts are counted at once for all workers, or for one alone.
constexpr char kAllWorkers[] =
    "coalesce(c.completed, 0), coalesce(c.failed, 0) "
    "FROM workers w JOIN environments e ON e.digest = w.environment "
    "LEFT JOIN (SELECT worker_id, "
    "sum(outcome IN ('completed', 'diverged')) AS completed, "
    "sum(outcome = 'failed') AS failed FROM attempts GROUP BY worker_id) c "
    "ON c.worker_id = w.worker_id ORDER BY w.name, w.worker_id";
constexpr char kOneWorker[] =
    "(SELECT count(*) FROM attempts a WHERE a.worker_id = w.worker_id "
    "AND a.outcome IN ('completed', 'diverged')), "
    "(SELECT count(*) FROM attempts a WHERE a.worker_id = w.worker_id "
    "AND a.outcome = 'failed') "
    "FROM workers w JOIN environments e ON e.digest = w.environment "
    "WHERE w.worker_id = ?1 OR w.name = ?1 "
    "ORDER BY w.worker_id = ?1 DESC, "
    "w.state IN ('lost', 'left'), w.register_ms DESC LIMIT 1";

EnvironmentRow ReadEnvironment(const Query& query, int first) {
  return {.device = query.Text(first),
          .device_name = query.Text(first + 1),
          .cpu = query.Text(first + 2),
          .threads = static_cast<int>(query.Int(first + 3)),
          .torch_version = query.Text(first + 4),
          .cuda_version = query.Text(first + 5),
          .cudnn_version = query.Text(first + 6),
          .driver_version = query.Text(first + 7),
          .device_memory_bytes = query.Int(first + 8),
          .bf16 = query.Int(first + 9) != 0,
          .build = query.Text(first + 10),
          .os = query.Text(first + 11)};
}

}  // namespace

void SqliteStore::PutWorker(const WorkerRow& worker, absl::Time now) {
  database_->Run(
      "INSERT INTO workers VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?) "
      "ON CONFLICT (worker_id) DO UPDATE SET name = excluded.name, "
      "incarnation = excluded.incarnation, state = excluded.state, "
      "reason = excluded.reason, parity_warning = excluded.parity_warning, "
      "slots = excluded.slots, environment = excluded.environment, "
      "register_ms = excluded.register_ms, ordered = excluded.ordered, "
      "probe_digest = excluded.probe_digest, "
      "samples_per_second = excluded.samples_per_second",
      worker.worker_id, worker.name, worker.incarnation, NameOf(worker.state),
      worker.reason, worker.parity_warning, worker.slots,
      PutEnvironment(worker.environment), ToMs(now), NameOf(worker.order),
      worker.probe_digest, worker.samples_per_second);
}

void SqliteStore::SetWorkerState(const WorkerChanged& change) {
  database_->Run(
      "UPDATE workers SET state = ?, reason = ?, ordered = ? "
      "WHERE worker_id = ?",
      NameOf(change.state), change.reason, NameOf(change.order),
      change.worker_id);
}

void SqliteStore::SetParityWarning(const std::string& worker_id,
                                   const std::string& warning) {
  database_->Run("UPDATE workers SET parity_warning = ? WHERE worker_id = ?",
                 warning, worker_id);
}

std::vector<WorkerRow> SqliteStore::ReadWorkers(Query& query) {
  std::vector<WorkerRow> rows;
  while (query.Next()) {
    rows.push_back({.worker_id = query.Text(0),
                    .name = query.Text(1),
                    .incarnation = query.Text(2),
                    .state = WorkerStateOf(query.Text(3)),
                    .reason = query.Text(4),
                    .order = WorkerOrderOf(query.Text(19)),
                    .parity_warning = query.Text(5),
                    .slots = static_cast<int>(query.Int(6)),
                    .environment = ReadEnvironment(query, 7),
                    .probe_digest = query.Text(20),
                    .samples_per_second = query.Real(21),
                    .completed_trials = query.Int(22),
                    .failed_attempts = query.Int(23)});
  }
  return rows;
}

std::optional<WorkerRow> SqliteStore::FindWorker(
    const std::string& id_or_name) {
  Query query(*database_, std::string(kWorkerColumns) + kOneWorker, id_or_name);
  std::vector<WorkerRow> rows = ReadWorkers(query);
  if (rows.empty()) return std::nullopt;
  return rows[0];
}

std::vector<WorkerRow> SqliteStore::ListWorkers() {
  Query query(*database_, std::string(kWorkerColumns) + kAllWorkers);
  return ReadWorkers(query);
}

std::vector<std::string> SqliteStore::NamesBeside(
    const std::string& worker_id) {
  Query query(*database_,
              "SELECT name FROM workers WHERE worker_id != ? "
              "AND state NOT IN ('lost', 'left')",
              worker_id);
  std::vector<std::string> names;
  while (query.Next()) names.push_back(query.Text(0));
  return names;
}

FleetRow SqliteStore::OnlineFleet() {
  Query query(*database_,
              "SELECT count(*), sum(slots) FROM workers WHERE state = "
              "'online'");
  if (!query.Next()) return {};
  return {.workers = static_cast<int>(query.Int(0)),
          .slots = static_cast<int>(query.Int(1))};
}

RestoredState SqliteStore::Restore() {
  return {.sweeps = RestoreSweeps(),
          .trials = RestoreTrials(),
          .workers = RestoreWorkers()};
}

std::vector<RestoredSweep> SqliteStore::RestoreSweeps() {
  std::vector<RestoredSweep> sweeps;
  Query query(*database_,
              "SELECT s.sweep_id, s.priority, s.status, t.trial_id, st.pruned "
              "FROM sweeps s JOIN sweep_trials st ON st.sweep = s.number "
              "JOIN trials t ON t.number = st.trial "
              "ORDER BY s.number, st.position");
  while (query.Next()) {
    if (sweeps.empty() || sweeps.back().sweep_id != query.Text(0)) {
      SweepStatus status = SweepStatusOf(query.Text(2));
      sweeps.push_back({.sweep_id = query.Text(0),
                        .priority = static_cast<int>(query.Int(1)),
                        .paused = status == SweepStatus::kPaused,
                        .cancelled = status == SweepStatus::kCancelled});
    }
    sweeps.back().trial_ids.push_back(query.Text(3));
    if (query.Int(4) != 0) {
      sweeps.back().dropped_trial_ids.push_back(query.Text(3));
    }
  }
  return sweeps;
}

std::vector<RestoredTrial> SqliteStore::RestoreTrials() {
  std::vector<RestoredTrial> trials;
  std::unordered_map<int64_t, size_t> index;
  {
    Query query(*database_,
                "SELECT number, trial_id, state, attempt, worker_id, device, "
                "memory_bytes, budget_out_of_memory, budget_crash, "
                "budget_timeout, budget_environment, first_stage, "
                "first_stage_epochs, epochs_done >= first_stage_epochs, work, "
                "(SELECT max(a.attempt) FROM attempts a WHERE a.trial = "
                "number) FROM trials "
                "ORDER BY number");
    while (query.Next()) {
      index[query.Int(0)] = trials.size();
      trials.push_back(
          {.trial_id = query.Text(1),
           .state = TrialStateOf(query.Text(2)),
           .attempt = static_cast<int>(query.Int(3)),
           .newest_attempt = static_cast<int>(query.Int(15)),
           .worker_id = query.Text(4),
           .requirements = {.device = query.Text(5),
                            .memory_bytes = query.Int(6)},
           .budget = {.out_of_memory = static_cast<int>(query.Int(7)),
                      .crash = static_cast<int>(query.Int(8)),
                      .timeout = static_cast<int>(query.Int(9)),
                      .environment = static_cast<int>(query.Int(10))},
           .first_stage = {.name = query.Text(11), .epochs = query.Int(12)},
           .first_stage_is_over = query.Int(13) != 0,
           .work = query.Real(14)});
    }
  }
  {
    Query query(*database_,
                "SELECT l.trial, l.attempt, l.worker_id FROM leases l "
                "JOIN trials t ON t.number = l.trial "
                "WHERE l.attempt != t.attempt");
    while (query.Next()) {
      RestoredTrial& trial = trials[index.at(query.Int(0))];
      trial.copy_attempt = static_cast<int>(query.Int(1));
      trial.copy_worker_id = query.Text(2);
    }
  }
  Query query(*database_,
              "SELECT trial, cause, worker_id, count(*) FROM attempts "
              "WHERE counted = 1 GROUP BY trial, cause, worker_id");
  std::map<int64_t, std::map<std::string, bool>> seen;
  while (query.Next()) {
    RestoredTrial& trial = trials[index.at(query.Int(0))];
    trial.counted_failures[CauseOf(query.Text(1))] +=
        static_cast<int>(query.Int(3));
    bool& is_known = seen[query.Int(0)][query.Text(2)];
    if (!is_known) trial.failed_on_workers.push_back(query.Text(2));
    is_known = true;
  }
  return trials;
}

std::vector<RestoredWorker> SqliteStore::RestoreWorkers() {
  std::vector<RestoredWorker> workers;
  for (WorkerRow& row : ListWorkers()) {
    workers.push_back({.worker_id = std::move(row.worker_id),
                       .incarnation = std::move(row.incarnation),
                       .device = std::move(row.environment.device),
                       .memory_bytes = row.environment.device_memory_bytes,
                       .slots = row.slots,
                       .samples_per_second = row.samples_per_second,
                       .state = row.state,
                       .order = row.order});
  }
  // What each has failed at since it last completed a trial. A bad
  // configuration fails everywhere and speaks against no worker.
  for (RestoredWorker& worker : workers) {
    Query query(*database_,
                "SELECT t.trial_id, a.attempt, a.cause FROM attempts a "
                "JOIN trials t ON t.number = a.trial "
                "WHERE a.worker_id = ?1 AND a.outcome = 'failed' "
                "AND a.counted = 1 AND a.cause != 'bad_config' AND a.end_ms > "
                "coalesce((SELECT "
                "max(b.end_ms) FROM attempts b WHERE b.worker_id = ?1 AND "
                "b.outcome IN ('completed', 'diverged')), 0) "
                "ORDER BY a.end_ms, a.trial",
                worker.worker_id);
    while (query.Next()) {
      worker.failure_streak.push_back(
          {{query.Text(0), static_cast<int>(query.Int(1))},
           CauseOf(query.Text(2))});
    }
  }
  return workers;
}

}  // namespace dfsweep::coordinator
