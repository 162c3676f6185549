// As much of CUDA's language as kernels.cu needs, on a CPU: for tests where no
// GPU is. A block's threads take turns from one barrier to the next.
#ifndef DFSWEEP_MODEL_NET_GPU_EMULATION_H_
#define DFSWEEP_MODEL_NET_GPU_EMULATION_H_

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstdint>
#include <functional>

namespace dfsweep::model::gpu::emulation {

struct Index {
  unsigned x;
};
inline Index threadIdx, blockIdx, gridDim;

struct alignas(16) uint4 {
  unsigned x, y, z, w;
};
struct alignas(16) float4 {
  float x, y, z, w;
};
inline uint4 make_uint4(unsigned x, unsigned y, unsigned z, unsigned w) {
  return {x, y, z, w};
}
inline float4 make_float4(float x, float y, float z, float w) {
  return {x, y, z, w};
}

inline float __uint_as_float(unsigned bits) {
  return std::bit_cast<float>(bits);
}
inline unsigned __float_as_uint(float value) {
  return std::bit_cast<unsigned>(value);
}
inline unsigned __umulhi(unsigned a, unsigned b) {
  return static_cast<unsigned>(uint64_t{a} * b >> 32);
}
using std::max;
using std::min;

// Waits for all threads of the block.
void __syncthreads();
// The value of the thread `down` further in the warp. All threads of a block
// call it, not only those of a warp.
double __shfl_down_sync(unsigned mask, double value, unsigned down);

// Calls `thread` for each of `threads` threads of each of `blocks` blocks.
void RunBlocks(unsigned blocks, unsigned threads,
               const std::function<void()>& thread);

}  // namespace dfsweep::model::gpu::emulation

#define KERNEL [[maybe_unused]] static void
#define __shared__ static

#endif  // DFSWEEP_MODEL_NET_GPU_EMULATION_H_
