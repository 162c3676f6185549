// The kernels of this folder, compiled for the GPU that is there when a program
// first needs one (kernels.cc), once for each type of values:
// SCALAR_IS_BFLOAT16 is 0 (float32) or 1.
//
// A row is the channels of one cell of a sequence, side by side in memory. A
// thread does 16 bytes of a row, always the same channels; channels are a power
// of two of at least 32. No sum depends on the order in which threads run: what
// threads and blocks have summed is added up along a tree, in double.

#include "model/net/gpu/arguments.h"

using namespace dfsweep::model::gpu;

#ifndef KERNEL
// Two blocks at once on a multiprocessor hide the time that loads take.
#define KERNEL extern "C" __global__ void __launch_bounds__(kThreads, 2)
#endif

#if SCALAR_IS_BFLOAT16
using Scalar = unsigned short;
#else
using Scalar = float;
#endif
constexpr Word kWidth = Width(SCALAR_IS_BFLOAT16);
constexpr Byte kDropped = 255;  // in place of a maximum's place in its window

// ---- Values -----------------------------------------------------------------

struct Values {
  float at[kWidth];
};

uint4 LoadRaw(const Scalar* values) {
  return *reinterpret_cast<const uint4*>(values);
}

Values Unpack(uint4 raw) {
  const Word words[4] = {raw.x, raw.y, raw.z, raw.w};
  Values values;
  for (Word i = 0; i < 4; ++i) {
#if SCALAR_IS_BFLOAT16
    values.at[2 * i] = __uint_as_float(words[i] << 16);
    values.at[2 * i + 1] = __uint_as_float(words[i] & 0xffff0000u);
#else
    values.at[i] = __uint_as_float(words[i]);
#endif
  }
  return values;
}

Values Load(const Scalar* values) { return Unpack(LoadRaw(values)); }

#if SCALAR_IS_BFLOAT16
// To nearest, ties to even.
Word Bfloat16Bits(float value) {
  const Word bits = __float_as_uint(value);
  if (value != value) return 0x7fc0u;
  return (bits + 0x7fffu + (bits >> 16 & 1u)) >> 16;
}
#endif

void Store(Scalar* to, const Values& values) {
  Word words[4];
  for (Word i = 0; i < 4; ++i) {
#if SCALAR_IS_BFLOAT16
    words[i] = Bfloat16Bits(values.at[2 * i]) |
               Bfloat16Bits(values.at[2 * i + 1]) << 16;
#else
    words[i] = __float_as_uint(values.at[i]);
#endif
  }
  *reinterpret_cast<uint4*>(to) =
      make_uint4(words[0], words[1], words[2], words[3]);
}

// Of `kWidth` floats, whatever the type of values.
Values LoadFloats(const float* values) {
  Values loaded;
  for (Word i = 0; i < kWidth; i += 4) {
    const float4 four = *reinterpret_cast<const float4*>(values + i);
    loaded.at[i] = four.x;
    loaded.at[i + 1] = four.y;
    loaded.at[i + 2] = four.z;
    loaded.at[i + 3] = four.w;
  }
  return loaded;
}

void StoreFloats(float* to, const Values& values) {
  for (Word i = 0; i < kWidth; i += 4) {
    *reinterpret_cast<float4*>(to + i) = make_float4(
        values.at[i], values.at[i + 1], values.at[i + 2], values.at[i + 3]);
  }
}

struct Places {
  Word words[kWidth / 4];
  Byte at(Word i) const { return words[i / 4] >> (i % 4 * 8); }
  void set(Word i, Byte place) {
    words[i / 4] |= static_cast<Word>(place) << (i % 4 * 8);
  }
};

Places LoadPlaces(const Byte* from) {
  Places places;
  for (Word i = 0; i < kWidth / 4; ++i) {
    places.words[i] = reinterpret_cast<const Word*>(from)[i];
  }
  return places;
}

void StorePlaces(Byte* to, const Places& places) {
  for (Word i = 0; i < kWidth / 4; ++i) {
    reinterpret_cast<Word*>(to)[i] = places.words[i];
  }
}

// ---- Which rows and channels are a thread's ---------------------------------

struct Part {
  Word groups, first_channel, lane, lanes;
  explicit Part(Word channels)
      : groups(channels / kWidth),
        first_channel(threadIdx.x % groups * kWidth),
        lane(threadIdx.x / groups),
        lanes(kThreads / groups) {}
};

