// workers and its subcommands; drain, remove: the machines that train.
#include <fmt/format.h>

#include "base/display_text.h"
#include "cli/command.h"
#include "cli/connection.h"
#include "cli/exit_status.h"
#include "cli/facts.h"
#include "cli/json.h"
#include "cli/local_worker.h"
#include "cli/output.h"
#include "cli/terminal.h"
#include "cli/text.h"
#include "cli/worker_diff.h"
#include "cli/worker_table.h"

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

constexpr int kLeastReason = 20;

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
    TextTable table = WorkerTable(workers);
    FitColumn(table, table.columns.size() - 1, WidthOf(stdout), kLeastReason);
    PrintTable(table, UsesColor(context.global.color, stdout));
  }
  return kExitDone;
}

// ---- drain, pause, resume, remove -------------------------------------------

struct WorkerOptions {
  std::string worker;
};

void DeclareWorker(CLI::App& command, WorkerOptions& options) {
  command.add_option("WORKER", options.worker, "Name or id of the worker")
      ->required()
      ->type_name("");
}

// Calls a method that answers with the worker, and says what becomes of it.
template <typename Request, typename Method>
absl::StatusOr<int> Order(const Context& context, const WorkerOptions& options,
                          Method method,
                          std::string (*sentence)(const v1::Worker&)) {
  DFSWEEP_ASSIGN_OR_RETURN(
      auto connection, Connection::Open(context.global, NoStore::kIsAnError));
  Request request;
  request.set_worker(options.worker);
  DFSWEEP_ASSIGN_OR_RETURN(v1::Worker worker,
                           connection->client().Mutate(method, request));
  if (context.global.json) {
    PrintJson({{"worker", ToJson(worker)}});
  } else {
    Print(Printable(worker.name()) + " " + sentence(worker) + "\n");
  }
  return kExitDone;
}

absl::StatusOr<int> Drain(const Context& context,
                          const WorkerOptions& options) {
  return Order<v1::DrainWorkerRequest>(
      context, options, &Client::Stub::DrainWorker,
      [](const v1::Worker& worker) {
        return fmt::format("finishes {} and takes nothing new",
                           CountText(worker.trial_ids_size(), "trial"));
      });
}

absl::StatusOr<int> Pause(const Context& context,
                          const WorkerOptions& options) {
  return Order<v1::PauseWorkerRequest>(
      context, options, &Client::Stub::PauseWorker,
      [](const v1::Worker& worker) {
        return fmt::format(
            "hands back {} with what is trained, and frees its device, until "
            "`dfsweep workers resume {}`",
            CountText(worker.trial_ids_size(), "trial"),
            Printable(worker.name()));
      });
}

std::string ResumeText(const v1::Worker& worker) {
  switch (worker.state()) {
    case v1::Worker::ONLINE:
      return "takes work again";
    case v1::Worker::LEFT:
      return "may come back: start dfsweep-worker on it";
    default:
      return fmt::format("may take work again; for now it does not: {}",
                         Printable(worker.reason()));
  }
}

absl::StatusOr<int> Resume(const Context& context,
                           const WorkerOptions& options) {
  return Order<v1::ResumeWorkerRequest>(
      context, options, &Client::Stub::ResumeWorker, ResumeText);
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
    Print(fmt::format(
        "{0} is shut out; its trials wait for another worker; to let it in "
        "again: dfsweep workers resume {0}\n",
        Printable(options.worker)));
  }
  return kExitDone;
}

// ---- diff -------------------------------------------------------------------

struct DiffOptions {
  std::string a;
  std::string b;
};

void DeclareDiff(CLI::App& command, DiffOptions& options) {
  command.add_option("A", options.a, "Name or id of a worker")
      ->required()
      ->type_name("");
  command.add_option("B", options.b, "Name or id of another")
      ->required()
      ->type_name("");
}

bool IsGone(const v1::Worker& worker) {
  return worker.state() == v1::Worker::LOST ||
         worker.state() == v1::Worker::LEFT;
}

