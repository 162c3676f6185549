// ExportResults: the rows of a sweep, formatted, in pieces.
#ifndef DFSWEEP_COORDINATOR_SERVICE_EXPORT_RESULTS_H_
#define DFSWEEP_COORDINATOR_SERVICE_EXPORT_RESULTS_H_

#include <filesystem>
#include <functional>
#include <string>
#include <vector>

#include "base/status.h"
#include "coordinator/results/export.h"
#include "coordinator/store/records.h"
#include "dfsweep/v1/sweep_service.pb.h"

namespace dfsweep::coordinator {

// Reads the rows of a sweep from the store in `folder` and formats them, as
// the sweep file's report block and `options` say. On any thread but the
// engine's: it takes long. So does freeing what was read: it is left in `rows`
// for FreeRows, once the text is on its way.
absl::StatusOr<std::string> ExportText(const std::filesystem::path& folder,
                                       const SweepRow& row,
                                       ExportOptions options,
                                       std::vector<ResultRow>& rows);

// Gives the memory of many rows back to the system.
void FreeRows(std::vector<ResultRow> rows);

// As messages for a ListStream; one, empty, for an empty text. Each is made
// when it is written: a large text need not be there twice.
std::function<bool(v1::ExportResultsResponse&)> InPieces(std::string text);

}  // namespace dfsweep::coordinator

#endif  // DFSWEEP_COORDINATOR_SERVICE_EXPORT_RESULTS_H_