// Calls work(row) for each of `rows` rows once in all threads together.
template <typename Work>
void ForRows(const Part& part, Word rows, const Work& work) {
  for (Word row = blockIdx.x * part.lanes + part.lane; row < rows;
       row += gridDim.x * part.lanes) {
    work(row);
  }
}

// The same in runs of up to kRows: calls work(run), where run(i) is the row
// number i of a thread, or not below `rows`.
struct Run {
  Word first, step;
  Word operator()(Word i) const { return first + i * step; }
};
template <typename Work>
void ForRuns(const Part& part, Word rows, const Work& work) {
  for (Word first = blockIdx.x * kRows * part.lanes + part.lane; first < rows;
       first += gridDim.x * kRows * part.lanes) {
    work(Run{first, part.lanes});
  }
}

// A row of a sequence: `cell` is not below the sequence's length, since it
// wraps, for the rows before and after it.
struct Cell {
  Word sequence, cell;
};

// Of the row that is number `row` in memory.
Cell CellAt(const Layout& layout, Word row) {
  const Word sequence = row / layout.whole;
  return {sequence, row - sequence * layout.whole - layout.left};
}

// Of the row that is number `row` of those in sequences.
Cell CellOf(const Layout& layout, Word row) {
  const Word sequence = row / layout.length;
  return {sequence, row - sequence * layout.length};
}

Offset RowOf(const Layout& layout, const Cell& at) {
  return static_cast<Offset>(at.sequence) * layout.whole + layout.left +
         at.cell;
}

// What a thread reads and writes of a tensor of rows.
template <typename Value>
struct Rows {
  Value* values;
  Layout layout;
  Word channels;

  Value* At(const Part& part, const Cell& at) const {
    return values + RowOf(layout, at) * channels + part.first_channel;
  }
};
using Input = Rows<const Scalar>;

// ---- Normalisation and activation -------------------------------------------

struct ScaleValues {
  Values mean, scale, shift;
  ScaleValues(const Scales& all, Word channel)
      : mean(LoadFloats(all.mean + channel)),
        scale(LoadFloats(all.scale + channel)),
        shift(LoadFloats(all.shift + channel)) {}
  float Apply(float x, Word i) const {
    return (x - mean.at[i]) * scale.at[i] + shift.at[i];
  }
};

// Both let a NaN through, as LibTorch's do.
float Activate(float x, bool elu) {
  if (elu) return x > 0.f ? x : expm1f(x);
  return x <= 0.f ? 0.f : x;
}

// The activation's derivative at x, times `gradient`.
float Deactivate(float x, float gradient, bool elu) {
  if (elu) return x > 0.f ? gradient : gradient * expf(x);
  return x <= 0.f ? 0.f * gradient : gradient;
}

// ---- Sums of channels -------------------------------------------------------

// parts: [kinds, channels, blocks], a sum of each block.
double* PartOf(double* parts, Word kind, Word channels, Word channel) {
  return parts + (static_cast<Offset>(kind) * channels + channel) * gridDim.x +
         blockIdx.x;
}

// Adds each thread's `sums` up over the threads of a block that have the same
// channels.
void SumBlock(const Part& part, const double (&sums)[kWidth], Word kind,
              Word channels, double* parts) {
  __shared__ double shared[kThreads * kWidth];  // [lanes, channels]
  for (Word c = 0; c < kWidth; ++c) {
    shared[part.lane * channels + part.first_channel + c] = sums[c];
  }
  __syncthreads();
  // Every thread folds some lanes into few, and one a channel adds those up.
  const Word few = max(kThreads / channels, Word{1}) * channels;
  for (Word i = threadIdx.x; i < few; i += kThreads) {
    double sum = 0;
    for (Word at = i; at < kThreads * kWidth; at += few) sum += shared[at];
    shared[i] = sum;
  }
  __syncthreads();
  for (Word channel = threadIdx.x; channel < channels; channel += kThreads) {
    double sum = 0;
    for (Word at = channel; at < few; at += channels) sum += shared[at];
    *PartOf(parts, kind, channels, channel) = sum;
  }
  __syncthreads();
}

// Adds up two values of each of `rows` rows: add(row, sums).
struct TwoSums {
  Values first, second;
};
template <typename Add>
void SumRows(const Part& part, Word rows, Word channels, const Add& add,
             double* parts) {
  double first[kWidth] = {}, second[kWidth] = {};
  ForRuns(part, rows, [&](const Run& run) {
    TwoSums sums = {};
    if (run(kRows - 1) < rows) {  // without branches, so that loads overlap
#pragma unroll 8
      for (Word i = 0; i < kRows; ++i) add(run(i), sums);
    } else {
      for (Word i = 0; i < kRows && run(i) < rows; ++i) add(run(i), sums);
    }
    for (Word c = 0; c < kWidth; ++c) {
      first[c] += sums.first.at[c];
      second[c] += sums.second.at[c];
    }
  });
  SumBlock(part, first, 0, channels, parts);
  SumBlock(part, second, 1, channels, parts);
}

