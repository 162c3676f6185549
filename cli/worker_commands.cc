// workers, drain, remove: the machines that train.
#include <fmt/format.h>

#include "base/display_text.h"
#include "cli/command.h"
#include "cli/connection.h"
#include "cli/exit_status.h"
#include "cli/json.h"
#include "cli/local_worker.h"
#include "cli/output.h"
#include "cli/terminal.h"
#include "cli/text.h"

namespace dfsweep::cli {
namespace {

// ---- workers ----------------------------------------------------------------

struct WorkersOptions {
  bool all = false;
};

void DeclareWorkers(CLI::App& command, WorkersOptions& options) {
  command.add_flag("--all", options.all,
                   "Also those that left or have been silent for long");
}

std::string MemoryText(const v1::Environment& environment) {
  return environment.device_memory_bytes() > 0
             ? BytesText(environment.device_memory_bytes())
             : "";
}

constexpr int kLeastReason = 20;

TextTable WorkerTable(const std::vector<v1::Worker>& workers) {
  TextTable table;
  table.columns = {{.header = "worker"},
                   {.header = "state"},
                   {.header = "busy", .align_right = true, .priority = 9},
                   {.header = "device", .priority = 8},
                   {.header = "memory", .align_right = true, .priority = 3},
                   {.header = "done", .align_right = true, .priority = 6},
                   {.header = "failed", .align_right = true, .priority = 5},
                   {.header = "heard", .priority = 4},
                   {.header = "torch", .priority = 2},
                   {.header = "build", .priority = 1},
                   {.header = "why", .priority = 7}};
  for (const v1::Worker& worker : workers) {
    const v1::Environment& environment = worker.environment();
    table.rows.push_back(
        {{Printable(worker.name())},
         {v1::Worker::State_Name(worker.state()),
          worker.state() == v1::Worker::QUARANTINED},
         {fmt::format("{}/{}", worker.trial_ids_size(), worker.slots())},
         {Printable(environment.device_name())},
         {MemoryText(environment)},
         {std::to_string(worker.completed_trials())},
         {std::to_string(worker.failed_attempts())},
         {worker.has_silence()
              ? DurationText(FromProto(worker.silence())) + " ago"
              : ""},
         {Printable(environment.torch_version())},
         {Printable(environment.build())},
         {Printable(worker.reason())}});
  }
  FitColumn(table, table.columns.size() - 1, WidthOf(stdout), kLeastReason);
  return table;
}

absl::StatusOr<int> Workers(const Context& context,
                            const WorkersOptions& options) {
  DFSWEEP_ASSIGN_OR_RETURN(
      auto connection, Connection::Open(context.global, NoStore::kIsAnError));
  DFSWEEP_ASSIGN_OR_RETURN(std::vector<v1::Worker> workers,
                           ListWorkers(connection->client(), options.all));
  if (context.global.json) {
    PrintJson({{"workers", ToJsonList(workers)}});
  } else if (workers.empty()) {
    Say(connection->is_local()
            ? "no worker is online; `dfsweep run` starts one while it runs"
            : fmt::format("no worker is online; start one on each machine: "
                          "dfsweep-worker --coordinator {}",
                          connection->client().address()));
  } else {
    PrintTable(WorkerTable(workers), UsesColor(context.global.color, stdout));
  }
  return kExitDone;
}

// ---- drain, remove ----------------------------------------------------------

struct WorkerOptions {
  std::string worker;
};

void DeclareWorker(CLI::App& command, WorkerOptions& options) {
  command.add_option("WORKER", options.worker, "Name or id of the worker")
      ->required()
      ->type_name("");
}

absl::StatusOr<int> Drain(const Context& context,
                          const WorkerOptions& options) {
  DFSWEEP_ASSIGN_OR_RETURN(
      auto connection, Connection::Open(context.global, NoStore::kIsAnError));
  v1::DrainWorkerRequest request;
  request.set_worker(options.worker);
  DFSWEEP_ASSIGN_OR_RETURN(
      v1::Worker worker,
      connection->client().Mutate(&Client::Stub::DrainWorker, request));
  if (context.global.json) {
    PrintJson({{"worker", ToJson(worker)}});
  } else {
    Print(fmt::format("{} finishes {} and takes nothing new\n",
                      Printable(worker.name()),
                      CountText(worker.trial_ids_size(), "trial")));
  }
  return kExitDone;
}

absl::StatusOr<int> Remove(const Context& context,
                           const WorkerOptions& options) {
  DFSWEEP_ASSIGN_OR_RETURN(
      auto connection, Connection::Open(context.global, NoStore::kIsAnError));
  v1::RemoveWorkerRequest request;
  request.set_worker(options.worker);
  DFSWEEP_RETURN_IF_ERROR(connection->client()
                              .Mutate(&Client::Stub::RemoveWorker, request)
                              .status());
  if (context.global.json) {
    PrintJson({{"removed", options.worker}});
  } else {
    Print(fmt::format("{} is forgotten; its trials wait for another worker\n",
                      Printable(options.worker)));
  }
  return kExitDone;
}

}  // namespace

void AddWorkerCommands(Program& program) {
  AddCommand<WorkersOptions>(program, program.app, "workers",
                             "List the machines that train", DeclareWorkers,
                             Workers);
  AddCommand<WorkerOptions>(program, program.app, "drain",
                            "Let a worker finish what it has, and no more",
                            DeclareWorker, Drain);
  AddCommand<WorkerOptions>(program, program.app, "remove",
                            "Forget a worker; its trials go to others",
                            DeclareWorker, Remove);
}

}  // namespace dfsweep::cli
