// What the coordinator remembers. SCHEMA.md describes the tables.
//
// Errors: the first one of a transaction is kept; after it reads find nothing
// and writes do nothing, and Commit undoes everything and returns it. So
// whatever was decided from such reads must not be told before Commit is OK.
// Everything but StoreId, Incarnation and Backup belongs between Begin and
// Commit.
// Not thread-safe: the engine's thread owns it.
#ifndef DFSWEEP_COORDINATOR_STORE_STORE_H_
#define DFSWEEP_COORDINATOR_STORE_STORE_H_

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "absl/time/time.h"
#include "base/status.h"
#include "coordinator/core/scheduler.h"
#include "coordinator/store/records.h"

namespace dfsweep::coordinator {

class Store {
 public:
  virtual ~Store() = default;

  // Random, made with the store.
  virtual std::string StoreId() const = 0;
  // 1, 2, …: how often the store was opened.
  virtual int64_t Incarnation() const = 0;

  virtual void Begin() = 0;
  // kResourceExhausted: disk full. kUnavailable: locked by a foreign program.
  // kDataLoss: the disk or the file is broken; stop.
  virtual absl::Status Commit() = 0;

  // Copies everything to a new file. Outside of a transaction, like StoreId.
  virtual absl::Status Backup(const std::filesystem::path& path) = 0;

  // Everything that the scheduler needs to go on.
  virtual RestoredState Restore() = 0;

  // ---- Datasets ----
  // Adds it if the digest is new, and gives it the name.
  virtual void PutDataset(const DatasetRow& dataset) = 0;
  // By digest; `name` is a name that it has now, or "".
  virtual std::optional<DatasetRow> FindDataset(const std::string& digest) = 0;
  // One row a name, newest first.
  virtual std::vector<DatasetRow> ListDatasets() = 0;

  // ---- Tokens ----
  virtual void PutToken(const TokenRow& token) = 0;
  // False for an unknown one.
  virtual bool RevokeToken(const std::string& token_id) = 0;
  // Newest first, revoked and expired ones too.
  virtual std::vector<TokenRow> ListTokens() = 0;

  // ---- Sweeps and their trials ----
  // Trials that are new become pending; known ones keep their state and get
  // the requirements and budget.
  virtual void InsertSweep(const SweepRow& sweep,
                           const std::vector<NewTrial>& trials,
                           const Requirements& requirements,
                           const RetryBudget& budget) = 0;
  // Behind those that it has. Known trials are treated as by InsertSweep.
  virtual void AddTrials(const SweepRow& sweep,
                         const std::vector<NewTrial>& trials,
                         const Requirements& requirements,
                         const RetryBudget& budget) = 0;
  virtual void SetSweepStatus(const std::string& sweep_id,
                              SweepStatus status) = 0;
  // By id, or the newest of a name.
  virtual std::optional<SweepRow> FindSweep(const std::string& id_or_name) = 0;
  // One that is not cancelled.
  virtual std::optional<SweepRow> FindSweepByMeaning(
      const std::string& meaning) = 0;
  // Newest first; those with a number below `before`.
  virtual std::vector<SweepRow> ListSweeps(int64_t before, int limit) = 0;
  // Sweeps whose results decide about further trials, oldest first, without
  // cancelled ones.
  virtual std::vector<SweepRow> SearchingSweeps() = 0;
  // Whether the sweep has stopped the trial early. A cancelled trial that is
  // pruned is shown as kPruned wherever a sweep's trials are.
  virtual void SetPruned(const std::string& sweep_id,
                         const std::string& trial_id, bool pruned) = 0;
  virtual std::vector<std::string> PrunedTrialIds(
      const std::string& sweep_id) = 0;
  // Adding the same epochs of a trial again changes nothing.
  virtual void AddSearchReport(const std::string& sweep_id,
                               const SearchReport& report) = 0;
  // In the order of adding.
  virtual std::vector<SearchReport> SearchReports(
      const std::string& sweep_id) = 0;
  virtual SweepProgress Progress(const std::string& sweep_id,
                                 absl::Time now) = 0;
  virtual std::optional<BestRow> BestTrial(const SweepRow& sweep) = 0;
  virtual std::optional<TrialRow> FindTrial(const std::string& trial_id) = 0;
  // The same, in the state that it has for the sweep (see SetPruned); empty if
  // the sweep does not have it.
  virtual std::optional<TrialRow> FindTrialOf(const std::string& sweep_id,
                                              const std::string& trial_id) = 0;
  // Of a sweep in the file's order, from the position `first` on.
  virtual std::vector<TrialRow> ListTrials(const std::string& sweep_id,
                                           int64_t first, int limit) = 0;
  virtual std::vector<std::string> TrialIdsInState(
      const std::string& sweep_id, const std::vector<TrialState>& states) = 0;
  // At most `limit` ids that begin with `prefix`.
  virtual std::vector<std::string> TrialIdsWithPrefix(const std::string& prefix,
                                                      int limit) = 0;
  // All of a sweep's, in the file's order.
  virtual std::vector<std::string> TrialIds(const std::string& sweep_id) = 0;
  // Of all sweeps, by the name of their state.
  virtual std::map<std::string, int64_t> CountTrials() = 0;
  // Seconds of training a unit of work, over all results on a dataset.
  virtual std::optional<double> SecondsPerWork(
      const std::string& dataset_digest) = 0;