// The sum of `count` values, for all threads of a block.
double SumOf(const double* values, Word count) {
  double sum = 0;
  for (Word i = threadIdx.x; i < count; i += kThreads) sum += values[i];
  for (Word half = kWarp / 2; half > 0; half /= 2) {
    sum += __shfl_down_sync(0xffffffffu, sum, half);
  }
  __shared__ double warps[kThreads / kWarp];
  if (threadIdx.x % kWarp == 0) warps[threadIdx.x / kWarp] = sum;
  __syncthreads();
  sum = 0;
  for (const double warp : warps) sum += warp;
  __syncthreads();
  return sum;
}

// ---- Moments ----------------------------------------------------------------

// Sums of distances from the first row, and of their squares: the variance of
// values whose mean is far from 0 would be lost in the sum of the squares.
KERNEL SumMoments(const Scalar* __restrict__ x, Layout layout, Word rows,
                  Word channels, double* __restrict__ parts) {
  const Part part(channels);
  const Input input{x, layout, channels};
  const Values origin = Load(input.At(part, {0, 0}));
  auto add = [&](Word row, TwoSums& sums) {
    const Values value = Load(input.At(part, CellOf(layout, row)));
    for (Word c = 0; c < kWidth; ++c) {
      const float distance = value.at[c] - origin.at[c];
      sums.first.at[c] += distance;
      sums.second.at[c] += distance * distance;
    }
  };
  SumRows(part, rows, channels, add, parts);
}

// One block a channel; `parts` are of `blocks`. `shifts` (null: none) would
// have been added to the input first: only the running mean sees that.
KERNEL FinishMoments(const double* __restrict__ parts, Word blocks,
                     const Scalar* __restrict__ x, Layout layout, double rows,
                     const float* __restrict__ shifts,
                     const float* __restrict__ weight, double new_share,
                     double epsilon, float* __restrict__ running_mean,
                     float* __restrict__ running_variance,
                     float* __restrict__ means, float* __restrict__ inverses,
                     float* __restrict__ scales) {
  const Word channel = blockIdx.x, channels = gridDim.x;
  const double sum = SumOf(parts + channel * blocks, blocks);
  const double squares = SumOf(parts + (channels + channel) * blocks, blocks);
  if (threadIdx.x != 0) return;
  const Word first = channel / kWidth * kWidth;
  const Values origin =
      Load(x + static_cast<Offset>(layout.left) * channels + first);
  const double distance = sum / rows;
  const double spread = squares - sum * distance;
  const auto mean = static_cast<float>(origin.at[channel - first] + distance);
  const auto inverse = static_cast<float>(1 / sqrt(spread / rows + epsilon));
  means[channel] = mean;
  inverses[channel] = inverse;
  scales[channel] = weight[channel] * inverse;
  const float shift = shifts == nullptr ? 0.f : shifts[channel];
  running_mean[channel] +=
      static_cast<float>(new_share * (mean + shift - running_mean[channel]));
  running_variance[channel] += static_cast<float>(
      new_share * (spread / (rows - 1) - running_variance[channel]));
}

// ---- Forward ----------------------------------------------------------------

KERNEL NormActivate(const Scalar* __restrict__ x, Layout from, Word batch,
                    Word channels, const Scales scales, bool elu,
                    Scalar* __restrict__ y, Layout to) {
  const Part part(channels);
  const ScaleValues norm(scales, part.first_channel);
  const Input input{x, from, channels};
  ForRows(part, batch * to.whole, [&](Word row) {
    const Cell at = CellAt(to, row);
    Values values = {};
    if (at.cell < to.length) {
      values = Load(input.At(part, at));
      for (Word c = 0; c < kWidth; ++c) {
        values.at[c] = Activate(norm.Apply(values.at[c], c), elu);
      }
    }
    Store(y + static_cast<Offset>(row) * channels + part.first_channel, values);
  });
}

