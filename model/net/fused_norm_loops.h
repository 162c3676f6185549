// The loops of fused_norm.cc, all inlined into Vectorized(): a row is the
// channels of one cell of a sequence, side by side in memory. V is the Vectors
// of a machine.
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

template <typename V>
struct VectorScales {
  Floats<V> mean, scale, shift;
  DFSWEEP_INLINE VectorScales(const Scales& all, int64_t channel)
      : mean(V::Load(all.mean + channel)),
        scale(V::Load(all.scale + channel)),
        shift(V::Load(all.shift + channel)) {}
  DFSWEEP_INLINE Floats<V> Apply(Floats<V> x) const {
    return (x - mean) * scale + shift;
  }
};

// Both let a NaN through, as LibTorch's do.
template <typename V, Activation kActivation>
DFSWEEP_INLINE Floats<V> Activate(Floats<V> x) {
  if constexpr (kActivation == Activation::kElu) {
    return x > 0.0f ? x : V::ExpMinusOne(x);
  }
  return x <= 0.0f ? Floats<V>{} : x;
}

// The activation's derivative at x, times `gradient`.
template <typename V, Activation kActivation>
DFSWEEP_INLINE Floats<V> Deactivate(Floats<V> x, Floats<V> gradient) {
  if constexpr (kActivation == Activation::kElu) {
    return x > 0.0f ? gradient : gradient * (V::ExpMinusOne(x) + 1.0f);
  }
  return gradient * (x <= 0.0f ? Floats<V>{} : V::Broadcast(1.0f));
}

// Of each channel: the mean of rows, and the sum of squared distances from it.
template <typename V, typename Scalar>
DFSWEEP_INLINE void MomentsOfRows(const Scalar* x, int64_t rows,
                                  int64_t channels, float* mean,
                                  float* squares) {
  const float share = 1.0f / static_cast<float>(rows);
  for (int64_t c = 0; c < channels; c += V::kLanes) {
    Floats<V> sum = {}, square = {};
    for (int64_t row = 0; row < rows; ++row)
      sum += V::Load(x + row * channels + c);
    sum *= share;
    for (int64_t row = 0; row < rows; ++row) {
      const auto distance = V::Load(x + row * channels + c) - sum;
      square += distance * distance;
    }
    V::Store(mean + c, sum);
    V::Store(squares + c, square);
  }
}

template <typename V, Activation kActivation, typename Scalar>
DFSWEEP_INLINE void NormActivateRows(const Scalar* x, const Scales& scales,
                                     int64_t rows, int64_t channels,
                                     Scalar* y) {
  for (int64_t row = 0; row < rows; ++row) {
    for (int64_t c = 0; c < channels; c += V::kLanes) {
      const VectorScales<V> norm(scales, c);
      V::Store(y + c, Activate<V, kActivation>(norm.Apply(V::Load(x + c))));
    }
    x += channels;
    y += channels;
  }
}

// Sums over rows of the gradient of the normalized values, and of its product
// with the centred input.
template <typename V, Activation kActivation, typename Scalar>
DFSWEEP_INLINE void SumGradients(const Scalar* gradient, const Scalar* x,
                                 const Scales& scales, int64_t rows,
                                 int64_t channels, float* sums,
                                 float* products) {
  for (int64_t c = 0; c < channels; c += V::kLanes) {
    const VectorScales<V> norm(scales, c);
    Floats<V> sum = {}, product = {};
    for (int64_t row = 0; row < rows; ++row) {
      const auto value = V::Load(x + row * channels + c);
      const auto slope = Deactivate<V, kActivation>(
          norm.Apply(value), V::Load(gradient + row * channels + c));
      sum += slope;
      product += slope * (value - norm.mean);
    }
    V::Store(sums + c, sum);
    V::Store(products + c, product);
  }
}

// The gradient of x from that of the normalized values:
// gradient · scale + (x − mean) · slope + offset
struct InputSlopes {
  const float *slope, *offset;
};

