#ifndef DFSWEEP_COORDINATOR_STORE_FILE_UPLOAD_H_
#define DFSWEEP_COORDINATOR_STORE_FILE_UPLOAD_H_

#include <cstdint>
#include <filesystem>
#include <string>
#include <string_view>

#include "base/digest.h"
#include "base/status.h"

namespace dfsweep::coordinator {

// One upload: a temporary file that becomes `path` only if its bytes are what
// was promised; gone on destruction otherwise. One thread at a time.
class FileUpload {
 public:
  // `what` is for messages: "dataset", "checkpoint".
  FileUpload(std::filesystem::path path, std::string what, std::string digest,
             int64_t size_bytes);
  ~FileUpload();
  FileUpload(const FileUpload&) = delete;
  FileUpload& operator=(const FileUpload&) = delete;

  // kDataLoss if there are more bytes than promised; kResourceExhausted if the
  // disk is full.
  absl::Status Append(std::string_view bytes);
  // Checks size and digest (kDataLoss), then makes the file durable.
  absl::Status Finish();

 private:
  absl::Status OpenFile();
  absl::Status SystemError(std::string_view problem) const;
  std::string Name() const { return what_ + " " + digest_; }

  const std::filesystem::path path_;
  const std::filesystem::path temporary_;
  const std::string what_;
  const std::string digest_;
  const int64_t size_bytes_;
  int64_t written_ = 0;
  int descriptor_ = -1;
  Sha256 hash_;
};

// Makes a folder for uploads and deletes what unfinished ones left there.
// kUnavailable if it can't be used.
absl::Status OpenUploadFolder(const std::filesystem::path& folder);

}  // namespace dfsweep::coordinator

#endif  // DFSWEEP_COORDINATOR_STORE_FILE_UPLOAD_H_
