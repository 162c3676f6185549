#ifndef DFSWEEP_MODEL_NET_THIN_CONVOLUTION_H_
#define DFSWEEP_MODEL_NET_THIN_CONVOLUTION_H_

#include <torch/types.h>

namespace dfsweep::model {

// The convolution of a network's first layer on a CPU: sequences of one
// channel, `x` [batch, length] in float32, by `weight` [channels, 1, 1, 8]
// and `bias` [channels], padded as TensorFlow's "same", to [batch, channels, 1,
// length] of type `type` (float32 or bfloat16), channels-last in memory, with a
// graph for weight and bias but not for x. The number of channels is a power of
// two of at least 32. LibTorch has only kernels for it whose output lies
// channel by channel and must be copied.
//
// Gradients add 64 values in float32 and these sums in double, in an order that
// does not depend on the number of threads.
torch::Tensor ThinConvolution(const torch::Tensor& x,
                              const torch::Tensor& weight,
                              const torch::Tensor& bias, at::ScalarType type);

}  // namespace dfsweep::model

#endif  // DFSWEEP_MODEL_NET_THIN_CONVOLUTION_H_
