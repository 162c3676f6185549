// ls, status, pause, resume, cancel, retry: sweeps that are there already.
#include <fmt/format.h>

#include <algorithm>
#include <functional>
#include <future>

#include "absl/time/clock.h"
#include "base/display_text.h"
#include "cli/command.h"
#include "cli/connection.h"
#include "cli/exit_status.h"
#include "cli/facts.h"
#include "cli/json.h"
#include "cli/output.h"
#include "cli/progress.h"
#include "cli/run_sweep.h"
#include "cli/terminal.h"
#include "cli/text.h"

namespace dfsweep::cli {
namespace {

constexpr int kSweepsPerPage = 100;
// A megabyte or two.
constexpr int kTrialsPerPage = 2000;

struct SweepOptions {
  std::string sweep;
};

void DeclareSweep(CLI::App& command, SweepOptions& options) {
  AddSweepArgument(command, options.sweep)->required();
}

absl::StatusOr<std::unique_ptr<Connection>> OpenExisting(
    const Context& context) {
  return Connection::Open(context.global, NoStore::kIsAnError);
}

std::string BestText(const v1::Sweep& sweep) {
  return sweep.has_best() ? NumberText(sweep.best().value()) : "";
}

// ---- ls ---------------------------------------------------------------------

absl::StatusOr<std::vector<v1::Sweep>> ListSweeps(Client& client) {
  std::vector<v1::Sweep> sweeps;
  v1::ListSweepsRequest request;
  request.set_page_size(kSweepsPerPage);
  do {
    DFSWEEP_ASSIGN_OR_RETURN(v1::ListSweepsResponse page,
                             client.Call(&Client::Stub::ListSweeps, request));
    sweeps.insert(sweeps.end(), page.sweeps().begin(), page.sweeps().end());
    request.set_page_token(page.next_page_token());
  } while (!request.page_token().empty());
  return sweeps;
}

TextTable SweepTable(const std::vector<v1::Sweep>& sweeps) {
  TextTable table;
  table.columns = {{.header = "sweep"},
                   {.header = "id", .priority = 3},
                   {.header = "state"},
                   {.header = "ended", .align_right = true},
                   {.header = "failed", .align_right = true, .priority = 8},
                   {.header = "ETA", .align_right = true, .priority = 7},
                   {.header = "best", .align_right = true, .priority = 6},
                   {.header = "metric", .priority = 2},
                   {.header = "dataset", .priority = 4},
                   {.header = "submitted", .priority = 5}};
  absl::Time now = absl::Now();
  for (const v1::Sweep& sweep : sweeps) {
    const v1::TrialCounts& counts = sweep.counts();
    table.rows.push_back(
        {{Printable(sweep.name())},
         {Printable(sweep.sweep_id())},
         {v1::Sweep::State_Name(sweep.state())},
         {fmt::format("{}/{}", EndedTrials(counts), AllTrials(counts))},
         {std::to_string(counts.failed()), counts.failed() > 0},
         {sweep.has_time_left() ? DurationText(FromProto(sweep.time_left()))
                                : ""},
         {BestText(sweep)},
         {Printable(sweep.metric_name())},
         {Printable(sweep.dataset().name())},
         {AgeText(sweep.create_time(), now)}});
  }
  return table;
}

absl::StatusOr<int> Ls(const Context& context, const NoOptions&) {
  DFSWEEP_ASSIGN_OR_RETURN(auto connection, OpenExisting(context));
  DFSWEEP_ASSIGN_OR_RETURN(std::vector<v1::Sweep> sweeps,
                           ListSweeps(connection->client()));
  if (context.global.json) {
    PrintJson({{"sweeps", ToJsonList(sweeps)}});
  } else if (sweeps.empty()) {
    Say("there is no sweep yet; `dfsweep submit FILE` makes one");
  } else {
    PrintTable(SweepTable(sweeps), UsesColor(context.global.color, stdout));
  }
  return kExitDone;
}

// ---- status -----------------------------------------------------------------

absl::StatusOr<v1::Sweep> FindOrNewest(Client& client,
                                       const std::string& sweep) {
  if (!sweep.empty()) return GetSweep(client, sweep);
  v1::ListSweepsRequest request;
  request.set_page_size(1);
  DFSWEEP_ASSIGN_OR_RETURN(v1::ListSweepsResponse newest,
                           client.Call(&Client::Stub::ListSweeps, request));
  // The list leaves the file out.
  if (newest.sweeps_size() > 0) {
    return GetSweep(client, newest.sweeps(0).sweep_id());
  }
  return MakeError(absl::StatusCode::kNotFound, "there is no sweep yet",
                   client.address(), "submit one: dfsweep submit FILE");
}

// Asks for a page while `take` has the one before.
absl::Status ReadTrials(Client& client, v1::ListTrialsRequest request,
                        const std::function<void(const v1::Trial&)>& take) {
  auto ask = [&client](const v1::ListTrialsRequest& page) {
    return client.Call(&Client::Stub::ListTrials, page);
  };
  request.set_page_size(kTrialsPerPage);
  auto next = std::async(std::launch::async, ask, request);
  do {
    DFSWEEP_ASSIGN_OR_RETURN(v1::ListTrialsResponse page, next.get());
    request.set_page_token(page.next_page_token());
    if (!request.page_token().empty()) {
      next = std::async(std::launch::async, ask, request);
    }
    for (const v1::Trial& trial : page.trials()) take(trial);
  } while (!request.page_token().empty());
  return absl::OkStatus();
}

std::string MetricText(const v1::Trial& trial, const std::string& name) {
  auto found = trial.metrics().find(name);
  return found == trial.metrics().end() ? "" : NumberText(found->second);
}

std::string TrialProgress(const v1::Trial& trial) {
  if (trial.state() == v1::RUNNING) return EpochText(trial);
  return trial.train_seconds() > 0
             ? DurationText(absl::Seconds(trial.train_seconds()))
             : "";
}

// Whether `cell` says something in some row.
bool HasText(const TextTable& table, size_t column) {
  return std::any_of(table.rows.begin(), table.rows.end(),
                     [column](const std::vector<TextCell>& row) {
                       return !row[column].text.empty();
                     });
}

void DropEmptyColumns(TextTable& table) {
  for (size_t c = table.columns.size(); c-- > 0;) {
    if (HasText(table, c)) continue;
    table.columns.erase(table.columns.begin() + c);
    for (auto& row : table.rows) row.erase(row.begin() + c);
  }
}

constexpr char kMessage[] = "message";
constexpr int kLeastMessage = 20;

// "lambda" for ewc.lambda, unless another one ends so too.
std::string ShortName(const std::string& name,
                      const std::vector<std::string>& all) {
  auto last_part = [](const std::string& full) {
    return full.substr(full.rfind('.') + 1);
  };
  auto same = std::count_if(all.begin(), all.end(), [&](const auto& other) {
    return last_part(other) == last_part(name);
  });
  return same == 1 ? last_part(name) : name;
}

std::vector<TextColumn> TrialColumns(const v1::Sweep& sweep,
                                     const std::vector<std::string>& varying) {
  std::vector<TextColumn> columns = {{.header = "trial"}, {.header = "state"}};
  for (const std::string& name : varying) {
    columns.push_back({.header = ShortName(name, varying), .priority = 9});
  }
  std::vector<TextColumn> rest = {
      {.header = "seed", .align_right = true, .priority = 8},
      {.header = "attempt", .align_right = true, .priority = 1},
      {.header = "worker", .priority = 3},
      {.header = "progress", .priority = 5},
      {.header = Printable(sweep.metric_name()),
       .align_right = true,
       .priority = 7},
      {.header = kMessage, .priority = 6}};
  columns.insert(columns.end(), rest.begin(), rest.end());
  return columns;
}

std::vector<TextCell> TrialCells(const v1::Sweep& sweep,
                                 const std::vector<std::string>& varying,
                                 const v1::Trial& trial) {
  Json configuration = ParseObject(trial.configuration_json());
  bool is_bad = trial.state() == v1::FAILED;
  std::vector<TextCell> row;
  row.reserve(varying.size() + 8);
  row.push_back({ShortId(trial.trial_id())});
  row.push_back({v1::TrialState_Name(trial.state()), is_bad});
  for (const std::string& name : varying) {
    auto found = configuration.find(name);
    row.push_back({found == configuration.end() ? "" : ValueText(*found)});
  }
  row.push_back({std::to_string(trial.seed())});
  row.push_back({std::to_string(trial.attempt())});
  row.push_back({Printable(trial.worker())});
  row.push_back({TrialProgress(trial)});
  row.push_back({MetricText(trial, sweep.metric_name())});
  row.push_back({FirstLine(trial.message())});
  return row;
}

absl::StatusOr<TextTable> TrialTable(Client& client, const v1::Sweep& sweep,
                                     const std::vector<std::string>& varying) {
  TextTable table;
  table.columns = TrialColumns(sweep, varying);
  v1::ListTrialsRequest request;
  request.set_sweep(sweep.sweep_id());
  for (const std::string& name : varying) request.add_parameters(name);
  DFSWEEP_RETURN_IF_ERROR(
      ReadTrials(client, request, [&](const v1::Trial& trial) {
        table.rows.push_back(TrialCells(sweep, varying, trial));
      }));
  DropEmptyColumns(table);
  if (table.columns.back().header == kMessage) {
    FitColumn(table, table.columns.size() - 1, WidthOf(stdout), kLeastMessage);
  }
  return table;
}

std::string ReuseText(const v1::Sweep& sweep) {
  if (sweep.epochs_reused() == 0) return "";
  return fmt::format(
      "{} of {} were not trained again, but taken from other trials or "
      "earlier attempts",
      sweep.epochs_reused(), sweep.epochs_done());
}

absl::Status PrintSweep(const Context& context, Client& client,
                        const v1::Sweep& sweep) {
  Progress progress{.sweep = sweep, .varying = VaryingNames(sweep)};
  progress.workers_online = 1;  // not known here
  DFSWEEP_ASSIGN_OR_RETURN(TextTable table,
                           TrialTable(client, sweep, progress.varying));
  PrintFacts({{"sweep", fmt::format("{} ({}), {}", Printable(sweep.name()),
                                    Printable(sweep.sweep_id()),
                                    v1::Sweep::State_Name(sweep.state()))},
              {"dataset", Printable(sweep.dataset().name())},
              {"submitted", AgeText(sweep.create_time(), absl::Now())},
              {"trials", PlainProgress(progress)},
              {"epochs", ReuseText(sweep)}});
  Print("\n");
  PrintTable(table, UsesColor(context.global.color, stdout));
  return absl::OkStatus();
}

absl::Status PrintSweepJson(Client& client, const v1::Sweep& sweep) {
  Json trials = Json::array();
  v1::ListTrialsRequest request;
  request.set_sweep(sweep.sweep_id());
  DFSWEEP_RETURN_IF_ERROR(ReadTrials(
      client, request,
      [&](const v1::Trial& trial) { trials.push_back(ToJson(trial)); }));
  PrintJson({{"sweep", ToJson(sweep)}, {"trials", std::move(trials)}});
  return absl::OkStatus();
}

absl::StatusOr<int> Status(const Context& context,
                           const SweepOptions& options) {
  DFSWEEP_ASSIGN_OR_RETURN(auto connection, OpenExisting(context));
  Client& client = connection->client();
  DFSWEEP_ASSIGN_OR_RETURN(v1::Sweep sweep,
                           FindOrNewest(client, options.sweep));
  DFSWEEP_RETURN_IF_ERROR(context.global.json
                              ? PrintSweepJson(client, sweep)
                              : PrintSweep(context, client, sweep));
  return kExitDone;
}

void DeclareStatus(CLI::App& command, SweepOptions& options) {
  AddSweepArgument(command, options.sweep)
      ->description("Name or id of the sweep (default: the newest)");
}

// ---- pause, resume, cancel, retry -------------------------------------------

void ShowChanged(const Context& context, const v1::Sweep& sweep) {
  if (context.global.json) {
    PrintJson({{"sweep", ToJson(sweep)}});
    return;
  }
  const v1::TrialCounts& counts = sweep.counts();
  Print(fmt::format("{} is {}: {} of {} have ended\n", Printable(sweep.name()),
                    v1::Sweep::State_Name(sweep.state()), EndedTrials(counts),
                    CountText(AllTrials(counts), "trial")));
}

template <typename Request>
absl::StatusOr<int> ChangeSweep(
    const Context& context, const SweepOptions& options,
    grpc::Status (Client::Stub::*method)(grpc::ClientContext*, const Request&,
                                         v1::Sweep*)) {
  DFSWEEP_ASSIGN_OR_RETURN(auto connection, OpenExisting(context));
  Request request;
  request.set_sweep(options.sweep);
  DFSWEEP_ASSIGN_OR_RETURN(v1::Sweep sweep,
                           connection->client().Mutate(method, request));
  ShowChanged(context, sweep);
  return kExitDone;
}

absl::StatusOr<int> Pause(const Context& context, const SweepOptions& options) {
  return ChangeSweep(context, options, &Client::Stub::PauseSweep);
}

absl::StatusOr<int> Resume(const Context& context,
                           const SweepOptions& options) {
  return ChangeSweep(context, options, &Client::Stub::ResumeSweep);
}

absl::StatusOr<int> Cancel(const Context& context,
                           const SweepOptions& options) {
  return ChangeSweep(context, options, &Client::Stub::CancelSweep);
}

struct RetryOptions {
  std::string sweep;
  std::vector<std::string> trials;
};

void DeclareRetry(CLI::App& command, RetryOptions& options) {
  AddSweepArgument(command, options.sweep)->required();
  command
      .add_option("TRIALS", options.trials,
                  "Ids or their first digits (default: every failed and "
                  "cancelled one)")
      ->type_name("");
}

absl::StatusOr<int> Retry(const Context& context, const RetryOptions& options) {
  DFSWEEP_ASSIGN_OR_RETURN(auto connection, OpenExisting(context));
  v1::RetryTrialsRequest request;
  request.set_sweep(options.sweep);
  for (const std::string& trial : options.trials) request.add_trials(trial);
  DFSWEEP_ASSIGN_OR_RETURN(
      v1::RetryTrialsResponse response,
      connection->client().Mutate(&Client::Stub::RetryTrials, request));
  if (context.global.json) {
    PrintJson(
        {{"retried", response.retried()}, {"sweep", ToJson(response.sweep())}});
    return kExitDone;
  }
  Print(fmt::format("{} of {} will be tried again\n",
                    CountText(response.retried(), "trial"),
                    Printable(response.sweep().name())));
  if (connection->is_local() && response.retried() > 0) {
    Say("`dfsweep run` with the same file trains them on this machine");
  }
  return kExitDone;
}

}  // namespace

void AddSweepCommands(Program& program) {
  AddCommand<NoOptions>(program, program.app, "ls", "List the sweeps",
                        DeclareNothing, Ls);
  AddCommand<SweepOptions>(program, program.app, "status",
                           "Show a sweep and its trials", DeclareStatus,
                           Status);
  AddCommand<SweepOptions>(program, program.app, "pause",
                           "Start no new trial of a sweep", DeclareSweep,
                           Pause);
  AddCommand<SweepOptions>(program, program.app, "resume",
                           "Go on with a paused sweep", DeclareSweep, Resume);
  AddCommand<SweepOptions>(program, program.app, "cancel",
                           "Stop a sweep; finished trials are kept",
                           DeclareSweep, Cancel);
  AddCommand<RetryOptions>(program, program.app, "retry",
                           "Try failed and cancelled trials again",
                           DeclareRetry, Retry);
}

}  // namespace dfsweep::cli
