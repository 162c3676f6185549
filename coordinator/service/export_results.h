// ExportResults: the rows of a sweep, formatted, in pieces.
#ifndef DFSWEEP_COORDINATOR_SERVICE_EXPORT_RESULTS_H_
#define DFSWEEP_COORDINATOR_SERVICE_EXPORT_RESULTS_H_

#include <memory>
#include <string>
#include <vector>

#include "coordinator/engine/turn.h"
#include "coordinator/results/export.h"
#include "dfsweep/v1/sweep_service.pb.h"

namespace dfsweep::coordinator {

// What an export is made from. Cheap to copy.
struct ExportInput {
  std::shared_ptr<const std::vector<ResultRow>> rows;
  SweepRow sweep;
  ExportOptions options;
};

// On the engine's thread.
absl::StatusOr<ExportInput> ReadForExport(Turn& turn, const std::string& sweep,
                                          ExportOptions options);

// On any thread: adds what the sweep file's report block says and formats.
absl::StatusOr<std::string> ExportText(const ExportInput& input);

// As messages; one, empty, for an empty text.
std::vector<v1::ExportResultsResponse> InPieces(const std::string& text);

}  // namespace dfsweep::coordinator

#endif  // DFSWEEP_COORDINATOR_SERVICE_EXPORT_RESULTS_H_
