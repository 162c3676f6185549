#include "model/net/gpu/convolution.h"

#include <ATen/Context.h>

#include <algorithm>
#include <vector>

#include "model/net/gpu/kernels.h"

namespace dfsweep::model::gpu {
namespace {

constexpr int64_t kGap = kKernel - 1;  // rows between two sequences

// [rows, channels] as matrices for a kernel that goes over them. The kKernel
// rows under it lie one after the other in memory: a window, a row of a matrix.
// Windows that begin kKernel rows apart don't overlap, so that matrix is there
// without a copy, once for each of kKernel rows where the first may begin.
class Matrices {
 public:
  // Of windows, or (`span` = 1) of the rows where they begin.
  Matrices(const torch::Tensor& rows, int64_t span)
      : rows_(rows), row_(rows.size(1)), width_(span * row_) {}

  // [kKernel, count, width]: begin at row first + i + kKernel · j.
  torch::Tensor Begin(int64_t first, int64_t count) const {
    return View({kKernel, count, width_}, {row_, kKernel * row_, 1}, first);
  }
  // [count, 1, width]: at row first + i.
  torch::Tensor Each(int64_t first, int64_t count) const {
    return View({count, 1, width_}, {row_, row_, 1}, first);
  }
  // [parts, count, width]: at row first + kKernel · (count · i + j).
  torch::Tensor Parts(int64_t first, int64_t parts, int64_t count) const {
    const int64_t step = kKernel * row_;
    return View({parts, count, width_}, {count * step, step, 1}, first);
  }

 private:
  torch::Tensor View(at::IntArrayRef sizes, at::IntArrayRef strides,
                     int64_t first) const {
    return rows_.as_strided(sizes, strides,
                            rows_.storage_offset() + first * row_);
  }

