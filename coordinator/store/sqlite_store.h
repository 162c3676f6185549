#ifndef DFSWEEP_COORDINATOR_STORE_SQLITE_STORE_H_
#define DFSWEEP_COORDINATOR_STORE_SQLITE_STORE_H_

#include <cstdint>
#include <filesystem>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <unordered_map>
#include <unordered_set>
#include <vector>

#include "base/files.h"
#include "coordinator/store/sqlite.h"
#include "coordinator/store/store.h"

namespace dfsweep::coordinator {

// A trial's state as its sweep sees it, in SQL: `t` of trials, `st` of
// sweep_trials.
inline constexpr char kStateInSweep[] =
    "CASE WHEN t.state = 'cancelled' AND st.pruned THEN 'pruned' "
    "ELSE t.state END";

// The store as one SQLite file in a folder, which it locks. One connection of
// one process writes, and it alone checkpoints: SQLite before 3.51.3 can
// corrupt a WAL that several connections checkpoint. Others only read
// (OpenReader, and results_reader.h).
class SqliteStore : public Store {
 public:
  // Opens or creates the store in `folder`. kFailedPrecondition if another
  // process has it (its pid is named), or a newer dfsweep wrote it; kDataLoss
  // if the file is damaged, empty, or missing beside its WAL. Nothing is ever
  // deleted.
  static absl::StatusOr<std::unique_ptr<SqliteStore>> Open(
      const std::filesystem::path& folder);
  // For reading only what was committed last, on any one thread beside the
  // store that Open has made, which is closed after this one: what takes long
  // shall not make leases wait. Writing is an error of Commit.
  static absl::StatusOr<std::unique_ptr<Store>> OpenReader(
      const std::filesystem::path& folder);

  // Name of the file in its folder.
  static constexpr char kFileName[] = "dfsweep.db";
  // On the disk, with the log of what is not in the database's file yet.
  static int64_t Bytes(const std::filesystem::path& folder);

  std::string StoreId() const override { return store_id_; }
  int64_t Incarnation() const override { return incarnation_; }
  void Begin() override;
  absl::Status Commit() override;
  absl::Status Backup(const std::filesystem::path& path) override {
    return database_->CopyTo(path);
  }
  RestoredState Restore() override;

  void PutDataset(const DatasetRow& dataset) override;
  std::optional<DatasetRow> FindDataset(const std::string& digest) override;
  std::vector<DatasetRow> ListDatasets() override;

  void PutToken(const TokenRow& token) override;
  bool RevokeToken(const std::string& token_id) override;
  std::vector<TokenRow> ListTokens() override;

  void InsertSweep(const SweepRow& sweep, const std::vector<NewTrial>& trials,
                   const Requirements& requirements,
                   const RetryBudget& budget) override;
  void AddTrials(const SweepRow& sweep, const std::vector<NewTrial>& trials,
                 const Requirements& requirements,
                 const RetryBudget& budget) override;
  void SetSweepStatus(const std::string& sweep_id, SweepStatus status) override;
  std::optional<SweepRow> FindSweep(const std::string& id_or_name) override;
  std::optional<SweepRow> FindSweepByMeaning(
      const std::string& meaning) override;
  std::vector<SweepRow> ListSweeps(int64_t before, int limit) override;
  std::vector<SweepRow> SearchingSweeps() override;
  void SetPruned(const std::string& sweep_id, const std::string& trial_id,
                 bool pruned) override;
  std::vector<std::string> PrunedTrialIds(const std::string& sweep_id) override;
  void AddSearchReport(const std::string& sweep_id,
                       const SearchReport& report) override;
  std::vector<SearchReport> SearchReports(const std::string& sweep_id) override;
  SweepProgress Progress(const std::string& sweep_id, absl::Time now) override;
  std::optional<BestRow> BestTrial(const SweepRow& sweep) override;
  std::optional<TrialRow> FindTrial(const std::string& trial_id) override;
  std::optional<TrialRow> FindTrialOf(const std::string& sweep_id,
                                      const std::string& trial_id) override;
  std::vector<TrialRow> ListTrials(const std::string& sweep_id, int64_t first,
                                   int limit) override;
  std::vector<std::string> TrialIdsInState(
      const std::string& sweep_id,
      const std::vector<TrialState>& states) override;
  std::vector<std::string> TrialIdsWithPrefix(const std::string& prefix,
                                              int limit) override;
  std::vector<std::string> TrialIds(const std::string& sweep_id) override;
  std::map<std::string, int64_t> CountTrials() override;
  std::optional<double> SecondsPerWork(
      const std::string& dataset_digest) override;

