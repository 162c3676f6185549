// Batch normalisation with what follows it, forward and backward.
// Part of kernels.cu, which includes it once.

constexpr Byte kDropped = 255;  // in place of a maximum's place in its window

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
    Store(RowAt(y, row, channels, part), values);
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
    Scalar* result = RowAt(y, row, channels, part);
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
    Store(RowAt(result, row, input.channels, part), gradients);
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
