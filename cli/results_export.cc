#include "cli/results_export.h"

#include <fmt/format.h>

#include <filesystem>
#include <map>
#include <sstream>
#include <vector>

#include "base/nearest.h"
#include "cli/terminal.h"

namespace dfsweep::cli {
namespace {

using Format = v1::ExportResultsRequest;

const std::map<std::string, Format::Format>& Formats() {
  static const auto& formats = *new std::map<std::string, Format::Format>{
      {"table", Format::TABLE}, {"csv", Format::CSV},
      {"jsonl", Format::JSONL}, {"markdown", Format::MARKDOWN},
      {"latex", Format::LATEX},
  };
  return formats;
}

std::vector<std::string> FormatNames() {
  std::vector<std::string> names;
  for (const auto& [name, format] : Formats()) names.push_back(name);
  return names;
}

std::string FormatOfFile(const std::string& path) {
  static const auto& endings =
      *new std::map<std::string, std::string>{{".csv", "csv"},
                                              {".jsonl", "jsonl"},
                                              {".md", "markdown"},
                                              {".tex", "latex"}};
  auto found = endings.find(std::filesystem::path(path).extension());
  return found == endings.end() ? "table" : found->second;
}

}  // namespace

void DeclareExportOptions(CLI::App& command, ExportOptions& options) {
  command
      .add_option("--format", options.format,
                  "table, csv, jsonl, markdown or latex (default: by the "
                  "ending of --output, else table)")
      ->type_name("FORMAT");
  command
      .add_option("--output", options.output, "Write the results to this file")
      ->type_name("FILE");
}

absl::Status SetFormat(const Context& context, const ExportOptions& options,
                       bool to_file, v1::ExportResultsRequest& request) {
  std::string name = options.format;
  if (name.empty()) name = to_file ? FormatOfFile(options.output) : "table";
  auto found = Formats().find(name);
  if (found == Formats().end()) {
    return MakeError(absl::StatusCode::kInvalidArgument,
                     fmt::format("there is no format '{}'", name), "--format",
                     DidYouMean(name, FormatNames(),
                                "use table, csv, jsonl, markdown or latex"));
  }
  request.set_format(found->second);
  request.set_width(to_file ? kDefaultWidth : WidthOf(stdout));
  request.set_color(!to_file && UsesColor(context.global.color, stdout));
  return absl::OkStatus();
}

absl::Status ExportResults(Client& client,
                           const v1::ExportResultsRequest& request,
                           const std::function<void(std::string_view)>& take) {
  grpc::ClientContext context;
  rpc::SetDeadline(context, rpc::kTransferTimeout);
  auto reader = client.stub().ExportResults(&context, request);
  v1::ExportResultsResponse piece;
  while (reader->Read(&piece)) take(piece.text());
  grpc::Status status = reader->Finish();
  return status.ok() ? absl::OkStatus() : client.ToStatus(status);
}

absl::StatusOr<std::string> ExportText(
    Client& client, const v1::ExportResultsRequest& request) {
  std::string text;
  DFSWEEP_RETURN_IF_ERROR(ExportResults(
      client, request, [&text](std::string_view piece) { text += piece; }));
  return text;
}

absl::StatusOr<Json> ExportRows(Client& client,
                                v1::ExportResultsRequest request) {
  request.set_format(Format::JSONL);
  DFSWEEP_ASSIGN_OR_RETURN(std::string text, ExportText(client, request));
  Json rows = Json::array();
  std::istringstream lines(text);
  for (std::string line; std::getline(lines, line);) {
    Json row = Json::parse(line, nullptr, /*allow_exceptions=*/false);
    if (!row.is_discarded()) rows.push_back(std::move(row));
  }
  return rows;
}

}  // namespace dfsweep::cli