template <typename V, Activation kActivation, typename Scalar>
DFSWEEP_INLINE void InputGradients(const Scalar* gradient, const Scalar* x,
                                   const Scales& scales,
                                   const InputSlopes& slopes, int64_t rows,
                                   int64_t channels, Scalar* result) {
  for (int64_t row = 0; row < rows; ++row) {
    for (int64_t c = 0; c < channels; c += V::kLanes) {
      const VectorScales<V> norm(scales, c);
      const auto value = V::Load(x + c);
      const auto slope =
          Deactivate<V, kActivation>(norm.Apply(value), V::Load(gradient + c));
      V::Store(result + c, slope * norm.scale +
                               (value - norm.mean) * V::Load(slopes.slope + c) +
                               V::Load(slopes.offset + c));
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
template <typename V, Activation kActivation, typename Scalar>
DFSWEEP_INLINE void PoolWindow(const Scalar* x, const Scales& scales,
                               int64_t rows, int64_t first, int64_t channels,
                               const float* keep, Scalar* y, Scalar* best,
                               uint8_t* place) {
  for (int64_t c = 0; c < channels; c += V::kLanes) {
    const VectorScales<V> norm(scales, c);
    Floats<V> input = V::Load(x + c), most = norm.Apply(input);
    Floats<V> spoilt = most * 0.0f;  // becomes NaN with the first value that is
    Integers<V> where = {};
    for (int64_t row = 1; row < rows; ++row) {
      const auto candidate = V::Load(x + row * channels + c);
      const auto value = norm.Apply(candidate);
      spoilt += value * 0.0f;
      where = value > most ? Integers<V>{} + static_cast<int32_t>(row) : where;
      input = value > most ? candidate : input;
      most = value > most ? value : most;
    }
    most += spoilt;
    input += spoilt;
    const auto kept = V::Load(keep + c);
    V::Store(y + c, Activate<V, kActivation>(most) * kept);
    V::Store(best + c, input);
    where += static_cast<int32_t>(first);
    V::Store(place + c, kept == 0.0f ? Integers<V>{} + kDropped : where);
  }
}

// As SumGradients, of pooled rows; `slopes` gets the gradients themselves.
template <typename V, Activation kActivation, typename Scalar>
DFSWEEP_INLINE void PooledGradients(const Scalar* gradient, const Scalar* best,
                                    const uint8_t* place, const Scales& scales,
                                    float keep, int64_t rows, int64_t channels,
                                    float* slopes, float* sums,
                                    float* products) {
  for (int64_t c = 0; c < channels; c += V::kLanes) {
    const VectorScales<V> norm(scales, c);
    Floats<V> sum = {}, product = {};
    for (int64_t row = 0; row < rows; ++row) {
      const int64_t i = row * channels + c;
      const auto value = V::Load(best + i);
      const auto slope = Deactivate<V, kActivation>(
          norm.Apply(value), V::Load(gradient + i) * keep);
      const auto kept = V::Load(place + i) == kDropped ? Floats<V>{} : slope;
      V::Store(slopes + i, kept);
      sum += kept;
      product += kept * (value - norm.mean);
    }
    V::Store(sums + c, sum);
    V::Store(products + c, product);
  }
}

// What the two windows over a row that has `row` rows before it give it. A
// window that is not there has no slopes.
struct WindowSlopes {
  const float* slopes = nullptr;   // [channels], or null
  const uint8_t* place = nullptr;  // [channels]
  int32_t row = 0;                 // within the window

  template <typename V>
  DFSWEEP_INLINE Floats<V> At(int64_t channel) const {
    const Floats<V> none{};
    if (slopes == nullptr) return none;
    return V::Load(place + channel) == row ? V::Load(slopes + channel) : none;
  }
};

template <typename V, typename Scalar>
DFSWEEP_INLINE void UnpoolRow(const WindowSlopes& early,
                              const WindowSlopes& late, const Scalar* x,
                              const Scales& scales, const InputSlopes& slopes,
                              int64_t channels, Scalar* result) {
  for (int64_t c = 0; c < channels; c += V::kLanes) {
    V::Store(result + c, (early.template At<V>(c) + late.template At<V>(c)) *
                                 V::Load(scales.scale + c) +
                             (V::Load(x + c) - V::Load(scales.mean + c)) *
                                 V::Load(slopes.slope + c) +
                             V::Load(slopes.offset + c));
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

template <typename V, Activation kActivation, typename Scalar>
DFSWEEP_INLINE void PoolSequence(const PoolPass<Scalar>& pass) {
  const int64_t channels = pass.channels;
  for (int64_t window = 0; window < pass.pooling.length; ++window) {
    const int64_t start = pass.pooling.Start(window);
    const int64_t begin = std::max<int64_t>(start, 0);
    const int64_t end = std::min(start + Pooling::kWindow, pass.length);
    const int64_t at = window * channels;
    const Scalar* x = pass.x + begin * channels;
    if (end - begin == Pooling::kWindow) {  // a constant, to be unrolled
      PoolWindow<V, kActivation>(x, pass.scales, Pooling::kWindow, 0, channels,
                                 pass.keep + at, pass.y + at, pass.best + at,
                                 pass.place + at);
    } else {
      PoolWindow<V, kActivation>(x, pass.scales, end - begin, begin - start,
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

template <typename V, typename Scalar>
DFSWEEP_INLINE void UnpoolSequence(const UnpoolPass<Scalar>& pass) {
  for (int64_t row = 0; row < pass.length; ++row) {
    const int64_t late = pass.pooling.LastWindowOver(row);
    const int64_t at = row * pass.channels;
    UnpoolRow<V>(WindowOver(pass, late - 1, row), WindowOver(pass, late, row),
                 pass.x + at, pass.scales, pass.input, pass.channels,
                 pass.result + at);
  }
}

}  // namespace dfsweep::model

#endif  // DFSWEEP_MODEL_NET_FUSED_NORM_LOOPS_H_
