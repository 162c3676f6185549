// A sweep file on its way to a coordinator.
#ifndef DFSWEEP_CLI_SUBMISSION_H_
#define DFSWEEP_CLI_SUBMISSION_H_

#include <optional>
#include <string>
#include <vector>

#include "base/status.h"
#include "cli/client.h"
#include "cli/dataset_upload.h"
#include "sweeps/sweep_file.h"

namespace dfsweep::cli {

struct Submission {
  sweeps::Sweep sweep;
  std::string dataset_digest;
  // What the sweep's dataset is to be registered as, if it was given by path.
  std::string dataset_name;
  std::optional<NativeDataset> dataset;
};

// Reads and checks a sweep file, without a coordinator.
absl::StatusOr<sweeps::Sweep> ReadSweepFile(
    const std::string& path, const std::vector<std::string>& overrides);

// Finds out which dataset is meant: looks a name up at the coordinator, reads a
// path. Sends nothing.
absl::StatusOr<Submission> Resolve(Client& client, sweeps::Sweep sweep);

// Asks for the plan alone.
absl::StatusOr<v1::SweepPlan> Plan(Client& client,
                                   const Submission& submission);

// Sends the dataset if need be, then the sweep.
absl::StatusOr<v1::CreateSweepResponse> Submit(Client& client,
                                               const Submission& submission);

}  // namespace dfsweep::cli

#endif  // DFSWEEP_CLI_SUBMISSION_H_
