// Passes over memory of batch normalisation with what follows it: fused_norm.h
// says what they compute. Forward, then backward; no graphs.
#ifndef DFSWEEP_MODEL_NET_GPU_NORM_H_
#define DFSWEEP_MODEL_NET_GPU_NORM_H_

#include <torch/types.h>

#include "model/net/dropout.h"
#include "model/net/fused_norm.h"
#include "model/net/gpu/sequences.h"

namespace dfsweep::model::gpu {

// What the backward pass needs of the forward pass.
struct Normalized {
  Sequences x;
  Following following;
  DropoutMask mask;
  bool by_batch;
  torch::Tensor bias;
  // Mean, 1 / √(variance + ε), weight times that: [3, channels].
  torch::Tensor statistics;
  // With a pool, of each maximum: its input, and its place in its window:
  // [batch · windows, channels].
  torch::Tensor best, place;

  Scales scales() const;
};

// Measures x, to which `shift` [channels] (undefined: none) would have been
// added: a shift changes nothing but the running mean.
Normalized Normalize(const Sequences& x, const torch::Tensor& shift,
                     const Normalization& norm, const Following& following);

// As a kernel takes it. Throws c10::Error if it was made for a CPU.
Mask MaskOf(const DropoutMask& mask);

// The result, [batch, channels, 1, left + length + right]; completes
// `normalized`.
torch::Tensor Activated(Normalized& normalized);

// The gradient of a result, and what follows from it: of weight, bias and
// shift, and InputSlopes: [5, channels].
struct NormGradient {
  Sequences gradient;
  torch::Tensor maxima;  // gradients of normalized maxima, with a pool
  torch::Tensor vectors;

  InputSlopes slopes() const;
};
NormGradient BackwardOfNorm(const Normalized& normalized,
                            const torch::Tensor& gradient);

// The gradient of x. Each sequence begins behind `before` rows of zeros, and so
// many are behind the last one.
Sequences InputGradient(const Normalized& normalized,
                        const NormGradient& gradient, int64_t before);

}  // namespace dfsweep::model::gpu

#endif  // DFSWEEP_MODEL_NET_GPU_NORM_H_
