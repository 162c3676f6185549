#ifndef DFSWEEP_WORKER_TEMPORARY_FOLDER_H_
#define DFSWEEP_WORKER_TEMPORARY_FOLDER_H_

#include <filesystem>
#include <string>

#include "base/digest.h"

namespace dfsweep::worker {

// For tests: a folder that goes with this object.
class TemporaryFolder {
 public:
  TemporaryFolder()
      : path_(std::filesystem::temp_directory_path() /
              ("worker-test-" + RandomHex(6))) {
    std::filesystem::create_directories(path_);
  }
  ~TemporaryFolder() { std::filesystem::remove_all(path_); }
  TemporaryFolder(const TemporaryFolder&) = delete;
  TemporaryFolder& operator=(const TemporaryFolder&) = delete;

  const std::filesystem::path& path() const { return path_; }

 private:
  std::filesystem::path path_;
};

// The trainer that trains nothing; tests/fakes/noop_trainer.cc.
inline std::filesystem::path NoopTrainer() {
  return std::filesystem::read_symlink("/proc/self/exe").parent_path() /
         "dfsweep-noop-trainer";
}

}  // namespace dfsweep::worker

#endif  // DFSWEEP_WORKER_TEMPORARY_FOLDER_H_
