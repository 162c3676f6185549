#ifndef DFSWEEP_MODEL_NET_CONVOLUTION_H_
#define DFSWEEP_MODEL_NET_CONVOLUTION_H_

#include <torch/types.h>

namespace dfsweep::model {

// at::conv2d on the CPU: x, [batch, inputs, 1, length + 7] and channels-last,
// has its padding already; weight is [outputs, inputs, 1, 8], bias [outputs].
// Where LibTorch's gradient of the weights is slow (float32 with AVX2, without
// AVX-512), it is our own.
torch::Tensor Convolution(const torch::Tensor& x, const torch::Tensor& weight,
                          const torch::Tensor& bias);

// The gradient of Convolution's weight, channels-last, from that of its result,
// [batch, outputs, 1, length]. Both are channels-last and float32; `outputs` is
// a multiple of 16, `inputs` of 2. Sums of 128 rows are made in one piece, and
// added up in their order, whatever the number of threads.
torch::Tensor WeightGradient(const torch::Tensor& x,
                             const torch::Tensor& gradient);

}  // namespace dfsweep::model

#endif  // DFSWEEP_MODEL_NET_CONVOLUTION_H_