// Philox 4x32-10, as random.h's.
uint4 PhiloxBlock(const Mask& mask, Offset index) {
  Word counter[4] = {static_cast<Word>(index), static_cast<Word>(index >> 32),
                     mask.stream[0], mask.stream[1]};
  Word key[2] = {mask.stream[2], mask.stream[3]};
#pragma unroll
  for (Word round = 0; round < 10; ++round) {
    const Word first_high = __umulhi(0xD2511F53u, counter[0]);
    const Word first_low = 0xD2511F53u * counter[0];
    const Word second_high = __umulhi(0xCD9E8D57u, counter[2]);
    const Word second_low = 0xCD9E8D57u * counter[2];
    counter[0] = second_high ^ counter[1] ^ key[0];
    counter[1] = second_low;
    counter[2] = first_high ^ counter[3] ^ key[1];
    counter[3] = first_low;
    key[0] += 0x9E3779B9u;
    key[1] += 0xBB67AE85u;
  }
  return make_uint4(counter[0], counter[1], counter[2], counter[3]);
}

// Values of the mask from `index`, a multiple of 4, on: 0 or `kept`.
Values MaskValues(const Mask& mask, Offset index) {
  Values values;
  for (Word i = 0; i < kWidth; i += 4) {
    uint4 numbers = make_uint4(0, 0, 0, 0);
    if (mask.threshold != 0) {
      numbers = PhiloxBlock(mask, mask.first_block + (index + i) / 4);
    }
    values.at[i] = numbers.x >= mask.threshold ? mask.kept : 0.f;
    values.at[i + 1] = numbers.y >= mask.threshold ? mask.kept : 0.f;
    values.at[i + 2] = numbers.z >= mask.threshold ? mask.kept : 0.f;
    values.at[i + 3] = numbers.w >= mask.threshold ? mask.kept : 0.f;
  }
  return values;
}

KERNEL FillMask(Mask mask, Offset count, float* __restrict__ values) {
  const Offset step = static_cast<Offset>(gridDim.x) * kThreads * 4;
  for (Offset i =
           (static_cast<Offset>(blockIdx.x) * kThreads + threadIdx.x) * 4;
       i < count; i += step) {
    const Values four = MaskValues(mask, i);
    for (Word k = 0; k < 4 && i + k < count; ++k) values[i + k] = four.at[k];
  }
}

// Windows begin `before` rows too early. The first of several equal maxima
// wins; a NaN wins too. `best`, `place`: each maximum's input, and where in its
// window it is.
KERNEL NormPoolActivate(const Scalar* __restrict__ x, Layout from, Word batch,
                        Word channels, Word before, const Scales scales,
                        bool elu, Mask mask, Scalar* __restrict__ y, Layout to,
                        Scalar* __restrict__ best, Byte* __restrict__ place) {
  const Part part(channels);
  const ScaleValues norm(scales, part.first_channel);
  const Input input{x, from, channels};
  ForRows(part, batch * to.whole, [&](Word row) {
    const Cell window = CellAt(to, row);
    Scalar* result =
        y + static_cast<Offset>(row) * channels + part.first_channel;
    if (window.cell >= to.length) {
      Store(result, Values{});
      return;
    }
    Values most, inputs;
    Word where[kWidth];
    bool any = false;
#pragma unroll
    for (Word i = 0; i < kWindow; ++i) {
      const Word cell = window.cell * kStride + i - before;  // may wrap
      if (cell >= from.length) continue;
      const Values candidate = Load(input.At(part, {window.sequence, cell}));
      for (Word c = 0; c < kWidth; ++c) {
        const float value = norm.Apply(candidate.at[c], c);
        if (!any || value > most.at[c] || value != value) {
          most.at[c] = value;
          inputs.at[c] = candidate.at[c];
          where[c] = i;
        }
      }
      any = true;
    }
    const Offset at =
        (static_cast<Offset>(window.sequence) * to.length + window.cell) *
            channels +
        part.first_channel;
    const Values keep = MaskValues(mask, at);
    Places places = {};
    for (Word c = 0; c < kWidth; ++c) {
      most.at[c] = Activate(most.at[c], elu) * keep.at[c];
      places.set(c, keep.at[c] == 0.f ? kDropped : where[c]);
    }
    Store(result, most);
    Store(best + at, inputs);
    StorePlaces(place + at, places);
  });
}

// ---- Backward ---------------------------------------------------------------

// Sums over `rows` rows of the gradient of normalized values, and of its
// product with the centred input. slope(cell, value) gives the former of the
// input `value`.
template <typename Slope>
void SumSlopes(const Part& part, const Input& input, Word rows,
               const ScaleValues& norm, const Slope& slope, double* parts) {
  auto add = [&](Word row, TwoSums& sums) {
    const Cell at = CellOf(input.layout, row);
    const Values value = Load(input.At(part, at));
    const Values slopes = slope(at, value);
    for (Word c = 0; c < kWidth; ++c) {
      sums.first.at[c] += slopes.at[c];
      sums.second.at[c] += slopes.at[c] * (value.at[c] - norm.mean.at[c]);
    }
  };
  SumRows(part, rows, input.channels, add, parts);
}

