// The loops of fused_norm.cc, all inlined into Vectorized(): a row is the
// channels of one cell of a sequence, side by side in memory.
#ifndef DFSWEEP_MODEL_NET_FUSED_NORM_LOOPS_H_
#define DFSWEEP_MODEL_NET_FUSED_NORM_LOOPS_H_

#include <algorithm>

#include "model/net/fused_norm.h"
#include "model/net/pool.h"
#include "model/net/vectors.h"

namespace dfsweep::model {

// In place of a maximum's place in its window: dropped.
constexpr int32_t kDropped = 255;

// ---- Loops over rows of channels --------------------------------------------

// normalized = (x − mean) · scale + shift
struct Scales {
  const float *mean, *scale, *shift;
};

struct VectorScales {
  Floats mean, scale, shift;
  DFSWEEP_INLINE VectorScales(const Scales& all, int64_t channel)
      : mean(Load(all.mean + channel)),
        scale(Load(all.scale + channel)),
        shift(Load(all.shift + channel)) {}
  DFSWEEP_INLINE Floats Apply(Floats x) const {
    return (x - mean) * scale + shift;
  }
};

// Both let a NaN through, as LibTorch's do.
template <Activation kActivation>
DFSWEEP_INLINE Floats Activate(Floats x) {
  if constexpr (kActivation == Activation::kElu) {
    return x > 0.0f ? x : ExpMinusOne(x);
  }
  return x <= 0.0f ? Floats{} : x;
}

// The activation's derivative at x, times `gradient`.
template <Activation kActivation>
DFSWEEP_INLINE Floats Deactivate(Floats x, Floats gradient) {
  if constexpr (kActivation == Activation::kElu) {
    return x > 0.0f ? gradient : gradient * (ExpMinusOne(x) + 1.0f);
  }
  return gradient * (x <= 0.0f ? Floats{} : Broadcast(1.0f));
}

// Of each channel: the mean of rows, and the sum of squared distances from it.
template <typename Scalar>
DFSWEEP_INLINE void MomentsOfRows(const Scalar* x, int64_t rows,
                                  int64_t channels, float* mean,
                                  float* squares) {
  const float share = 1.0f / static_cast<float>(rows);
  for (int64_t c = 0; c < channels; c += kVectorWidth) {
    Floats sum = {}, square = {};
    for (int64_t row = 0; row < rows; ++row)
      sum += Load(x + row * channels + c);
    sum *= share;
    for (int64_t row = 0; row < rows; ++row) {
      const Floats distance = Load(x + row * channels + c) - sum;
      square += distance * distance;
    }
    Store(mean + c, sum);
    Store(squares + c, square);
  }
}

template <Activation kActivation, typename Scalar>
DFSWEEP_INLINE void NormActivateRows(const Scalar* x, const Scales& scales,
                                     int64_t rows, int64_t channels,
                                     Scalar* y) {
  for (int64_t row = 0; row < rows; ++row) {
    for (int64_t c = 0; c < channels; c += kVectorWidth) {
      const VectorScales norm(scales, c);
      Store(y + c, Activate<kActivation>(norm.Apply(Load(x + c))));
    }
    x += channels;
    y += channels;
  }
}

// Sums over rows of the gradient of the normalized values, and of its product
// with the centred input.
template <Activation kActivation, typename Scalar>
DFSWEEP_INLINE void SumGradients(const Scalar* gradient, const Scalar* x,
                                 const Scales& scales, int64_t rows,
                                 int64_t channels, float* sums,
                                 float* products) {
  for (int64_t c = 0; c < channels; c += kVectorWidth) {
    const VectorScales norm(scales, c);
    Floats sum = {}, product = {};
    for (int64_t row = 0; row < rows; ++row) {
      const Floats value = Load(x + row * channels + c);
      const Floats slope = Deactivate<kActivation>(
          norm.Apply(value), Load(gradient + row * channels + c));
      sum += slope;
      product += slope * (value - norm.mean);
    }
    Store(sums + c, sum);
    Store(products + c, product);
  }
}

// The gradient of x from that of the normalized values:
// gradient · scale + (x − mean) · slope + offset
struct InputSlopes {
  const float *slope, *offset;
};

template <Activation kActivation, typename Scalar>
DFSWEEP_INLINE void InputGradients(const Scalar* gradient, const Scalar* x,
                                   const Scales& scales,
                                   const InputSlopes& slopes, int64_t rows,
                                   int64_t channels, Scalar* result) {
  for (int64_t row = 0; row < rows; ++row) {
    for (int64_t c = 0; c < channels; c += kVectorWidth) {
      const VectorScales norm(scales, c);
      const Floats value = Load(x + c);
      const Floats slope =
          Deactivate<kActivation>(norm.Apply(value), Load(gradient + c));
      Store(result + c, slope * norm.scale +
                            (value - norm.mean) * Load(slopes.slope + c) +
                            Load(slopes.offset + c));
    }
    gradient += channels;
    x += channels;
    result += channels;
  }
}

// Of one window of `rows` rows of which `x` is the first: the normalized
// maximum, activated and times `keep`, into y; its input into `best`, and the
// row where it is, plus `first`, into `place`. The first of several equal ones
// wins; a NaN or an infinity in the window makes all of it NaN.
template <Activation kActivation, typename Scalar>
DFSWEEP_INLINE void PoolWindow(const Scalar* x, const Scales& scales,
                               int64_t rows, int64_t first, int64_t channels,
                               const float* keep, Scalar* y, Scalar* best,
                               uint8_t* place) {
  for (int64_t c = 0; c < channels; c += kVectorWidth) {
    const VectorScales norm(scales, c);
    Floats input = Load(x + c), most = norm.Apply(input);
    Floats spoilt = most * 0.0f;  // becomes NaN with the first value that is
    Integers where = {};
    for (int64_t row = 1; row < rows; ++row) {
      const Floats candidate = Load(x + row * channels + c);
      const Floats value = norm.Apply(candidate);
      spoilt += value * 0.0f;
      where = value > most ? Integers{} + static_cast<int32_t>(row) : where;
      input = value > most ? candidate : input;
      most = value > most ? value : most;
    }
    most += spoilt;
    input += spoilt;
    const Floats kept = Load(keep + c);
    Store(y + c, Activate<kActivation>(most) * kept);
    Store(best + c, input);
    where += static_cast<int32_t>(first);
    Store(place + c, kept == 0.0f ? Integers{} + kDropped : where);
  }
}

// As SumGradients, of pooled rows; `slopes` gets the gradients themselves.
template <Activation kActivation, typename Scalar>
DFSWEEP_INLINE void PooledGradients(const Scalar* gradient, const Scalar* best,
                                    const uint8_t* place, const Scales& scales,
                                    float keep, int64_t rows, int64_t channels,
                                    float* slopes, float* sums,
                                    float* products) {
  for (int64_t c = 0; c < channels; c += kVectorWidth) {
    const VectorScales norm(scales, c);
    Floats sum = {}, product = {};
    for (int64_t row = 0; row < rows; ++row) {
      const int64_t i = row * channels + c;
      const Floats value = Load(best + i);
      const Floats slope =
          Deactivate<kActivation>(norm.Apply(value), Load(gradient + i) * keep);
      const Floats kept = Load(place + i) == kDropped ? Floats{} : slope;
      Store(slopes + i, kept);
      sum += kept;
      product += kept * (value - norm.mean);
    }
    Store(sums + c, sum);
    Store(products + c, product);
  }
}

// What the two windows over a row that has `row` rows before it give it. A
// window that is not there has no slopes.
struct WindowSlopes {
  const float* slopes = nullptr;   // [channels], or null
  const uint8_t* place = nullptr;  // [channels]
  int32_t row = 0;                 // within the window

