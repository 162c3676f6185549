#ifndef DFSWEEP_MODEL_NET_POOL_H_
#define DFSWEEP_MODEL_NET_POOL_H_

#include <torch/types.h>

namespace dfsweep::model {

// Where the windows of DF's max-pool lie on a sequence: 8 cells long, one every
// 4 cells, padded as TensorFlow's "same" with cells that never win.
struct Pooling {
  static constexpr int64_t kWindow = 8, kStride = 4;

  explicit Pooling(int64_t input_length);
  // A window's first cell; negative if it is padding.
  int64_t Start(int64_t window) const { return window * kStride - left; }
  // It and the one before are over the cell; may be past the last window.
  int64_t LastWindowOver(int64_t cell) const { return (cell + left) / kStride; }

  int64_t length;  // of the result: ⌈input_length / kStride⌉
  int64_t left;    // cells of padding at the left
};

// [batch, channels, 1, length] pooled to ⌈length / 4⌉.
torch::Tensor PoolSame(const torch::Tensor& x);

}  // namespace dfsweep::model

#endif  // DFSWEEP_MODEL_NET_POOL_H_
