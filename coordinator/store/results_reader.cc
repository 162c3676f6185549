#include "coordinator/store/results_reader.h"

#include <fmt/format.h>

#include <unordered_map>
#include <utility>

#include "coordinator/results/curve_writer.h"
#include "coordinator/store/parameter_reader.h"
#include "coordinator/store/sqlite.h"
#include "coordinator/store/sqlite_store.h"

namespace dfsweep::coordinator {
namespace {

// Times as RFC 3339 in UTC. Most are of the same minute as the one before, and
// to format each was a tenth of reading a large sweep.
class TimeWriter {
 public:
  std::string Write(int64_t ms) {
    const int64_t minute = ms / kMsAMinute;
    if (minute != minute_) {
      minute_ = minute;
      text_ =
          absl::FormatTime("%Y-%m-%dT%H:%M:", FromMs(ms), absl::UTCTimeZone());
    }
    const int64_t rest = ms % kMsAMinute;
    return fmt::format("{}{:02}.{:03}Z", text_, rest / 1000, rest % 1000);
  }

 private:
  static constexpr int64_t kMsAMinute = 60'000;

  int64_t minute_ = -1;
  std::string text_;  // up to the minute
};

// Reads one query a table: one for each row took most of the time of a large
// sweep. All of them go through the trials in the sweep's order.
class Reader {
 public:
  Reader(Database& database, const SweepRow& sweep, ResultDetail detail)
      : database_(database), sweep_(sweep), detail_(detail) {}

  std::vector<ResultRow> Read() {
    ReadEnvironments();
    ReadWorkers();
    Reserve();
    ReadTrials();
    ReadMetrics();
    ReadMatrices();
    if (detail_ == ResultDetail::kAll) {
      ReadParts();
      ReadCurves();
    }
    return std::move(rows_);
  }

 private:
  // The rows of trials that come in the sweep's order, each any number of
  // times.
  class Cursor {
   public:
    explicit Cursor(Reader& reader) : reader_(reader) {}
    ResultRow& RowOf(int64_t trial) {
      while (reader_.trials_.at(place_) != trial) ++place_;
      return reader_.rows_[place_];
    }

   private:
    Reader& reader_;
    size_t place_ = 0;
  };

  void ReadEnvironments() {
    Query query(database_,
                "SELECT digest, device, device_name, cpu, threads, "
                "torch_version, cuda_version, cudnn_version, driver_version, "
                "device_memory_bytes, bf16, build FROM environments");
    while (query.Next()) {
      environments_[query.Text(0)] = {{"device", query.Text(1)},
                                      {"device_name", query.Text(2)},
                                      {"cpu", query.Text(3)},
                                      {"threads", query.Int(4)},
                                      {"torch", query.Text(5)},
                                      {"cuda", query.Text(6)},
                                      {"cudnn", query.Text(7)},
                                      {"driver", query.Text(8)},
                                      {"device_memory_bytes", query.Int(9)},
                                      {"bf16", query.Int(10) != 0},
                                      {"build", query.Text(11)}};
    }
  }

  void ReadWorkers() {
    Query query(database_, "SELECT worker_id, name FROM workers");
    while (query.Next()) workers_[query.Text(0)] = query.Text(1);
  }

  // Moving the rows of a large sweep as they grow would take a tenth of it.
  void Reserve() {
    Query query(database_, "SELECT count(*) FROM sweep_trials WHERE sweep = ?",
                sweep_.number);
    if (!query.Next()) return;
    trials_.reserve(query.Int(0));
    rows_.reserve(query.Int(0));
  }

  void ReadTrials() {
    Query query(
        database_,
        std::string("SELECT t.number, t.trial_id, ") + kStateInSweep +
            ", t.seed, "
            "coalesce(a.attempt, t.attempt), t.configuration_json, "
            "coalesce(a.worker_id, t.worker_id), t.message, "
            "coalesce(a.start_ms, t.start_ms), coalesce(a.end_ms, t.end_ms), "
            "t.train_seconds, a.environment "
            "FROM sweep_trials st JOIN trials t ON t.number = st.trial "
            "LEFT JOIN attempts a ON a.trial = t.number AND a.accepted = 1 "
            "WHERE st.sweep = ? ORDER BY st.position",
        sweep_.number);
    while (query.Next()) {
      trials_.push_back(query.Int(0));
      rows_.push_back({.trial_id = query.Text(1),
                       .sweep = sweep_.name,
                       .status = query.Text(2),
                       .seed = query.Int(3),
                       .attempt = static_cast<int>(query.Int(4)),
                       .parameters = parameters_.Read(query.View(5)),
                       .worker = NameOfWorker(query.Text(6)),
                       .environment = Environment(query, 11),
                       .dataset = {sweep_.dataset_name, sweep_.dataset_digest},
                       .started_at = Time(query, 8),
                       .finished_at = Time(query, 9),
                       .train_seconds = query.Real(10),
                       .message = query.Text(7)});
    }
  }

