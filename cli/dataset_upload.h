// From a file of traces to a registered dataset.
#ifndef DFSWEEP_CLI_DATASET_UPLOAD_H_
#define DFSWEEP_CLI_DATASET_UPLOAD_H_

#include <filesystem>
#include <string>
#include <vector>

#include "base/status.h"
#include "cli/client.h"
#include "model/data/import.h"

namespace dfsweep::cli {

// A dataset in native form, ready to be sent.
struct NativeDataset {
  std::string bytes;
  std::string digest;
  data::Report report;
};

// Reads `path`; the border at which data::Import's exceptions become a Status.
absl::StatusOr<NativeDataset> ReadDataset(const std::filesystem::path& path,
                                          const data::ImportOptions& options);

// Registers it as `name`. Nothing is sent that is there already.
absl::StatusOr<v1::UploadDatasetResponse> UploadDataset(
    Client& client, const NativeDataset& dataset, const std::string& name,
    const std::string& licence);

absl::StatusOr<std::vector<v1::Dataset>> ListDatasets(Client& client);

}  // namespace dfsweep::cli

#endif  // DFSWEEP_CLI_DATASET_UPLOAD_H_
