// Datasets, sweeps and their trials.
#include <algorithm>

#include "coordinator/results/rows.h"
#include "coordinator/store/names.h"
#include "coordinator/store/sqlite_store.h"

namespace dfsweep::coordinator {
namespace {

constexpr char kSweepColumns[] =
    "sweep_id, name, meaning, status, priority, dataset_name, dataset_digest, "
    "metric_name, metric_maximize, file_text, file_name, overrides_json, "
    "varying_json, create_ms, number, searches";

// `state` is an SQL expression.
std::string TrialColumns(const char* state) {
  return std::string("t.number, t.trial_id, ") + state +
         ", t.configuration_json, t.dataset_digest, t.seed, "
         "t.attempt, coalesce(w.name, t.worker_id), t.cause, t.message, "
         "t.epochs_done, t.epochs_total, t.work, t.start_ms, t.end_ms, "
         "t.train_seconds";
}

std::string Select(const std::string& columns, const std::string& rest) {
  return "SELECT " + columns + " FROM " + rest;
}

}  // namespace

// ---- Datasets ---------------------------------------------------------------

void SqliteStore::PutDataset(const DatasetRow& dataset) {
  database_->Run("INSERT OR IGNORE INTO datasets VALUES (?, ?, ?, ?)",
                 dataset.digest, dataset.size_bytes, dataset.manifest_json,
                 ToMs(dataset.create_time));
  database_->Run(
      "INSERT INTO dataset_names VALUES (?, ?, ?) ON CONFLICT (name) DO UPDATE "
      "SET digest = excluded.digest, change_ms = excluded.change_ms",
      dataset.name, dataset.digest, ToMs(dataset.create_time));
}

std::vector<DatasetRow> SqliteStore::ReadDatasets(Query& query) {
  std::vector<DatasetRow> rows;
  while (query.Next()) {
    rows.push_back({.name = query.Text(0),
                    .digest = query.Text(1),
                    .size_bytes = query.Int(2),
                    .manifest_json = query.Text(3),
                    .create_time = FromMs(query.Int(4))});
  }
  return rows;
}

std::optional<DatasetRow> SqliteStore::FindDataset(const std::string& digest) {
  Query query(*database_,
              "SELECT (SELECT name FROM dataset_names n WHERE n.digest = "
              "d.digest ORDER BY change_ms DESC LIMIT 1), d.digest, "
              "size_bytes, manifest_json, create_ms FROM datasets d "
              "WHERE d.digest = ?",
              digest);
  std::vector<DatasetRow> rows = ReadDatasets(query);
  if (rows.empty()) return std::nullopt;
  return rows[0];
}

std::vector<DatasetRow> SqliteStore::ListDatasets() {
  Query query(*database_,
              "SELECT n.name, d.digest, size_bytes, manifest_json, create_ms "
              "FROM dataset_names n JOIN datasets d USING (digest) "
              "ORDER BY change_ms DESC, n.name");
  return ReadDatasets(query);
}

// ---- Writing sweeps ---------------------------------------------------------

void SqliteStore::InsertSweep(const SweepRow& sweep,
                              const std::vector<NewTrial>& trials,
                              const Requirements& requirements,
                              const RetryBudget& budget) {
  database_->Run(
      "INSERT INTO sweeps (sweep_id, name, meaning, status, priority, "
      "dataset_name, dataset_digest, metric_name, metric_maximize, file_text, "
      "file_name, overrides_json, varying_json, create_ms, searches) "
      "VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
      sweep.sweep_id, sweep.name, sweep.meaning, NameOf(sweep.status),
      sweep.priority, sweep.dataset_name, sweep.dataset_digest,
      sweep.metric_name, sweep.metric_maximize, sweep.file_text,
      sweep.file_name, Json(sweep.overrides).dump(), Json(sweep.varying).dump(),
      ToMs(sweep.create_time), sweep.searches);
  AddTrials(sweep, trials, requirements, budget);
}

void SqliteStore::AddTrials(const SweepRow& sweep,
                            const std::vector<NewTrial>& trials,
                            const Requirements& requirements,
                            const RetryBudget& budget) {
  int64_t number = 0;
  int64_t position = 0;
  {
    Query query(*database_,
                "SELECT number, (SELECT count(*) FROM sweep_trials st "
                "WHERE st.sweep = s.number) FROM sweeps s WHERE sweep_id = ?",
                sweep.sweep_id);
    if (query.Next()) {
      number = query.Int(0);
      position = query.Int(1);
    }
  }
  for (const NewTrial& trial : trials) {
    AddTrial(number, position++, trial, sweep, requirements, budget);
  }
}

void SqliteStore::AddTrial(int64_t sweep, int64_t position,
                           const NewTrial& trial, const SweepRow& row,
                           const Requirements& requirements,
                           const RetryBudget& budget) {
  Query query(
      *database_,
      "INSERT INTO trials (trial_id, dataset_digest, configuration_json, seed, "
      "work, epochs_total, first_stage, first_stage_epochs, device, "
      "memory_bytes, budget_out_of_memory, "
      "budget_crash, budget_timeout, budget_environment, state) "
      "VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, 'pending') "
      "ON CONFLICT (trial_id) DO UPDATE SET device = excluded.device, "
      "memory_bytes = excluded.memory_bytes, "
      "budget_out_of_memory = excluded.budget_out_of_memory, "
      "budget_crash = excluded.budget_crash, "
      "budget_timeout = excluded.budget_timeout, "
      "budget_environment = excluded.budget_environment RETURNING number",
      trial.trial_id, row.dataset_digest, trial.configuration_json, trial.seed,
      trial.work, trial.epochs_total, trial.first_stage.name,
      trial.first_stage.epochs, requirements.device, requirements.memory_bytes,
      budget.out_of_memory, budget.crash, budget.timeout, budget.environment);
  if (!query.Next()) return;  // after an error
  database_->Run(
      "INSERT INTO sweep_trials (sweep, position, trial) "
      "VALUES (?, ?, ?)",
      sweep, position, query.Int(0));
}

void SqliteStore::SetSweepStatus(const std::string& sweep_id,
                                 SweepStatus status) {
  database_->Run("UPDATE sweeps SET status = ? WHERE sweep_id = ?",
                 NameOf(status), sweep_id);
}

// ---- Reading sweeps ---------------------------------------------------------

std::vector<SweepRow> SqliteStore::ReadSweeps(Query& query) {
  std::vector<SweepRow> rows;
  while (query.Next()) {
    rows.push_back({
        .sweep_id = query.Text(0),
        .name = query.Text(1),
        .meaning = query.Text(2),
        .status = SweepStatusOf(query.Text(3)),
        .priority = static_cast<int>(query.Int(4)),
        .dataset_name = query.Text(5),
        .dataset_digest = query.Text(6),
        .metric_name = query.Text(7),
        .metric_maximize = query.Int(8) != 0,
        .file_text = query.Text(9),
        .file_name = query.Text(10),
        .overrides = Json::parse(query.Text(11)),
        .varying = Json::parse(query.Text(12)),
        .searches = query.Int(15) != 0,
        .create_time = FromMs(query.Int(13)),
        .number = query.Int(14),
    });
  }
  return rows;
}

std::optional<SweepRow> SqliteStore::FindSweep(const std::string& id_or_name) {
  Query query(*database_,
              Select(kSweepColumns,
                     "sweeps WHERE sweep_id = ?1 OR name = ?1 "
                     "ORDER BY sweep_id = ?1 DESC, number DESC LIMIT 1"),
              id_or_name);
  std::vector<SweepRow> rows = ReadSweeps(query);
  if (rows.empty()) return std::nullopt;
  return rows[0];
}

std::optional<SweepRow> SqliteStore::FindSweepByMeaning(
    const std::string& meaning) {
  Query query(*database_,
              Select(kSweepColumns,
                     "sweeps WHERE meaning = ? AND status != 'cancelled' "
                     "ORDER BY number DESC LIMIT 1"),
              meaning);
  std::vector<SweepRow> rows = ReadSweeps(query);
  if (rows.empty()) return std::nullopt;
  return rows[0];
}

std::vector<SweepRow> SqliteStore::ListSweeps(int64_t before, int limit) {
  Query query(*database_,
              Select(kSweepColumns,
                     "sweeps WHERE number < ? ORDER BY number DESC LIMIT ?"),
              before, limit);
  return ReadSweeps(query);
}

// Summed up here: GROUP BY would sort the trials first.
SweepProgress SqliteStore::Progress(const std::string& sweep_id,
                                    absl::Time now) {
  Query query(*database_,
              std::string("SELECT ") + kStateInSweep +
                  ", t.epochs_total, t.epochs_done, t.epochs_reused, t.work, "
                  "t.train_seconds, t.start_ms "
                  "FROM sweeps s JOIN sweep_trials st ON st.sweep = s.number "
                  "JOIN trials t ON t.number = st.trial WHERE s.sweep_id = ?",
              sweep_id);
  SweepProgress progress;
  while (query.Next()) {
    const TrialState state = TrialStateOf(query.View(0));
    const int64_t total = query.Int(1);
    const int64_t done = query.Int(2);
    const double work = query.Real(4);
    const double epochs = std::max<double>(total, 1);
    StateSums& sums = progress[state];
    ++sums.trials;
    sums.epochs_total += state == TrialState::kPruned ? done : total;
    sums.epochs_done += done;
    sums.epochs_reused += query.Int(3);
    sums.work += work;
    sums.work_done += work * done / epochs;
    sums.train_seconds += query.Real(5);
    if (!query.IsNull(6)) {
      sums.elapsed_seconds +=
          static_cast<double>(ToMs(now) - query.Int(6)) / 1000;
    }
    sums.largest_work_left =
        std::max(sums.largest_work_left, work * (1 - done / epochs));
  }
  return progress;
}

std::optional<BestRow> SqliteStore::BestTrial(const SweepRow& sweep) {
  Query query(*database_,
              "SELECT t.trial_id, m.value, t.configuration_json, t.seed "
              "FROM sweep_trials st JOIN trials t ON t.number = st.trial "
              "JOIN final_metrics m ON m.trial = t.number AND m.name = ?2 "
              "WHERE st.sweep = ?1 AND t.state = 'completed' "
              "ORDER BY CASE WHEN ?3 THEN -m.value ELSE m.value END, "
              "st.position LIMIT 1",
              sweep.number, sweep.metric_name, sweep.metric_maximize);
  if (!query.Next()) return std::nullopt;
  return BestRow{.trial_id = query.Text(0),
                 .value = query.Real(1),
                 .configuration_json = query.Text(2),
                 .seed = query.Int(3)};
}

// ---- Reading trials ---------------------------------------------------------

std::vector<TrialRow> SqliteStore::ReadTrials(Query& query) {
  std::vector<TrialRow> rows;
  while (query.Next()) {
    TrialRow row{.trial_id = query.Text(1),
                 .state = TrialStateOf(query.View(2)),
                 .configuration_json = query.Text(3),
                 .dataset_digest = query.Text(4),
                 .seed = query.Int(5),
                 .attempt = static_cast<int>(query.Int(6)),
                 .worker = query.Text(7),
                 .message = query.Text(9),
                 .epochs_done = query.Int(10),
                 .epochs_total = query.Int(11),
                 .work = query.Real(12),
                 .train_seconds = query.Real(15)};
    if (!query.IsNull(8)) row.cause = CauseOf(query.Text(8));
    if (!query.IsNull(13)) row.start_time = FromMs(query.Int(13));
    if (!query.IsNull(14)) row.end_time = FromMs(query.Int(14));
    row.metrics = MetricsOf(query.Int(0));
    rows.push_back(std::move(row));
  }
  return rows;
}

std::map<std::string, double> SqliteStore::MetricsOf(int64_t trial) {
  std::map<std::string, double> metrics;
  {
    Query query(*database_,
                "SELECT name, value FROM final_metrics WHERE trial = ?", trial);
    while (query.Next()) metrics[query.Text(0)] = query.Real(1);
  }
  if (!metrics.empty()) return metrics;
  Query query(*database_,
              "SELECT name, value FROM metrics WHERE trial = ?1 AND "
              "(attempt, task, epoch) = (SELECT attempt, task, epoch FROM "
              "metrics WHERE trial = ?1 "
              "ORDER BY attempt DESC, task DESC, epoch DESC LIMIT 1)",
              trial);
  while (query.Next()) metrics[query.Text(0)] = query.Real(1);
  return metrics;
}

std::optional<TrialRow> SqliteStore::FindTrial(const std::string& trial_id) {
  Query query(*database_,
              Select(TrialColumns("t.state"),
                     "trials t LEFT JOIN workers w USING (worker_id) "
                     "WHERE t.trial_id = ?"),
              trial_id);
  std::vector<TrialRow> rows = ReadTrials(query);
  if (rows.empty()) return std::nullopt;
  return rows[0];
}

std::optional<TrialRow> SqliteStore::FindTrialOf(const std::string& sweep_id,
                                                 const std::string& trial_id) {
  Query query(*database_,
              Select(TrialColumns(kStateInSweep),
                     "sweeps s JOIN sweep_trials st ON st.sweep = s.number "
                     "JOIN trials t ON t.number = st.trial "
                     "LEFT JOIN workers w ON w.worker_id = t.worker_id "
                     "WHERE s.sweep_id = ? AND t.trial_id = ?"),
              sweep_id, trial_id);
  std::vector<TrialRow> rows = ReadTrials(query);
  if (rows.empty()) return std::nullopt;
  return rows[0];
}

std::vector<TrialRow> SqliteStore::ListTrials(const std::string& sweep_id,
                                              int64_t first, int limit) {
  Query query(*database_,
              Select(TrialColumns(kStateInSweep),
                     "sweeps s JOIN sweep_trials st ON st.sweep = s.number "
                     "JOIN trials t ON t.number = st.trial "
                     "LEFT JOIN workers w ON w.worker_id = t.worker_id "
                     "WHERE s.sweep_id = ? AND st.position >= ? "
                     "ORDER BY st.position LIMIT ?"),
              sweep_id, first, limit);
  return ReadTrials(query);
}

std::vector<std::string> SqliteStore::TrialIdsInState(
    const std::string& sweep_id, const std::vector<TrialState>& states) {
  std::vector<std::string> ids;
  for (TrialState state : states) {
    Query query(*database_,
                "SELECT t.trial_id FROM sweeps s "
                "JOIN sweep_trials st ON st.sweep = s.number "
                "JOIN trials t ON t.number = st.trial "
                "WHERE s.sweep_id = ? AND " +
                    std::string(kStateInSweep) + " = ? ORDER BY st.position",
                sweep_id, NameOf(state));
    while (query.Next()) ids.push_back(query.Text(0));
  }
  return ids;
}

std::vector<std::string> SqliteStore::TrialIdsWithPrefix(
    const std::string& prefix, int limit) {
  // "g" sorts after every hexadecimal digit.
  Query query(*database_,
              "SELECT trial_id FROM trials "
              "WHERE trial_id >= ? AND trial_id < ? ORDER BY trial_id LIMIT ?",
              prefix, prefix + "g", limit);
  std::vector<std::string> ids;
  while (query.Next()) ids.push_back(query.Text(0));
  return ids;
}

std::map<std::string, int64_t> SqliteStore::CountTrials() {
  Query query(*database_, "SELECT state, count(*) FROM trials GROUP BY state");
  std::map<std::string, int64_t> counts;
  while (query.Next()) counts[query.Text(0)] = query.Int(1);
  return counts;
}

std::vector<std::string> SqliteStore::TrialIds(const std::string& sweep_id) {
  Query query(*database_,
              "SELECT t.trial_id FROM sweeps s "
              "JOIN sweep_trials st ON st.sweep = s.number "
              "JOIN trials t ON t.number = st.trial "
              "WHERE s.sweep_id = ? ORDER BY st.position",
              sweep_id);
  std::vector<std::string> ids;
  while (query.Next()) ids.push_back(query.Text(0));
  return ids;
}

std::optional<double> SqliteStore::SecondsPerWork(
    const std::string& dataset_digest) {
  Query query(*database_,
              "SELECT sum(train_seconds), sum(work) FROM trials "
              "WHERE dataset_digest = ? AND state = 'completed'",
              dataset_digest);
  if (!query.Next() || query.Real(1) <= 0) return std::nullopt;
  return query.Real(0) / query.Real(1);
}

}  // namespace dfsweep::coordinator
