#include "model/train/precision.h"

#include <ATen/Context.h>
#include <ATen/autocast_mode.h>

namespace dfsweep::model {

void SetArithmetic(const std::string& precision, bool deterministic) {
  at::Context& context = at::globalContext();
  context.setAllowTF32CuBLAS(precision == "tf32");
  context.setAllowTF32CuDNN(precision == "tf32");
  // Only warns where LibTorch has no deterministic kernel: a trial that runs
  // with a warning in its log is worth more than one that doesn't run.
  context.setDeterministicAlgorithms(deterministic, /*warn_only=*/true);
  // Filling fresh memory guards against reading it, which we don't do.
  context.setDeterministicFillUninitializedMemory(false);
  context.setDeterministicCuDNN(deterministic);
  context.setBenchmarkCuDNN(!deterministic);
}

Autocast::Autocast(const std::string& precision, c10::Device device)
    : on_(precision == "bf16"), type_(device.type()) {
  if (!on_) return;
  at::autocast::set_autocast_enabled(type_, true);
  at::autocast::set_autocast_dtype(type_, at::kBFloat16);
  at::autocast::increment_nesting();
}

Autocast::~Autocast() {
  if (!on_) return;
  // The cache holds bfloat16 copies of the weights, stale after a step.
  if (at::autocast::decrement_nesting() == 0) at::autocast::clear_cache();
  at::autocast::set_autocast_enabled(type_, false);
}

at::ScalarType ComputedIn(const torch::Tensor& x) {
  const c10::DeviceType device = x.device().type();
  return at::autocast::is_autocast_enabled(device)
             ? at::autocast::get_autocast_dtype(device)
             : x.scalar_type();
}

}  // namespace dfsweep::model
