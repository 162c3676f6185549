// A view as text cells, the same for the terminal, Markdown and LaTeX.
#ifndef DFSWEEP_COORDINATOR_RESULTS_SHEET_H_
#define DFSWEEP_COORDINATOR_RESULTS_SHEET_H_

#include <string>
#include <vector>

#include "base/text_table.h"
#include "coordinator/results/export.h"
#include "coordinator/results/rows.h"
#include "coordinator/results/view.h"

namespace dfsweep::coordinator {

struct SheetColumn {
  std::string header;
  std::string unit;  // "%" or ""; the terminal says it in the caption
  bool align_right = false;
  int priority = 0;  // as in base/text_table.h
};

// All text is printable, one line, and uses only these beyond people's own
// names: ± – † ‡.
struct Sheet {
  std::string caption;
  std::vector<SheetColumn> columns;
  std::vector<std::vector<TextCell>> rows;
  std::vector<std::string> notes;
};

Sheet MakeSheet(const std::vector<ResultRow>& rows, const View& view,
                const ExportOptions& options);

// A parameter's value for people: 1e6, 0.002, "0-42 | 43-94", "30, 10"; "–"
// for null.
std::string ParameterText(const Json* value);

}  // namespace dfsweep::coordinator

#endif  // DFSWEEP_COORDINATOR_RESULTS_SHEET_H_
