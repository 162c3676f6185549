#include "tests/faults/subject.h"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <filesystem>

namespace dfsweep::testing {

using nlohmann::json;

Subject NoopTraining(int seeds, int epoch_ms) {
  return {.sweep = fmt::format(R"(
name: killed
dataset: tiny
method: grid
parameters:
  strategy: [joint, naive, ewc]
  ewc.lambda: {{values: [1, 10, 100, 1000], when: {{strategy: ewc}}}}
  sequence_length: 64
  epochs: 4
seeds: {}
)",
                               seeds),
          .start_worker =
              [epoch_ms](Fleet& fleet, const std::string& worker) {
                fleet.StartWorker(
                    worker, 1,
                    {fmt::format("DFSWEEP_NOOP_EPOCH_MS={}", epoch_ms)});
              },
          .longest_peace_ms = 300};
}

Subject RealTraining(int seeds) {
  return {.sweep = fmt::format(
              R"(
name: killed
dataset: {}
method: grid
parameters:
  strategy: [naive, ewc]
  ewc.lambda: {{values: [1e3, 1e6], when: {{strategy: ewc}}}}
  ewc.fisher_samples: 40
  sequence_length: 400
  data.train_per_class: 30
  epochs: 6
  batch_size: 32
seeds: {}
)",
              std::filesystem::absolute("sweeps/data/wikipedia20.npz").string(),
              seeds),
          .start_worker =
              [](Fleet& fleet, const std::string& worker) {
                fleet.StartTrainingWorker(
                    worker, {"--no-probe", "--trainer-threads", "1",
                             "--checkpoint-minutes", "0.005"});
              },
          .longest_peace_ms = 5000};
}

std::map<std::string, json> RowsById(Fleet& fleet) {
  std::map<std::string, json> rows;
  for (const json& row : fleet.Rows("killed")) {
    EXPECT_EQ(row["status"], "completed") << row.dump(2);
    EXPECT_TRUE(rows.emplace(row["trial_id"], Comparable(row)).second)
        << "two rows of one trial: " << row["trial_id"];
  }
  return rows;
}

std::map<std::string, json> UndisturbedRows(const Subject& subject) {
  Fleet fleet;
  fleet.StartCoordinator();
  fleet.ImportTinyDataset();
  for (const char* worker : {"a", "b"}) subject.start_worker(fleet, worker);
  fleet.Ok({"submit", fleet.Write("killed.yaml", subject.sweep)});
  fleet.Ok({"watch", "killed"});
  return RowsById(fleet);
}

void ExpectRows(Fleet& fleet, const std::map<std::string, json>& expected) {
  std::map<std::string, json> rows = RowsById(fleet);
  ASSERT_EQ(rows.size(), expected.size());
  for (const auto& [id, row] : expected) EXPECT_EQ(rows[id], row) << id;
}

bool SweepHasEnded(Fleet& fleet) {
  CommandResult result = fleet.Run({"status", "killed", "--json"});
  return result.code == 0 &&
         json::parse(result.out)["sweep"]["state"] == "FINISHED";
}

}  // namespace dfsweep::testing
