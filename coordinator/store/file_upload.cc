#include "coordinator/store/file_upload.h"

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

FileUpload::FileUpload(std::filesystem::path path, std::string what,
                       std::string digest, int64_t size_bytes)
    : path_(std::move(path)),
      temporary_(path_.string() + kTemporarySuffix + RandomHex(4)),
      what_(std::move(what)),
      digest_(std::move(digest)),
      size_bytes_(size_bytes) {}

FileUpload::~FileUpload() {
  if (descriptor_ < 0) return;
  ::close(descriptor_);
  ::unlink(temporary_.c_str());
}

absl::Status FileUpload::OpenFile() {
  if (descriptor_ >= 0) return absl::OkStatus();
  descriptor_ =
      ::open(temporary_.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0644);
  if (descriptor_ < 0) return SystemError("can't be made");
  return absl::OkStatus();
}

absl::Status FileUpload::Append(std::string_view bytes) {
  DFSWEEP_RETURN_IF_ERROR(OpenFile());
  written_ += static_cast<int64_t>(bytes.size());
  if (written_ > size_bytes_) {
    return MakeError(
        absl::StatusCode::kDataLoss,
        fmt::format("more bytes came than the {} announced", size_bytes_),
        Name(), fmt::format("upload the {} again", what_));
  }
  hash_.Update(bytes);
  while (!bytes.empty()) {
    ssize_t count = ::write(descriptor_, bytes.data(), bytes.size());
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) return SystemError("can't be written");
    bytes.remove_prefix(count);
  }
  return absl::OkStatus();
}

absl::Status FileUpload::Finish() {
  DFSWEEP_RETURN_IF_ERROR(OpenFile());
  std::string found = hash_.Finish();
  if (written_ != size_bytes_ || found != digest_) {
    return MakeError(
        absl::StatusCode::kDataLoss,
        fmt::format("the {} arrived damaged: {} of {} bytes, digest {}", what_,
                    written_, size_bytes_, found),
        Name(), fmt::format("upload the {} again", what_));
  }
  if (::fsync(descriptor_) != 0) {
    return SystemError("can't be brought to the disk");
  }
  if (::rename(temporary_.c_str(), path_.c_str()) != 0) {
    return SystemError("can't be renamed");
  }
  ::close(std::exchange(descriptor_, -1));
  return SyncPath(path_.parent_path());
}

absl::Status FileUpload::SystemError(std::string_view problem) const {
  int error = errno;
  const bool is_full = error == ENOSPC || error == EDQUOT || error == EFBIG;
  return MakeError(
      is_full ? absl::StatusCode::kResourceExhausted
              : absl::StatusCode::kUnavailable,
      fmt::format("a {} {}: {}", what_, problem, std::strerror(error)),
      temporary_.string(), "check the coordinator's disk, then upload again");
}

absl::Status OpenUploadFolder(const std::filesystem::path& folder) {
  std::error_code error;
  std::filesystem::create_directories(folder, error);
  std::filesystem::directory_iterator entries(folder, error);
  if (error) {
    return MakeError(
        absl::StatusCode::kUnavailable,
        fmt::format("a folder of the store can't be used: {}", error.message()),
        folder.string(), "check the path and its permissions");
  }
  for (const auto& entry : entries) {
    if (entry.path().filename().string().find(kTemporarySuffix) !=
        std::string::npos) {
      std::filesystem::remove(entry.path(), error);
    }
  }
  return absl::OkStatus();
}

}  // namespace dfsweep::coordinator
