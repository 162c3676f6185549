// Accepted results: written once; results_reader.h reads them.
#include <algorithm>

#include "coordinator/store/sqlite_store.h"

namespace dfsweep::coordinator {
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

}  // namespace dfsweep::coordinator
