// Reads the results of a sweep beside the engine's thread: a large one takes
// most of a second, for which no lease shall wait.
#ifndef DFSWEEP_COORDINATOR_STORE_RESULTS_READER_H_
#define DFSWEEP_COORDINATOR_STORE_RESULTS_READER_H_

#include <filesystem>
#include <vector>

#include "base/status.h"
#include "coordinator/results/rows.h"
#include "coordinator/store/records.h"

namespace dfsweep::coordinator {

// How much is read: what a table shows; the times of trials too; or everything.
enum class ResultDetail { kTable, kTimes, kAll };

// All trials of a sweep with their results, in the file's order, as they were
// last committed. On any thread, through a connection of its own to the store
// in `folder`, which is open until this returns.
absl::StatusOr<std::vector<ResultRow>> ReadResults(
    const std::filesystem::path& folder, const SweepRow& sweep,
    ResultDetail detail = ResultDetail::kAll);

}  // namespace dfsweep::coordinator

#endif  // DFSWEEP_COORDINATOR_STORE_RESULTS_READER_H_