// The gradient of what NormActivate normalized.
struct ActivationGradient {
  const Part& part;
  const ScaleValues& norm;
  bool elu;
  Input gradient;

  Values operator()(const Cell& at, const Values& value) const {
    Values slopes = Load(gradient.At(part, at));
    for (Word c = 0; c < kWidth; ++c) {
      slopes.at[c] = Deactivate(norm.Apply(value.at[c], c), slopes.at[c], elu);
    }
    return slopes;
  }
};

KERNEL SumGradients(const Scalar* __restrict__ x, Layout from,
                    const Scalar* __restrict__ gradient, Layout to, Word rows,
                    Word channels, const Scales scales, bool elu,
                    double* __restrict__ parts) {
  const Part part(channels);
  const ScaleValues norm(scales, part.first_channel);
  SumSlopes(part, {x, from, channels}, rows, norm,
            ActivationGradient{part, norm, elu, {gradient, to, channels}},
            parts);
}

// `rows` windows; `maxima` gets the gradients of their normalized maxima.
KERNEL SumPooledGradients(const Scalar* __restrict__ best,
                          const Byte* __restrict__ place,
                          const Scalar* __restrict__ gradient, Layout to,
                          Word rows, Word channels, const Scales scales,
                          bool elu, float kept, float* __restrict__ maxima,
                          double* __restrict__ parts) {
  const Part part(channels);
  const ScaleValues norm(scales, part.first_channel);
  const Layout dense = {to.length, 0, to.length};
  const ActivationGradient slope{part, norm, elu, {gradient, to, channels}};
  SumSlopes(
      part, {best, dense, channels}, rows, norm,
      [&](const Cell& window, const Values& value) {
        Values slopes = slope(window, value);
        const Offset at = RowOf(dense, window) * channels + part.first_channel;
        const Places places = LoadPlaces(place + at);
        for (Word c = 0; c < kWidth; ++c) {
          slopes.at[c] = places.at(c) == kDropped ? 0.f : slopes.at[c] * kept;
        }
        StoreFloats(maxima + at, slopes);
        return slopes;
      },
      parts);
}

// From the sums over `rows` rows of a batch, the gradients of weight, bias and
// shift, and InputSlopes. One block a channel; `parts` are of `blocks`.
// `by_batch`: the statistics depend on the input too, and take back a shift.
KERNEL FinishGradients(
    const double* __restrict__ parts, Word blocks, double rows, bool by_batch,
    const float* __restrict__ inverses, const float* __restrict__ scales,
    float* __restrict__ weight_gradient, float* __restrict__ bias_gradient,
    float* __restrict__ shift_gradient, float* __restrict__ slopes,
    float* __restrict__ offsets) {
  const Word channel = blockIdx.x, channels = gridDim.x;
  const double sum = SumOf(parts + channel * blocks, blocks);
  const double product = SumOf(parts + (channels + channel) * blocks, blocks);
  if (threadIdx.x != 0) return;
  const double inverse = inverses[channel], scale = scales[channel];
  const double along = product * inverse;
  const double share = by_batch ? 1 / rows : 0;
  weight_gradient[channel] = static_cast<float>(along);
  bias_gradient[channel] = static_cast<float>(sum);
  shift_gradient[channel] = by_batch ? 0.f : static_cast<float>(scale * sum);
  slopes[channel] = static_cast<float>(-scale * inverse * along * share);
  offsets[channel] = static_cast<float>(-scale * sum * share);
}

// What turns the gradient of normalized values into that of the input.
struct SlopeValues {
  Values slope, offset;
  SlopeValues(const InputSlopes& all, Word channel)
      : slope(LoadFloats(all.slope + channel)),
        offset(LoadFloats(all.offset + channel)) {}
  // `gradients` become those of the input `values`.
  void Apply(const Values& values, const ScaleValues& norm,
             Values& gradients) const {
    for (Word c = 0; c < kWidth; ++c) {
      gradients.at[c] = gradients.at[c] * norm.scale.at[c] +
                        (values.at[c] - norm.mean.at[c]) * slope.at[c] +
                        offset.at[c];
    }
  }
};

