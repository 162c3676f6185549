#include "model/net/convolution.h"

#include <torch/csrc/autograd/custom_function.h>

#include <algorithm>
#include <cstring>
#include <vector>

#include "model/net/parallel.h"
#include "model/net/vectors.h"

namespace dfsweep::model {
namespace {

// ---- The gradient of weights ------------------------------------------------
// For each place k of the kernel it is a product of matrices, over the rows r
// of all sequences: Σ_r x[r + k, input] · gradient[r, output]. A tile of it, of
// 6 inputs and 16 outputs, stays in registers while r goes through a piece.

constexpr int64_t kKernel = 8;
constexpr int64_t kOutputs = 16;     // of a tile
constexpr int64_t kInputs = 6;       // of a tile, at most
constexpr int64_t kPieceRows = 128;  // of the gradient, at most

// Rows that are multiplied at once: of one sequence, or of several short ones.
struct Piece {
  int64_t sequence, first;  // where it begins
  int64_t sequences, rows;  // how many, and of each
  int64_t input_rows() const { return sequences * (rows + kKernel - 1); }
};

std::vector<Piece> Pieces(int64_t batch, int64_t length) {
  std::vector<Piece> pieces;
  const int64_t together = std::max<int64_t>(1, kPieceRows / length);
  for (int64_t sequence = 0; sequence < batch; sequence += together) {
    const int64_t sequences = std::min(together, batch - sequence);
    for (int64_t first = 0; first < length; first += kPieceRows) {
      const int64_t rows = std::min(kPieceRows, length - first);
      pieces.push_back({sequence, first, sequences, rows});
    }
  }
  return pieces;
}

// [sequences, length, channels], side by side.
struct Rows {
  const float* values;
  int64_t length, channels;

  // Copies kCount channels of `rows` rows of each sequence of a piece, side by
  // side.
  template <int64_t kCount>
  DFSWEEP_INLINE float* Pack(const Piece& piece, int64_t rows, int64_t channel,
                             float* target) const {
    for (int64_t s = 0; s < piece.sequences; ++s) {
      const int64_t first = (piece.sequence + s) * length + piece.first;
      const float* row = values + first * channels + channel;
      for (int64_t r = 0; r < rows; ++r, row += channels, target += kCount) {
        std::memcpy(target, row, kCount * sizeof(float));
      }
    }
    return target;
  }
};

// Calls call.operator()<width>(first) for groups of kInputs inputs, and for the
// rest of them.
template <typename Call>
DFSWEEP_INLINE void ForGroups(int64_t inputs, const Call& call) {
  int64_t i = 0;
  for (; i + kInputs <= inputs; i += kInputs) call.template operator()<6>(i);
  if (inputs - i == 4) call.template operator()<4>(i);
  if (inputs - i == 2) call.template operator()<2>(i);
}

// Adds a tile of kWidth inputs to `sums`, [inputs, outputs]. `x` is
// [sequences, rows + 7, kWidth], from place k on; `gradient` is
// [sequences, rows, kOutputs].
template <typename V, int kWidth>
DFSWEEP_INLINE void AddTile(const float* x, const float* gradient,
                            const Piece& piece, int64_t outputs, float* sums) {
  constexpr int kVectors = kOutputs / V::kLanes;
  Floats<V> tile[kWidth][kVectors] = {};
  for (int64_t s = 0; s < piece.sequences; ++s) {
    for (int64_t row = 0; row < piece.rows; ++row) {
      Floats<V> slopes[kVectors];
#pragma GCC unroll 4
      for (int v = 0; v < kVectors; ++v) {
        slopes[v] = V::Load(gradient + v * V::kLanes);
      }
#pragma GCC unroll 6
      for (int i = 0; i < kWidth; ++i) {
#pragma GCC unroll 4
        for (int v = 0; v < kVectors; ++v) tile[i][v] += slopes[v] * x[i];
      }
      x += kWidth;
      gradient += kOutputs;
    }
    x += (kKernel - 1) * kWidth;
  }
#pragma GCC unroll 6
  for (int i = 0; i < kWidth; ++i) {
#pragma GCC unroll 4
    for (int v = 0; v < kVectors; ++v) {
      float* sum = sums + i * outputs + v * V::kLanes;
      V::Store(sum, V::Load(sum) + tile[i][v]);
    }
  }
}

// Adds to `sums`, [kernel, inputs, outputs], what columns [begin, end) get from
// a piece. A column is a place of the kernel and kOutputs outputs; places go
// first.
class ColumnSums {
 public:
  ColumnSums(const Rows& x, const Rows& gradient, float* sums)
      : x_(x),
        gradient_(gradient),
        sums_(sums),
        packed_x_((kPieceRows * kKernel) * x.channels),
        packed_gradient_(kPieceRows * kOutputs) {}

