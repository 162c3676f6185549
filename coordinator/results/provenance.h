#ifndef DFSWEEP_COORDINATOR_RESULTS_PROVENANCE_H_
#define DFSWEEP_COORDINATOR_RESULTS_PROVENANCE_H_

#include <vector>

#include "coordinator/results/rows.h"
#include "coordinator/results/view.h"

namespace dfsweep::coordinator {

// Numbers are comparable when they come from the same dataset, build, LibTorch,
// kind of device and precision. Marks each group that holds a completed trial
// in which one of these is not the most common one, and fills
// `view.mixed_provenance`. A precision that is a column of the table is meant
// to differ.
void MarkOddProvenance(const std::vector<ResultRow>& rows, View& view);

}  // namespace dfsweep::coordinator

#endif  // DFSWEEP_COORDINATOR_RESULTS_PROVENANCE_H_