// Into a result whose rows outside of sequences, `last` after the last one
// too, become 0.
template <typename Gradient>
void StoreGradients(const Part& part, const Input& input, Word batch, Word last,
                    const SlopeValues& slopes, const ScaleValues& norm,
                    const Gradient& gradient, Scalar* result,
                    const Layout& layout) {
  ForRows(part, batch * layout.whole + last, [&](Word row) {
    const Cell at = CellAt(layout, row);
    Values gradients = {};
    if (at.cell < layout.length) {
      const Values values = Load(input.At(part, at));
      gradients = gradient(at, values);
      slopes.Apply(values, norm, gradients);
    }
    Store(
        result + static_cast<Offset>(row) * input.channels + part.first_channel,
        gradients);
  });
}

KERNEL InputGradients(const Scalar* __restrict__ x, Layout from,
                      const Scalar* __restrict__ gradient, Layout to,
                      Word batch, Word channels, const Scales scales, bool elu,
                      const InputSlopes slopes, Scalar* __restrict__ result,
                      Layout layout, Word last) {
  const Part part(channels);
  const ScaleValues norm(scales, part.first_channel);
  StoreGradients(part, {x, from, channels}, batch, last,
                 SlopeValues(slopes, part.first_channel), norm,
                 ActivationGradient{part, norm, elu, {gradient, to, channels}},
                 result, layout);
}

// `windows` a sequence, which begin `before` rows too early.
KERNEL UnpoolGradients(const Scalar* __restrict__ x, Layout from,
                       const float* __restrict__ maxima,
                       const Byte* __restrict__ place, Word windows,
                       Word before, Word batch, Word channels,
                       const Scales scales, const InputSlopes slopes,
                       Scalar* __restrict__ result, Layout layout, Word last) {
  const Part part(channels);
  const ScaleValues norm(scales, part.first_channel);
  auto unpool = [&](const Cell& at, const Values&) {
    const Word cell = at.cell + before;
    Values gradients = {};
    // The windows over a cell: the last that begins before it, and the one
    // before that; the latter first, as on the CPU.
    for (Word back = 2; back-- > 0;) {
      const Word window = cell / kStride - back;  // may wrap
      if (window >= windows) continue;
      const Word where = cell % kStride + back * kStride;
      const Offset index =
          (static_cast<Offset>(at.sequence) * windows + window) * channels +
          part.first_channel;
      const Places places = LoadPlaces(place + index);
      const Values all = LoadFloats(maxima + index);
      for (Word c = 0; c < kWidth; ++c) {
        gradients.at[c] += places.at(c) == where ? all.at[c] : 0.f;
      }
    }
    return gradients;
  };
  StoreGradients(part, {x, from, channels}, batch, last,
                 SlopeValues(slopes, part.first_channel), norm, unpool, result,
                 layout);
}

// ---- The first convolution --------------------------------------------------

// The values of a sequence under a kernel, padded as "same".
struct Traces {
  const float* values;  // [batch, length]
  Word length;
};
struct Under {
  float at[kKernel];
  Under(const Traces& traces, const Cell& cell) {
    const float* sequence =
        traces.values + static_cast<Offset>(cell.sequence) * traces.length;
#pragma unroll
    for (Word k = 0; k < kKernel; ++k) {
      const Word from = cell.cell + k - (kKernel / 2 - 1);  // may wrap
      at[k] = from < traces.length ? sequence[from] : 0.f;
    }
  }
};

// x [batch, length], weight [kernel, channels].
KERNEL ThinConvolution(const float* __restrict__ x, Word batch, Word length,
                       Word channels, const float* __restrict__ weight,
                       Scalar* __restrict__ y) {
  const Part part(channels);
  const Layout dense = {length, 0, length};
  Values kernel[kKernel];
  for (Word k = 0; k < kKernel; ++k) {
    kernel[k] = LoadFloats(weight + k * channels + part.first_channel);
  }
  ForRows(part, batch * length, [&](Word row) {
    const Under under(Traces{x, length}, CellOf(dense, row));
    Values sum = {};
#pragma unroll
    for (Word k = 0; k < kKernel; ++k) {
      for (Word c = 0; c < kWidth; ++c) {
        sum.at[c] += kernel[k].at[c] * under.at[k];
      }
    }
    Store(y + static_cast<Offset>(row) * channels + part.first_channel, sum);
  });
}

