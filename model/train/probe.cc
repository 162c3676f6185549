#include "model/train/probe.h"

#include <ATen/Functions.h>
#include <torch/types.h>

#include <chrono>
#include <cstdint>
#include <vector>

#include "model/net/deep_fingerprinting.h"
#include "model/net/dropout.h"
#include "model/train/optimizer.h"
#include "model/train/precision.h"
#include "model/train/random.h"
#include "model/train/step_gradients.h"

namespace dfsweep::model {
namespace {

// All of these are part of the digest: another number is another probe.
constexpr uint64_t kSeed = 0;
constexpr int64_t kLength = 1000;
constexpr int64_t kClasses = 10;
constexpr int64_t kDigestBatch = 16;
constexpr int kDigestSteps = 3;

constexpr int64_t kSpeedBatch = 128;
constexpr double kSpeedSeconds = 1;

// A sum of 2^20 products of 31 and 8 bits stays within 64 bits.
constexpr int64_t kPositions = 251;

// DF on random traces, a step at a time.
class ProbeTraining {
 public:
  ProbeTraining(c10::Device device, int64_t batch)
      : weights_(kSeed, Purpose::kInitialWeights),
        network_({.sequence_length = kLength, .classes = kClasses}, weights_),
        traces_(RandomTraces(batch).to(device)),
        labels_(at::arange(batch, at::kLong).remainder(kClasses).to(device)),
        rows_(batch),
        optimizer_((network_.to(device), network_.parameters()), {}),
        gradients_(
            network_.parameters(),
            [this](const dfsweep::model::Step& step) { return Loss(step); },
            /*replays=*/device.is_cuda()) {
    network_.train();
  }

  // Returns when the device has computed it.
  void Step() {
    DropoutMasks masks(Stream(kSeed, Purpose::kDropout, 0, 0, steps_++),
                       traces_.device());
    const Objective objective = gradients_.Compute(
        {.rows = rows_, .rows_on_device = labels_, .dropout = &masks});
    optimizer_.Step();
    objective.loss.item<float>();
  }

  std::string WeightBits() const {
    torch::NoGradGuard no_grad;
    std::string text;
    for (const torch::Tensor& weight : network_.parameters()) {
      torch::Tensor bits = weight.detach().contiguous().view(at::kInt);
      torch::Tensor position =
          at::arange(bits.numel(), bits.options().dtype(at::kLong))
              .remainder(kPositions)
              .add(1);
      const auto sum = (bits.flatten().to(at::kLong) * position).sum();
      text += (text.empty() ? "" : ",") + std::to_string(sum.item<int64_t>());
    }
    return text;
  }

 private:
  Objective Loss(const dfsweep::model::Step& step) {
    torch::Tensor logits = network_.Forward(traces_, {.dropout = step.dropout});
    return {at::cross_entropy_loss(logits, labels_), logits};
  }

  // Directions, +1 and -1.
  static torch::Tensor RandomTraces(int64_t batch) {
    Stream cells(kSeed, Purpose::kSplit);
    torch::Tensor traces = at::empty({batch, kLength}, at::kFloat);
    float* cell = traces.mutable_data_ptr<float>();
    for (int64_t i = 0; i < traces.numel(); ++i) {
      cell[i] = cells.Next() % 2 == 0 ? 1.0f : -1.0f;
    }
    return traces;
  }

  Stream weights_;
  DeepFingerprinting network_;
  const torch::Tensor traces_;
  const torch::Tensor labels_;
  const std::vector<int64_t> rows_;  // of the batch, which is always the same
  Adamax optimizer_;
  StepGradients gradients_;
  uint32_t steps_ = 0;
};

std::string DigestSteps(c10::Device device) {
  ProbeTraining training(device, kDigestBatch);
  for (int step = 0; step < kDigestSteps; ++step) training.Step();
  return training.WeightBits();
}

double MeasureSpeed(c10::Device device) {
  using Clock = std::chrono::steady_clock;
  ProbeTraining training(device, kSpeedBatch);
  // The first ones choose kernels, get memory and are recorded.
  for (int i = 0; i < (device.is_cuda() ? 5 : 1); ++i) training.Step();
  const Clock::time_point start = Clock::now();
  int64_t samples = 0;
  std::chrono::duration<double> elapsed{};
  while (elapsed.count() < kSpeedSeconds) {
    training.Step();
    samples += kSpeedBatch;
    elapsed = Clock::now() - start;
  }
  return static_cast<double>(samples) / elapsed.count();
}

}  // namespace

ProbeResult RunProbe(c10::Device device) {
  SetArithmetic("fp32", /*deterministic=*/true);
  return {.weights = DigestSteps(device),
          .samples_per_second = MeasureSpeed(device)};
}

}  // namespace dfsweep::model
