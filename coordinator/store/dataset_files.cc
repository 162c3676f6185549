#include "coordinator/store/dataset_files.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <system_error>
#include <utility>

#include "base/files.h"

namespace dfsweep::coordinator {
namespace {

constexpr char kTemporarySuffix[] = ".upload-";

}  // namespace

absl::StatusOr<DatasetFiles> DatasetFiles::Open(
    const std::filesystem::path& store) {
  std::filesystem::path folder = store / "datasets";
  std::error_code error;
  std::filesystem::create_directories(folder, error);
  std::filesystem::directory_iterator entries(folder, error);
  if (error) {
    return MakeError(absl::StatusCode::kUnavailable,
                     fmt::format("the folder of datasets can't be used: {}",
                                 error.message()),
                     folder.string(), "check the path and its permissions");
  }
  for (const auto& entry : entries) {
    if (entry.path().filename().string().find(kTemporarySuffix) !=
        std::string::npos) {
      std::filesystem::remove(entry.path(), error);
    }
  }
  return DatasetFiles(std::move(folder));
}

std::filesystem::path DatasetFiles::PathOf(const std::string& digest) const {
  return folder_ / (digest + ".npz");
}

bool DatasetFiles::Has(const std::string& digest) const {
  std::error_code error;
  return std::filesystem::is_regular_file(PathOf(digest), error);
}

DatasetUpload::DatasetUpload(const DatasetFiles& files, std::string digest,
                             int64_t size_bytes)
    : path_(files.PathOf(digest)),
      temporary_(path_.string() + kTemporarySuffix + RandomHex(4)),
      digest_(std::move(digest)),
      size_bytes_(size_bytes) {}

DatasetUpload::~DatasetUpload() {
  if (descriptor_ < 0) return;
  ::close(descriptor_);
  ::unlink(temporary_.c_str());
}

absl::Status DatasetUpload::OpenFile() {
  if (descriptor_ >= 0) return absl::OkStatus();
  descriptor_ =
      ::open(temporary_.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0644);
  if (descriptor_ < 0) return SystemError("a dataset's file can't be made");
  return absl::OkStatus();
}

absl::Status DatasetUpload::Append(std::string_view bytes) {
  DFSWEEP_RETURN_IF_ERROR(OpenFile());
  written_ += static_cast<int64_t>(bytes.size());
  if (written_ > size_bytes_) {
    return MakeError(
        absl::StatusCode::kDataLoss,
        fmt::format("more bytes came than the {} announced", size_bytes_),
        "dataset " + digest_, "upload the dataset again");
  }
  hash_.Update(bytes);
  while (!bytes.empty()) {
    ssize_t count = ::write(descriptor_, bytes.data(), bytes.size());
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) return SystemError("a dataset can't be written");
    bytes.remove_prefix(count);
  }
  return absl::OkStatus();
}

absl::Status DatasetUpload::Finish() {
  DFSWEEP_RETURN_IF_ERROR(OpenFile());
  std::string found = hash_.Finish();
  if (written_ != size_bytes_ || found != digest_) {
    return MakeError(
        absl::StatusCode::kDataLoss,
        fmt::format("the dataset arrived damaged: {} of {} bytes, digest {}",
                    written_, size_bytes_, found),
        "dataset " + digest_, "upload the dataset again");
  }
  if (::fsync(descriptor_) != 0) {
    return SystemError("fsync of a dataset failed");
  }
  if (::rename(temporary_.c_str(), path_.c_str()) != 0) {
    return SystemError("renaming a dataset failed");
  }
  ::close(std::exchange(descriptor_, -1));
  return SyncPath(path_.parent_path());
}

absl::Status DatasetUpload::SystemError(std::string_view what) const {
  int error = errno;
  const bool is_full = error == ENOSPC || error == EDQUOT || error == EFBIG;
  return MakeError(is_full ? absl::StatusCode::kResourceExhausted
                           : absl::StatusCode::kUnavailable,
                   fmt::format("{}: {}", what, std::strerror(error)),
                   temporary_.string(),
                   "check the coordinator's disk, then upload again");
}

}  // namespace dfsweep::coordinator