// The gradient of the weight of ThinConvolution followed by NormActivate, whose
// input's gradient is not stored for it. parts [kernel, channels, blocks]. A
// thread adds its rows in float: launch so many blocks that it has few.
KERNEL SumThinGradients(const float* __restrict__ traces,
                        const Scalar* __restrict__ x,
                        const Scalar* __restrict__ gradient, Layout to,
                        Word batch, Word channels, const Scales scales,
                        bool elu, const InputSlopes slopes,
                        double* __restrict__ parts) {
  const Part part(channels);
  const ScaleValues norm(scales, part.first_channel);
  const SlopeValues slope(slopes, part.first_channel);
  const Layout dense = {to.length, 0, to.length};
  const Input input{x, dense, channels};
  const ActivationGradient activation{
      part, norm, elu, {gradient, to, channels}};
  Values kernel[kKernel] = {};
  ForRows(part, batch * to.length, [&](Word row) {
    const Cell at = CellOf(dense, row);
    const Values values = Load(input.At(part, at));
    Values gradients = activation(at, values);
    slope.Apply(values, norm, gradients);
    const Under under(Traces{traces, to.length}, at);
#pragma unroll
    for (Word k = 0; k < kKernel; ++k) {
      for (Word c = 0; c < kWidth; ++c) {
        kernel[k].at[c] += gradients.at[c] * under.at[k];
      }
    }
  });
#pragma unroll
  for (Word k = 0; k < kKernel; ++k) {
    double sums[kWidth];
    for (Word c = 0; c < kWidth; ++c) sums[c] = kernel[k].at[c];
    SumBlock(part, sums, k, channels, parts);
  }
}

#if !SCALAR_IS_BFLOAT16
// ---- Convolutions in float32 ------------------------------------------------

// x [rows, channels] by weight [kKernel, channels, outputs] to y [rows − 7,
// outputs]. A block makes kTileRows rows of kTileOutputs outputs, a thread 16
// rows of 4 outputs: of the values that it has read for its rows and the 7
// after them, each is used for all places of the kernel where it falls.
// Channels are a multiple of kTileChannels, outputs of kTileOutputs.
constexpr Word kThreadRows = 16;
constexpr Word kTileChannels = 8;
constexpr Word kLoadedRows = kTileRows + 8;
constexpr Word kPitch = kLoadedRows + 4;  // so that stores spread over banks

KERNEL Slide(const float* __restrict__ x, Word rows, Word channels,
             const float* __restrict__ weight, Word outputs,
             float* __restrict__ y) {
  __shared__ float4 x_tile[kTileChannels * kPitch / 4];
  __shared__ float4 weight_tile[kKernel * kTileChannels * kTileOutputs / 4];
  auto* cells = reinterpret_cast<float*>(x_tile);  // [channels, rows]
  const Word tiles = outputs / kTileOutputs;
  const Word first_output = blockIdx.x % tiles * kTileOutputs;
  const Word first_row = blockIdx.x / tiles * kTileRows;
  const Word own_output = threadIdx.x % (kTileOutputs / 4) * 4;
  const Word own_row = threadIdx.x / (kTileOutputs / 4) * kThreadRows;
  float4 sums[kThreadRows] = {};
  for (Word channel = 0; channel < channels; channel += kTileChannels) {
    __syncthreads();
    for (Word i = threadIdx.x; i < kLoadedRows * 2; i += kTileThreads) {
      const Word row = i / 2, half = i % 2 * 4;
      float4 four = {};
      if (first_row + row < rows) {
        four = *reinterpret_cast<const float4*>(
            x + static_cast<Offset>(first_row + row) * channels + channel +
            half);
      }
      cells[half * kPitch + row] = four.x;
      cells[(half + 1) * kPitch + row] = four.y;
      cells[(half + 2) * kPitch + row] = four.z;
      cells[(half + 3) * kPitch + row] = four.w;
    }
    constexpr Word kFours = kTileOutputs / 4;
    for (Word i = threadIdx.x; i < kKernel * kTileChannels * kFours;
         i += kTileThreads) {
      const Word place = i / kFours / kTileChannels;
      const Word from = place * channels + channel + i / kFours % kTileChannels;
      weight_tile[i] = *reinterpret_cast<const float4*>(
          weight + static_cast<Offset>(from) * outputs + first_output +
          i % kFours * 4);
    }
    __syncthreads();
#pragma unroll 1
    for (Word c = 0; c < kTileChannels; ++c) {
      float own[kThreadRows + 8];
#pragma unroll
      for (Word i = 0; i < kThreadRows + 8; i += 4) {
        const float4 four = x_tile[(c * kPitch + own_row + i) / 4];
        own[i] = four.x;
        own[i + 1] = four.y;
        own[i + 2] = four.z;
        own[i + 3] = four.w;
      }
#pragma unroll
      for (Word place = 0; place < kKernel; ++place) {
        const float4 w =
            weight_tile[(place * kTileChannels + c) * kFours + own_output / 4];
#pragma unroll
        for (Word i = 0; i < kThreadRows; ++i) {
          const float value = own[i + place];
          sums[i].x += value * w.x;
          sums[i].y += value * w.y;
          sums[i].z += value * w.z;
          sums[i].w += value * w.w;
        }
      }
    }
  }
  for (Word i = 0; i < kThreadRows; ++i) {
    const Word row = first_row + own_row + i;
    if (row + kKernel > rows) break;
    *reinterpret_cast<float4*>(y + static_cast<Offset>(row) * outputs +
                               first_output + own_output) = sums[i];
  }
}

