#ifndef DFSWEEP_BASE_FILES_H_
#define DFSWEEP_BASE_FILES_H_

#include <cstdint>
#include <filesystem>
#include <string>
#include <string_view>

#include "base/status.h"

namespace dfsweep {

// kNotFound if there is no such file, kResourceExhausted if it is larger than
// `limit_bytes`, kUnavailable if reading fails.
absl::StatusOr<std::string> ReadFile(const std::filesystem::path& path,
                                     size_t limit_bytes = 1u << 30);

// Replaces `path` as one step that survives a power cut: writes a temporary
// file beside it, fsync, rename, fsync of the folder. On an error the old file
// is untouched. `mode` as in chmod.
absl::Status WriteFileDurably(const std::filesystem::path& path,
                              std::string_view bytes, int mode = 0644);

// fsync of a file or folder.
absl::Status SyncPath(const std::filesystem::path& path);

// Raises how many files this process may have open, 1,024 in most shells, to
// the most that the machine allows it, and returns that.
int64_t AllowAllFiles();

// An advisory lock on a file, held until destruction or process death.
class FileLock {
 public:
  // kFailedPrecondition when another process holds it; the error names its pid.
  static absl::StatusOr<FileLock> Acquire(const std::filesystem::path& path);
  FileLock(FileLock&& other) noexcept;
  FileLock& operator=(FileLock&& other) noexcept;
  ~FileLock();

 private:
  explicit FileLock(int descriptor) : descriptor_(descriptor) {}
  int descriptor_;
};

// Folder of the running program's binary, to find its siblings.
std::filesystem::path ProgramFolder();

}  // namespace dfsweep

#endif  // DFSWEEP_BASE_FILES_H_
