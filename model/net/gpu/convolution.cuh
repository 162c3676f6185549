// Convolutions: of traces, and those in float32.
// Part of kernels.cu, which includes it once.

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
    Store(RowAt(y, row, channels, part), sum);
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
