// From a resolved sweep file to its results, for `run`, `add` and `submit`.
#ifndef DFSWEEP_CLI_RUN_SWEEP_H_
#define DFSWEEP_CLI_RUN_SWEEP_H_

#include <string>

#include "base/status.h"
#include "cli/command.h"
#include "cli/connection.h"
#include "cli/local_worker.h"
#include "cli/results_export.h"
#include "cli/submission.h"

namespace dfsweep::cli {

struct RunOptions {
  LocalWorkerOptions worker;
  ExportOptions results;
};

// Submits, trains with a local worker where there is no coordinator of a team,
// shows the progress, prints the results. Returns the exit status.
absl::StatusOr<int> RunSweep(const Context& context, Connection& connection,
                             const Submission& submission,
                             const RunOptions& options);

// Submits, and follows the progress if `watch`.
absl::StatusOr<int> SubmitSweep(const Context& context, Connection& connection,
                                const Submission& submission, bool watch);

// Follows a sweep without taking part; Ctrl-C detaches. Returns the exit
// status.
absl::StatusOr<int> WatchSweep(const Context& context, Connection& connection,
                               const v1::Sweep& sweep);

absl::StatusOr<v1::Sweep> GetSweep(Client& client, const std::string& sweep);

}  // namespace dfsweep::cli

#endif  // DFSWEEP_CLI_RUN_SWEEP_H_
