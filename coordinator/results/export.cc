#include "coordinator/results/export.h"

#include <fmt/format.h>

#include "base/digest.h"
#include "coordinator/results/formats.h"
#include "coordinator/results/sheet.h"
#include "coordinator/results/view.h"

namespace dfsweep::coordinator {
namespace {

// Names the numbers behind a table by their content: which trials, which
// results. Neither machine nor time of day.
std::string SourceOf(const std::vector<ResultRow>& rows) {
  Sha256 digest;
  for (const ResultRow& row : rows) {
    Json metrics = Json::object();
    for (const auto& [name, value] : row.metrics) metrics[*name] = value;
    digest.Update(row.trial_id + row.status + metrics.dump() + "\n");
  }
  return fmt::format("from {} trials, results sha256:{}", rows.size(),
                     digest.Finish());
}

}  // namespace

absl::StatusOr<std::string> Export(const std::vector<ResultRow>& rows,
                                   const ExportOptions& options) {
  DFSWEEP_ASSIGN_OR_RETURN(View view, MakeView(rows, options));
  switch (options.format) {
    case Format::kCsv:
      return ToCsv(view);
    case Format::kJsonl:
      return ToJsonl(view);
    case Format::kTable:
      return ToTerminal(MakeSheet(rows, view, options), options);
    case Format::kMarkdown:
      return ToMarkdown(MakeSheet(rows, view, options), options,
                        SourceOf(rows));
    case Format::kLatex:
      return ToLatex(MakeSheet(rows, view, options), options, SourceOf(rows));
  }
  return absl::InternalError("unknown format");
}

}  // namespace dfsweep::coordinator