// parts [slices, kKernel, channels, outputs]: sums over a slice of `slice` rows
// of x [rows + 7, channels], windows of it, times gradient [rows, outputs]. A
// block makes kTileOutputs channels of kTileOutputs outputs, a thread all
// places of the kernel for one channel and 8 outputs.
constexpr Word kChunk = 32;  // rows at once

KERNEL SumWeightGradients(const float* __restrict__ x,
                          const float* __restrict__ gradient, Word rows,
                          Word slice, Word channels, Word outputs,
                          float* __restrict__ parts) {
  constexpr Word kTile = kTileOutputs, kFours = kTile / 4;
  __shared__ float4 x_tile[(kChunk + kKernel) * kFours];
  __shared__ float4 gradient_tile[kChunk * kFours];
  const Word output_tiles = outputs / kTile, channel_tiles = channels / kTile;
  const Word first_output = blockIdx.x % output_tiles * kTile;
  const Word first_channel = blockIdx.x / output_tiles % channel_tiles * kTile;
  const Word part = blockIdx.x / output_tiles / channel_tiles;
  const Word begin = part * slice, end = min(rows, begin + slice);
  const Word own_channel = threadIdx.x % kTile;
  const Word own_output = threadIdx.x / kTile * 8;
  const auto* cells = reinterpret_cast<const float*>(x_tile);
  float sums[kKernel][8] = {};
  for (Word chunk = begin; chunk < end; chunk += kChunk) {
    __syncthreads();
    for (Word i = threadIdx.x; i < (kChunk + kKernel) * kFours;
         i += kTileThreads) {
      const Word row = chunk + i / kFours;
      x_tile[i] = row < rows + (kKernel - 1)
                      ? *reinterpret_cast<const float4*>(
                            x + static_cast<Offset>(row) * channels +
                            first_channel + i % kFours * 4)
                      : float4{};
    }
    for (Word i = threadIdx.x; i < kChunk * kFours; i += kTileThreads) {
      const Word row = chunk + i / kFours;
      gradient_tile[i] =
          row < end ? *reinterpret_cast<const float4*>(
                          gradient + static_cast<Offset>(row) * outputs +
                          first_output + i % kFours * 4)
                    : float4{};
    }
    __syncthreads();
#pragma unroll 1
    for (Word row = 0; row < kChunk; row += kKernel) {
      float window[2 * kKernel - 1];
#pragma unroll
      for (Word i = 0; i < 2 * kKernel - 1; ++i) {
        window[i] = cells[(row + i) * kTile + own_channel];
      }
#pragma unroll
      for (Word i = 0; i < kKernel; ++i) {
        const float4 low = gradient_tile[(row + i) * kFours + own_output / 4];
        const float4 high =
            gradient_tile[(row + i) * kFours + own_output / 4 + 1];
        const float slopes[8] = {low.x,  low.y,  low.z,  low.w,
                                 high.x, high.y, high.z, high.w};
#pragma unroll
        for (Word place = 0; place < kKernel; ++place) {
#pragma unroll
          for (Word o = 0; o < 8; ++o) {
            sums[place][o] += window[i + place] * slopes[o];
          }
        }
      }
    }
  }
#pragma unroll
  for (Word place = 0; place < kKernel; ++place) {
    const Word row =
        (part * kKernel + place) * channels + first_channel + own_channel;
    auto* to = reinterpret_cast<float4*>(
        parts + static_cast<Offset>(row) * outputs + first_output + own_output);
    to[0] = make_float4(sums[place][0], sums[place][1], sums[place][2],
                        sums[place][3]);
    to[1] = make_float4(sums[place][4], sums[place][5], sums[place][6],
                        sums[place][7]);
  }
}
#endif
