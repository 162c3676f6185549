// watch and logs: what goes on now.
#include <fmt/format.h>

#include "base/clock.h"
#include "base/display_text.h"
#include "cli/command.h"
#include "cli/connection.h"
#include "cli/exit_status.h"
#include "cli/json.h"
#include "cli/output.h"
#include "cli/run_sweep.h"
#include "cli/text.h"

namespace dfsweep::cli {
namespace {

// ---- watch ------------------------------------------------------------------

struct WatchOptions {
  std::string sweep;
};

void DeclareWatch(CLI::App& command, WatchOptions& options) {
  AddSweepArgument(command, options.sweep)->required();
}

absl::StatusOr<int> Watch(const Context& context, const WatchOptions& options) {
  DFSWEEP_ASSIGN_OR_RETURN(
      auto connection, Connection::Open(context.global, NoStore::kIsAnError));
  DFSWEEP_ASSIGN_OR_RETURN(v1::Sweep sweep,
                           GetSweep(connection->client(), options.sweep));
  return WatchSweep(context, *connection, sweep);
}

// ---- logs -------------------------------------------------------------------

struct LogsOptions {
  std::string trial;
  bool follow = false;
};

void DeclareLogs(CLI::App& command, LogsOptions& options) {
  command
      .add_option("TRIAL", options.trial,
                  "Id of the trial, or its first digits (at least 4)")
      ->required()
      ->type_name("");
  command.add_flag("--follow,-f", options.follow,
                   "Go on until the trial has ended");
}

// Prints the lines of one trial, each once, also across a broken stream.
class LogPrinter {
 public:
  explicit LogPrinter(bool json) : json_(json) {}

  void Take(const v1::StreamTrialLogsResponse& response) {
    trial_ = response.trial();
    if (response.attempt() != attempt_) {
      attempt_ = response.attempt();
      next_sequence_ = 0;
    }
    for (const v1::LogLine& line : response.lines()) {
      if (line.sequence() < next_sequence_) continue;
      next_sequence_ = line.sequence() + 1;
      printed_any_ = true;
      PrintLine(line);
    }
    std::fflush(stdout);
  }

  // Says what there is beside the lines.
  void Finish() const {
    if (!printed_any_) {
      Say(fmt::format("trial {} ({}) has written nothing",
                      ShortId(trial_.trial_id()),
                      v1::TrialState_Name(trial_.state())));
    }
    if (trial_.message().empty()) return;
    Say(fmt::format("trial {} {}: {}", ShortId(trial_.trial_id()),
                    v1::TrialState_Name(trial_.state()),
                    Printable(trial_.message())));
  }

 private:
  void PrintLine(const v1::LogLine& line) const {
    if (json_) {
      Json json = ToJson(line);
      json["trial_id"] = trial_.trial_id();
      json["attempt"] = attempt_;
      PrintJson(json, /*compact=*/true);
      return;
    }
    Print(fmt::format("{:>8.1f} s  {:<7}  {}\n",
                      absl::ToDoubleSeconds(FromProto(line.since_start())),
                      Printable(line.level()), Printable(line.message())));
  }

  const bool json_;
  v1::Trial trial_;
  int32_t attempt_ = 0;
  int64_t next_sequence_ = 0;
  bool printed_any_ = false;
};

absl::Status ReadLogs(Client& client, const LogsOptions& options,
                      LogPrinter& printer) {
  v1::StreamTrialLogsRequest request;
  request.set_trial(options.trial);
  request.set_follow(options.follow);
  grpc::ClientContext context;
  rpc::SetDeadline(context,
                   options.follow ? rpc::kMaxStream : rpc::kTransferTimeout);
  auto reader = client.stub().StreamTrialLogs(&context, request);
  v1::StreamTrialLogsResponse response;
  while (reader->Read(&response)) printer.Take(response);
  grpc::Status status = reader->Finish();
  return status.ok() ? absl::OkStatus() : client.ToStatus(status);
}

absl::StatusOr<int> Logs(const Context& context, const LogsOptions& options) {
  DFSWEEP_ASSIGN_OR_RETURN(
      auto connection, Connection::Open(context.global, NoStore::kIsAnError));
  LogPrinter printer(context.global.json);
  struct Nothing {};
  absl::StatusOr<Nothing> done =
      connection->client().WithRetry<Nothing>([&]() -> absl::StatusOr<Nothing> {
        DFSWEEP_RETURN_IF_ERROR(
            ReadLogs(connection->client(), options, printer));
        return Nothing{};
      });
  DFSWEEP_RETURN_IF_ERROR(done.status());
  printer.Finish();
  return kExitDone;
}

}  // namespace

void AddWatchCommands(Program& program) {
  AddCommand<WatchOptions>(program, program.app, "watch",
                           "Show a sweep's progress until it ends",
                           DeclareWatch, Watch);
  AddCommand<LogsOptions>(program, program.app, "logs",
                          "Print what a trial has logged", DeclareLogs, Logs);
}

}  // namespace dfsweep::cli
