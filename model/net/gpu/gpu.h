// What DF's training needs of kernels of our own on a CUDA GPU. LibTorch's take
// most of a step for what is no convolution: it goes through memory once or
// twice for each of normalisation, pool, activation, dropout and padding, and
// channels-last pooling is slow. Those of kernels.cu do it in one pass each.
//
// absent.cc stands in where LibTorch has no CUDA.
#ifndef DFSWEEP_MODEL_NET_GPU_GPU_H_
#define DFSWEEP_MODEL_NET_GPU_GPU_H_

#include <torch/types.h>

#include "model/net/dropout.h"
#include "model/net/fused_norm.h"

namespace dfsweep::model::gpu {

// Whether this program has kernels. The other functions throw std::logic_error
// if not, c10::Error if the GPU fails, and otherwise are for tensors on GPUs
// whose channels are a power of two, 32 to 1024; work is started on the GPU
// where they are, also if another is the thread's present one.
bool HasKernels();

// That of fused_norm.h. Sums are made of parts of at most kRows rows in float
// and of these in double, along a tree that is the same for each run on the
// same kind of GPU.
torch::Tensor NormActivate(const torch::Tensor& x, const Normalization& norm,
                           const Following& following);

// ConvolutionLayer::ForwardNormalized with a kernel of kKernel, `weight`
// [outputs, channels, 1, kKernel]. Backwards once only.
torch::Tensor ConvolutionNorm(const torch::Tensor& x,
                              const torch::Tensor& weight,
                              const torch::Tensor& bias,
                              const Normalization& norm,
                              const Following& following, at::ScalarType type);

// at::conv2d(x, weight, bias) with a kernel of kKernel, `x` [batch, channels,
// 1, length], in the type that autocast says; by the functions of convolution.h
// if that is float32 or bfloat16.
torch::Tensor Convolution(const torch::Tensor& x, const torch::Tensor& weight,
                          const torch::Tensor& bias);

// Writes a mask into `values`, [count] float32.
void FillMask(const DropoutMask& mask, torch::Tensor& values);

}  // namespace dfsweep::model::gpu

#endif  // DFSWEEP_MODEL_NET_GPU_GPU_H_
