#include "tests/parity/parity.h"

#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdlib>
#include <fstream>

namespace dfsweep::model {
namespace {

constexpr int kSkipped = 77;

std::string Python() {
  const char* given = std::getenv("DFSWEEP_PYTHON");
  return given != nullptr ? given : DFSWEEP_SOURCE_DIR "/.venv/bin/python";
}

}  // namespace

void WriteNpy(const std::filesystem::path& path, const torch::Tensor& tensor) {
  torch::Tensor dense =
      tensor.detach().to(at::kFloat).contiguous(at::MemoryFormat::Contiguous);
  std::string shape;
  for (int64_t size : dense.sizes()) shape += std::to_string(size) + ",";
  std::string header =
      "{'descr': '<f4', 'fortran_order': False, 'shape': (" + shape + "), }";
  header.resize((header.size() + 10 + 64) / 64 * 64 - 10, ' ');
  header.back() = '\n';
  std::ofstream file(path, std::ios::binary);
  file << std::string("\x93NUMPY\x01\x00", 8)
       << static_cast<char>(header.size() & 255)
       << static_cast<char>(header.size() >> 8) << header;
  file.write(static_cast<const char*>(dense.const_data_ptr()), dense.nbytes());
}

void WriteNetwork(const std::filesystem::path& folder, const Network& network) {
  for (const auto& item : network.named_parameters()) {
    WriteNpy(folder / (item.key() + ".npy"), item.value());
  }
  for (const auto& item : network.named_buffers()) {
    WriteNpy(folder / (item.key() + ".npy"), item.value());
  }
}

void ExpectParity(
    const std::string& what,
    const std::function<void(const std::filesystem::path&)>& write) {
  if (access(Python().c_str(), X_OK) != 0) {
    GTEST_SKIP() << "SKIPPED: there is no Python at " << Python()
                 << "; set DFSWEEP_PYTHON to one with torch and keras";
  }
  std::filesystem::path folder =
      std::filesystem::temp_directory_path() /
      ("dfsweep_parity_" + std::to_string(getpid()) + "_" + what);
  std::filesystem::create_directories(folder);
  write(folder);
  std::string command =
      "'" + Python() + "' '" DFSWEEP_SOURCE_DIR "/tests/parity/df_parity.py' " +
      what + " '" + folder.string() + "'";
  int status = std::system(command.c_str());
  std::filesystem::remove_all(folder);
  if (WIFEXITED(status) && WEXITSTATUS(status) == kSkipped) {
    GTEST_SKIP() << "SKIPPED: a framework that " << what
                 << " needs is not installed";
  }
  EXPECT_EQ(status, 0) << command;
}

}  // namespace dfsweep::model
