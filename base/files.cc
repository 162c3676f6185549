#include "base/files.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/file.h>
#include <sys/resource.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <fstream>
#include <utility>

#include "base/digest.h"

namespace dfsweep {
namespace {

absl::Status SystemError(std::string_view what,
                         const std::filesystem::path& path, int error) {
  absl::StatusCode code =
      error == ENOENT   ? absl::StatusCode::kNotFound
      : error == ENOSPC ? absl::StatusCode::kResourceExhausted
      : error == EACCES ? absl::StatusCode::kPermissionDenied
                        : absl::StatusCode::kUnavailable;
  return MakeError(
      code, fmt::format("{}: {}", what, std::strerror(error)), path.string(),
      error == ENOSPC ? "free disk space, then run the command again"
                      : "check the path, its permissions and the disk");
}

absl::Status WriteAll(int descriptor, std::string_view bytes,
                      const std::filesystem::path& path) {
  while (!bytes.empty()) {
    ssize_t written = ::write(descriptor, bytes.data(), bytes.size());
    if (written < 0 && errno == EINTR) continue;
    if (written < 0) return SystemError("writing a file failed", path, errno);
    bytes.remove_prefix(written);
  }
  if (::fsync(descriptor) != 0) {
    return SystemError("fsync of a file failed", path, errno);
  }
  return absl::OkStatus();
}

}  // namespace

absl::StatusOr<std::string> ReadFile(const std::filesystem::path& path,
                                     size_t limit_bytes) {
  std::ifstream file(path, std::ios::binary | std::ios::ate);
  if (!file) return SystemError("a file can't be opened", path, errno);
  std::streamoff size = file.tellg();
  if (size < 0 || std::filesystem::is_directory(path)) {
    return MakeError(absl::StatusCode::kNotFound, "this is not a plain file",
                     path.string(), "name a file");
  }
  if (static_cast<size_t>(size) > limit_bytes) {
    return MakeError(
        absl::StatusCode::kResourceExhausted,
        fmt::format("a file has {} bytes, the limit is {}", size, limit_bytes),
        path.string(), "name a smaller file");
  }
  std::string bytes(size, '\0');
  file.seekg(0);
  if (!file.read(bytes.data(), size)) {
    return SystemError("reading a file failed", path, errno);
  }
  return bytes;
}

absl::Status WriteFileDurably(const std::filesystem::path& path,
                              std::string_view bytes, int mode) {
  std::filesystem::path temporary = path.string() + ".tmp-" + RandomHex(4);
  int descriptor =
      ::open(temporary.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, mode);
  if (descriptor < 0) {
    return SystemError("a file can't be created", temporary, errno);
  }
  absl::Status status = WriteAll(descriptor, bytes, temporary);
  ::close(descriptor);
  if (status.ok() && ::rename(temporary.c_str(), path.c_str()) != 0) {
    status = SystemError("renaming a file failed", path, errno);
  }
  if (!status.ok()) {
    ::unlink(temporary.c_str());
    return status;
  }
  std::filesystem::path folder = path.parent_path();
  return SyncPath(folder.empty() ? "." : folder);
}

absl::Status SyncPath(const std::filesystem::path& path) {
  int descriptor = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
  if (descriptor < 0) return SystemError("a path can't be opened", path, errno);
  int result = ::fsync(descriptor);
  int error = errno;
  ::close(descriptor);
  if (result != 0) return SystemError("fsync failed", path, error);
  return absl::OkStatus();
}

int64_t AllowAllFiles() {
  rlimit limit{};
  ::getrlimit(RLIMIT_NOFILE, &limit);
  limit.rlim_cur = limit.rlim_max;
  ::setrlimit(RLIMIT_NOFILE, &limit);
  return static_cast<int64_t>(limit.rlim_cur);
}

absl::StatusOr<FileLock> FileLock::Acquire(const std::filesystem::path& path) {
  int descriptor = ::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0644);
  if (descriptor < 0) {
    return SystemError("a lock file can't be opened", path, errno);
  }
  if (::flock(descriptor, LOCK_EX | LOCK_NB) != 0) {
    char holder[32] = {};
    ssize_t size = ::pread(descriptor, holder, sizeof holder - 1, 0);
    ::close(descriptor);
    return MakeError(
        absl::StatusCode::kFailedPrecondition,
        fmt::format("another process (pid {}) is using this folder",
                    size > 0 ? holder : "unknown"),
        path.string(), "stop that process, or use another folder");
  }
  std::string pid = std::to_string(::getpid());
  if (::ftruncate(descriptor, 0) != 0 ||
      ::pwrite(descriptor, pid.data(), pid.size(), 0) < 0) {
    absl::Status status =
        SystemError("writing a lock file failed", path, errno);
    ::close(descriptor);
    return status;
  }
  return FileLock(descriptor);
}

FileLock::FileLock(FileLock&& other) noexcept
    : descriptor_(std::exchange(other.descriptor_, -1)) {}

FileLock& FileLock::operator=(FileLock&& other) noexcept {
  std::swap(descriptor_, other.descriptor_);
  return *this;
}

FileLock::~FileLock() {
  if (descriptor_ >= 0) ::close(descriptor_);
}

std::filesystem::path ProgramFolder() {
  return std::filesystem::read_symlink("/proc/self/exe").parent_path();
}

}  // namespace dfsweep
