// results: the table that goes into the paper.
#include <fmt/format.h>

#include "cli/command.h"
#include "cli/connection.h"
#include "cli/exit_status.h"
#include "cli/output.h"
#include "cli/results_export.h"

namespace dfsweep::cli {
namespace {

struct ResultsOptions {
  std::string sweep;
  ExportOptions results;
  bool trials = false;
  bool configurations = false;
  std::string group_by;
  std::string columns;
  std::string sort;
};

void DeclareResults(CLI::App& command, ResultsOptions& options) {
  AddSweepArgument(command, options.sweep)->required();
  DeclareExportOptions(command, options.results);
  CLI::Option* trials =
      command.add_flag("--trials", options.trials,
                       "A row for each trial (jsonl does that by default)");
  command
      .add_flag("--configurations", options.configurations,
                "A row for each configuration, over its seeds")
      ->excludes(trials);
  command
      .add_option("--group-by", options.group_by,
                  "Parameters that make a row, with commas between")
      ->type_name("LIST");
  command
      .add_option("--columns", options.columns,
                  "Metrics to show, with commas between")
      ->type_name("LIST");
  command
      .add_option("--sort", options.sort,
                  "Metric or parameter to sort by; -NAME for descending")
      ->type_name("NAME");
}

absl::StatusOr<v1::ExportResultsRequest> RequestOf(
    const Context& context, const ResultsOptions& options) {
  v1::ExportResultsRequest request;
  request.set_sweep(options.sweep);
  DFSWEEP_RETURN_IF_ERROR(SetFormat(context, options.results,
                                    !options.results.output.empty(), request));
  if (options.trials) request.set_rows(v1::ExportResultsRequest::TRIALS);
  if (options.configurations) {
    request.set_rows(v1::ExportResultsRequest::CONFIGURATIONS);
  }
  for (const std::string& name : SplitList(options.group_by)) {
    request.add_group_by(name);
  }
  for (const std::string& name : SplitList(options.columns)) {
    request.add_columns(name);
  }
  request.set_sort(options.sort);
  return request;
}

absl::StatusOr<int> Results(const Context& context,
                            const ResultsOptions& options) {
  DFSWEEP_ASSIGN_OR_RETURN(v1::ExportResultsRequest request,
                           RequestOf(context, options));
  DFSWEEP_ASSIGN_OR_RETURN(
      auto connection, Connection::Open(context.global, NoStore::kIsAnError));
  Client& client = connection->client();
  if (!options.results.output.empty()) {
    DFSWEEP_ASSIGN_OR_RETURN(std::string text, ExportText(client, request));
    DFSWEEP_RETURN_IF_ERROR(WriteOutput(options.results.output, text));
    Say(fmt::format("results are in {}", options.results.output));
    return kExitDone;
  }
  if (context.global.json) {
    DFSWEEP_RETURN_IF_ERROR(PrintRows(client, request));
    Print("}\n");
    return kExitDone;
  }
  DFSWEEP_RETURN_IF_ERROR(ExportResults(client, request, Print));
  return kExitDone;
}

}  // namespace

void AddResultsCommand(Program& program) {
  AddCommand<ResultsOptions>(
      program, program.app, "results",
      "Print a sweep's results: table, csv, jsonl, markdown, latex",
      DeclareResults, Results);
}

}  // namespace dfsweep::cli