  // ---- Lives of trials ----
  virtual void SetTrialState(const TrialChanged& change, absl::Time now) = 0;
  virtual void OpenLease(const LeaseGranted& lease,
                         const std::string& request_id, absl::Time now) = 0;
  // `message` and the cause are shown with the trial.
  virtual void EndAttempt(const AttemptEnded& end, const std::string& message,
                          absl::Time now) = 0;
  virtual void Forgive(const AttemptId& attempt) = 0;
  // Live leases that were granted to this request.
  virtual std::vector<AttemptId> LeasesOfRequest(
      const std::string& worker_id, const std::string& request_id) = 0;
  // Empty for a trial that is unknown.
  virtual std::optional<LeaseRow> DescribeLease(const AttemptId& attempt) = 0;
  // Id of the worker that it was leased to; empty if it never was.
  virtual std::optional<std::string> WorkerOfAttempt(
      const AttemptId& attempt) = 0;
  // Whether this attempt's result is the trial's.
  virtual bool IsAccepted(const AttemptId& attempt) = 0;
  virtual bool HasResult(const std::string& trial_id) = 0;

  // ---- What attempts find ----
  // Adding twice changes nothing.
  virtual void AddEpochs(const AttemptId& attempt,
                         const std::vector<EpochRow>& epochs) = 0;
  virtual void AddEvaluations(const AttemptId& attempt,
                              const std::vector<EvaluationRow>& rows) = 0;
  // Keeps the newest kMaxLogLines of an attempt.
  static constexpr int64_t kMaxLogLines = 5000;
  virtual void AddLogLines(const AttemptId& attempt,
                           const std::vector<LogRow>& lines) = 0;
  // Lines with a sequence number of at least `first`.
  virtual std::vector<LogRow> LogLines(const AttemptId& attempt, int64_t first,
                                       int limit) = 0;
  // Makes it the trial's one result: call once, after EndAttempt.
  virtual void AcceptResult(const AttemptId& attempt,
                            const TrialResultRow& result) = 0;
  // A metric of each epoch of the trial's result, in order; empty without one.
  virtual std::vector<double> Curve(const std::string& trial_id,
                                    const std::string& metric) = 0;

  // ---- Workers ----
  virtual void PutWorker(const WorkerRow& worker, absl::Time now) = 0;
  virtual void SetWorkerState(const WorkerChanged& change) = 0;
  virtual void SetParityWarning(const std::string& worker_id,
                                const std::string& warning) = 0;
  // By id, or by the name of one that is there (else of any).
  virtual std::optional<WorkerRow> FindWorker(
      const std::string& id_or_name) = 0;
  virtual std::vector<WorkerRow> ListWorkers() = 0;
  // Names of the other workers that are there.
  virtual std::vector<std::string> NamesBeside(
      const std::string& worker_id) = 0;
  virtual FleetRow OnlineFleet() = 0;

  // ---- Audit and replay ----
  virtual void AddEvent(const std::string& kind, const std::string& text,
                        absl::Time now) = 0;
  // The answer that was given to a request id. kInvalidArgument if the id was
  // used for another method.
  virtual absl::StatusOr<std::optional<std::string>> FindRequest(
      const std::string& request_id, const std::string& method) = 0;
  virtual void PutRequest(const std::string& request_id,
                          const std::string& method,
                          const std::string& answer_json, absl::Time now) = 0;
  // Forgets requests before `before`, and all but the newest events.
  virtual void Prune(absl::Time before) = 0;
};

}  // namespace dfsweep::coordinator

#endif  // DFSWEEP_COORDINATOR_STORE_STORE_H_
