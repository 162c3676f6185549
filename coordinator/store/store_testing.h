// For tests: a store in a folder of its own, and rows to put into it.
#ifndef DFSWEEP_COORDINATOR_STORE_STORE_TESTING_H_
#define DFSWEEP_COORDINATOR_STORE_STORE_TESTING_H_

#include <gtest/gtest.h>

#include <filesystem>
#include <memory>
#include <ostream>
#include <string>
#include <utility>
#include <vector>

#include "base/status.h"
#include "base/temporary_folder.h"
#include "coordinator/store/names.h"
#include "coordinator/store/results_reader.h"
#include "coordinator/store/sqlite_store.h"

namespace dfsweep::coordinator {

inline std::unique_ptr<SqliteStore> OpenStore(
    const std::filesystem::path& folder) {
  auto store = SqliteStore::Open(folder);
  EXPECT_TRUE(store.ok()) << store.status();
  return *std::move(store);
}

// Of what was committed.
inline std::vector<ResultRow> ResultsIn(const std::filesystem::path& folder,
                                        const SweepRow& sweep) {
  auto rows = ReadResults(folder, sweep);
  EXPECT_TRUE(rows.ok()) << rows.status();
  return *std::move(rows);
}

// What the three parts of an error must be: there.
inline void ExpectThreeParts(const absl::Status& status) {
  ErrorParts parts = PartsOf(MessageOf(status));
  EXPECT_NE(parts.what, "") << status;
  EXPECT_NE(parts.where, "") << status;
  EXPECT_NE(parts.remedy, "") << status;
}

inline const absl::Time kNow = absl::FromUnixSeconds(1'700'000'000);

// 64 times the same digit: a digest, or the id of a trial.
inline std::string Id(char digit) { return std::string(64, digit); }

inline DatasetRow ADataset(const std::string& name = "data") {
  return {.name = name,
          .digest = Id('d'),
          .size_bytes = 1000,
          .manifest_json = "{}",
          .create_time = kNow};
}

inline SweepRow ASweep(const std::string& id, const std::string& name = "s") {
  return {.sweep_id = id,
          .name = name,
          .meaning = "meaning of " + id,
          .dataset_name = "data",
          .dataset_digest = Id('d'),
          .metric_name = "average_accuracy",
          .create_time = kNow};
}

inline NewTrial ATrial(char digit, int64_t seed = 0) {
  return {.trial_id = Id(digit),
          .configuration_json = R"({"strategy":"naive"})",
          .seed = seed,
          .work = 100,
          .epochs_total = 10};
}

inline WorkerRow AWorker(const std::string& id,
                         const std::string& name = "laptop") {
  return {.worker_id = id,
          .name = name,
          .incarnation = "1",
          .slots = 2,
          .environment = {.device = "cpu",
                          .device_name = "Xeon",
                          .cpu = "Xeon",
                          .threads = 4,
                          .torch_version = "2.4.1",
                          .device_memory_bytes = 1 << 30,
                          .build = "abc",
                          .os = "Linux"}};
}

inline TrialResultRow AResult(double accuracy = 0.5) {
  return {.metrics = {{"average_accuracy", accuracy}, {"forgetting", 0.25}},
          .evaluations = {{0, 0, "test", accuracy, 40}},
          .epochs = {{0, 0, {{"loss", 2.0}}, 1, 10},
                     {0, 1, {{"loss", 1.0}}, 10, 10}},
          .accuracy_matrix = {{0.75}, {0.25, 0.75}},
          .parts = {{"open_world", R"({"points":[]})"}},
          .train_seconds = 20,
          .environment = AWorker("w").environment};
}

// Readable names in failed expectations.
inline void PrintTo(TrialState state, std::ostream* out) {
  *out << NameOf(state);
}
inline void PrintTo(WorkerState state, std::ostream* out) {
  *out << NameOf(state);
}
inline void PrintTo(const AttemptId& attempt, std::ostream* out) {
  *out << attempt.trial_id.substr(0, 4) << "#" << attempt.attempt;
}

}  // namespace dfsweep::coordinator

#endif  // DFSWEEP_COORDINATOR_STORE_STORE_TESTING_H_
