// The bytes of datasets: one file a digest in the store's folder.
#ifndef DFSWEEP_COORDINATOR_STORE_DATASET_FILES_H_
#define DFSWEEP_COORDINATOR_STORE_DATASET_FILES_H_

#include <filesystem>
#include <string>

#include "base/status.h"

namespace dfsweep::coordinator {

// Thread-safe: files appear whole and never change.
class DatasetFiles {
 public:
  // Makes <store>/datasets and deletes what unfinished uploads left there.
  static absl::StatusOr<DatasetFiles> Open(const std::filesystem::path& store);

  // `digest` must be IsSha256Hex: nothing else ever becomes a path.
  std::filesystem::path PathOf(const std::string& digest) const;
  bool Has(const std::string& digest) const;

 private:
  explicit DatasetFiles(std::filesystem::path folder)
      : folder_(std::move(folder)) {}
  std::filesystem::path folder_;
};

}  // namespace dfsweep::coordinator

#endif  // DFSWEEP_COORDINATOR_STORE_DATASET_FILES_H_
