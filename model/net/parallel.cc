#include "model/net/parallel.h"

#include <ATen/TensorIterator.h>
#include <torch/types.h>

namespace dfsweep::model {

void ParallelFor(int64_t count,
                 const std::function<void(int64_t begin, int64_t end)>& work) {
  if (count == 0) return;
  // LibTorch splits a loop over a tensor; this one's elements are the indices.
  torch::Tensor indices = at::arange(count, at::kLong);
  at::TensorIterator loop = at::TensorIterator::nullary_op(indices);
  loop.for_each(
      [&](char** data, const int64_t* strides, int64_t size, int64_t pieces) {
        for (int64_t piece = 0; piece < pieces; ++piece) {
          const char* first = data[0] + piece * strides[1];
          const int64_t begin = *reinterpret_cast<const int64_t*>(first);
          work(begin, begin + size);
        }
      },
      /*grain_size=*/1);
}

}  // namespace dfsweep::model
