#include "cli/local_worker.h"

#include <fmt/format.h>

#include <cstdlib>
#include <utility>

#include "base/display_text.h"
#include "cli/lock_probe.h"
#include "cli/text.h"

namespace dfsweep::cli {
namespace {

constexpr char kName[] = "local";
// Checks before "none fits" is believed: a worker of an earlier run may still
// be listed.
constexpr int kMisfitPatience = 5;
// The display stands still meanwhile.
constexpr absl::Duration kCheckTimeout = absl::Seconds(2);
constexpr double kGibibyte = 1024.0 * 1024 * 1024;

// Another trainer program, for tests; "" for the one beside the worker.
std::string TrainerProgram() {
  const char* program = std::getenv("DFSWEEP_TRAINER");
  return program != nullptr ? program : "";
}

std::filesystem::path StateFolder(const Connection& connection) {
  return connection.store() / "worker";
}

std::vector<std::string> ArgumentsOf(Connection& connection,
                                     const LocalWorkerOptions& options) {
  std::vector<std::string> arguments = {"--coordinator",
                                        connection.client().address(),
                                        "--name",
                                        kName,
                                        "--state",
                                        StateFolder(connection).string(),
                                        "--keep-checkpoints-here",
                                        "--no-probe",
                                        "--config",
                                        "/dev/null"};
  // The owner of the machine has asked for it to train now.
  for (const char* rule : {"--allow-battery", "--yield-gpu-gib"}) {
    arguments.insert(arguments.end(), {rule, "0"});
  }
  auto add = [&arguments](const char* name, const std::string& value) {
    if (value.empty()) return;
    arguments.push_back(name);
    arguments.push_back(value);
  };
  auto text = [](int number) {
    return number > 0 ? std::to_string(number) : std::string();
  };
  add("--devices", options.devices);
  add("--slots", text(options.slots));
  add("--trainer-threads", text(options.trainer_threads));
  add("--trainer", TrainerProgram());
  return arguments;
}

bool Fits(const sweeps::Requirements& requirements,
          const v1::Environment& environment) {
  bool is_device = requirements.device == "any" ||
                   requirements.device == environment.device();
  return is_device && static_cast<double>(environment.device_memory_bytes()) >=
                          requirements.memory_gib * kGibibyte;
}

std::string QuarantineNote(const std::vector<v1::Worker>& workers) {
  for (const v1::Worker& worker : workers) {
    if (worker.state() != v1::Worker::QUARANTINED) return "";
  }
  return workers.empty()
             ? ""
             : fmt::format("worker {} is quarantined: {}; see dfsweep doctor",
                           Printable(workers[0].name()),
                           Printable(workers[0].reason()));
}

}  // namespace

void DeclareLocalWorkerOptions(CLI::App& command, LocalWorkerOptions& options) {
  command
      .add_option("--devices", options.devices,
                  "Of this machine: cpu, cuda or cuda:0,1 (default: every CUDA "
                  "device, else the CPU)")
      ->type_name("LIST");
  command
      .add_option("--slots", options.slots,
                  "Trials at the same time on this machine (default: one a "
                  "device)")
      ->check(CLI::Range(1, 64))
      ->type_name("N");
  command
      .add_option("--trainer-threads", options.trainer_threads,
                  "CPU threads of a trial (default: cores / slots)")
      ->check(CLI::Range(1, 1024))
      ->type_name("N");
}

absl::StatusOr<LocalWorker> LocalWorker::Start(
    Connection& connection, const LocalWorkerOptions& options) {
  LocalWorker worker(connection, options);
  DFSWEEP_RETURN_IF_ERROR(worker.StartIfNoneRuns());
  return worker;
}

absl::Status LocalWorker::StartIfNoneRuns() {
  if (IsLocked(StateFolder(*connection_) / "lock")) return absl::OkStatus();
  if (connection_->is_shared()) {
    return MakeError(
        absl::StatusCode::kFailedPrecondition,
        "this store is served for a team, whose machines train",
        connection_->store().string(),
        "use `dfsweep submit`; for this machine to train too: dfsweep token "
        "create --worker");
  }
  if (TrainerProgram().empty()) {
    DFSWEEP_RETURN_IF_ERROR(FindProgram("dfsweep-trainer").status());
  }
  DFSWEEP_ASSIGN_OR_RETURN(
      process_,
      Child::Start("dfsweep-worker", ArgumentsOf(*connection_, options_),
                   connection_->store() / "worker.log"));
  return absl::OkStatus();
}

absl::Status LocalWorker::CheckProcess() {
  if (!process_.has_value()) return StartIfNoneRuns();
  if (!process_->HasEnded()) return absl::OkStatus();
  if (IsLocked(StateFolder(*connection_) / "lock")) {
    process_.reset();  // another one was quicker
    return absl::OkStatus();
  }
  return process_->Obituary(
      "the local worker ended",
      "`dfsweep doctor` checks what it needs; then run the same command again");
}

absl::Status LocalWorker::Check(const sweeps::Requirements& requirements,
                                std::string* note) {
  DFSWEEP_RETURN_IF_ERROR(CheckProcess());
  absl::StatusOr<std::vector<v1::Worker>> workers =
      ListWorkers(connection_->client(), /*include_gone=*/false, kCheckTimeout);
  if (!workers.ok()) return absl::OkStatus();  // the watcher notices too
  *note = QuarantineNote(*workers);
  std::string misfit = WhyNoneFits(requirements, *workers);
  misfits_ = misfit.empty() ? 0 : misfits_ + 1;
  if (misfits_ < kMisfitPatience) return absl::OkStatus();
  return MakeError(absl::StatusCode::kFailedPrecondition, misfit,
                   "`requires` of the sweep file",
                   "run it on a machine that has one, or add "
                   "requires.device=any requires.memory_gib=0 to the command");
}

std::string WhyNoneFits(const sweeps::Requirements& requirements,
                        const std::vector<v1::Worker>& workers) {
  if (workers.empty()) return "";
  for (const v1::Worker& worker : workers) {
    if (Fits(requirements, worker.environment())) return "";
  }
  std::string needs =
      requirements.device == "any" ? "a device" : requirements.device;
  if (requirements.memory_gib > 0) {
    needs += fmt::format(" with {} GiB", NumberText(requirements.memory_gib));
  }
  const v1::Environment& has = workers[0].environment();
  return fmt::format(
      "the sweep needs {}; {} has {} ({:.1f} GiB)", needs,
      Printable(workers[0].name()), Printable(has.device()),
      static_cast<double>(has.device_memory_bytes()) / kGibibyte);
}

absl::StatusOr<std::vector<v1::Worker>> ListWorkers(Client& client,
                                                    bool include_gone,
                                                    absl::Duration timeout) {
  v1::ListWorkersRequest request;
  request.set_include_gone(include_gone);
  DFSWEEP_ASSIGN_OR_RETURN(
      v1::ListWorkersResponse response,
      client.Call(&Client::Stub::ListWorkers, request, timeout));
  return std::vector<v1::Worker>(response.workers().begin(),
                                 response.workers().end());
}

}  // namespace dfsweep::cli
