#ifndef DFSWEEP_MODEL_NET_CONVOLUTION_H_
#define DFSWEEP_MODEL_NET_CONVOLUTION_H_

#include <torch/types.h>

namespace dfsweep::model {

// at::conv2d on the CPU: x, [batch, inputs, 1, length + 7] and channels-last,
// has its margin of 3 and 4 zeros already, which gets the gradient 0; weight is
// [outputs, inputs, 1, 8], bias [outputs].
//
// In float32, and bfloat16 where LibTorch has no AMX for it, it is our own for
// DF's numbers of channels: it multiplies less, see convolution_loops.h. Sums
// are made in the same order whatever the number of threads. weight and bias
// are float32; the result is of x's type.
torch::Tensor Convolution(const torch::Tensor& x, const torch::Tensor& weight,
                          const torch::Tensor& bias);

}  // namespace dfsweep::model

#endif  // DFSWEEP_MODEL_NET_CONVOLUTION_H_