// By id, or by name: one that is there if there is one.
absl::StatusOr<v1::Worker> Find(const std::vector<v1::Worker>& workers,
                                const std::string& wanted) {
  const v1::Worker* found = nullptr;
  for (const v1::Worker& worker : workers) {
    if (worker.worker_id() == wanted) return worker;
    if (worker.name() != wanted) continue;
    if (found == nullptr || IsGone(*found)) found = &worker;
  }
  if (found != nullptr) return *found;
  return MakeError(absl::StatusCode::kNotFound, "there is no such worker",
                   "worker " + wanted,
                   "list the workers: dfsweep workers --all");
}

Json ToJson(const WorkerDifference& difference) {
  return {{"what", difference.what},
          {"a", difference.a},
          {"b", difference.b},
          {"changes_numbers", difference.changes_numbers},
          {"fix", difference.remedy}};
}

void PrintDifferences(const std::string& a, const std::string& b,
                      const std::vector<WorkerDifference>& differences,
                      bool color) {
  TextTable table;
  table.columns = {{.header = "differs"},
                   {.header = a},
                   {.header = b},
                   {.header = "numbers", .priority = 1}};
  Facts remedies;
  for (const WorkerDifference& difference : differences) {
    table.rows.push_back({{difference.what},
                          {difference.a},
                          {difference.b},
                          {difference.changes_numbers ? "may change" : "same",
                           difference.changes_numbers}});
    remedies.emplace_back(difference.what, difference.remedy);
  }
  PrintTable(table, color);
  Print("\nto align them:\n");
  PrintFacts(remedies);
}

absl::StatusOr<int> Diff(const Context& context, const DiffOptions& options) {
  DFSWEEP_ASSIGN_OR_RETURN(
      auto connection, Connection::Open(context.global, NoStore::kIsAnError));
  DFSWEEP_ASSIGN_OR_RETURN(
      std::vector<v1::Worker> workers,
      ListWorkers(connection->client(), /*include_gone=*/true));
  DFSWEEP_ASSIGN_OR_RETURN(v1::Worker a, Find(workers, options.a));
  DFSWEEP_ASSIGN_OR_RETURN(v1::Worker b, Find(workers, options.b));
  const std::vector<WorkerDifference> differences = DifferencesBetween(a, b);
  if (context.global.json) {
    Json list = Json::array();
    for (const WorkerDifference& difference : differences) {
      list.push_back(ToJson(difference));
    }
    PrintJson({{"a", a.name()}, {"b", b.name()}, {"differences", list}});
  } else if (differences.empty()) {
    Print(fmt::format("{} and {} compute with the same\n", Printable(a.name()),
                      Printable(b.name())));
  } else {
    PrintDifferences(Printable(a.name()), Printable(b.name()), differences,
                     UsesColor(context.global.color, stdout));
  }
  return kExitDone;
}

}  // namespace

void AddWorkerCommands(Program& program) {
  CLI::App* workers = AddCommand<WorkersOptions>(
      program, program.app, "workers",
      "List the machines that train; compare, pause and remove them",
      DeclareWorkers, Workers);
  AddCommand<DiffOptions>(program, *workers, "diff",
                          "What two machines differ in, and how to align them",
                          DeclareDiff, Diff);
  for (CLI::App* parent : {workers, &program.app}) {
    AddCommand<WorkerOptions>(program, *parent, "drain",
                              "Let a worker finish what it has, and no more",
                              DeclareWorker, Drain);
    AddCommand<WorkerOptions>(program, *parent, "remove",
                              "Shut a worker out; its trials go to others",
                              DeclareWorker, Remove);
  }
  AddCommand<WorkerOptions>(program, *workers, "pause",
                            "Have a worker hand back what it has, and rest",
                            DeclareWorker, Pause);
  AddCommand<WorkerOptions>(program, *workers, "resume",
                            "Undo drain, pause or remove", DeclareWorker,
                            Resume);
}

}  // namespace dfsweep::cli
