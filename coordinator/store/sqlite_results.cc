// Accepted results: written once, read as rows of a table.
#include <algorithm>

#include "coordinator/store/names.h"
#include "coordinator/store/sqlite_store.h"

namespace dfsweep::coordinator {
namespace {

std::string Rfc3339(const Query& query, int column) {
  if (query.IsNull(column)) return "";
  return absl::FormatTime("%Y-%m-%dT%H:%M:%E3SZ", FromMs(query.Int(column)),
                          absl::UTCTimeZone());
}

}  // namespace

void SqliteStore::AcceptResult(const AttemptId& attempt,
                               const TrialResultRow& result) {
  int64_t trial = NumberOf(attempt.trial_id);
  database_->Run(
      "UPDATE attempts SET accepted = 1, environment = ? "
      "WHERE trial = ? AND attempt = ?",
      PutEnvironment(result.environment), trial, attempt.attempt);
  // The result holds the whole curve; what was reported live, by this attempt
  // or by a newer one that lost the race, gives way to it.
  database_->Run("DELETE FROM metrics WHERE trial = ?", trial);
  database_->Run("DELETE FROM task_evaluations WHERE trial = ?", trial);
  InsertEpochs(trial, attempt.attempt, result.epochs);
  InsertEvaluations(trial, attempt.attempt, result.evaluations);
  for (const auto& [name, value] : result.metrics) {
    database_->Run("INSERT INTO final_metrics VALUES (?, ?, ?)", trial, name,
                   value);
  }
  for (size_t after = 0; after < result.accuracy_matrix.size(); ++after) {
    const std::vector<double>& row = result.accuracy_matrix[after];
    for (size_t task = 0; task < row.size(); ++task) {
      database_->Run("INSERT INTO accuracy_matrix VALUES (?, ?, ?, ?)", trial,
                     static_cast<int64_t>(after), static_cast<int64_t>(task),
                     row[task]);
    }
  }
  for (const auto& [name, json] : result.parts) {
    database_->Run("INSERT INTO result_parts VALUES (?, ?, ?)", trial, name,
                   json);
  }
  int64_t epochs_done = 0;
  for (const EpochRow& epoch : result.epochs) {
    epochs_done = std::max(epochs_done, epoch.epochs_done);
  }
  database_->Run(
      "UPDATE trials SET train_seconds = ?, epochs_reused = ?, message = ?, "
      "cause = NULL, "
      "epochs_done = CASE WHEN ? THEN min(?, epochs_total) "
      "ELSE epochs_total END WHERE number = ?",
      result.train_seconds, result.epochs_reused, result.message,
      result.diverged, epochs_done, trial);
}

std::vector<ResultRow> SqliteStore::Results(const SweepRow& sweep) {
  Query query(
      *database_,
      std::string("SELECT t.number, t.trial_id, ") + kStateInSweep +
          ", t.seed, "
          "coalesce(a.attempt, t.attempt), t.configuration_json, "
          "coalesce(w.name, a.worker_id, t.worker_id), t.message, "
          "coalesce(a.start_ms, t.start_ms), coalesce(a.end_ms, t.end_ms), "
          "t.train_seconds "
          "FROM sweep_trials st JOIN trials t ON t.number = st.trial "
          "LEFT JOIN attempts a ON a.trial = t.number AND a.accepted = 1 "
          "LEFT JOIN workers w ON w.worker_id = coalesce(a.worker_id, "
          "t.worker_id) "
          "WHERE st.sweep = ? ORDER BY st.position",
      sweep.number);
  std::vector<ResultRow> rows;
  while (query.Next()) {
    ResultRow row;
    row.trial_id = query.Text(1);
    row.sweep = sweep.name;
    row.status = query.Text(2);
    row.seed = query.Int(3);
    row.attempt = static_cast<int>(query.Int(4));
    row.parameters = Json::parse(query.Text(5));
    row.worker = query.Text(6);
    row.message = query.Text(7);
    row.started_at = Rfc3339(query, 8);
    row.finished_at = Rfc3339(query, 9);
    row.train_seconds = query.Real(10);
    row.dataset = {sweep.dataset_name, sweep.dataset_digest};
    ReadResultParts(query.Int(0), row);
    rows.push_back(std::move(row));
  }
  return rows;
}

void SqliteStore::ReadResultParts(int64_t trial, ResultRow& row) {
  Query metrics(*database_,
                "SELECT name, value FROM final_metrics WHERE trial = ?", trial);
  while (metrics.Next()) row.metrics[metrics.Text(0)] = metrics.Real(1);

  Query matrix(*database_,
               "SELECT after_task, accuracy FROM accuracy_matrix "
               "WHERE trial = ? ORDER BY after_task, task",
               trial);
  while (matrix.Next()) {
    while (row.accuracy_matrix.size() <= static_cast<size_t>(matrix.Int(0))) {
      row.accuracy_matrix.push_back(Json::array());
    }
    row.accuracy_matrix.back().push_back(matrix.Real(1));
  }

  Query parts(*database_, "SELECT name, json FROM result_parts WHERE trial = ?",
              trial);
  while (parts.Next()) row.parts[parts.Text(0)] = Json::parse(parts.Text(1));

  Query curve(*database_,
              "SELECT task, epoch, name, value FROM metrics WHERE trial = ? "
              "AND attempt = ? ORDER BY task, epoch, name",
              trial, row.attempt);
  while (curve.Next()) {
    Json& points = row.learning_curve;
    if (points.empty() || points.back()["task"] != curve.Int(0) ||
        points.back()["epoch"] != curve.Int(1)) {
      points.push_back({{"task", curve.Int(0)}, {"epoch", curve.Int(1)}});
    }
    points.back()[curve.Text(2)] = curve.Real(3);
  }

  Query environment(
      *database_,
      "SELECT device, device_name, cpu, threads, torch_version, cuda_version, "
      "cudnn_version, driver_version, device_memory_bytes, bf16, build "
      "FROM attempts a JOIN environments e ON e.digest = a.environment "
      "WHERE a.trial = ? AND a.accepted = 1",
      trial);
  if (!environment.Next()) return;
  row.environment = {{"device", environment.Text(0)},
                     {"device_name", environment.Text(1)},
                     {"cpu", environment.Text(2)},
                     {"threads", environment.Int(3)},
                     {"torch", environment.Text(4)},
                     {"cuda", environment.Text(5)},
                     {"cudnn", environment.Text(6)},
                     {"driver", environment.Text(7)},
                     {"device_memory_bytes", environment.Int(8)},
                     {"bf16", environment.Int(9) != 0},
                     {"build", environment.Text(10)}};
}

}  // namespace dfsweep::coordinator
