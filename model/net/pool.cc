#include "model/net/pool.h"

#include <algorithm>

namespace dfsweep::model {

// TensorFlow pads half (rounded down) at the left.
Pooling::Pooling(int64_t input_length)
    : length((input_length + kStride - 1) / kStride),
      left(std::max<int64_t>((length - 1) * kStride + kWindow - input_length,
                             0) /
           2) {}

torch::Tensor PoolSame(const torch::Tensor& x) {
  // LibTorch pads both sides alike, and ceil_mode lets the last window hang
  // over by the one cell that an odd padding has more at the right.
  return at::max_pool2d(x, {1, Pooling::kWindow}, {1, Pooling::kStride},
                        {0, Pooling(x.size(3)).left}, {1, 1},
                        /*ceil_mode=*/true);
}

}  // namespace dfsweep::model
