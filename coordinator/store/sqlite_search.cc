// What searches remember.
#include <utility>

#include "coordinator/store/sqlite_store.h"

namespace dfsweep::coordinator {

std::vector<SweepRow> SqliteStore::SearchingSweeps() {
  std::vector<std::string> ids;
  {
    Query query(*database_,
                "SELECT sweep_id FROM sweeps WHERE searches = 1 AND status != "
                "'cancelled' ORDER BY number");
    while (query.Next()) ids.push_back(query.Text(0));
  }
  std::vector<SweepRow> rows;
  for (const std::string& id : ids) {
    if (auto row = FindSweep(id)) rows.push_back(*std::move(row));
  }
  return rows;
}

void SqliteStore::SetPruned(const std::string& sweep_id,
                            const std::string& trial_id, bool pruned) {
  database_->Run(
      "UPDATE sweep_trials SET pruned = ? WHERE trial = ? AND sweep = "
      "(SELECT number FROM sweeps WHERE sweep_id = ?)",
      pruned, NumberOf(trial_id), sweep_id);
}

std::vector<std::string> SqliteStore::PrunedTrialIds(
    const std::string& sweep_id) {
  Query query(*database_,
              "SELECT t.trial_id FROM sweep_trials st "
              "JOIN sweeps s ON s.number = st.sweep "
              "JOIN trials t ON t.number = st.trial "
              "WHERE s.sweep_id = ? AND st.pruned ORDER BY st.position",
              sweep_id);
  std::vector<std::string> ids;
  while (query.Next()) ids.push_back(query.Text(0));
  return ids;
}

std::vector<double> SqliteStore::Curve(const std::string& trial_id,
                                       const std::string& metric) {
  Query query(*database_,
              "SELECT m.value FROM trials t "
              "JOIN attempts a ON a.trial = t.number AND a.accepted = 1 "
              "JOIN metrics m ON m.trial = t.number AND m.attempt = a.attempt "
              "WHERE t.trial_id = ? AND m.name = ? ORDER BY m.task, m.epoch",
              trial_id, metric);
  std::vector<double> curve;
  while (query.Next()) curve.push_back(query.Real(0));
  return curve;
}

void SqliteStore::AddSearchReport(const std::string& sweep_id,
                                  const SearchReport& report) {
  database_->Run(
      "INSERT OR IGNORE INTO search_reports (sweep, trial, epochs, value) "
      "SELECT number, ?, ?, ? FROM sweeps WHERE sweep_id = ?",
      NumberOf(report.trial_id), report.epochs, report.value, sweep_id);
}

std::vector<SearchReport> SqliteStore::SearchReports(
    const std::string& sweep_id) {
  Query query(*database_,
              "SELECT t.trial_id, r.epochs, r.value FROM search_reports r "
              "JOIN sweeps s ON s.number = r.sweep "
              "JOIN trials t ON t.number = r.trial "
              "WHERE s.sweep_id = ? ORDER BY r.number",
              sweep_id);
  std::vector<SearchReport> reports;
  while (query.Next()) {
    reports.push_back({.trial_id = query.Text(0),
                       .epochs = query.Int(1),
                       .value = query.Real(2)});
  }
  return reports;
}

}  // namespace dfsweep::coordinator
