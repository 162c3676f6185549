// Batch normalisation together with what follows it in a block of Deep
// Fingerprinting; on a GPU by the kernels of gpu/. LibTorch goes through memory
// once or twice for each of normalisation, pool, activation, dropout and
// padding, and again for each gradient, which takes as long as the
// convolutions; here all of it is done while a value is in a register.
//
// Values are those of at::batch_norm (Ioffe & Szegedy 2015), at::elu, at::relu,
// PoolSame and DropoutMasks up to rounding (a bfloat16 result is rounded once,
// not after each step), gradients too. Sums over a batch are made of parts of
// at most 64 rows in float and of these in double, in an order that does not
// depend on the number of threads. LibTorch adds up this layout in float, one
// value after the other: over batch × length values its statistics are wrong in
// the sixth digit, which DF's ten layers make the fourth, and gates and pools
// that open the other way then change gradients by percents.
#ifndef DFSWEEP_MODEL_NET_FUSED_NORM_H_
#define DFSWEEP_MODEL_NET_FUSED_NORM_H_

#include <torch/types.h>

#include "model/net/dropout.h"

namespace dfsweep::model {

enum class Activation { kElu, kRelu };

// Cells of zero before and after each sequence of a result, as the next layer's
// convolution wants them.
struct Margin {
  int64_t left = 0, right = 0;
};

// What a layer of batch normalisation does.
struct Normalization {
  torch::Tensor weight, bias;                    // [channels]
  torch::Tensor running_mean, running_variance;  // [channels]
  double new_share;  // of a batch in the running statistics
  double epsilon;
  bool by_batch;  // by the batch's statistics, which move the running ones
};

// What follows a normalisation: perhaps PoolSame, an activation, and after a
// pool dropout with the next of `masks` (null: none).
struct Following {
  Activation activation;
  Margin margin = {};
  bool pools = false;
  DropoutMasks* masks = nullptr;
  double rate = 0;  // of dropout
};

// Whether the functions below take an input of this kind: float32 or bfloat16.
bool CanFuseNorm(c10::Device device, at::ScalarType type);

// dropout(activation(pool(normalized(x)))), [batch, channels, 1, left + length
// + right]. `x` is [batch, channels, 1, length], channels-last in memory, as
// the result is; channels are a power of two of at least 32.
torch::Tensor NormActivate(const torch::Tensor& x, const Normalization& norm,
                           const Following& following);

// The mask that `following` asks for, for a result of `x`.
DropoutMask NextMask(const Following& following, const torch::Tensor& x);

}  // namespace dfsweep::model

#endif  // DFSWEEP_MODEL_NET_FUSED_NORM_H_
