#include "model/net/gpu/graph.h"

#include <ATen/cuda/CUDAGraph.h>
#include <c10/cuda/CUDACachingAllocator.h>
#include <c10/cuda/CUDAGuard.h>
#include <c10/cuda/CUDAStream.h>

namespace dfsweep::model::gpu {

struct Graph::State {
  at::cuda::CUDAGraph graph;
};

Graph::Graph(const std::function<void()>& work)
    : state_(std::make_unique<State>()) {
  at::cuda::CUDAGraph& graph = state_->graph;
  c10::cuda::device_synchronize();
  // What earlier runs of the work used is not used again: a graph has memory of
  // its own.
  c10::cuda::CUDACachingAllocator::emptyCache();
  const c10::cuda::CUDAStreamGuard recording(c10::cuda::getStreamFromPool());
  graph.capture_begin();
  try {
    work();
  } catch (...) {
    try {
      graph.capture_end();
    } catch (const c10::Error&) {
      // The recording is void; what made it so is thrown below.
    }
    throw;
  }
  graph.capture_end();
}

Graph::~Graph() = default;

void Graph::Replay() { state_->graph.replay(); }

}  // namespace dfsweep::model::gpu
