#include "cli/results_export.h"

#include <fmt/format.h>

#include <algorithm>
#include <filesystem>
#include <map>
#include <utility>
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

std::string RowsArray::Next(std::string_view piece) {
  std::string text;
  text.reserve(piece.size() * 9 / 8);  // commas, and the beginning
  while (!piece.empty()) {
    const size_t end = std::min(piece.find('\n'), piece.size());
    text += std::exchange(before_next_, "");
    text += piece.substr(0, end);
    if (end == piece.size()) break;
    before_next_ = ",\n";
    piece.remove_prefix(end + 1);
  }
  return text;
}

std::string RowsArray::End() const {
  return std::string(before_next_ == kBegin ? kBegin : "") + "\n]";
}

absl::Status PrintRows(Client& client, v1::ExportResultsRequest request) {
  request.set_format(Format::JSONL);
  RowsArray array;
  DFSWEEP_RETURN_IF_ERROR(ExportResults(
      client, request,
      [&array](std::string_view piece) { Print(array.Next(piece)); }));
  Print(array.End());
  return absl::OkStatus();
}

}  // namespace dfsweep::cli
