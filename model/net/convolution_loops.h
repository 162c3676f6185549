// The loops of convolution.cc, all inlined into Vectorized().
//
// They make do with 9 of 16 multiplications, as fast FIR filters do (Mou &
// Duhamel 1991, "Short-length FIR filters and their use in fast nonrecursive
// filtering"). Of y[t] = Σ_k w[k] x[t + k], k < 8, two results four apart share
// a sum, with d[t] = x[t] − x[t + 4]:
//   s        = Σ_j (w[j] + w[j + 4]) x[t + 4 + j]          j < 4
//   y[t]     = s + Σ_j w[j] d[t + j]
//   y[t + 4] = s − Σ_j w[j + 4] d[t + 4 + j]
// and in each of the three sums over four places two results two apart share
// one in the same way. So a group of eight results comes of nine products of
// two places with two rows of differences of x. The gradient of weights is the
// adjoint of that: nine products of the same differences with sums of rows of
// the result's gradient.
//
// Scalar is float or c10::BFloat16. Numbers of the latter are multiplied in
// pairs and summed in float; differences, and kernels of products, are rounded
// once more.
#ifndef DFSWEEP_MODEL_NET_CONVOLUTION_LOOPS_H_
#define DFSWEEP_MODEL_NET_CONVOLUTION_LOOPS_H_

#include <algorithm>
#include <cstdint>
#include <type_traits>

#include "model/net/vectors.h"

namespace dfsweep::model {

constexpr int64_t kKernel = 8;
constexpr int64_t kGroup = 8;  // results
constexpr int64_t kGroupInputs = kGroup + kKernel - 1;

// Product 3 · part + which: the parts are s, y[t] − s and y[t + 4] − s; of each
// the shared sum, that of the early result and that of the late one.
constexpr int64_t kProducts = 9;
constexpr int64_t kPlaces = 2;  // of a product
// A product's differences of x, three rows from x[t] on: x[t] itself in the
// first part, else x[t] − x[t + 4]; and if the sum is not shared, less what is
// two rows further.
constexpr int64_t kFirstInput[kProducts] = {6, 4, 6, 2, 0, 2, 6, 4, 6};
// And its two sums of rows of the gradient, from row t on: the sum of all
// results that a product goes into.
constexpr int64_t kFirstResult[kProducts] = {0, 0, 2, 0, 0, 2, 4, 4, 6};

// The differences of all products, those that several have once: x[6…8],
// x[t] − x[t + 2], t from 4 to 8; d[2…4] and d[6…8]; d[t] − d[t + 2], t from 0
// to 8. And where a product's begin.
constexpr int64_t kDifferences = 23;
constexpr int64_t kFirstDifference[kProducts] = {0,  3,  5,  8, 14,
                                                 16, 11, 18, 20};

// ---- Differences and sums ---------------------------------------------------

// Of the rows x[0] … x[14], [15, channels], to [kDifferences, channels].
template <typename V, typename Scalar>
DFSWEEP_INLINE void FillDifferences(const Scalar* x, int64_t channels,
                                    Scalar* result) {
  for (int64_t c = 0; c < channels; c += V::kLanes) {
    Floats<V> row[kGroupInputs], four[kGroupInputs - 4];
    for (int t = 0; t < kGroupInputs; ++t) row[t] = V::Load(x + t * channels);
    for (int t = 0; t < kGroupInputs - 4; ++t) four[t] = row[t] - row[t + 4];
    Scalar* target = result;
    auto store = [&](Floats<V> values) DFSWEEP_LOOP {
      V::Store(target, values);
      target += channels;
    };
    for (int t = 6; t <= 8; ++t) store(row[t]);
    for (int t = 4; t <= 8; ++t) store(row[t] - row[t + 2]);
    for (int t = 2; t <= 4; ++t) store(four[t]);
    for (int t = 6; t <= 8; ++t) store(four[t]);
    for (int t = 0; t <= 8; ++t) store(four[t] - four[t + 2]);
    x += V::kLanes;
    result += V::kLanes;
  }
}

// Row 0 plus `sign` times row 4, if kFour; of that, what is two rows further
// likewise, if kTwo.
template <typename V, bool kFour, bool kTwo, typename Scalar>
DFSWEEP_INLINE Floats<V> Combine(const Scalar* row, int64_t channels,
                                 float sign) {
  Floats<V> value = V::Load(row);
  if constexpr (kFour) value += V::Load(row + 4 * channels) * sign;
  if constexpr (kTwo) {
    value +=
        Combine<V, kFour, false>(row + 2 * channels, channels, sign) * sign;
  }
  return value;
}

// Fills [places + 1, channels] with Combine of as many rows.
template <typename V, bool kFour, bool kTwo>
DFSWEEP_INLINE void FillFactors(const float* row, int64_t channels, float sign,
                                int64_t places, float* result) {
  for (int64_t i = 0; i < (places + 1) * channels; i += V::kLanes) {
    V::Store(result + i, Combine<V, kFour, kTwo>(row + i, channels, sign));
  }
}

// Fills [places, channels, 2] with pairs of them: of each row and the next one.
template <typename V, bool kFour, bool kTwo>
DFSWEEP_INLINE void FillFactors(const c10::BFloat16* row, int64_t channels,
                                float sign, int64_t places,
                                c10::BFloat16* result) {
  for (int64_t i = 0; i < places * channels; i += V::kLanes) {
    V::StorePairs(result + 2 * i,
                  Combine<V, kFour, kTwo>(row + i, channels, sign),
                  Combine<V, kFour, kTwo>(row + i + channels, channels, sign));
  }
}

// So many numbers of a channel lie side by side in that, and so many rows of
// `channels` numbers are filled.
template <typename Scalar>
constexpr int64_t kFactorWidth = std::is_same_v<Scalar, float> ? 1 : 2;
template <typename Scalar>
constexpr int64_t FactorRows(int64_t places) {
  return std::is_same_v<Scalar, float> ? places + 1 : 2 * places;
}

// Calls call.operator()<whether the part is the first, whether the sum is the
// shared one>().
template <typename Call>
DFSWEEP_INLINE void ForKindOf(int64_t product, const Call& call) {
  if (product == 0) {
    call.template operator()<true, true>();
  } else if (product / 3 == 0) {
    call.template operator()<true, false>();
  } else if (product % 3 == 0) {
    call.template operator()<false, true>();
  } else {
    call.template operator()<false, false>();
  }
}

// ---- The kernel -------------------------------------------------------------

// A tile, of results or of the gradient of weights, has so many channels in
// vectors.
template <typename V>
constexpr int64_t kTileChannels = 2 * V::kLanes;

// Calls store(product, value) for the kernels of all products for one place,
// made of the places w[0 … 7] of a kernel.
template <typename V, typename Store>
DFSWEEP_INLINE void MakeProductKernels(const Floats<V>* w, int64_t place,
                                       const Store& store) {
  const Floats<V> a = w[place], b = w[place + 2], c = w[place + 4],
                  d = w[place + 6];
  store(0, (a + c) + (b + d));
  store(1, a + c);
  store(2, -(b + d));
  store(3, a + b);
  store(4, a);
  store(5, -b);
  store(6, -(c + d));
  store(7, -c);
  store(8, d);
}

// A kernel, [8, inputs, outputs], whose outputs lie side by side.
struct Kernel {
  const float* values;
  int64_t inputs, outputs;
  int64_t to_next_place, to_next_input;

