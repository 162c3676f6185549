#ifndef DFSWEEP_MODEL_NET_DROPOUT_H_
#define DFSWEEP_MODEL_NET_DROPOUT_H_

#include <c10/core/Device.h>
#include <torch/types.h>

#include <cstdint>

#include "model/train/random.h"

namespace dfsweep::model {

// One mask: a pure function of a stream and of where in it the mask begins.
class DropoutMask {
 public:
  DropoutMask()
      : DropoutMask(Stream(0, Purpose::kDropout), 0, 0) {}  // drops none
  // `stream_on_device`: see below; only for GPUs.
  DropoutMask(const Stream& stream, uint64_t first_block, double rate,
              torch::Tensor stream_on_device = {});

  // Values [first, first + count) of the mask, in memory order: 0 or kept().
  // `first` is a multiple of 4.
  void Fill(int64_t first, int64_t count, float* values) const;

  // What a value that isn't dropped is multiplied by.
  float kept() const { return kept_; }

  // What kernels on a GPU compute the same values from: [4] int32, the upper
  // half of the counter and the key; where to begin; and the least number of
  // the stream that drops nothing.
  const torch::Tensor& stream_on_device() const { return stream_on_device_; }
  uint64_t first_block() const { return first_block_; }
  uint32_t threshold() const { return threshold_; }

 private:
  Stream stream_;
  uint64_t first_block_;
  uint32_t threshold_;
  float kept_;
  torch::Tensor stream_on_device_;
};

// DropoutMask::stream_on_device() of a stream, for kernels; on the CPU yet.
torch::Tensor WordsOf(const Stream& stream);

// The dropout masks of one training step, drawn from the step's own stream.
// They are the same on every device. Not thread-safe.
class DropoutMasks {
 public:
  // For tensors on `device`.
  explicit DropoutMasks(const Stream& stream,
                        c10::Device device = c10::Device(c10::kCPU));
  // For a GPU, from a DropoutMask::stream_on_device there, which may change.
  explicit DropoutMasks(torch::Tensor stream_on_device);

  // `x` (any shape, dense) with a share `rate` of its elements set to 0 and the
  // others scaled so that the expectation stays. Each call uses a new mask.
  torch::Tensor Apply(const torch::Tensor& x, double rate);

  // The next mask, for `size` values.
  DropoutMask Next(int64_t size, double rate);

  const torch::Tensor& stream_on_device() const { return stream_on_device_; }
  // Where in the stream the next mask begins.
  uint64_t next_block() const { return next_block_; }
  // Passes over masks that somebody else has drawn from the same stream.
  void ContinueAt(uint64_t block) { next_block_ = block; }

 private:
  torch::Tensor Mask(const torch::Tensor& x, double rate);

  Stream stream_;
  torch::Tensor stream_on_device_;
  uint64_t next_block_ = 0;
};

}  // namespace dfsweep::model

#endif  // DFSWEEP_MODEL_NET_DROPOUT_H_
