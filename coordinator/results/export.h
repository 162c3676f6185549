// Results of a sweep as text: a table for the terminal, CSV, JSONL, Markdown or
// LaTeX. Pure: equal rows and options give equal bytes.
#ifndef DFSWEEP_COORDINATOR_RESULTS_EXPORT_H_
#define DFSWEEP_COORDINATOR_RESULTS_EXPORT_H_

#include <string>
#include <vector>

#include "base/status.h"
#include "coordinator/results/rows.h"

namespace dfsweep::coordinator {

enum class Format { kTable, kCsv, kJsonl, kMarkdown, kLatex };

// One row a trial, or one a configuration over its seeds. kDefault is trials
// for JSONL and configurations for everything else.
enum class RowKind { kDefault, kConfigurations, kTrials };

struct ExportOptions {
  Format format = Format::kTable;
  RowKind rows = RowKind::kDefault;

  // Parameters that make a row, as asked for on the command line; empty: those
  // of the sweep file's report block, `report_group_by`; empty too: all that
  // vary between the trials.
  std::vector<std::string> group_by;
  std::vector<std::string> report_group_by;

  // Metrics to show, likewise; at last the usual ones (CSV: all).
  std::vector<std::string> columns;
  std::vector<std::string> report_columns;

  // A metric or parameter, "-" in front for descending; empty: the order of
  // `rows`. Rows without a value come last. The report block's may be several.
  std::string sort;
  std::vector<std::string> report_sort;

  // The sweep's own metric; its 95 % interval is shown.
  std::string metric = "average_accuracy";
  bool maximize = true;

  int width = 80;      // kTable: columns of the terminal; no line is longer
  bool color = false;  // kTable: ANSI bold and dim

  // kLatex, kMarkdown: named in a comment, e.g. "dfsweep results quickstart
  // --format latex". No time of day, so that the bytes are reproducible.
  std::string command;
};

// `rows` are all trials of one sweep in the order of its file, also those that
// have not ended: they are counted, never dropped. kInvalidArgument, naming
// the nearest known name, for an unknown name in `group_by`, `columns` or
// `sort`.
absl::StatusOr<std::string> Export(const std::vector<ResultRow>& rows,
                                   const ExportOptions& options);

}  // namespace dfsweep::coordinator

#endif  // DFSWEEP_COORDINATOR_RESULTS_EXPORT_H_