  void SetTrialState(const TrialChanged& change, absl::Time now) override;
  void OpenLease(const LeaseGranted& lease, const std::string& request_id,
                 absl::Time now) override;
  void EndAttempt(const AttemptEnded& end, const std::string& message,
                  absl::Time now) override;
  void Forgive(const AttemptId& attempt) override;
  std::vector<AttemptId> LeasesOfRequest(
      const std::string& worker_id, const std::string& request_id) override;
  std::optional<LeaseRow> DescribeLease(const AttemptId& attempt) override;
  std::optional<std::string> WorkerOfAttempt(const AttemptId& attempt) override;
  bool IsAccepted(const AttemptId& attempt) override;
  bool HasResult(const std::string& trial_id) override;

  void AddEpochs(const AttemptId& attempt,
                 const std::vector<EpochRow>& epochs) override;
  void AddEvaluations(const AttemptId& attempt,
                      const std::vector<EvaluationRow>& rows) override;
  void AddLogLines(const AttemptId& attempt,
                   const std::vector<LogRow>& lines) override;
  std::vector<LogRow> LogLines(const AttemptId& attempt, int64_t first,
                               int limit) override;
  void AcceptResult(const AttemptId& attempt,
                    const TrialResultRow& result) override;
  std::vector<double> Curve(const std::string& trial_id,
                            const std::string& metric) override;

  void PutWorker(const WorkerRow& worker, absl::Time now) override;
  void SetWorkerState(const WorkerChanged& change) override;
  void SetParityWarning(const std::string& worker_id,
                        const std::string& warning) override;
  std::optional<WorkerRow> FindWorker(const std::string& id_or_name) override;
  std::vector<WorkerRow> ListWorkers() override;
  std::vector<std::string> NamesBeside(const std::string& worker_id) override;
  FleetRow OnlineFleet() override;

  void AddEvent(const std::string& kind, const std::string& text,
                absl::Time now) override;
  absl::StatusOr<std::optional<std::string>> FindRequest(
      const std::string& request_id, const std::string& method) override;
  void PutRequest(const std::string& request_id, const std::string& method,
                  const std::string& answer_json, absl::Time now) override;
  void Prune(absl::Time before) override;

 private:
  SqliteStore(std::optional<FileLock> lock, std::unique_ptr<Database> database);
  absl::Status ReadMeta();
  // The short key by which child tables name a trial; 0 if unknown.
  int64_t NumberOf(const std::string& trial_id);
  // Adds it if new; returns its digest.
  std::string PutEnvironment(const EnvironmentRow& environment);
  void AddTrial(int64_t sweep, int64_t position, const NewTrial& trial,
                const SweepRow& row, const Requirements& requirements,
                const RetryBudget& budget);
  std::vector<SweepRow> ReadSweeps(Query& query);
  std::vector<DatasetRow> ReadDatasets(Query& query);
  std::vector<WorkerRow> ReadWorkers(Query& query);
  std::vector<TrialRow> ReadTrials(Query& query);
  std::map<std::string, double> MetricsOf(int64_t trial);
  void StartAttempt(int64_t trial, const TrialChanged& change, absl::Time now);
  void ReviveAttempt(int64_t trial, const TrialChanged& change, absl::Time now);
  void InsertEpochs(int64_t trial, int attempt,
                    const std::vector<EpochRow>& epochs);
  void InsertEvaluations(int64_t trial, int attempt,
                         const std::vector<EvaluationRow>& rows);
  std::vector<RestoredTrial> RestoreTrials();
  std::vector<RestoredSweep> RestoreSweeps();
  std::vector<RestoredWorker> RestoreWorkers();
  // Deletes what attempts have reported of the trial.
  void ForgetReports(int64_t trial);
  bool Has(const char* sql, int64_t trial);

  std::optional<FileLock> lock_;  // none of a reader
  std::unique_ptr<Database> database_;
  std::string store_id_;
  int64_t incarnation_ = 0;
  int64_t changes_at_begin_ = 0;
  // Some that were asked for: they never change, unless they are rolled back.
  std::unordered_map<std::string, int64_t> numbers_;
  std::unordered_set<std::string> environments_;  // digests, likewise
};

// Times are stored as milliseconds since 1970.
inline int64_t ToMs(absl::Time time) { return absl::ToUnixMillis(time); }
inline absl::Time FromMs(int64_t ms) { return absl::FromUnixMillis(ms); }

}  // namespace dfsweep::coordinator

#endif  // DFSWEEP_COORDINATOR_STORE_SQLITE_STORE_H_
