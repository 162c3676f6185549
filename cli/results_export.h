// The results of a sweep as the coordinator formats them.
#ifndef DFSWEEP_CLI_RESULTS_EXPORT_H_
#define DFSWEEP_CLI_RESULTS_EXPORT_H_

#include <CLI/App.hpp>
#include <functional>
#include <string>
#include <string_view>

#include "base/status.h"
#include "cli/client.h"
#include "cli/command.h"
#include "cli/output.h"

namespace dfsweep::cli {

// --format and --output, which `run` and `results` share.
struct ExportOptions {
  std::string format;  // "": by the output file's ending, else a table
  std::string output;  // "": standard output
};
void DeclareExportOptions(CLI::App& command, ExportOptions& options);

// Fills in format, width and colour. `to_file`: not for standard output.
absl::Status SetFormat(const Context& context, const ExportOptions& options,
                       bool to_file, v1::ExportResultsRequest& request);

// Passes the text on piece by piece. It is finished text with the colours asked
// for, and files must hold its very bytes, so it does not go through
// Printable(): names in it were checked when they came in.
absl::Status ExportResults(Client& client,
                           const v1::ExportResultsRequest& request,
                           const std::function<void(std::string_view)>& take);

// The whole text.
absl::StatusOr<std::string> ExportText(Client& client,
                                       const v1::ExportResultsRequest& request);

// Makes `{"results": [...]`, an object that is still open, of the text of a
// JSONL export, whose pieces may end inside of a row. The rows are JSON
// already: reading 100,000 of them to write them again took seconds and
// gigabytes.
class RowsArray {
 public:
  // The text for the next piece; "" before the first row.
  std::string Next(std::string_view piece);
  std::string End() const;

 private:
  static constexpr std::string_view kBegin = "{\"results\": [\n";

  std::string_view before_next_ = kBegin;
};

// Prints that of a sweep's rows as they come. After an error in their midst the
// array is not closed, so that a part of them is no JSON.
absl::Status PrintRows(Client& client, v1::ExportResultsRequest request);

}  // namespace dfsweep::cli

#endif  // DFSWEEP_CLI_RESULTS_EXPORT_H_