  DFSWEEP_INLINE Floats At(int64_t channel) const {
    if (slopes == nullptr) return Floats{};
    return Load(place + channel) == row ? Load(slopes + channel) : Floats{};
  }
};

template <typename Scalar>
DFSWEEP_INLINE void UnpoolRow(const WindowSlopes& early,
                              const WindowSlopes& late, const Scalar* x,
                              const Scales& scales, const InputSlopes& slopes,
                              int64_t channels, Scalar* result) {
  for (int64_t c = 0; c < channels; c += kVectorWidth) {
    Store(result + c,
          (early.At(c) + late.At(c)) * Load(scales.scale + c) +
              (Load(x + c) - Load(scales.mean + c)) * Load(slopes.slope + c) +
              Load(slopes.offset + c));
  }
}

// ---- Loops over a sequence --------------------------------------------------

template <typename Scalar>
struct PoolPass {
  const Scalar* x;
  Scales scales;
  int64_t length, channels;
  Pooling pooling;
  const float* keep;  // [pooled, channels]
  Scalar *y, *best;
  uint8_t* place;
};

template <Activation kActivation, typename Scalar>
DFSWEEP_INLINE void PoolSequence(const PoolPass<Scalar>& pass) {
  const int64_t channels = pass.channels;
  for (int64_t window = 0; window < pass.pooling.length; ++window) {
    const int64_t start = pass.pooling.Start(window);
    const int64_t begin = std::max<int64_t>(start, 0);
    const int64_t end = std::min(start + Pooling::kWindow, pass.length);
    const int64_t at = window * channels;
    const Scalar* x = pass.x + begin * channels;
    if (end - begin == Pooling::kWindow) {  // a constant, to be unrolled
      PoolWindow<kActivation>(x, pass.scales, Pooling::kWindow, 0, channels,
                              pass.keep + at, pass.y + at, pass.best + at,
                              pass.place + at);
    } else {
      PoolWindow<kActivation>(x, pass.scales, end - begin, begin - start,
                              channels, pass.keep + at, pass.y + at,
                              pass.best + at, pass.place + at);
    }
  }
}

template <typename Scalar>
struct UnpoolPass {
  const float* slopes;   // [pooled, channels]
  const uint8_t* place;  // [pooled, channels]
  const Scalar* x;
  Scales scales;
  InputSlopes input;
  int64_t length, channels;
  Pooling pooling;
  Scalar* result;
};

// What window `index` gives to a row of the sequence.
template <typename Scalar>
DFSWEEP_INLINE WindowSlopes WindowOver(const UnpoolPass<Scalar>& pass,
                                       int64_t index, int64_t row) {
  if (index < 0 || index >= pass.pooling.length) return {};
  const int64_t at = index * pass.channels;
  return {pass.slopes + at, pass.place + at,
          static_cast<int32_t>(row - pass.pooling.Start(index))};
}

template <typename Scalar>
DFSWEEP_INLINE void UnpoolSequence(const UnpoolPass<Scalar>& pass) {
  for (int64_t row = 0; row < pass.length; ++row) {
    const int64_t late = pass.pooling.LastWindowOver(row);
    const int64_t at = row * pass.channels;
    UnpoolRow(WindowOver(pass, late - 1, row), WindowOver(pass, late, row),
              pass.x + at, pass.scales, pass.input, pass.channels,
              pass.result + at);
  }
}

}  // namespace dfsweep::model

#endif  // DFSWEEP_MODEL_NET_FUSED_NORM_LOOPS_H_
