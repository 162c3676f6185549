#ifndef DFSWEEP_MODEL_NET_DROPOUT_H_
#define DFSWEEP_MODEL_NET_DROPOUT_H_

#include <torch/types.h>

#include <cstdint>

#include "model/train/random.h"

namespace dfsweep::model {

// One mask on the CPU: a pure function of a stream and of where in it the mask
// begins.
class DropoutMask {
 public:
  DropoutMask()
      : DropoutMask(Stream(0, Purpose::kDropout), 0, 0) {}  // drops none
  DropoutMask(const Stream& stream, uint64_t first_block, double rate);

  // Values [first, first + count) of the mask, in memory order: 0 or kept().
  // `first` is a multiple of 4.
  void Fill(int64_t first, int64_t count, float* values) const;

  // What a value that isn't dropped is multiplied by.
  float kept() const { return kept_; }

 private:
  Stream stream_;
  uint64_t first_block_;
  uint32_t threshold_;
  float kept_;
};

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

  // The next mask, for `size` values on the CPU.
  DropoutMask Next(int64_t size, double rate);

 private:
  torch::Tensor Mask(const torch::Tensor& x, double rate);

  Stream stream_;
  uint64_t next_block_ = 0;
};

}  // namespace dfsweep::model

#endif  // DFSWEEP_MODEL_NET_DROPOUT_H_
