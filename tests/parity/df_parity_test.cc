// The same weights in, the same logits out, as PyTorch and Keras; and the same
// losses step for step as PyTorch while training by EWC. Skipped, loudly, where
// there is no Python with the framework: that of the environment variable
// DFSWEEP_PYTHON, else the repository's .venv.
#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <functional>
#include <string>

#include "model/continual/fisher.h"
#include "model/continual/quadratic_penalty.h"
#include "model/net/deep_fingerprinting.h"
#include "model/train/optimizer.h"

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

void WriteNetwork(const std::filesystem::path& folder,
                  const DeepFingerprinting& network) {
  for (const auto& item : network.named_parameters()) {
    WriteNpy(folder / (item.key() + ".npy"), item.value());
  }
  for (const auto& item : network.named_buffers()) {
    WriteNpy(folder / (item.key() + ".npy"), item.value());
  }
}

void ExportLogits(const std::filesystem::path& folder) {
  constexpr int64_t kLength = 501;  // gives odd padding in a pool
  Stream weights(3, Purpose::kInitialWeights);
  DeepFingerprinting network({.sequence_length = kLength, .classes = 7},
                             weights);
  Randomize(network);
  torch::Tensor input = at::randint(-1, 2, {6, kLength}).to(at::kFloat);
  WriteNpy(folder / "input.npy", input);
  WriteNetwork(folder, network);
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

// As check_training of df_parity.py describes.
void ExportTraining(const std::filesystem::path& folder) {
  constexpr int64_t kLength = 80, kRows = 16, kClasses = 4, kSteps = 4;
  torch::manual_seed(2);
  Stream weights(4, Purpose::kInitialWeights);
  DeepFingerprinting network({.sequence_length = kLength, .classes = kClasses},
                             weights);
  WriteNetwork(folder, network);
  torch::Tensor input = at::randint(-1, 2, {kRows, kLength}).to(at::kFloat);
  WriteNpy(folder / "input.npy", input);
  torch::Tensor units = at::arange(kRows) * kClasses;
  units = units.floor_divide(kRows);

  network.to(at::kDouble);
  std::vector<torch::Tensor> parameters = network.parameters();
  QuadraticPenalty penalty(1e3);
  std::vector<double> losses;
  for (int task = 0; task < 2; ++task) {
    Adamax adamax(parameters, {});
    network.train();
    torch::Tensor x = input.chunk(2)[task].to(at::kDouble);
    torch::Tensor y = units.chunk(2)[task];
    for (int step = 0; step < kSteps; ++step) {
      torch::Tensor loss = at::cross_entropy_loss(network.Forward(x), y);
      losses.push_back(loss.item<double>());
      if (!penalty.empty()) {
        losses.back() += penalty.Value(parameters).item<double>();
      }
      ClearGradients(parameters);
      loss.backward();
      penalty.AddGradient(parameters);
      adamax.Step();
    }
    if (!penalty.empty()) continue;
    FisherSum fisher(network, FisherLabels::kAll, at::arange(kClasses),
                     Stream(0, Purpose::kFisherLabels));
    fisher.Add(x, y);
    penalty.Add(fisher.Mean(), parameters);
  }
  WriteNpy(folder / "losses.npy", at::tensor(losses, at::kDouble));
}

std::string Python() {
  const char* given = std::getenv("DFSWEEP_PYTHON");
  return given != nullptr ? given : DFSWEEP_SOURCE_DIR "/.venv/bin/python";
}

// Lets df_parity.py compare `what` with the files that `write` writes.
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

TEST(DfParity, PyTorchGivesTheSameLogitsAndGradients) {
  ExpectParity("logits-torch", ExportLogits);
}

TEST(DfParity, KerasGivesTheSameLogits) {
  ExpectParity("logits-keras", ExportLogits);
}

TEST(DfParity, PyTorchTrainsByEwcStepForStep) {
  ExpectParity("training-torch", ExportTraining);
}

}  // namespace
}  // namespace dfsweep::model
