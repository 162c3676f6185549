#ifndef DFSWEEP_WORKER_FAKE_NVML_H_
#define DFSWEEP_WORKER_FAKE_NVML_H_

#include <stdlib.h>

#include <filesystem>
#include <fstream>
#include <string>

#include "base/temporary_folder.h"

namespace dfsweep::worker {

// For tests: the cards that tests/fakes/fake_nvml.cc tells of while this lives.
// One at a time in a process, for they are told of by an environment variable.
class FakeNvml {
 public:
  FakeNvml() { ::setenv("DFSWEEP_FAKE_NVML", file_.c_str(), 1); }
  ~FakeNvml() { ::unsetenv("DFSWEEP_FAKE_NVML"); }
  FakeNvml(const FakeNvml&) = delete;
  FakeNvml& operator=(const FakeNvml&) = delete;

  // Replaces all cards at once; `json` as in fake_nvml.cc.
  void Set(const std::string& json) const {
    const std::filesystem::path next = file_.string() + ".new";
    std::ofstream(next) << json;
    std::filesystem::rename(next, file_);
  }

  static std::filesystem::path Library() {
    return std::filesystem::read_symlink("/proc/self/exe").parent_path() /
           "libdfsweep-fake-nvml.so";
  }

 private:
  TemporaryFolder folder_;
  const std::filesystem::path file_ = folder_.path() / "nvml.json";
};

}  // namespace dfsweep::worker

#endif  // DFSWEEP_WORKER_FAKE_NVML_H_
