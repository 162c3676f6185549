#ifndef DFSWEEP_MODEL_NET_GPU_GRAPH_H_
#define DFSWEEP_MODEL_NET_GPU_GRAPH_H_

#include <functional>
#include <memory>

namespace dfsweep::model::gpu {

// Work for the present GPU that is recorded once and then started as a whole (a
// CUDA graph), which takes a fraction of the time of starting its kernels one
// by one. It reads and writes the very memory that it was recorded with. Not
// thread-safe. Throws c10::Error; std::logic_error without kernels (gpu.h).
class Graph {
 public:
  // Records what `work` starts, without running it. `work` must not wait for
  // the GPU, nor bring anything there; what it allocates and keeps stays as
  // long as the graph. `work` has been run before, so that nothing is set up in
  // it.
  explicit Graph(const std::function<void()>& work);
  ~Graph();
  Graph(const Graph&) = delete;
  Graph& operator=(const Graph&) = delete;

  // Starts the work on the present stream.
  void Replay();

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace dfsweep::model::gpu

#endif  // DFSWEEP_MODEL_NET_GPU_GRAPH_H_
