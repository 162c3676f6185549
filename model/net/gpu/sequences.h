// Channels-last sequences on a GPU, and how their rows are shared out among
// threads.
#ifndef DFSWEEP_MODEL_NET_GPU_SEQUENCES_H_
#define DFSWEEP_MODEL_NET_GPU_SEQUENCES_H_

#include <torch/types.h>

#include <algorithm>
#include <cstdint>

#include "model/net/gpu/arguments.h"
#include "model/net/gpu/kernels.h"

namespace dfsweep::model::gpu {

inline Word ToWord(int64_t value) { return static_cast<Word>(value); }

// What a kernel takes for a tensor.
template <typename T>
T* Data(const torch::Tensor& t) {
  return static_cast<T*>(t.mutable_data_ptr());
}

// A batch of sequences whose rows, of `channels` values each, lie in `values`
// as `layout` says.
struct Sequences {
  torch::Tensor values;  // [rows, channels], rows of all kinds
  int64_t batch;
  Layout layout;

  int64_t channels() const { return values.size(1); }
  at::ScalarType type() const { return values.scalar_type(); }
  int64_t length() const { return layout.length; }
  // Rows in sequences.
  int64_t rows() const { return batch * layout.length; }

  // Of [batch, channels, 1, length], channels-last, all of whose rows are in
  // sequences.
  static Sequences Of(const torch::Tensor& x) {
    const torch::Tensor rows = x.permute({0, 2, 3, 1}).contiguous();
    const Word length = ToWord(x.size(3));
    return {rows.view({-1, x.size(1)}), x.size(0), {length, 0, length}};
  }
  // As [batch, channels, 1, length].
  torch::Tensor View() const {
    const int64_t whole = layout.whole * channels();
    return values.as_strided({batch, channels(), 1, layout.length},
                             {whole, 1, whole, channels()},
                             layout.left * channels());
  }
};

// Blocks for work on rows of `channels` values of a type.
class Grid {
 public:
  Grid(int64_t channels, at::ScalarType type)
      : lanes_(kThreads * Width(type == at::kBFloat16) / channels) {}

  // Each row by itself.
  int64_t ForRows(int64_t rows) const {
    return std::min(Blocks(rows, 1), 16 * Multiprocessors());
  }
  // Sums, in runs of kRows a thread: as many blocks as are there at once.
  int64_t ForSums(int64_t rows) const {
    return std::min(Blocks(rows, kRows), 2 * Multiprocessors());
  }
  // So many that a thread may add its rows in float.
  int64_t ForFloatSums(int64_t rows) const {
    return std::max(Blocks(rows, 4 * kRows), ForSums(rows));
  }

 private:
  int64_t Blocks(int64_t rows, int64_t rows_of_thread) const {
    const int64_t rows_of_block = lanes_ * rows_of_thread;
    return (rows + rows_of_block - 1) / rows_of_block;
  }

  int64_t lanes_;  // rows that a block does at once
};

}  // namespace dfsweep::model::gpu

#endif  // DFSWEEP_MODEL_NET_GPU_SEQUENCES_H_
