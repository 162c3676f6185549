#include "coordinator/service/export_results.h"

#include <fmt/format.h>
#include <malloc.h>

#include <algorithm>
#include <utility>

#include "coordinator/store/results_reader.h"
#include "proto/channel.h"
#include "sweeps/sweep_file.h"

namespace dfsweep::coordinator {
namespace {

constexpr size_t kManyRows = 10'000;

const char* FlagOf(Format format) {
  switch (format) {
    case Format::kTable:
      return "table";
    case Format::kCsv:
      return "csv";
    case Format::kJsonl:
      return "jsonl";
    case Format::kMarkdown:
      return "markdown";
    case Format::kLatex:
      return "latex";
  }
  return "table";
}

std::string Joined(const std::vector<std::string>& words) {
  return fmt::format("{}", fmt::join(words, ","));
}

// The command that gives the same text again.
std::string CommandOf(const std::string& sweep, const ExportOptions& options) {
  std::string command = fmt::format("dfsweep results {} --format {}", sweep,
                                    FlagOf(options.format));
  if (options.rows == RowKind::kTrials) command += " --trials";
  if (options.rows == RowKind::kConfigurations) command += " --configurations";
  if (!options.group_by.empty()) {
    command += " --group-by " + Joined(options.group_by);
  }
  if (!options.columns.empty()) {
    command += " --columns " + Joined(options.columns);
  }
  if (!options.sort.empty()) command += " --sort " + options.sort;
  return command;
}

// Only JSONL and CSV, which have a row for each trial, show more than a table.
ResultDetail DetailFor(const ExportOptions& options) {
  return options.format == Format::kJsonl ? ResultDetail::kAll
         : options.format == Format::kCsv ? ResultDetail::kTimes
                                          : ResultDetail::kTable;
}

}  // namespace

absl::StatusOr<std::string> ExportText(const std::filesystem::path& folder,
                                       const SweepRow& row,
                                       ExportOptions options,
                                       std::vector<ResultRow>& rows) {
  DFSWEEP_ASSIGN_OR_RETURN(
      sweeps::Sweep sweep,
      sweeps::ParseSweep(row.file_text, row.file_name, row.overrides));
  options.report_group_by = sweep.report.group_by;
  options.report_columns = sweep.report.columns;
  options.report_sort = sweep.report.sort;
  options.metric = row.metric_name;
  options.maximize = row.metric_maximize;
  options.command = CommandOf(row.name, options);
  DFSWEEP_ASSIGN_OR_RETURN(rows, ReadResults(folder, row, DetailFor(options)));
  return Export(rows, options);
}

void FreeRows(std::vector<ResultRow> rows) {
  const bool is_large = rows.size() >= kManyRows;
  rows = {};
  // The allocator keeps what a thread has freed for that thread, which may not
  // format results again for weeks.
  if (is_large) ::malloc_trim(0);
}

std::function<bool(v1::ExportResultsResponse&)> InPieces(std::string text) {
  return [text = std::move(text), begin = size_t{0},
          is_first = true](v1::ExportResultsResponse& piece) mutable {
    if (!std::exchange(is_first, false) && begin == text.size()) return false;
    // A piece is a proto string: it must not end inside of a character.
    size_t end = std::min(text.size(), begin + rpc::kChunkBytes);
    while (end < text.size() &&
           (static_cast<unsigned char>(text[end]) & 0xc0) == 0x80) {
      --end;
    }
    piece.set_text(text.data() + begin, end - begin);
    begin = end;
    return true;
  };
}

}  // namespace dfsweep::coordinator
