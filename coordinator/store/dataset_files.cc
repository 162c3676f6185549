#include "coordinator/store/dataset_files.h"

#include <system_error>
#include <utility>

#include "coordinator/store/file_upload.h"

namespace dfsweep::coordinator {

absl::StatusOr<DatasetFiles> DatasetFiles::Open(
    const std::filesystem::path& store) {
  std::filesystem::path folder = store / "datasets";
  DFSWEEP_RETURN_IF_ERROR(OpenUploadFolder(folder));
  return DatasetFiles(std::move(folder));
}

std::filesystem::path DatasetFiles::PathOf(const std::string& digest) const {
  return folder_ / (digest + ".npz");
}

bool DatasetFiles::Has(const std::string& digest) const {
  std::error_code error;
  return std::filesystem::is_regular_file(PathOf(digest), error);
}

}  // namespace dfsweep::coordinator
