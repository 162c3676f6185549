// Lives of trials, and what attempts report while they run.
#include <algorithm>

#include "coordinator/store/names.h"
#include "coordinator/store/sqlite_store.h"

namespace dfsweep::coordinator {

void SqliteStore::SetTrialState(const TrialChanged& change, absl::Time now) {
  const int64_t trial = NumberOf(change.trial_id);
  if (change.state == TrialState::kRunning) {
    StartAttempt(trial, change, now);
    return;
  }
  std::optional<int64_t> end_ms;
  if (IsTerminal(change.state)) end_ms = ToMs(now);
  // What the last attempt of a pending trial had done is to be done again.
  database_->Run(
      "UPDATE trials SET state = ?1, attempt = ?2, worker_id = ?3, end_ms = "
      "?4, "
      "epochs_done = iif(?5, 0, epochs_done), "
      "start_ms = iif(?5, NULL, start_ms) WHERE number = ?6",
      NameOf(change.state), change.attempt, change.worker_id, end_ms,
      change.state == TrialState::kPending, trial);
}

void SqliteStore::StartAttempt(int64_t trial, const TrialChanged& change,
                               absl::Time now) {
  std::optional<int64_t> start_ms;
  bool has_ended = false;
  {
    Query query(*database_,
                "SELECT start_ms, outcome FROM attempts "
                "WHERE trial = ? AND attempt = ?",
                trial, change.attempt);
    if (query.Next()) {
      if (!query.IsNull(0)) start_ms = query.Int(0);
      has_ended = !query.IsNull(1);
    }
  }
  if (has_ended) ReviveAttempt(trial, change, now);
  if (!start_ms) {
    start_ms = ToMs(now);
    database_->Run(
        "UPDATE attempts SET start_ms = ? WHERE trial = ? AND attempt = ?",
        start_ms, trial, change.attempt);
  }
  database_->Run(
      "UPDATE trials SET state = ?, attempt = ?, worker_id = ?, "
      "start_ms = ?, end_ms = NULL, cause = NULL, message = '' "
      "WHERE number = ?",
      NameOf(change.state), change.attempt, change.worker_id, start_ms, trial);
}

// An attempt that was lost lives again. It has no lease any more, and an
// outcome that it did not have after all. Apart from StartAttempt: writing an
// outcome, even the same one, costs its place in an index.
void SqliteStore::ReviveAttempt(int64_t trial, const TrialChanged& change,
                                absl::Time now) {
  database_->Run(
      "UPDATE attempts SET outcome = NULL, cause = NULL, message = '', "
      "end_ms = NULL WHERE trial = ? AND attempt = ?",
      trial, change.attempt);
  database_->Run("INSERT OR IGNORE INTO leases VALUES (?, ?, ?, '', ?)", trial,
                 change.attempt, change.worker_id, ToMs(now));
}

void SqliteStore::OpenLease(const LeaseGranted& lease,
                            const std::string& request_id, absl::Time now) {
  int64_t trial = NumberOf(lease.attempt.trial_id);
  database_->Run(
      "INSERT INTO attempts (trial, attempt, worker_id, lease_ms) "
      "VALUES (?, ?, ?, ?)",
      trial, lease.attempt.attempt, lease.worker_id, ToMs(now));
  database_->Run("INSERT INTO leases VALUES (?, ?, ?, ?, ?)", trial,
                 lease.attempt.attempt, lease.worker_id, request_id, ToMs(now));
  if (lease.is_copy) {  // what it is a copy of goes on
    database_->Run(
        "UPDATE attempts SET start_ms = lease_ms WHERE trial = ? AND attempt "
        "= ?",
        trial, lease.attempt.attempt);
    return;
  }
  if (lease.attempt.attempt == 1) return;
  // A new attempt starts over; what earlier ones saw is not its own. Their log
  // lines stay, to find out why they failed.
  ForgetReports(trial);
  database_->Run(
      "UPDATE trials SET epochs_done = 0, start_ms = NULL, cause = NULL, "
      "message = '' WHERE number = ?",
      trial);
}

void SqliteStore::EndAttempt(const AttemptEnded& end,
                             const std::string& message, absl::Time now) {
  int64_t trial = NumberOf(end.attempt.trial_id);
  std::optional<std::string> cause;
  if (end.cause.has_value()) cause = NameOf(*end.cause);
  database_->Run(
      "UPDATE attempts SET outcome = ?, cause = ?, counted = ?, message = ?, "
      "end_ms = ? WHERE trial = ? AND attempt = ?",
      NameOf(end.how), cause, end.counted, message, ToMs(now), trial,
      end.attempt.attempt);
  database_->Run("DELETE FROM leases WHERE trial = ? AND attempt = ?", trial,
                 end.attempt.attempt);
  // Mostly they are so already, and a trial's row is long.
  database_->Run(
      "UPDATE trials SET cause = ?1, message = ?2 WHERE number = ?3 AND "
      "attempt = ?4 AND (cause IS NOT ?1 OR message <> ?2)",
      cause, message, trial, end.attempt.attempt);
}

void SqliteStore::Forgive(const AttemptId& attempt) {
  database_->Run(
      "UPDATE attempts SET counted = 0 WHERE trial = ? AND attempt = ?",
      NumberOf(attempt.trial_id), attempt.attempt);
}

std::vector<AttemptId> SqliteStore::LeasesOfRequest(
    const std::string& worker_id, const std::string& request_id) {
  Query query(*database_,
              "SELECT t.trial_id, l.attempt FROM leases l "
              "JOIN trials t ON t.number = l.trial "
              "WHERE l.request_id = ? AND l.worker_id = ?",
              request_id, worker_id);
  std::vector<AttemptId> leases;
  while (query.Next()) {
    leases.push_back({query.Text(0), static_cast<int>(query.Int(1))});
  }
  return leases;
}

std::optional<LeaseRow> SqliteStore::DescribeLease(const AttemptId& attempt) {
  Query query(
      *database_,
      "SELECT s.dataset_name, d.digest, d.size_bytes, t.configuration_json, "
      "t.seed, s.name, t.first_stage FROM trials t "
      "JOIN datasets d ON d.digest = t.dataset_digest "
      "JOIN sweep_trials st ON st.trial = t.number "
      "JOIN sweeps s ON s.number = st.sweep WHERE t.trial_id = ? "
      "ORDER BY s.status = 'cancelled', s.number DESC LIMIT 1",
      attempt.trial_id);
  if (!query.Next()) return std::nullopt;
  return LeaseRow{.attempt = attempt,
                  .dataset_name = query.Text(0),
                  .dataset_digest = query.Text(1),
                  .dataset_size_bytes = query.Int(2),
                  .configuration_json = query.Text(3),
                  .seed = query.Int(4),
                  .sweep_name = query.Text(5),
                  .first_stage = query.Text(6)};
}

std::optional<std::string> SqliteStore::WorkerOfAttempt(
    const AttemptId& attempt) {
  Query query(*database_,
              "SELECT worker_id FROM attempts WHERE trial = ? AND attempt = ?",
              NumberOf(attempt.trial_id), attempt.attempt);
  if (!query.Next()) return std::nullopt;
  return query.Text(0);
}

bool SqliteStore::IsAccepted(const AttemptId& attempt) {
  Query query(*database_,
              "SELECT accepted FROM attempts WHERE trial = ? AND attempt = ?",
              NumberOf(attempt.trial_id), attempt.attempt);
  return query.Next() && query.Int(0) != 0;
}

bool SqliteStore::HasResult(const std::string& trial_id) {
  Query query(*database_,
              "SELECT state IN ('completed', 'diverged') FROM trials "
              "WHERE trial_id = ?",
              trial_id);
  return query.Next() && query.Int(0) != 0;
}

void SqliteStore::AddEpochs(const AttemptId& attempt,
                            const std::vector<EpochRow>& epochs) {
  int64_t trial = NumberOf(attempt.trial_id);
  InsertEpochs(trial, attempt.attempt, epochs);
  for (const EpochRow& epoch : epochs) {
    database_->Run(
        "UPDATE trials SET epochs_done = min(max(epochs_done, ?), "
        "epochs_total) WHERE number = ?",
        epoch.epochs_done, trial);
  }
}

void SqliteStore::InsertEpochs(int64_t trial, int attempt,
                               const std::vector<EpochRow>& epochs) {
  for (const EpochRow& epoch : epochs) {
    for (const auto& [name, value] : epoch.metrics) {
      database_->Run("INSERT OR REPLACE INTO metrics VALUES (?, ?, ?, ?, ?, ?)",
                     trial, attempt, epoch.task, epoch.epoch, name, value);
    }
  }
}

void SqliteStore::AddEvaluations(const AttemptId& attempt,
                                 const std::vector<EvaluationRow>& rows) {
  InsertEvaluations(NumberOf(attempt.trial_id), attempt.attempt, rows);
}

void SqliteStore::InsertEvaluations(int64_t trial, int attempt,
                                    const std::vector<EvaluationRow>& rows) {
  for (const EvaluationRow& row : rows) {
    database_->Run(
        "INSERT OR REPLACE INTO task_evaluations VALUES (?, ?, ?, ?, ?, ?, ?)",
        trial, attempt, row.after_task, row.task, row.split, row.accuracy,
        row.examples);
  }
}

void SqliteStore::AddLogLines(const AttemptId& attempt,
                              const std::vector<LogRow>& lines) {
  if (lines.empty()) return;
  int64_t trial = NumberOf(attempt.trial_id);
  int64_t newest = 0;
  for (const LogRow& line : lines) {
    newest = std::max(newest, line.sequence);
    database_->Run("INSERT OR IGNORE INTO log_lines VALUES (?, ?, ?, ?, ?, ?)",
                   trial, attempt.attempt, line.sequence, line.level,
                   line.message, absl::ToInt64Milliseconds(line.since_start));
  }
  database_->Run(
      "DELETE FROM log_lines WHERE trial = ? AND attempt = ? AND sequence <= ?",
      trial, attempt.attempt, newest - kMaxLogLines);
}

std::vector<LogRow> SqliteStore::LogLines(const AttemptId& attempt,
                                          int64_t first, int limit) {
  Query query(*database_,
              "SELECT sequence, level, message, since_start_ms FROM log_lines "
              "WHERE trial = ? AND attempt = ? AND sequence >= ? "
              "ORDER BY sequence LIMIT ?",
              NumberOf(attempt.trial_id), attempt.attempt, first, limit);
  std::vector<LogRow> lines;
  while (query.Next()) {
    lines.push_back({.sequence = query.Int(0),
                     .level = query.Text(1),
                     .message = query.Text(2),
                     .since_start = absl::Milliseconds(query.Int(3))});
  }
  return lines;
}

}  // namespace dfsweep::coordinator
