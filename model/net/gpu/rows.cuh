// Values, the rows and channels that are a thread's, and sums of them.
// Part of kernels.cu, which includes it once.

#if SCALAR_IS_BFLOAT16
using Scalar = unsigned short;
#else
using Scalar = float;
#endif
constexpr Word kWidth = Width(SCALAR_IS_BFLOAT16);

// ---- Values -----------------------------------------------------------------

struct Values {
  float at[kWidth];
};

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

Values Load(const Scalar* values) {
  return Unpack(*reinterpret_cast<const uint4*>(values));
}

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

// A tensor of rows that a thread reads.
struct Input {
  const Scalar* values;
  Layout layout;
  Word channels;

  const Scalar* At(const Part& part, const Cell& at) const {
    return values + RowOf(layout, at) * channels + part.first_channel;
  }
};

// What a thread writes of the row that is number `row` in memory.
Scalar* RowAt(Scalar* values, Word row, Word channels, const Part& part) {
  return values + static_cast<Offset>(row) * channels + part.first_channel;
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
