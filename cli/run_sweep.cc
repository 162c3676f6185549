#include "cli/run_sweep.h"

#include <fmt/format.h>

#include <optional>

#include "base/display_text.h"
#include "cli/exit_status.h"
#include "cli/follow.h"
#include "cli/json.h"
#include "cli/output.h"
#include "cli/progress.h"
#include "cli/text.h"

namespace dfsweep::cli {
namespace {

void SaySubmitted(const v1::CreateSweepResponse& response) {
  const v1::Sweep& sweep = response.sweep();
  int64_t all = AllTrials(sweep.counts());
  std::string name = fmt::format("sweep {} ({})", Printable(sweep.name()),
                                 Printable(sweep.sweep_id()));
  if (response.existed()) {
    Say(fmt::format("{} is known: {} of {} have ended", name,
                    EndedTrials(sweep.counts()), CountText(all, "trial")));
    return;
  }
  int64_t known = response.plan().known_trials();
  Say(fmt::format("{}: {}{}", name, CountText(all, "trial"),
                  known > 0 ? fmt::format(", {} known already", known) : ""));
}

// Warnings of the plan: things that make a table worth less than it looks.
void SayWarnings(const v1::SweepPlan& plan) {
  for (const std::string& warning : plan.warnings()) {
    ErrorParts parts = PartsOf(Printable(warning, /*keep_newlines=*/true));
    Say(fmt::format("warning: {}; {}", parts.what, parts.remedy));
  }
}

// Whoever types `run` wants it to run, also what was paused here.
absl::StatusOr<v1::Sweep> ResumeIfPaused(Client& client,
                                         const v1::Sweep& sweep) {
  if (sweep.state() != v1::Sweep::PAUSED) return sweep;
  Say("it was paused and goes on now");
  v1::ResumeSweepRequest request;
  request.set_sweep(sweep.sweep_id());
  return client.Mutate(&Client::Stub::ResumeSweep, request);
}

void SayInterrupted(const Context& context, Connection& connection,
                    const v1::Sweep& last_seen) {
  // What the worker delivered while it was stopping counts too.
  absl::StatusOr<v1::Sweep> now =
      GetSweep(connection.client(), last_seen.sweep_id());
  const v1::TrialCounts& counts = (now.ok() ? *now : last_seen).counts();
  Say(fmt::format("interrupted; {} of {} have ended and are kept. Go on with:",
                  EndedTrials(counts), CountText(AllTrials(counts), "trial")));
  // Not wrapped: it is to be copied.
  std::fputs(fmt::format("  {}\n", context.command_line).c_str(), stderr);
}

void SayDetached(const Context& context, const v1::Sweep& sweep) {
  Say(fmt::format("detached; the sweep goes on. Look again with: {} watch {}",
                  ProgramText(context.global), Printable(sweep.name())));
}

void SayBadEnd(const Context& context, const v1::Sweep& sweep) {
  const v1::TrialCounts& counts = sweep.counts();
  if (counts.failed() + counts.cancelled() == 0) return;
  std::string program = ProgramText(context.global);
  std::string name = Printable(sweep.name());
  Say(
      fmt::format("{} failed, {} cancelled: `{} status {}` says why, "
                  "`{} retry {}` tries them again",
                  CountText(counts.failed(), "trial"), counts.cancelled(),
                  program, name, program, name));
}

// The table, the file asked for, or with --json both sweep and rows.
absl::Status ShowResults(const Context& context, Client& client,
                         const v1::Sweep& sweep, const ExportOptions& options) {
  v1::ExportResultsRequest request;
  request.set_sweep(sweep.sweep_id());
  if (!options.output.empty()) {
    v1::ExportResultsRequest to_file = request;
    DFSWEEP_RETURN_IF_ERROR(
        SetFormat(context, options, /*to_file=*/true, to_file));
    DFSWEEP_ASSIGN_OR_RETURN(std::string text, ExportText(client, to_file));
    DFSWEEP_RETURN_IF_ERROR(WriteOutput(options.output, text));
    Say(fmt::format("results are in {}", options.output));
  }
  if (context.global.json) {
    DFSWEEP_RETURN_IF_ERROR(PrintRows(client, request));
    Print(",\n\"sweep\": ");
    PrintJson(ToJson(sweep));
    Print("}\n");
    return absl::OkStatus();
  }
  ExportOptions shown = options;
  if (!options.output.empty()) shown.format = "table";
  DFSWEEP_RETURN_IF_ERROR(
      SetFormat(context, shown, /*to_file=*/false, request));
  return ExportResults(client, request, Print);
}

// Follows the sweep, with a local worker if it is this machine's work.
absl::StatusOr<Followed> Train(Connection& connection, const v1::Sweep& sweep,
                               const sweeps::Requirements& requirements,
                               const LocalWorkerOptions& options) {
  FollowHooks hooks;
  std::optional<LocalWorker> worker;
  if (connection.is_local()) {
    DFSWEEP_ASSIGN_OR_RETURN(worker, LocalWorker::Start(connection, options));
    hooks.check = [&](std::string* note) {
      return worker->Check(requirements, note);
    };
    hooks.lost = [&connection] { return connection.Heal(); };
  }
  return Follow(connection.shared_client(), sweep, hooks,
                /*json_updates=*/false);
}

}  // namespace

absl::StatusOr<int> RunSweep(const Context& context, Connection& connection,
                             const Submission& submission,
                             const RunOptions& options) {
  v1::ExportResultsRequest checked;
  DFSWEEP_RETURN_IF_ERROR(SetFormat(context, options.results,
                                    !options.results.output.empty(), checked));
  Client& client = connection.client();
  DFSWEEP_ASSIGN_OR_RETURN(v1::CreateSweepResponse response,
                           Submit(client, submission));
  SaySubmitted(response);
  v1::Sweep sweep = response.sweep();
  if (!HasEnded(sweep)) {
    SayWarnings(response.plan());
    if (connection.is_local()) {
      DFSWEEP_ASSIGN_OR_RETURN(sweep, ResumeIfPaused(client, sweep));
    }
    DFSWEEP_ASSIGN_OR_RETURN(
        Followed followed,
        Train(connection, sweep, submission.sweep.requires_, options.worker));
    sweep = followed.sweep;
    if (followed.interrupted) {
      if (connection.is_local()) {
        SayInterrupted(context, connection, sweep);
      } else {
        SayDetached(context, sweep);
      }
      return kExitInterrupted;
    }
  }
  DFSWEEP_RETURN_IF_ERROR(
      ShowResults(context, connection.client(), sweep, options.results));
  SayBadEnd(context, sweep);
  return ExitStatusOf(sweep);
}

absl::StatusOr<int> SubmitSweep(const Context& context, Connection& connection,
                                const Submission& submission, bool watch) {
  DFSWEEP_ASSIGN_OR_RETURN(v1::CreateSweepResponse response,
                           Submit(connection.client(), submission));
  SaySubmitted(response);
  SayWarnings(response.plan());
  const v1::Sweep& sweep = response.sweep();
  if (watch) return WatchSweep(context, connection, sweep);
  if (context.global.json) {
    PrintJson({{"sweep", ToJson(sweep)},
               {"existed", response.existed()},
               {"plan", ToJson(response.plan())}});
  } else {
    Print(Printable(sweep.sweep_id()) + "\n");
  }
  if (connection.is_local() && !HasEnded(sweep)) {
    Say("it waits for a worker: `dfsweep run` with the same file trains it on "
        "this machine");
  }
  return kExitDone;
}

absl::StatusOr<int> WatchSweep(const Context& context, Connection& connection,
                               const v1::Sweep& sweep) {
  FollowHooks hooks;
  if (connection.is_local()) {
    hooks.lost = [&connection] { return connection.Heal(); };
  }
  DFSWEEP_ASSIGN_OR_RETURN(
      Followed followed,
      Follow(connection.shared_client(), sweep, hooks, context.global.json));
  if (followed.interrupted) {
    SayDetached(context, sweep);
    return kExitInterrupted;
  }
  SayBadEnd(context, followed.sweep);
  return ExitStatusOf(followed.sweep);
}

absl::StatusOr<v1::Sweep> GetSweep(Client& client, const std::string& sweep) {
  v1::GetSweepRequest request;
  request.set_sweep(sweep);
  return client.Call(&Client::Stub::GetSweep, request);
}

}  // namespace dfsweep::cli