  SharedJson Environment(const Query& query, int column) const {
    if (query.IsNull(column)) return {};
    auto known = environments_.find(query.Text(column));
    return known == environments_.end() ? SharedJson() : known->second;
  }

  // Its id if it has never registered.
  std::string NameOfWorker(std::string worker_id) const {
    auto known = workers_.find(worker_id);
    return known == workers_.end() ? std::move(worker_id) : known->second;
  }

  std::string Time(const Query& query, int column) {
    const bool is_shown = detail_ != ResultDetail::kTable;
    return is_shown && !query.IsNull(column) ? times_.Write(query.Int(column))
                                             : "";
  }

  void ReadMetrics() {
    Cursor cursor(*this);
    Query query(database_,
                "SELECT st.trial, m.name, m.value FROM sweep_trials st "
                "JOIN final_metrics m ON m.trial = st.trial "
                "WHERE st.sweep = ? ORDER BY st.position, m.name",
                sweep_.number);
    while (query.Next()) {
      MetricSet& metrics = cursor.RowOf(query.Int(0)).metrics;
      if (metrics.empty()) metrics.Reserve(names_.size());
      metrics.Append(Shared(query.View(1)), query.Real(2));
    }
  }

  const MetricSet::Name& Shared(std::string_view name) {
    auto known = names_.find(name);
    if (known == names_.end()) {
      auto shared = std::make_shared<const std::string>(name);
      const std::string_view key = *shared;
      known = names_.emplace(key, std::move(shared)).first;
    }
    return known->second;
  }

  void ReadMatrices() {
    Cursor cursor(*this);
    Query query(database_,
                "SELECT st.trial, m.after_task, m.accuracy "
                "FROM sweep_trials st JOIN accuracy_matrix m "
                "ON m.trial = st.trial WHERE st.sweep = ? "
                "ORDER BY st.position, m.after_task, m.task",
                sweep_.number);
    while (query.Next()) {
      auto& matrix = cursor.RowOf(query.Int(0)).accuracy_matrix;
      const auto after = static_cast<size_t>(query.Int(1));
      if (matrix.size() <= after) matrix.resize(after + 1);
      matrix.back().push_back(query.Real(2));
    }
  }

  void ReadParts() {
    Cursor cursor(*this);
    Query query(database_,
                "SELECT st.trial, p.name, p.json FROM sweep_trials st "
                "JOIN result_parts p ON p.trial = st.trial "
                "WHERE st.sweep = ? ORDER BY st.position",
                sweep_.number);
    while (query.Next()) {
      cursor.RowOf(query.Int(0)).parts[query.Text(1)] = query.Text(2);
    }
  }

  void ReadCurves() {
    Cursor cursor(*this);
    CurveWriter writer;
    Query query(database_,
                "SELECT st.trial, m.attempt, m.task, m.epoch, m.name, m.value "
                "FROM sweep_trials st JOIN metrics m ON m.trial = st.trial "
                "WHERE st.sweep = ? ORDER BY st.position, m.attempt, m.task, "
                "m.epoch, m.name",
                sweep_.number);
    while (query.Next()) {
      ResultRow& row = cursor.RowOf(query.Int(0));
      if (row.attempt != query.Int(1)) continue;
      writer.Add(row.learning_curve, query.Int(2), query.Int(3), query.View(4),
                 query.Real(5));
    }
  }

  Database& database_;
  const SweepRow& sweep_;
  const ResultDetail detail_;
  std::unordered_map<std::string, SharedJson> environments_;
  std::unordered_map<std::string, std::string> workers_;  // names by id
  // Of metrics; the keys are views into the values.
  std::unordered_map<std::string_view, MetricSet::Name> names_;
  std::vector<int64_t> trials_;  // their numbers, as rows_
  std::vector<ResultRow> rows_;
  ParameterReader parameters_;
  TimeWriter times_;
};

}  // namespace

absl::StatusOr<std::vector<ResultRow>> ReadResults(
    const std::filesystem::path& folder, const SweepRow& sweep,
    ResultDetail detail) {
  DFSWEEP_ASSIGN_OR_RETURN(
      std::unique_ptr<Database> database,
      Database::OpenReader(folder / SqliteStore::kFileName));
  database->Begin();
  std::vector<ResultRow> rows = Reader(*database, sweep, detail).Read();
  DFSWEEP_RETURN_IF_ERROR(database->Commit());
  return rows;
}

}  // namespace dfsweep::coordinator
