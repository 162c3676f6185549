// Real processes for end-to-end tests: a coordinator, workers and the command
// line, each in a temporary folder of its own.
#ifndef DFSWEEP_TESTS_END_TO_END_FLEET_H_
#define DFSWEEP_TESTS_END_TO_END_FLEET_H_

#include <filesystem>
#include <functional>
#include <map>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <vector>

#include "base/process.h"

namespace dfsweep::testing {

// How a command ended.
struct CommandResult {
  int code = -1;
  std::string out;
  std::string err;
};

// Everything is killed and deleted on destruction. One thread.
class Fleet {
 public:
  Fleet();
  ~Fleet();
  Fleet(const Fleet&) = delete;
  Fleet& operator=(const Fleet&) = delete;

  const std::filesystem::path& folder() const { return folder_; }
  std::filesystem::path store() const { return folder_ / "store"; }

  // Starts the coordinator and waits until it serves; a restart takes the same
  // port, as a restarted daemon does.
  void StartCoordinator(std::vector<std::string> extra_environment = {},
                        std::vector<std::string> arguments = {});
  // One that serves others with TLS, who know it by the name or address
  // `advertise`; commands go to it by its store.
  void StartSharedCoordinator(const std::string& advertise = "127.0.0.1");
  // HOST:PORT of the coordinator.
  const std::string& address() const { return address_; }
  // Workers started from now on connect there instead of to the coordinator.
  void RouteWorkersTo(const std::string& address) { route_ = address; }
  // With the no-op trainer, and further arguments.
  void StartWorker(const std::string& name, int slots = 1,
                   std::vector<std::string> extra_environment = {},
                   std::vector<std::string> arguments = {});
  // With the trainer that trains, and further arguments.
  void StartTrainingWorker(const std::string& name,
                           std::vector<std::string> arguments);
  // `dfsweep-worker` as typed by its owner, whose configuration is in a folder
  // of its own, and the no-op trainer.
  void StartJoiningWorker(const std::string& name,
                          std::vector<std::string> arguments,
                          std::vector<std::string> extra_environment = {});
  // From now on by a command before their own ("nice", …), that becomes it.
  void StartJoiningWorkersBy(std::vector<std::string> command) {
    worker_prefix_ = std::move(command);
  }
  std::filesystem::path StateOf(const std::string& worker) const {
    return folder_ / ("worker-" + worker);
  }

  // SIGKILL, as a pulled plug.
  void KillCoordinator();
  // Waits until the coordinator has died of a failpoint.
  void AwaitCoordinatorDeath();
  void KillWorker(const std::string& name);
  void KillTrainersOf(const std::string& name);
  // SIGTERM, and waits for the end.
  void StopWorker(const std::string& name);
  bool HasWorker(const std::string& name) const;
  bool WorkerHasEnded(const std::string& name);
  pid_t WorkerPid(const std::string& name) const;
  pid_t CoordinatorPid() const { return coordinator_->pid(); }

  // Runs `dfsweep` with DFSWEEP_COORDINATOR set to the coordinator (if one was
  // started) and waits for its end, at most 15 minutes.
  CommandResult Run(std::vector<std::string> arguments);
  // Like Run, and fails the test if the exit status is not `code`.
  std::string Ok(std::vector<std::string> arguments, int code = 0);
  // As a person on another machine, whose home is of that name.
  CommandResult RunRemotely(const std::string& home,
                            std::vector<std::string> arguments);
  // Starts `dfsweep` without waiting.
  Process Start(std::vector<std::string> arguments);

  // The rows of `results --format jsonl` of a sweep, trial by trial.
  std::vector<nlohmann::json> Rows(const std::string& sweep);

  // Writes a file into the folder and returns its path.
  std::string Write(const std::string& name, const std::string& text);
  // Imports a small made-up dataset under the name "tiny".
  void ImportTinyDataset();

 private:
  std::vector<std::string> CommandEnvironment() const;
  void Serve(std::vector<std::string> arguments,
             std::vector<std::string> extra_environment);
  CommandResult Finish(Process command);
  void Launch(const std::string& worker, const std::filesystem::path& trainer,
              std::vector<std::string> arguments,
              std::vector<std::string> extra_environment);

  std::filesystem::path folder_;
  std::string address_;
  std::string route_;
  bool is_shared_ = false;
  std::vector<std::string> worker_prefix_;
  std::optional<Process> coordinator_;
  std::map<std::string, Process> workers_;
};

// Polls `condition` every 20 ms; fails the test after `timeout`.
bool Eventually(const std::function<bool()>& condition,
                absl::Duration timeout = absl::Seconds(60));

// Words of a command line as it is printed, without the program's name.
std::vector<std::string> ArgumentsOf(const std::string& command);

// Pids of the living children of `parent`, zombies left out.
std::vector<pid_t> ChildrenOf(pid_t parent);

// A row without what differs between two correct runs: attempt, worker, times,
// environment's thread count.
nlohmann::json Comparable(nlohmann::json row);

std::filesystem::path BinFolder();      // programs that people run
std::filesystem::path TestBinFolder();  // fakes
bool HasTrainer();                      // built with LibTorch?

}  // namespace dfsweep::testing

#endif  // DFSWEEP_TESTS_END_TO_END_FLEET_H_
