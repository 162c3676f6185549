#ifndef DFSWEEP_BASE_TEMPORARY_FOLDER_H_
#define DFSWEEP_BASE_TEMPORARY_FOLDER_H_

#include <filesystem>

#include "base/digest.h"

namespace dfsweep {

// For tests: a folder that goes with this object.
class TemporaryFolder {
 public:
  TemporaryFolder()
      : TemporaryFolder(std::filesystem::temp_directory_path()) {}
  explicit TemporaryFolder(const std::filesystem::path& parent)
      : path_(parent / ("dfsweep-test-" + RandomHex(6))) {
    std::filesystem::create_directories(path_);
  }
  ~TemporaryFolder() { std::filesystem::remove_all(path_); }
  TemporaryFolder(const TemporaryFolder&) = delete;
  TemporaryFolder& operator=(const TemporaryFolder&) = delete;

  const std::filesystem::path& path() const { return path_; }

 private:
  std::filesystem::path path_;
};

}  // namespace dfsweep

#endif  // DFSWEEP_BASE_TEMPORARY_FOLDER_H_