  template <typename V>
  DFSWEEP_INLINE void Add(const Piece& piece, int64_t begin, int64_t end) {
    float* target = packed_x_.data();
    ForGroups(x_.channels, [&]<int kWidth>(int64_t input) DFSWEEP_LOOP {
      target = x_.Pack<kWidth>(piece, piece.rows + kKernel - 1, input, target);
    });
    for (int64_t column = begin; column < end; ++column) {
      const int64_t place = column % kKernel;
      const int64_t output = column / kKernel * kOutputs;
      if (place == 0 || column == begin) {
        gradient_.Pack<kOutputs>(piece, piece.rows, output,
                                 packed_gradient_.data());
      }
      AddColumn<V>(piece, place, output);
    }
  }

 private:
  template <typename V>
  DFSWEEP_INLINE void AddColumn(const Piece& piece, int64_t place,
                                int64_t output) {
    const int64_t outputs = gradient_.channels;
    float* sums = sums_ + place * x_.channels * outputs + output;
    ForGroups(x_.channels, [&]<int kWidth>(int64_t input) DFSWEEP_LOOP {
      AddTile<V, kWidth>(
          packed_x_.data() + input * piece.input_rows() + place * kWidth,
          packed_gradient_.data(), piece, outputs, sums + input * outputs);
    });
  }

  Rows x_, gradient_;
  float* sums_;
  std::vector<float> packed_x_, packed_gradient_;
};

Rows RowsOf(const torch::Tensor& images) {
  return {images.const_data_ptr<float>(), images.size(3), images.size(1)};
}

// ---- The function -----------------------------------------------------------

using Context = torch::autograd::AutogradContext;

struct ConvolutionFunction : torch::autograd::Function<ConvolutionFunction> {
  static torch::Tensor forward(Context* context, const torch::Tensor& x,
                               const torch::Tensor& weight,
                               const torch::Tensor& bias) {
    context->save_for_backward({x, weight});
    return at::conv2d(x, weight, bias);
  }

  static torch::autograd::variable_list backward(
      Context* context, const torch::autograd::variable_list& gradients) {
    const auto saved = context->get_saved_variables();
    const torch::Tensor& x = saved[0];
    const torch::Tensor& weight = saved[1];
    const torch::Tensor gradient =
        gradients[0].contiguous(at::MemoryFormat::ChannelsLast);
    torch::Tensor of_x;
    if (context->needs_input_grad(0)) {
      of_x = std::get<0>(at::convolution_backward(
          gradient, x, weight, weight.size(0), {1, 1}, {0, 0}, {1, 1},
          /*transposed=*/false, {0, 0}, /*groups=*/1, {true, false, false}));
    }
    return {of_x, WeightGradient(x, gradient), gradient.sum({0, 2, 3})};
  }
};

}  // namespace

torch::Tensor WeightGradient(const torch::Tensor& x,
                             const torch::Tensor& gradient) {
  const int64_t inputs = x.size(1), outputs = gradient.size(1);
  const auto pieces = Pieces(gradient.size(0), gradient.size(3));
  torch::Tensor sums = at::zeros({kKernel, inputs, outputs});
  const Rows x_rows = RowsOf(x), gradient_rows = RowsOf(gradient);
  auto* values = sums.mutable_data_ptr<float>();
  ParallelFor(kKernel * outputs / kOutputs, [&](int64_t begin, int64_t end) {
    ColumnSums columns(x_rows, gradient_rows, values);
    Vectorized([&](auto vectors) DFSWEEP_LOOP {
      for (const Piece& piece : pieces) {
        columns.Add<decltype(vectors)>(piece, begin, end);
      }
    });
  });
  return sums.permute({2, 1, 0}).unsqueeze(2).contiguous(
      at::MemoryFormat::ChannelsLast);
}

torch::Tensor Convolution(const torch::Tensor& x, const torch::Tensor& weight,
                          const torch::Tensor& bias) {
  if (UsedInstructionSet() != InstructionSet::kAvx2 ||
      x.scalar_type() != at::kFloat) {
    return at::conv2d(x, weight, bias);
  }
  return ConvolutionFunction::apply(
      x.contiguous(at::MemoryFormat::ChannelsLast), weight, bias);
}

}  // namespace dfsweep::model