  torch::Tensor rows_;
  int64_t row_, width_;
};

// How many windows can be in Begin(), and how many are left.
struct Count {
  int64_t of_each, left;
  explicit Count(int64_t windows)
      : of_each(windows / kKernel), left(windows % kKernel) {}
  int64_t done() const { return of_each * kKernel; }
};

// [outputs, channels, 1, kKernel] as [kKernel · channels, outputs].
torch::Tensor AsMatrix(const torch::Tensor& weight) {
  return weight.squeeze(2).permute({2, 1, 0}).reshape({-1, weight.size(0)});
}

torch::Tensor SlideByMatrices(const torch::Tensor& x,
                              const torch::Tensor& weight) {
  const torch::Tensor matrix = AsMatrix(weight);
  const int64_t windows = x.size(0) - kGap;
  torch::Tensor y = at::empty({windows, weight.size(0)}, x.options());
  const Matrices from(x, kKernel), to(y, 1);
  const Count count(windows);
  if (count.of_each > 0) {
    torch::Tensor most = to.Begin(0, count.of_each);
    at::bmm_out(most, from.Begin(0, count.of_each),
                matrix.expand({kKernel, -1, -1}));
  }
  if (count.left > 0) {
    torch::Tensor last = to.Each(count.done(), count.left);
    at::bmm_out(last, from.Each(count.done(), count.left),
                matrix.expand({count.left, -1, -1}));
  }
  return y;
}

torch::Tensor SlideByCudnn(const torch::Tensor& x,
                           const torch::Tensor& weight) {
  const int64_t rows = x.size(0), channels = x.size(1);
  const torch::Tensor one = x.as_strided(
      {1, channels, 1, rows}, {rows * channels, 1, rows * channels, channels});
  return at::conv2d(one, weight.contiguous(at::MemoryFormat::ChannelsLast))
      .permute({0, 2, 3, 1})
      .reshape({-1, weight.size(0)});
}

torch::Tensor SlideByKernel(const torch::Tensor& x,
                            const torch::Tensor& weight) {
  const int64_t rows = x.size(0), outputs = weight.size(0);
  const torch::Tensor matrix = AsMatrix(weight).contiguous();
  torch::Tensor y = at::empty({rows - kGap, outputs}, x.options());
  const int64_t row_tiles = (y.size(0) + kTileRows - 1) / kTileRows;
  Kernel("Slide", at::kFloat)
      .LaunchTiles(row_tiles * (outputs / kTileOutputs), Data<float>(x),
                   ToWord(rows), ToWord(x.size(1)), Data<float>(matrix),
                   ToWord(outputs), Data<float>(y));
  return y;
}

// cuDNN's and cuBLAS's float32 functions reach a half of what a GPU could do
// for so few channels, and copy to and from another layout.
bool ByKernel(at::ScalarType type) {
  return type == at::kFloat && !at::globalContext().allowTF32CuDNN();
}

// Σ_k Σ_c x[i + k, c] weight[o, c, 0, k] of x [rows, channels]: [rows − 7,
// outputs].
torch::Tensor Slide(const torch::Tensor& x, const torch::Tensor& weight) {
  const at::ScalarType type = x.scalar_type();
  if (ByKernel(type)) return SlideByKernel(x, weight);
  return type == at::kBFloat16 ? SlideByMatrices(x, weight)
                               : SlideByCudnn(x, weight);
}

// A product of [kKernel · channels, rows] and [rows, outputs] whose result is
// small keeps a GPU busy only if the rows are split.
int64_t PartsOfSum(int64_t channels, int64_t outputs, at::ScalarType type) {
  constexpr int64_t kSmall = 4096, kParts = 64;
  return type == at::kFloat && channels * outputs <= kSmall ? kParts : 1;
}

// Batches of matrices, the sum of whose products is a weight's gradient.
struct Factors {
  torch::Tensor windows, rows;
};
std::vector<Factors> FactorsOf(const Matrices& windows, const Matrices& rows,
                               const Count& count, int64_t parts) {
  std::vector<Factors> factors;
  auto add = [&](auto matrices) {
    factors.push_back({matrices(windows), matrices(rows)});
  };
  const int64_t of_part = count.of_each / parts;
  if (parts > 1 && of_part > 0) {
    for (int64_t first = 0; first < kKernel; ++first) {
      add([&](const Matrices& m) { return m.Parts(first, parts, of_part); });
    }
  }
  const int64_t done = parts > 1 ? parts * of_part : 0;
  if (const int64_t rest = count.of_each - done; rest > 0) {
    add([&](const Matrices& m) { return m.Begin(done * kKernel, rest); });
  }
  if (count.left > 0) {
    add([&](const Matrices& m) { return m.Each(count.done(), count.left); });
  }
  return factors;
}

torch::Tensor SumOfProducts(const std::vector<Factors>& factors) {
  const torch::Tensor &first = factors[0].windows, &second = factors[0].rows;
  int64_t count = 0;
  for (const Factors& some : factors) count += some.windows.size(0);
  torch::Tensor products =
      at::empty({count, first.size(2), second.size(2)}, first.options());
  int64_t begin = 0;
  for (const auto& [windows, rows] : factors) {
    torch::Tensor some = products.narrow(0, begin, windows.size(0));
    at::bmm_out(some, windows.transpose(1, 2), rows);
    begin += windows.size(0);
  }
  return products.sum(0);
}

// [kKernel, channels, outputs].
torch::Tensor SumByMatrices(const torch::Tensor& inputs,
                            const torch::Tensor& slopes) {
  const int64_t channels = inputs.size(1), outputs = slopes.size(1);
  return SumOfProducts(
             FactorsOf(Matrices(inputs, kKernel), Matrices(slopes, 1),
                       Count(inputs.size(0) - kGap),
                       PartsOfSum(channels, outputs, inputs.scalar_type())))
      .view({kKernel, channels, outputs});
}

torch::Tensor SumByKernel(const torch::Tensor& inputs,
                          const torch::Tensor& slopes) {
  const int64_t rows = inputs.size(0) - kGap;
  const int64_t channels = inputs.size(1), outputs = slopes.size(1);
  const int64_t tiles = channels / kTileOutputs * (outputs / kTileOutputs);
  // As many blocks as a GPU has at once, or so many that no thread adds more
  // rows in float than rounding allows.
  constexpr int64_t kMostRows = 4096;
  const int64_t wanted =
      std::max(4 * Multiprocessors() / tiles, rows / kMostRows + 1);
  const int64_t slice = (rows + wanted - 1) / wanted;
  const int64_t slices = (rows + slice - 1) / slice;
  const torch::Tensor parts =
      at::empty({slices, kKernel, channels, outputs}, inputs.options());
  Kernel("SumWeightGradients", at::kFloat)
      .LaunchTiles(tiles * slices, Data<float>(inputs), Data<float>(slopes),
                   ToWord(rows), ToWord(slice), ToWord(channels),
                   ToWord(outputs), Data<float>(parts));
  return parts.sum(0);
}

torch::Tensor RowsOf(const torch::Tensor& x) {
  return x.permute({0, 2, 3, 1}).reshape({-1, x.size(1)});
}

}  // namespace

Sequences Convolve(const torch::Tensor& x, const torch::Tensor& weight) {
  const Word length = ToWord(x.size(3) - kGap);
  return {Slide(RowsOf(x), weight), x.size(0), {length, 0, ToWord(x.size(3))}};
}

torch::Tensor WeightGradient(const torch::Tensor& x,
                             const Sequences& gradient) {
  const torch::Tensor inputs = RowsOf(x);
  const torch::Tensor slopes = gradient.values.narrow(0, kGap, inputs.size(0));
  const torch::Tensor sums = ByKernel(inputs.scalar_type())
                                 ? SumByKernel(inputs, slopes)
                                 : SumByMatrices(inputs, slopes);
  return sums.permute({2, 1, 0}).unsqueeze(2);
}

torch::Tensor InputGradient(const Sequences& gradient,
                            const torch::Tensor& weight) {
  const torch::Tensor rows =
      Slide(gradient.values, weight.flip(3).transpose(0, 1));
  const Word whole = gradient.layout.whole;
  return Sequences{rows, gradient.batch, {whole, 0, whole}}.View();
}

Sequences ConvolveTraces(const torch::Tensor& x, const torch::Tensor& weight,
                         at::ScalarType type) {
  const int64_t outputs = weight.size(0), rows = x.numel();
  const Word length = ToWord(x.size(1));
  Sequences y{at::empty({rows, outputs}, x.options().dtype(type)),
              x.size(0),
              {length, 0, length}};
  const torch::Tensor by_position = AsMatrix(weight).contiguous();
  Kernel("ThinConvolution", type)
      .Launch(Grid(outputs, type).ForRows(rows), Data<float>(x),
              ToWord(x.size(0)), length, ToWord(outputs),
              Data<float>(by_position), Data<void>(y.values));
  return y;
}

}  // namespace dfsweep::model::gpu
