// Convolutions of stride 1 and a kernel of kKernel, and their gradients. No
// graphs, no bias.
//
// All sequences of a batch lie behind each other, with kKernel − 1 rows of zero
// between two, and are convolved as one: what a kernel makes of rows of two
// sequences is no sequence's. For batches of short sequences, cuDNN's
// deterministic functions are up to a hundred times slower than for that.
//
// float32 by kernels of ours, TF32 by cuDNN and bfloat16 by cuBLAS, as measured
// on an H200. Channels and outputs are multiples of 32.
#ifndef DFSWEEP_MODEL_NET_GPU_CONVOLUTION_H_
#define DFSWEEP_MODEL_NET_GPU_CONVOLUTION_H_

#include <torch/types.h>

#include "model/net/gpu/sequences.h"

namespace dfsweep::model::gpu {

// Of `x` [batch, channels, 1, length + kKernel − 1], channels-last, by `weight`
// [outputs, channels, 1, kKernel].
Sequences Convolve(const torch::Tensor& x, const torch::Tensor& weight);

// The gradients from that of a result, which begins and ends with kKernel − 1
// rows of zero, as the space between its sequences is.
torch::Tensor WeightGradient(const torch::Tensor& x, const Sequences& gradient);
// Shaped like x.
torch::Tensor InputGradient(const Sequences& gradient,
                            const torch::Tensor& weight);

// Of traces `x` [batch, length] of one channel, float32, padded as "same", by
// `weight` [outputs, 1, 1, kKernel], to values of `type`.
Sequences ConvolveTraces(const torch::Tensor& x, const torch::Tensor& weight,
                         at::ScalarType type);

}  // namespace dfsweep::model::gpu

#endif  // DFSWEEP_MODEL_NET_GPU_CONVOLUTION_H_
