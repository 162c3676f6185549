// run, submit, add, plan: what begins with a sweep file.
#include <fmt/format.h>

#include <memory>
#include <utility>

#include "base/display_text.h"
#include "cli/command.h"
#include "cli/connection.h"
#include "cli/exit_status.h"
#include "cli/facts.h"
#include "cli/json.h"
#include "cli/output.h"
#include "cli/run_sweep.h"
#include "cli/submission.h"
#include "cli/text.h"

namespace dfsweep::cli {
namespace {

constexpr char kOverridesHelp[] =
    "Changes to the file: key=value,value replaces, key+=value adds";

struct FileOptions {
  std::string file;
  std::vector<std::string> overrides;
};

void DeclareFile(CLI::App& command, FileOptions& options) {
  command.add_option("FILE", options.file, "The sweep file (YAML)")
      ->required()
      ->type_name("");
  command.add_option("OVERRIDES", options.overrides, kOverridesHelp)
      ->type_name("");
}

// A file on its way, and whoever it goes to.
struct Prepared {
  std::unique_ptr<Connection> connection;
  Submission submission;
};

// The file is checked before anything is started or made.
absl::StatusOr<Prepared> Prepare(const Context& context,
                                 const FileOptions& options, NoStore no_store) {
  DFSWEEP_ASSIGN_OR_RETURN(sweeps::Sweep sweep,
                           ReadSweepFile(options.file, options.overrides));
  Prepared prepared;
  DFSWEEP_ASSIGN_OR_RETURN(prepared.connection,
                           Connection::Open(context.global, no_store));
  DFSWEEP_ASSIGN_OR_RETURN(
      prepared.submission,
      Resolve(prepared.connection->client(), std::move(sweep)));
  return prepared;
}

// ---- run --------------------------------------------------------------------

struct RunCommandOptions {
  FileOptions file;
  RunOptions run;
};

void DeclareRun(CLI::App& command, RunCommandOptions& options) {
  DeclareFile(command, options.file);
  DeclareLocalWorkerOptions(command, options.run.worker);
  DeclareExportOptions(command, options.run.results);
}

absl::StatusOr<int> Run(const Context& context,
                        const RunCommandOptions& options) {
  DFSWEEP_ASSIGN_OR_RETURN(Prepared prepared,
                           Prepare(context, options.file, NoStore::kCreate));
  return RunSweep(context, *prepared.connection, prepared.submission,
                  options.run);
}

// ---- submit -----------------------------------------------------------------

struct SubmitOptions {
  FileOptions file;
  bool watch = false;
};

void DeclareWatch(CLI::App& command, bool& watch) {
  command.add_flag("--watch,-w", watch, "Show the progress until it ends");
}

void DeclareSubmit(CLI::App& command, SubmitOptions& options) {
  DeclareFile(command, options.file);
  DeclareWatch(command, options.watch);
}

absl::StatusOr<int> SubmitCommand(const Context& context,
                                  const SubmitOptions& options) {
  DFSWEEP_ASSIGN_OR_RETURN(Prepared prepared,
                           Prepare(context, options.file, NoStore::kCreate));
  return SubmitSweep(context, *prepared.connection, prepared.submission,
                     options.watch);
}

// ---- add --------------------------------------------------------------------

struct AddOptions {
  std::string sweep;
  std::vector<std::string> overrides;
  bool watch = false;
  RunOptions run;
};

void DeclareAdd(CLI::App& command, AddOptions& options) {
  AddSweepArgument(command, options.sweep)->required();
  command.add_option("OVERRIDES", options.overrides, kOverridesHelp)
      ->required()
      ->type_name("");
  DeclareWatch(command, options.watch);
  DeclareLocalWorkerOptions(command, options.run.worker);
  DeclareExportOptions(command, options.run.results);
}

bool NamesDataset(const std::vector<std::string>& overrides) {
  for (const std::string& text : overrides) {
    if (text.starts_with("dataset=")) return true;
  }
  return false;
}

// The stored file with further overrides. The dataset stays the same bytes,
// whatever its name means now, unless an override names another.
absl::StatusOr<Submission> Extend(Client& client, const v1::Sweep& stored,
                                  const std::vector<std::string>& more) {
  std::vector<std::string> overrides(stored.overrides().begin(),
                                     stored.overrides().end());
  overrides.insert(overrides.end(), more.begin(), more.end());
  // The stem of the file's name is the sweep's name if the file gives none.
  DFSWEEP_ASSIGN_OR_RETURN(
      sweeps::Sweep sweep,
      sweeps::ParseSweep(stored.file_text(), stored.name() + ".yaml",
                         overrides));
  if (NamesDataset(more)) return Resolve(client, std::move(sweep));
  return Submission{.sweep = std::move(sweep),
                    .dataset_digest = stored.dataset().digest()};
}

absl::StatusOr<int> AddToSweep(const Context& context,
                               const AddOptions& options) {
  DFSWEEP_ASSIGN_OR_RETURN(
      auto connection, Connection::Open(context.global, NoStore::kIsAnError));
  DFSWEEP_ASSIGN_OR_RETURN(v1::Sweep stored,
                           GetSweep(connection->client(), options.sweep));
  DFSWEEP_ASSIGN_OR_RETURN(
      Submission submission,
      Extend(connection->client(), stored, options.overrides));
  if (connection->is_local()) {
    return RunSweep(context, *connection, submission, options.run);
  }
  return SubmitSweep(context, *connection, submission, options.watch);
}

// ---- plan -------------------------------------------------------------------

std::string TimeText(const v1::SweepPlan& plan) {
  if (plan.known_trials() == plan.distinct_trials()) return "nothing to run";
  if (!plan.has_expected_time()) {
    return "unknown: nothing has run on this dataset yet";
  }
  std::string slots = plan.slots() == 0 ? "1 slot; no worker is online"
                                        : CountText(plan.slots(), "slot");
  return fmt::format("about {} on {}",
                     DurationText(FromProto(plan.expected_time())), slots);
}

std::string EpochsText(const v1::SweepPlan& plan) {
  if (plan.epochs_shared() == plan.epochs()) {
    return fmt::format("{} to train", plan.epochs());
  }
  return fmt::format("{} to train of {} ({:.0f} %), since trials share stages",
                     plan.epochs_shared(), plan.epochs(),
                     100.0 * static_cast<double>(plan.epochs_shared()) /
                         static_cast<double>(plan.epochs()));
}

// One line a level of the tree, if anything is shared.
Facts StageFacts(const v1::SweepPlan& plan) {
  Facts facts;
  if (plan.epochs_shared() == plan.epochs()) return facts;
  for (int i = 0; i < plan.levels_size(); ++i) {
    const v1::StageLevel& level = plan.levels(i);
    facts.push_back({i == 0 ? "stages" : "",
                     fmt::format("task {}: {} for {}, {} of {} epochs", i + 1,
                                 CountText(level.stages(), "stage"),
                                 CountText(level.trials(), "trial"),
                                 level.epochs_shared(), level.epochs())});
  }
  return facts;
}

// How the points are found, before seeds.
Facts::value_type PointsFact(const v1::SweepPlan& plan) {
  const int64_t learned = plan.drawn() - plan.drawn_ahead();
  if (plan.method() == "random") {
    return {"search", fmt::format("random: {} drawn before anything runs",
                                  CountText(plan.drawn(), "point"))};
  }
  if (plan.method() == "tpe") {
    return {"search",
            fmt::format("tpe: {} at random, {} where results are good; what "
                        "follows is what random points would take",
                        CountText(plan.drawn_ahead(), "point"), learned)};
  }
  return {"grid", fmt::format("{} before conditions, {} after them",
                              CountText(plan.grid_size(), "point"),
                              plan.selected_size())};
}

// What may make the sweep smaller than the plan says.
Facts SearchFacts(const sweeps::Sweep& sweep) {
  using Type = sweeps::EarlyTerminate::Type;
  const sweeps::EarlyTerminate& rule = sweep.early_terminate;
  Facts facts;
  if (rule.type == Type::kAsha) {
    facts.push_back(
        {"early stop",
         fmt::format("asha: after {}, {}, … epochs one of {} goes on, by {}",
                     rule.min_iter, rule.min_iter * rule.eta, rule.eta,
                     rule.metric)});
  } else if (rule.type == Type::kMedian) {
    facts.push_back(
        {"early stop",
         fmt::format("median: from {} on, what is worse than the median of "
                     "the completed trials by {}",
                     CountText(rule.min_iter, "epoch"), rule.metric)});
  }
  if (sweep.survivors_only) {
    facts.push_back(
        {"seeds", fmt::format("{} for all, {} for what is not stopped early",
                              sweep.seeds.front(), sweep.seeds.size() - 1)});
  }
  return facts;
}

void PrintPlan(const Submission& submission, const v1::SweepPlan& plan) {
  int64_t to_run = plan.distinct_trials() - plan.known_trials();
  PrintFacts(
      {{"sweep", Printable(submission.sweep.name)},
       {"dataset", fmt::format("{} ({})", Printable(submission.sweep.dataset),
                               ShortId(submission.dataset_digest))},
       PointsFact(plan),
       {"trials",
        fmt::format("{} distinct: {} known already, {} to run",
                    plan.distinct_trials(), plan.known_trials(), to_run)},
       {"epochs", EpochsText(plan)}});
  PrintFacts(StageFacts(plan));
  PrintFacts(SearchFacts(submission.sweep));
  PrintFacts({{"time", TimeText(plan)}});
  for (const std::string& warning : plan.warnings()) {
    ErrorParts parts = PartsOf(Printable(warning, /*keep_newlines=*/true));
    PrintFacts({{"warning", parts.what},
                {"", parts.where.empty() ? "" : "at " + parts.where},
                {"", parts.remedy.empty() ? "" : "fix: " + parts.remedy}});
  }
}

absl::StatusOr<int> PlanCommand(const Context& context,
                                const FileOptions& options) {
  DFSWEEP_ASSIGN_OR_RETURN(Prepared prepared,
                           Prepare(context, options, NoStore::kPretend));
  DFSWEEP_ASSIGN_OR_RETURN(
      v1::SweepPlan plan,
      Plan(prepared.connection->client(), prepared.submission));
  if (context.global.json) {
    PrintJson({{"plan", ToJson(plan)}});
  } else {
    PrintPlan(prepared.submission, plan);
  }
  return kExitDone;
}

}  // namespace

void AddSubmitCommands(Program& program) {
  AddCommand<RunCommandOptions>(
      program, program.app, "run",
      "Run a sweep file and print its results; again, go on with it",
      DeclareRun, Run);
  AddCommand<SubmitOptions>(program, program.app, "submit",
                            "Hand a sweep file to the coordinator",
                            DeclareSubmit, SubmitCommand);
  AddCommand<AddOptions>(
      program, program.app, "add",
      "Add values to a sweep: runs only what is new (add SWEEP seeds+=2)",
      DeclareAdd, AddToSweep);
  AddCommand<FileOptions>(program, program.app, "plan",
                          "Say what a sweep file would run, and run nothing",
                          DeclareFile, PlanCommand);
}

}  // namespace dfsweep::cli
