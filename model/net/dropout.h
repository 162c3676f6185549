#ifndef DFSWEEP_MODEL_NET_DROPOUT_H_
#define DFSWEEP_MODEL_NET_DROPOUT_H_

#include <torch/types.h>

#include <cstdint>

#include "model/train/random.h"

namespace dfsweep::model {

// The dropout masks of one training step, drawn from the step's own stream.
// On the CPU a mask is written by our Philox, the same for any number of
// threads; on a GPU by LibTorch's Philox, seeded from the stream. The masks of
// the two kinds of device differ. Not thread-safe.
class DropoutMasks {
 public:
  explicit DropoutMasks(const Stream& stream) : stream_(stream) {}

  // `x` (any shape, dense) with a share `rate` of its elements set to 0 and the
  // others scaled so that the expectation stays. Each call uses a new mask.
  torch::Tensor Apply(const torch::Tensor& x, double rate);

 private:
  torch::Tensor Mask(const torch::Tensor& x, double rate);

  Stream stream_;
  uint64_t next_block_ = 0;
};

}  // namespace dfsweep::model

#endif  // DFSWEEP_MODEL_NET_DROPOUT_H_
