#include "model/train/step_gradients.h"

#include <c10/core/DeviceGuard.h>

#include <utility>

#include "model/train/optimizer.h"

namespace dfsweep::model {
namespace {

// What is set up by the first of them (plans, handles, caches) can't be
// recorded.
constexpr int64_t kComputedFirst = 3;

}  // namespace

StepGradients::StepGradients(std::vector<torch::Tensor> parameters, Loss loss,
                             bool replays)
    : parameters_(std::move(parameters)),
      loss_(std::move(loss)),
      replays_(replays) {}

Objective StepGradients::Compute(const Step& step) {
  if (!replays_) return ComputeNow(step);
  Recorded& recorded = by_size_[step.rows.size()];
  if (recorded.computed < kComputedFirst) {
    ++recorded.computed;
    return ComputeNow(step);
  }
  const c10::DeviceGuard there(step.rows_on_device.device());
  if (recorded.graph == nullptr) Record(step, recorded);
  Replay(step, recorded);
  return recorded.objective;
}

Objective StepGradients::ComputeNow(const Step& step) {
  Objective objective = loss_(step);
  ClearGradients(parameters_);
  objective.loss.backward();
  return {objective.loss.detach(), objective.logits.detach()};
}

void StepGradients::Record(const Step& step, Recorded& recorded) {
  recorded.rows = step.rows_on_device.clone();
  recorded.stream = step.dropout->stream_on_device().clone();
  recorded.graph = std::make_unique<gpu::Graph>([&] {
    DropoutMasks masks(recorded.stream);
    recorded.objective =
        ComputeNow({.rows_on_device = recorded.rows, .dropout = &masks});
    recorded.next_block = masks.next_block();
    for (const torch::Tensor& parameter : parameters_) {
      recorded.gradients.push_back(parameter.grad());
    }
  });
}

void StepGradients::Replay(const Step& step, Recorded& recorded) {
  recorded.rows.copy_(step.rows_on_device);
  recorded.stream.copy_(step.dropout->stream_on_device());
  recorded.graph->Replay();
  step.dropout->ContinueAt(recorded.next_block);
  // A step of another size has put its own there.
  for (size_t i = 0; i < parameters_.size(); ++i) {
    parameters_[i].mutable_grad() = recorded.gradients[i];
  }
}

}  // namespace dfsweep::model
