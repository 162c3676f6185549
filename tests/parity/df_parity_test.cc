// The same weights in, the same logits out, as PyTorch and Keras.
#include <gtest/gtest.h>

#include <filesystem>

#include "model/net/deep_fingerprinting.h"
#include "tests/parity/parity.h"

namespace dfsweep::model {
namespace {

// Random statistics too: those of a new network (0 and 1) would hide mistakes.
void Randomize(DeepFingerprinting& network) {
  torch::NoGradGuard no_grad;
  torch::manual_seed(1);
  for (auto& item : network.named_buffers()) item.value().uniform_(.5, 1.5);
  for (auto& item : network.named_parameters()) {
    if (item.value().dim() == 1) item.value().uniform_(-.5, 1.5);
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

TEST(DfParity, PyTorchGivesTheSameLogitsAndGradients) {
  ExpectParity("logits-torch", ExportLogits);
}

TEST(DfParity, KerasGivesTheSameLogits) {
  ExpectParity("logits-keras", ExportLogits);
}

}  // namespace
}  // namespace dfsweep::model
