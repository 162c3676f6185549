// The bytes of datasets: one file a digest in the store's folder.
#ifndef DFSWEEP_COORDINATOR_STORE_DATASET_FILES_H_
#define DFSWEEP_COORDINATOR_STORE_DATASET_FILES_H_

#include <cstdint>
#include <filesystem>
#include <string>
#include <string_view>

#include "base/digest.h"
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
  friend class DatasetUpload;
  std::filesystem::path folder_;
};

// One upload: a temporary file that becomes the dataset only if its bytes are
// what was promised; gone on destruction otherwise. One thread at a time.
class DatasetUpload {
 public:
  DatasetUpload(const DatasetFiles& files, std::string digest,
                int64_t size_bytes);
  ~DatasetUpload();
  DatasetUpload(const DatasetUpload&) = delete;
  DatasetUpload& operator=(const DatasetUpload&) = delete;

  // kDataLoss if there are more bytes than promised; kResourceExhausted if the
  // disk is full.
  absl::Status Append(std::string_view bytes);
  // Checks size and digest (kDataLoss), then makes the file durable.
  absl::Status Finish();

 private:
  absl::Status OpenFile();
  absl::Status SystemError(std::string_view what) const;

  const std::filesystem::path path_;
  const std::filesystem::path temporary_;
  const std::string digest_;
  const int64_t size_bytes_;
  int64_t written_ = 0;
  int descriptor_ = -1;
  Sha256 hash_;
};

}  // namespace dfsweep::coordinator

#endif  // DFSWEEP_COORDINATOR_STORE_DATASET_FILES_H_
