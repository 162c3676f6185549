// Accepted results: written once, read as rows of a table.
#include <algorithm>
#include <unordered_map>
#include <utility>

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
  ForgetReports(trial);
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

// A DELETE that finds nothing costs many times the question.
void SqliteStore::ForgetReports(int64_t trial) {
  if (Has("SELECT 1 FROM metrics WHERE trial = ? LIMIT 1", trial)) {
    database_->Run("DELETE FROM metrics WHERE trial = ?", trial);
  }
  if (Has("SELECT 1 FROM task_evaluations WHERE trial = ? LIMIT 1", trial)) {
    database_->Run("DELETE FROM task_evaluations WHERE trial = ?", trial);
  }
}

bool SqliteStore::Has(const char* sql, int64_t trial) {
  Query query(*database_, sql, trial);
  return query.Next();
}

std::vector<ResultRow> SqliteStore::Results(const SweepRow& sweep,
                                            ResultDetail detail) {
  // One query for all rows of each table: one for each row took most of the
  // time of a large sweep.
  std::vector<ResultRow> rows;
  const RowIndex index = ReadResultRows(sweep, rows);
  ReadMetrics(sweep, index, rows);
  ReadMatrices(sweep, index, rows);
  ReadEnvironments(sweep, index, rows);
  if (detail == ResultDetail::kTable) return rows;
  ReadParts(sweep, index, rows);
  ReadCurves(sweep, index, rows);
  return rows;
}

SqliteStore::RowIndex SqliteStore::ReadResultRows(
    const SweepRow& sweep, std::vector<ResultRow>& rows) {
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
  RowIndex index;
  // Trials that differ in their seed alone follow each other.
  std::string configuration;
  Json parameters;
  while (query.Next()) {
    if (std::string text = query.Text(5); text != configuration) {
      configuration = std::move(text);
      parameters = Json::parse(configuration);
    }
    index.emplace(query.Int(0), rows.size());
    rows.push_back({.trial_id = query.Text(1),
                    .sweep = sweep.name,
                    .status = query.Text(2),
                    .seed = query.Int(3),
                    .attempt = static_cast<int>(query.Int(4)),
                    .parameters = parameters,
                    .worker = query.Text(6),
                    .dataset = {sweep.dataset_name, sweep.dataset_digest},
                    .started_at = Rfc3339(query, 8),
                    .finished_at = Rfc3339(query, 9),
                    .train_seconds = query.Real(10),
                    .message = query.Text(7)});
  }
  return index;
}

void SqliteStore::ReadMetrics(const SweepRow& sweep, const RowIndex& index,
                              std::vector<ResultRow>& rows) {
  Query query(*database_,
              "SELECT st.trial, m.name, m.value FROM sweep_trials st "
              "JOIN final_metrics m ON m.trial = st.trial WHERE st.sweep = ?",
              sweep.number);
  while (query.Next()) {
    rows[index.at(query.Int(0))].metrics[query.Text(1)] = query.Real(2);
  }
}

void SqliteStore::ReadMatrices(const SweepRow& sweep, const RowIndex& index,
                               std::vector<ResultRow>& rows) {
  Query query(*database_,
              "SELECT st.trial, m.after_task, m.accuracy "
              "FROM sweep_trials st JOIN accuracy_matrix m "
              "ON m.trial = st.trial WHERE st.sweep = ? "
              "ORDER BY st.position, m.after_task, m.task",
              sweep.number);
  while (query.Next()) {
    Json& matrix = rows[index.at(query.Int(0))].accuracy_matrix;
    while (matrix.size() <= static_cast<size_t>(query.Int(1))) {
      matrix.push_back(Json::array());
    }
    matrix.back().push_back(query.Real(2));
  }
}

void SqliteStore::ReadParts(const SweepRow& sweep, const RowIndex& index,
                            std::vector<ResultRow>& rows) {
  Query query(*database_,
              "SELECT st.trial, p.name, p.json FROM sweep_trials st "
              "JOIN result_parts p ON p.trial = st.trial WHERE st.sweep = ?",
              sweep.number);
  while (query.Next()) {
    rows[index.at(query.Int(0))].parts[query.Text(1)] =
        Json::parse(query.Text(2));
  }
}

void SqliteStore::ReadCurves(const SweepRow& sweep, const RowIndex& index,
                             std::vector<ResultRow>& rows) {
  Query query(*database_,
              "SELECT st.trial, m.attempt, m.task, m.epoch, m.name, m.value "
              "FROM sweep_trials st JOIN metrics m ON m.trial = st.trial "
              "WHERE st.sweep = ? ORDER BY st.position, m.attempt, m.task, "
              "m.epoch, m.name",
              sweep.number);
  while (query.Next()) {
    ResultRow& row = rows[index.at(query.Int(0))];
    if (row.attempt != query.Int(1)) continue;
    Json& points = row.learning_curve;
    if (points.empty() || points.back()["task"] != query.Int(2) ||
        points.back()["epoch"] != query.Int(3)) {
      points.push_back({{"task", query.Int(2)}, {"epoch", query.Int(3)}});
    }
    points.back()[query.Text(4)] = query.Real(5);
  }
}

void SqliteStore::ReadEnvironments(const SweepRow& sweep, const RowIndex& index,
                                   std::vector<ResultRow>& rows) {
  std::unordered_map<std::string, Json> environments;
  Query all(*database_,
            "SELECT digest, device, device_name, cpu, threads, torch_version, "
            "cuda_version, cudnn_version, driver_version, device_memory_bytes, "
            "bf16, build FROM environments");
  while (all.Next()) {
    environments[all.Text(0)] = {{"device", all.Text(1)},
                                 {"device_name", all.Text(2)},
                                 {"cpu", all.Text(3)},
                                 {"threads", all.Int(4)},
                                 {"torch", all.Text(5)},
                                 {"cuda", all.Text(6)},
                                 {"cudnn", all.Text(7)},
                                 {"driver", all.Text(8)},
                                 {"device_memory_bytes", all.Int(9)},
                                 {"bf16", all.Int(10) != 0},
                                 {"build", all.Text(11)}};
  }
  Query query(*database_,
              "SELECT st.trial, a.environment FROM sweep_trials st "
              "JOIN attempts a ON a.trial = st.trial AND a.accepted = 1 "
              "WHERE st.sweep = ? AND a.environment IS NOT NULL",
              sweep.number);
  while (query.Next()) {
    rows[index.at(query.Int(0))].environment = environments[query.Text(1)];
  }
}

}  // namespace dfsweep::coordinator
