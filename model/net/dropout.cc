#include "model/net/dropout.h"

#include <ATen/Context.h>
#include <ATen/Parallel.h>
#include <ATen/core/Generator.h>

#include <algorithm>
#include <cmath>

namespace dfsweep::model {
namespace {

// Elements of [begin, end) blocks of four, in memory order.
template <typename Scalar>
void FillMask(Scalar* mask, int64_t size, const Stream& stream,
              uint64_t first_block, double rate) {
  auto threshold = static_cast<uint32_t>(std::lround(rate * 0x1p31)) * 2;
  const std::array<Scalar, 2> value = {static_cast<Scalar>(0),
                                       static_cast<Scalar>(1 / (1 - rate))};
  at::parallel_for(0, (size + 3) / 4, /*grain_size=*/4096,
                   [&](int64_t begin, int64_t end) {
                     for (int64_t block = begin; block < end; ++block) {
                       PhiloxBlock bits = stream.Block(first_block + block);
                       int64_t count = std::min<int64_t>(4, size - 4 * block);
                       for (int64_t i = 0; i < count; ++i) {
                         mask[4 * block + i] = value[bits[i] >= threshold];
                       }
                     }
                   });
}

}  // namespace

torch::Tensor DropoutMasks::Mask(const torch::Tensor& x, double rate) {
  // empty_like keeps the strides, so memory order is the same for x and mask.
  torch::Tensor mask = at::empty_like(x, x.options().requires_grad(false));
  if (x.is_cpu()) {
    AT_DISPATCH_FLOATING_TYPES_AND(at::kBFloat16, x.scalar_type(), "mask", [&] {
      FillMask(mask.mutable_data_ptr<scalar_t>(), mask.numel(), stream_,
               next_block_, rate);
    });
    next_block_ += (static_cast<uint64_t>(mask.numel()) + 3) / 4;
    return mask;
  }
  at::Generator generator =
      at::globalContext().defaultGenerator(x.device()).clone();
  generator.set_current_seed(stream_.Next64());
  return mask.bernoulli_(1 - rate, generator).div_(1 - rate);
}

torch::Tensor DropoutMasks::Apply(const torch::Tensor& x, double rate) {
  return rate == 0 ? x : x * Mask(x, rate);
}

}  // namespace dfsweep::model
