// The same weights in, the same logits out, as PyTorch and Keras. Skipped,
// loudly, where there is no Python with the framework: that of the environment
// variable DFSWEEP_PYTHON, else the repository's .venv.
#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <string>

#include "model/net/deep_fingerprinting.h"

namespace dfsweep::model {
namespace {

constexpr int kSkipped = 77;

// NumPy's format, version 1.0, float32.
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

// Random statistics too: those of a new network (0 and 1) would hide mistakes.
void Randomize(DeepFingerprinting& network) {
  torch::NoGradGuard no_grad;
  torch::manual_seed(1);
  for (auto& item : network.named_buffers()) item.value().uniform_(.5, 1.5);
  for (auto& item : network.named_parameters()) {
    if (item.value().dim() == 1) item.value().uniform_(-.5, 1.5);
  }
}

void Export(const std::filesystem::path& folder, int64_t length) {
  Stream weights(3, Purpose::kInitialWeights);
  DeepFingerprinting network({.sequence_length = length, .classes = 7},
                             weights);
  Randomize(network);
  torch::Tensor input = at::randint(-1, 2, {6, length}).to(at::kFloat);
  WriteNpy(folder / "input.npy", input);
  for (const auto& item : network.named_parameters()) {
    WriteNpy(folder / (item.key() + ".npy"), item.value());
  }
  for (const auto& item : network.named_buffers()) {
    WriteNpy(folder / (item.key() + ".npy"), item.value());
  }
  network.eval();
  WriteNpy(folder / "logits_eval.npy", network.Forward(input));
  network.train();
  torch::Tensor logits = network.Forward(input);
  WriteNpy(folder / "logits_train.npy", logits);
  at::cross_entropy_loss(logits, at::arange(6)).backward();
  for (const auto& item : network.named_parameters()) {
    WriteNpy(folder / ("grad." + item.key() + ".npy"), item.value().grad());
  }
}

std::string Python() {
  const char* given = std::getenv("DFSWEEP_PYTHON");
  return given != nullptr ? given : DFSWEEP_SOURCE_DIR "/.venv/bin/python";
}

void ExpectSameLogits(const std::string& framework, int64_t length) {
  if (access(Python().c_str(), X_OK) != 0) {
    GTEST_SKIP() << "SKIPPED: there is no Python at " << Python()
                 << "; set DFSWEEP_PYTHON to one that has " << framework;
  }
  std::filesystem::path folder =
      std::filesystem::temp_directory_path() /
      ("dfsweep_parity_" + std::to_string(getpid()) + "_" + framework);
  std::filesystem::create_directories(folder);
  Export(folder, length);
  std::string command =
      "'" + Python() + "' '" DFSWEEP_SOURCE_DIR "/tests/parity/df_logits.py' " +
      framework + " '" + folder.string() + "'";
  int status = std::system(command.c_str());
  std::filesystem::remove_all(folder);
  if (WIFEXITED(status) && WEXITSTATUS(status) == kSkipped) {
    GTEST_SKIP() << "SKIPPED: " << framework << " is not installed";
  }
  EXPECT_EQ(status, 0) << command;
}

// 501 gives odd padding in a pool.
TEST(DfParity, PyTorchGivesTheSameLogitsAndGradients) {
  ExpectSameLogits("torch", 501);
}

TEST(DfParity, KerasGivesTheSameLogits) { ExpectSameLogits("keras", 501); }

}  // namespace
}  // namespace dfsweep::model