  // All places, for one vector of outputs.
  template <typename V>
  DFSWEEP_INLINE void Load(int64_t input, int64_t output, Floats<V>* w) const {
    for (int64_t k = 0; k < kKernel; ++k) {
      w[k] =
          V::Load(values + k * to_next_place + input * to_next_input + output);
    }
  }
};

// The kernels of the products for kTileChannels outputs from `first` on:
// `result` is [kProducts, kPlaces, inputs, kTileChannels].
template <typename V>
DFSWEEP_INLINE void FillProductKernels(const Kernel& kernel, int64_t first,
                                       float* result) {
  constexpr int64_t kOutputs = kTileChannels<V>;
  for (int64_t i = 0; i < kernel.inputs; ++i) {
    for (int64_t o = 0; o < kOutputs; o += V::kLanes) {
      Floats<V> w[kKernel];
      kernel.Load<V>(i, first + o, w);
      for (int64_t place = 0; place < kPlaces; ++place) {
        MakeProductKernels<V>(
            w, place, [&](int64_t product, Floats<V> value) DFSWEEP_LOOP {
              const int64_t row =
                  (product * kPlaces + place) * kernel.inputs + i;
              V::Store(result + row * kOutputs + o, value);
            });
      }
    }
  }
}

// `result` is [kProducts, kPlaces, inputs / 2, kTileChannels, 2].
template <typename V>
DFSWEEP_INLINE void FillProductKernels(const Kernel& kernel, int64_t first,
                                       c10::BFloat16* result) {
  constexpr int64_t kOutputs = kTileChannels<V>;
  for (int64_t i = 0; i < kernel.inputs; i += 2) {
    for (int64_t o = 0; o < kOutputs; o += V::kLanes) {
      Floats<V> even[kKernel], odd[kKernel];
      kernel.Load<V>(i, first + o, even);
      kernel.Load<V>(i + 1, first + o, odd);
      for (int64_t place = 0; place < kPlaces; ++place) {
        Floats<V> of_even[kProducts];
        MakeProductKernels<V>(even, place,
                              [&](int64_t product, Floats<V> value)
                                  DFSWEEP_LOOP { of_even[product] = value; });
        MakeProductKernels<V>(
            odd, place, [&](int64_t product, Floats<V> value) DFSWEEP_LOOP {
              const int64_t row =
                  (product * kPlaces + place) * kernel.inputs + i;
              V::StorePairs(result + row * kOutputs + 2 * o, of_even[product],
                            value);
            });
      }
    }
  }
}

// ---- Results ----------------------------------------------------------------

// Two results of each of so many groups are in registers at once.
template <typename V>
constexpr int64_t kTileGroups = V::kLanes == 16 ? 6 : 3;
template <typename V>
struct Tile {
  Floats<V> values[2 * kTileGroups<V>][2];
};

// Adds a product to a tile. `differences` are those of the first group, from
// the product's first on; `kernel` is [kPlaces, inputs, kTileChannels].
template <typename V, int64_t kInputs>
DFSWEEP_INLINE void AddProduct(const float* differences, const float* kernel,
                               Tile<V>& tile) {
  for (int64_t place = 0; place < kPlaces; ++place) {
    for (int64_t i = 0; i < kInputs; ++i) {
      const Floats<V> left = V::Load(kernel);
      const Floats<V> right = V::Load(kernel + V::kLanes);
      kernel += kTileChannels<V>;
#pragma GCC unroll 12
      for (int64_t row = 0; row < 2 * kTileGroups<V>; ++row) {
        const float x =
            differences[(row / 2 * kDifferences + row % 2) * kInputs];
        tile.values[row][0] += left * x;
        tile.values[row][1] += right * x;
      }
      ++differences;
    }
  }
}

// As many differences and kernels, in pairs of inputs.
template <typename V, int64_t kInputs>
DFSWEEP_INLINE void AddProduct(const c10::BFloat16* differences,
                               const c10::BFloat16* kernel, Tile<V>& tile) {
  // Else GCC 12 keeps the tile in memory, for the sake of copies of it.
  Tile<V>* home = &tile;
  asm("" : "+r"(home) : : "memory");
  Tile<V> sums = *home;
  for (int64_t place = 0; place < kPlaces; ++place) {
    for (int64_t i = 0; i < kInputs; i += 2) {
      const auto left = V::LoadPairs(kernel);
      const auto right = V::LoadPairs(kernel + 2 * V::kLanes);
      kernel += 2 * kTileChannels<V>;
#pragma GCC unroll 12
      for (int64_t row = 0; row < 2 * kTileGroups<V>; ++row) {
        const auto x = V::BroadcastPair(
            differences + (row / 2 * kDifferences + row % 2) * kInputs);
        sums.values[row][0] = V::AddPairs(sums.values[row][0], left, x);
        sums.values[row][1] = V::AddPairs(sums.values[row][1], right, x);
      }
      differences += 2;
    }
  }
  *home = sums;
}

// Where the results of a group go.
template <typename Scalar>
struct GroupTarget {
  Scalar* first = nullptr;  // [outputs]
  int64_t rows = 0;         // that there are; at most kGroup
};

// Stores a tile as the results from `first` on, and the one after it.
template <typename V, typename Scalar>
DFSWEEP_INLINE void StoreTile(const Tile<V>& tile,
                              const GroupTarget<Scalar>* targets,
                              int64_t outputs, int64_t output, int64_t first) {
  for (int64_t row = 0; row < 2 * kTileGroups<V>; ++row) {
    const GroupTarget<Scalar>& target = targets[row / 2];
    const int64_t result = first + row % 2;
    if (result >= target.rows) continue;
    Scalar* to = target.first + result * outputs + output;
    V::Store(to, tile.values[row][0]);
    V::Store(to + V::kLanes, tile.values[row][1]);
  }
}

template <typename V>
DFSWEEP_INLINE Tile<V> Sum(const Tile<V>& a, const Tile<V>& b) {
  Tile<V> sum;
#pragma GCC unroll 12
  for (int64_t row = 0; row < 2 * kTileGroups<V>; ++row) {
    sum.values[row][0] = a.values[row][0] + b.values[row][0];
    sum.values[row][1] = a.values[row][1] + b.values[row][1];
  }
  return sum;
}

// The results of some groups for kTileChannels outputs from `output` on.
// `differences` is [kTileGroups, kDifferences, kInputs], `kernels` as
// FillProductKernels makes them, `bias` is [outputs].
template <typename V, int64_t kInputs, typename Scalar>
DFSWEEP_INLINE void ConvolveTile(const Scalar* differences,
                                 const Scalar* kernels, const float* bias,
                                 const GroupTarget<Scalar>* targets,
                                 int64_t outputs, int64_t output) {
  auto add = [&](int64_t product, Tile<V>& tile) DFSWEEP_LOOP {
    AddProduct<V, kInputs>(
        differences + kFirstDifference[product] * kInputs,
        kernels + product * kPlaces * kInputs * kTileChannels<V>, tile);
  };
  Tile<V> shared;
  for (auto& row : shared.values) {
    row[0] = V::Load(bias + output);
    row[1] = V::Load(bias + output + V::kLanes);
  }
  add(0, shared);
  Tile<V> early = shared, late = shared;
  add(1, early);
  add(2, late);
  for (int64_t part = 1; part < 3; ++part) {
    Tile<V> middle = {};
    add(3 * part, middle);
    const int64_t first = 4 * (part - 1);
    Tile<V> tile = Sum<V>(middle, early);
    add(3 * part + 1, tile);
    StoreTile<V>(tile, targets, outputs, output, first);
    tile = Sum<V>(middle, late);
    add(3 * part + 2, tile);
    StoreTile<V>(tile, targets, outputs, output, first + 2);
  }
}

// ---- The gradient of weights ------------------------------------------------

// A tile of it has at most so many outputs, and kTileChannels inputs.
template <typename V>
constexpr int64_t kWeightTileOutputs = V::kLanes == 16 ? 8 : 6;

template <typename V, int64_t kWidth>
DFSWEEP_INLINE void AddToSums(const Floats<V> (&tile)[kWidth][2],
                              int64_t inputs, float* sums) {
#pragma GCC unroll 8
  for (int64_t o = 0; o < kWidth; ++o) {
    float* sum = sums + o * inputs;
    V::Store(sum, V::Load(sum) + tile[o][0]);
    V::Store(sum + V::kLanes, V::Load(sum + V::kLanes) + tile[o][1]);
  }
}

// Adds to `sums`, [outputs, inputs], the tile of kWidth outputs that `groups`
// groups give it: two rows each of what FillFactors made of the gradient, and
// of x, from the product's place on.
template <typename V, int64_t kWidth>
DFSWEEP_INLINE void AddWeightTile(const float* gradients, int64_t outputs,
                                  const float* differences, int64_t inputs,
                                  int64_t groups, float* sums) {
  Floats<V> tile[kWidth][2] = {};
  for (int64_t group = 0; group < groups; ++group) {
    for (int64_t row = 0; row < 2; ++row) {
      const float* gradient = gradients + row * outputs;
      const float* x = differences + row * inputs;
      const Floats<V> left = V::Load(x), right = V::Load(x + V::kLanes);
#pragma GCC unroll 8
      for (int64_t o = 0; o < kWidth; ++o) {
        tile[o][0] += left * gradient[o];
        tile[o][1] += right * gradient[o];
      }
    }
    gradients += FactorRows<float>(1) * outputs;
    differences += FactorRows<float>(kPlaces) * inputs;
  }
  AddToSums<V>(tile, inputs, sums);
}

template <typename V, int64_t kWidth>
DFSWEEP_INLINE void AddWeightTile(const c10::BFloat16* gradients,
                                  int64_t outputs,
                                  const c10::BFloat16* differences,
                                  int64_t inputs, int64_t groups, float* sums) {
  Floats<V> tile[kWidth][2] = {};
  for (int64_t group = 0; group < groups; ++group) {
    const auto left = V::LoadPairs(differences);
    const auto right = V::LoadPairs(differences + 2 * V::kLanes);
#pragma GCC unroll 8
    for (int64_t o = 0; o < kWidth; ++o) {
      const auto gradient = V::BroadcastPair(gradients + 2 * o);
      tile[o][0] = V::AddPairs(tile[o][0], left, gradient);
      tile[o][1] = V::AddPairs(tile[o][1], right, gradient);
    }
    gradients += FactorRows<c10::BFloat16>(1) * outputs;
    differences += FactorRows<c10::BFloat16>(kPlaces) * inputs;
  }
  AddToSums<V>(tile, inputs, sums);
}

// All outputs of one place of one product, for kTileChannels inputs.
template <typename V, typename Scalar>
DFSWEEP_INLINE void AddWeightTiles(const Scalar* gradients, int64_t outputs,
                                   const Scalar* differences, int64_t inputs,
                                   int64_t groups, float* sums) {
  auto add = [&]<int64_t kWidth>(int64_t o) DFSWEEP_LOOP {
    AddWeightTile<V, kWidth>(gradients + o * kFactorWidth<Scalar>, outputs,
                             differences, inputs, groups, sums + o * inputs);
  };
  constexpr int64_t kMost = kWeightTileOutputs<V>;
  int64_t o = 0;
  for (; o + kMost <= outputs; o += kMost) add.template operator()<kMost>(o);
  if (outputs - o == 4) add.template operator()<4>(o);
  if (outputs - o == 2) add.template operator()<2>(o);
}

}  // namespace dfsweep::model

#endif  // DFSWEEP_MODEL_NET_CONVOLUTION_LOOPS_H_
