// The kernels of this folder, compiled for the GPU that is there when a program
// first needs one (kernels.cc), once for each type of values:
// SCALAR_IS_BFLOAT16 is 0 (float32) or 1.
//
// A row is the channels of one cell of a sequence, side by side in memory. A
// thread does 16 bytes of a row, always the same channels; channels are a power
// of two of at least 32. No sum depends on the order in which threads run: what
// threads and blocks have summed is added up along a tree, in double.

#include "model/net/gpu/arguments.h"

using namespace dfsweep::model::gpu;

#ifndef KERNEL
// Two blocks at once on a multiprocessor hide the time that loads take.
#define KERNEL extern "C" __global__ void __launch_bounds__(kThreads, 2)
#endif

// In the order of what they need of each other.
// clang-format off
#include "model/net/gpu/rows.cuh"
#include "model/net/gpu/norm.cuh"
#include "model/net/gpu/convolution.cuh"
// clang-format on
