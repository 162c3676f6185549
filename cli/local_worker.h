// The worker that `dfsweep run` starts for this machine's devices.
#ifndef DFSWEEP_CLI_LOCAL_WORKER_H_
#define DFSWEEP_CLI_LOCAL_WORKER_H_

#include <CLI/App.hpp>
#include <optional>
#include <string>
#include <vector>

#include "base/status.h"
#include "cli/child.h"
#include "cli/connection.h"
#include "sweeps/sweep_file.h"

namespace dfsweep::cli {

struct LocalWorkerOptions {
  std::string devices;      // "": the worker's default
  int slots = 0;            // 0: the worker's default
  int trainer_threads = 0;  // 0: the worker's default
};
void DeclareLocalWorkerOptions(CLI::App& command, LocalWorkerOptions& options);

// Destruction stops it. One thread.
class LocalWorker {
 public:
  // Starts it, unless a worker works for this store already: that of another
  // `dfsweep run` in the same folder.
  static absl::StatusOr<LocalWorker> Start(Connection& connection,
                                           const LocalWorkerOptions& options);

  // To be called once a second while the sweep runs. An error if the worker has
  // died, or can't take a trial with these requirements; else `note` says what
  // keeps it from working.
  absl::Status Check(const sweeps::Requirements& requirements,
                     std::string* note);

 private:
  LocalWorker(Connection& connection, const LocalWorkerOptions& options)
      : connection_(&connection), options_(options) {}
  absl::Status StartIfNoneRuns();
  absl::Status CheckProcess();

  Connection* connection_;  // outlives this
  LocalWorkerOptions options_;
  std::optional<Child> process_;
  int misfits_ = 0;  // checks in a row that found no worker that fits
};

// Why no worker of `workers` may take a trial with these requirements; "" if
// one may, or if there is none.
std::string WhyNoneFits(const sweeps::Requirements& requirements,
                        const std::vector<v1::Worker>& workers);

absl::StatusOr<std::vector<v1::Worker>> ListWorkers(
    Client& client, bool include_gone,
    absl::Duration timeout = rpc::kCallTimeout);

}  // namespace dfsweep::cli

#endif  // DFSWEEP_CLI_LOCAL_WORKER_H_
