#include <stdexcept>

#include "model/net/gpu/gpu.h"
#include "model/net/gpu/graph.h"

namespace dfsweep::model::gpu {
namespace {

[[noreturn]] void Refuse() {
  throw std::logic_error("built with a LibTorch without CUDA");
}

}  // namespace

bool HasKernels() { return false; }

torch::Tensor NormActivate(const torch::Tensor&, const Normalization&,
                           const Following&) {
  Refuse();
}

torch::Tensor ConvolutionNorm(const torch::Tensor&, const torch::Tensor&,
                              const torch::Tensor&, const Normalization&,
                              const Following&, at::ScalarType) {
  Refuse();
}

torch::Tensor Convolution(const torch::Tensor&, const torch::Tensor&,
                          const torch::Tensor&) {
  Refuse();
}

struct Graph::State {};
Graph::Graph(const std::function<void()>&) { Refuse(); }
Graph::~Graph() = default;
void Graph::Replay() { Refuse(); }

void FillMask(const DropoutMask&, torch::Tensor&) { Refuse(); }

}  // namespace dfsweep::model::gpu
