// What the store keeps, as plain values. Times of day are for people only.
#ifndef DFSWEEP_COORDINATOR_STORE_RECORDS_H_
#define DFSWEEP_COORDINATOR_STORE_RECORDS_H_

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "absl/time/time.h"
#include "coordinator/core/scheduler.h"

namespace dfsweep::coordinator {

struct DatasetRow {
  std::string name;
  std::string digest;
  int64_t size_bytes = 0;
  std::string manifest_json;
  absl::Time create_time;
};

// What a machine computes with.
struct EnvironmentRow {
  std::string device;  // "cpu" or "cuda"
  std::string device_name;
  std::string cpu;
  int threads = 0;
  std::string torch_version;
  std::string cuda_version;
  std::string cudnn_version;
  std::string driver_version;
  int64_t device_memory_bytes = 0;
  bool bf16 = false;
  std::string build;
  std::string os;
  friend bool operator==(const EnvironmentRow&,
                         const EnvironmentRow&) = default;
};

struct WorkerRow {
  std::string worker_id;
  std::string name;
  std::string incarnation;
  WorkerState state = WorkerState::kOnline;
  std::string reason;  // why it is not online
  WorkerOrder order = WorkerOrder::kWork;
  std::string parity_warning;  // how its environment differs, or ""
  int slots = 1;
  EnvironmentRow environment;
  std::string probe_digest;       // "" if it made no probe
  double samples_per_second = 0;  // of the probe
  // Counted from the attempts; ignored on writing.
  int64_t completed_trials = 0;
  int64_t failed_attempts = 0;
};

// What a person said about a sweep; FINISHED follows from the trials.
enum class SweepStatus { kActive, kPaused, kCancelled };

struct SweepRow {
  std::string sweep_id;
  std::string name;
  std::string meaning;  // sweeps::SweepDigest
  SweepStatus status = SweepStatus::kActive;
  int priority = 0;
  std::string dataset_name;
  std::string dataset_digest;
  std::string metric_name;
  bool metric_maximize = true;
  std::string file_text;
  std::string file_name;
  std::vector<std::string> overrides;
  std::vector<std::string> varying;  // parameters that differ between trials
  bool searches = false;             // results decide about its further trials
  absl::Time create_time;
  int64_t number = 0;  // rises with each sweep; given by the store
};

// What lets a machine or a person in. The secret itself is not kept.
struct TokenRow {
  std::string token_id;
  std::string secret_hash;  // SHA-256
  std::string scope;        // see coordinator/service/tokens.h
  std::string worker_id;    // of a worker's own credential, else ""
  std::string name;         // for people
  absl::Time create_time;
  std::optional<absl::Time> expire_time;
  bool revoked = false;
};

// What a search was told of a trial of its sweep while it trained.
struct SearchReport {
  std::string trial_id;
  int64_t epochs = 0;  // done, all tasks together
  double value = 0;    // of the metric that decides
};

// A trial as a sweep brings it.
struct NewTrial {
  std::string trial_id;
  std::string configuration_json;
  int64_t seed = 0;
  double work = 0;  // epochs × sequence length × tasks an epoch passes over
  int64_t epochs_total = 0;
  FirstStage first_stage;
};

struct TrialRow {
  std::string trial_id;
  TrialState state = TrialState::kPending;
  std::string configuration_json;
  std::string dataset_digest;
  int64_t seed = 0;
  int attempt = 0;
  std::string worker;  // name of the newest attempt's, or of the result's
  std::optional<Cause> cause;
  std::string message;
  int64_t epochs_done = 0;
  int64_t epochs_total = 0;
  double work = 0;
  std::optional<absl::Time> start_time;
  std::optional<absl::Time> end_time;
  double train_seconds = 0;
  // Of the accepted result, else of the newest epoch seen.
  std::map<std::string, double> metrics;
};

struct EpochRow {
  int task = 0;
  int epoch = 0;
  std::map<std::string, double> metrics;
  int64_t epochs_done = 0;
  int64_t epochs_total = 0;
};

struct EvaluationRow {
  int after_task = 0;
  int task = 0;
  std::string split;
  double accuracy = 0;
  int64_t examples = 0;
};

struct LogRow {
  int64_t sequence = 0;
  std::string level;
  std::string message;
  absl::Duration since_start;
};

// A complete result, as a worker delivers it.
struct TrialResultRow {
  bool diverged = false;
  std::string message;
  std::map<std::string, double> metrics;
  std::vector<EvaluationRow> evaluations;
  std::vector<EpochRow> epochs;
  std::vector<std::vector<double>> accuracy_matrix;
  std::map<std::string, std::string> parts;  // JSON by name, checked
  double train_seconds = 0;
  int64_t epochs_reused = 0;  // not trained by this attempt
  EnvironmentRow environment;
};

// Trials of a sweep in one state, summed.
struct StateSums {
  int64_t trials = 0;
  int64_t epochs_total = 0;
  int64_t epochs_done = 0;
  int64_t epochs_reused = 0;
  double work = 0;
  double work_done = 0;
  double train_seconds = 0;
  double elapsed_seconds = 0;    // since they started; of running ones
  double largest_work_left = 0;  // of one trial
};
using SweepProgress = std::map<TrialState, StateSums>;

// What a worker needs to know to train an attempt.
struct LeaseRow {
  AttemptId attempt;
  std::string dataset_name;
  std::string dataset_digest;
  int64_t dataset_size_bytes = 0;
  std::string configuration_json;
  int64_t seed = 0;
  std::string sweep_name;   // of the newest sweep that needs it
  std::string first_stage;  // FirstStage::name
};

// Workers that are online.
struct FleetRow {
  int workers = 0;
  int slots = 0;
};

struct BestRow {
  std::string trial_id;
  double value = 0;
  std::string configuration_json;
  int64_t seed = 0;
};

}  // namespace dfsweep::coordinator

#endif  // DFSWEEP_COORDINATOR_STORE_RECORDS_H_
