// The formats of Export, one function each.
#ifndef DFSWEEP_COORDINATOR_RESULTS_FORMATS_H_
#define DFSWEEP_COORDINATOR_RESULTS_FORMATS_H_

#include <string>
#include <vector>

#include "coordinator/results/export.h"
#include "coordinator/results/rows.h"
#include "coordinator/results/sheet.h"
#include "coordinator/results/view.h"

namespace dfsweep::coordinator {

std::string ToTerminal(Sheet sheet, const ExportOptions& options);

// `source` identifies the numbers, for the comment on the first lines.
std::string ToMarkdown(const Sheet& sheet, const ExportOptions& options,
                       const std::string& source);
std::string ToLatex(const Sheet& sheet, const ExportOptions& options,
                    const std::string& source);

// RFC 4180 with full precision. A cell that a spreadsheet would run as a
// formula gets an apostrophe in front.
std::string ToCsv(const View& view);

// One line a trial (see rows.h) or a configuration.
std::string ToJsonl(const View& view);

}  // namespace dfsweep::coordinator

#endif  // DFSWEEP_COORDINATOR_RESULTS_FORMATS_H_
