#ifndef DFSWEEP_MODEL_NET_GPU_KERNELS_H_
#define DFSWEEP_MODEL_NET_GPU_KERNELS_H_

#include <torch/types.h>

#include <cstdint>

#include "model/net/gpu/arguments.h"

namespace dfsweep::model::gpu {

// A function of kernels.cu for values of one type, on the present device.
class Kernel {
 public:
  // Compiles the kernels if this is the first of its type and device. Throws
  // c10::Error. Thread-safe.
  Kernel(const char* name, at::ScalarType type);

  // Starts `blocks` blocks of kThreads threads on the present stream. The
  // arguments are of the very types of the function's parameters. Throws
  // c10::Error.
  template <typename... Arguments>
  void Launch(int64_t blocks, Arguments... arguments) const {
    void* pointers[] = {&arguments...};
    Start(blocks, kThreads, pointers);
  }
  // The same of kTileThreads threads.
  template <typename... Arguments>
  void LaunchTiles(int64_t blocks, Arguments... arguments) const {
    void* pointers[] = {&arguments...};
    Start(blocks, kTileThreads, pointers);
  }

 private:
  void Start(int64_t blocks, Word threads, void** arguments) const;

  void* function_;
};

// How many multiprocessors the present device has.
int64_t Multiprocessors();

}  // namespace dfsweep::model::gpu

#endif  // DFSWEEP_MODEL_NET_GPU_KERNELS_H_
