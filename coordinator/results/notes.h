// The sentences above and below a table: what the numbers are, and what keeps
// a reader from misreading them.
#ifndef DFSWEEP_COORDINATOR_RESULTS_NOTES_H_
#define DFSWEEP_COORDINATOR_RESULTS_NOTES_H_

#include <string>
#include <vector>

#include "coordinator/results/rows.h"
#include "coordinator/results/sheet.h"
#include "coordinator/results/view.h"

namespace dfsweep::coordinator {

std::string Caption(const std::vector<ResultRow>& rows, const View& view);

// `sheet` has its columns and rows already.
std::vector<std::string> Notes(const std::vector<ResultRow>& rows,
                               const View& view, const Sheet& sheet);

}  // namespace dfsweep::coordinator

#endif  // DFSWEEP_COORDINATOR_RESULTS_NOTES_H_
