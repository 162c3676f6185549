// Loops over channels that lie side by side in memory, with the compiler's
// vectors:
//   Vectorized([&](auto vectors) DFSWEEP_LOOP {
//     using V = decltype(vectors);
//     for (…; i += V::kLanes) V::Store(y + i, V::Load(x + i) * 2.0f);
//   });
// The compiler makes a version of the loop for each width of vectors that
// machines have. The machine's is chosen at run time, by LibTorch's choice of
// its own kernels, so that its environment variable ATEN_CPU_CAPABILITY
// (default, avx2) holds for both. Numbers of channels are multiples of 16.
#ifndef DFSWEEP_MODEL_NET_VECTORS_H_
#define DFSWEEP_MODEL_NET_VECTORS_H_

#include <c10/util/BFloat16.h>

#include <cstdint>
#include <cstring>

#if defined(__x86_64__) && defined(__GNUC__) && !defined(__clang__)
// What LibTorch's kernels of the same names are compiled for.
#define DFSWEEP_AVX512 \
  __attribute__((target("avx512f,avx512bw,avx512dq,avx512vl,avx2,fma,f16c")))
#define DFSWEEP_AVX512_BF16 \
  __attribute__((           \
      target("avx512f,avx512bw,avx512dq,avx512vl,avx512bf16,avx2,fma,f16c")))
#define DFSWEEP_AVX2 __attribute__((target("avx2,fma,f16c")))
#define DFSWEEP_CPU_HAS(feature) __builtin_cpu_supports(feature)
#else
#define DFSWEEP_AVX512
#define DFSWEEP_AVX2
#define DFSWEEP_CPU_HAS(feature) false
#endif
#define DFSWEEP_LOOP __attribute__((always_inline))
#define DFSWEEP_INLINE [[gnu::always_inline]] inline

// How vectors wider than the machine's would be passed to functions; none is.
#pragma GCC diagnostic ignored "-Wpsabi"

namespace dfsweep::model {

// GCC 12 knows a vector of unknown size by a typedef in a template of its own.
template <typename Value, int kBytes>
struct VectorOf {
  typedef Value Type __attribute__((vector_size(kBytes)));
};

// GCC 12 makes a branch for each lane of a condition that combines comparisons,
// or whose two choices it can merge with another's, of any comparison between
// vectors that are wider than the machine's; and a load for each lane of a step
// from bytes to integers. Loops are written around that.
template <int kBytes>
struct Vectors {
  static constexpr int64_t kLanes = kBytes / 4;
  using Floats = typename VectorOf<float, kBytes>::Type;
  using Integers = typename VectorOf<int32_t, kBytes>::Type;
  using Words = typename VectorOf<uint32_t, kBytes>::Type;
  using LongWords = typename VectorOf<uint64_t, 2 * kBytes>::Type;
  using HalfWords = typename VectorOf<uint16_t, kBytes / 2>::Type;
  using Bytes = typename VectorOf<uint8_t, kBytes / 4>::Type;

  DFSWEEP_INLINE static Floats Broadcast(float value) {
    return Floats{} + value;
  }

  DFSWEEP_INLINE static Floats Load(const float* values) {
    Floats loaded;
    std::memcpy(&loaded, values, sizeof(loaded));
    return loaded;
  }

  DFSWEEP_INLINE static Floats Load(const c10::BFloat16* values) {
    HalfWords loaded;
    std::memcpy(&loaded, values, sizeof(loaded));
    return reinterpret_cast<Floats>(__builtin_convertvector(loaded, Words)
                                    << 16);
  }

  DFSWEEP_INLINE static Integers Load(const uint8_t* values) {
    Bytes loaded;
    std::memcpy(&loaded, values, sizeof(loaded));
    return __builtin_convertvector(__builtin_convertvector(loaded, HalfWords),
                                   Integers);
  }

  DFSWEEP_INLINE static void Store(float* target, Floats values) {
    std::memcpy(target, &values, sizeof(values));
  }

  // To bfloat16, the nearest, ties to even; in the upper halves. A NaN stays
  // one.
  DFSWEEP_INLINE static Words Rounded(Floats values) {
    const auto bits = reinterpret_cast<Words>(values);
    const Words rounded = bits + 0x7FFF + ((bits >> 16) & 1);
    return values != values ? Words{} + 0x7FC00000 : rounded;
  }

  DFSWEEP_INLINE static void Store(c10::BFloat16* target, Floats values) {
    const HalfWords halves =
        __builtin_convertvector(Rounded(values) >> 16, HalfWords);
    std::memcpy(target, &halves, sizeof(halves));
  }

  // Pairs of numbers, those of `first` in the lower halves.
  DFSWEEP_INLINE static void StorePairs(c10::BFloat16* target, Floats first,
                                        Floats second) {
    const Words pairs = (Rounded(first) >> 16) | (Rounded(second) & 0xFFFF0000);
    std::memcpy(target, &pairs, sizeof(pairs));
  }

  DFSWEEP_INLINE static Words LoadPairs(const c10::BFloat16* values) {
    Words loaded;
    std::memcpy(&loaded, values, sizeof(loaded));
    return loaded;
  }

  DFSWEEP_INLINE static Words BroadcastPair(const c10::BFloat16* values) {
    uint32_t pair;
    std::memcpy(&pair, values, sizeof(pair));
    return Words{} + pair;
  }

  // `sum` plus the products of the first and of the second of each pair.
  DFSWEEP_INLINE static Floats AddPairs(Floats sum, Words a, Words b) {
    auto first = [](Words x) { return reinterpret_cast<Floats>(x << 16); };
    auto second = [](Words x) {
      return reinterpret_cast<Floats>(x & 0xFFFF0000);
    };
    return sum + first(a) * first(b) + second(a) * second(b);
  }

  DFSWEEP_INLINE static void Store(uint8_t* target, Integers values) {
    const Bytes bytes = __builtin_convertvector(values, Bytes);
    std::memcpy(target, &bytes, sizeof(bytes));
  }

  // eˣ − 1 for x ≤ 0, to two units in the last place: the polynomial of
  // Cephes's expf, whose 1 is added to the power of two and not to the
  // fraction.
  DFSWEEP_INLINE static Floats ExpMinusOne(Floats x) {
    const Floats kRound = Broadcast(0x1.8p23f);  // adding it rounds to a whole
    x = x < -87.0f ? Broadcast(-87.0f) : x;
    const Floats shifted = x * 1.44269504088896341f + kRound;
    const Floats whole = shifted - kRound;
    const Floats r = (x - whole * 0.693359375f) + whole * 2.12194440e-4f;
    Floats p = r * 1.9875691500e-4f + 1.3981999507e-3f;
    p = p * r + 8.3334519073e-3f;
    p = p * r + 4.1665795894e-2f;
    p = p * r + 1.6666665459e-1f;
    p = p * r + 5.0000001201e-1f;
    p = p * r * r + r;
    const Integers exponent = reinterpret_cast<Integers>(shifted) -
                              reinterpret_cast<Integers>(kRound);
    const auto power = reinterpret_cast<Floats>((exponent + 127) << 23);
    return p * power + (power - 1.0f);
  }
};

template <typename V>
using Floats = typename V::Floats;
template <typename V>
using Integers = typename V::Integers;

enum class InstructionSet { kDefault, kAvx2, kAvx512, kAvx512Bf16 };

// This machine's, or what ATEN_CPU_CAPABILITY holds LibTorch to.
InstructionSet UsedInstructionSet();
// Whether LibTorch can multiply matrices of bfloat16 by AMX.
bool HasAmx();

template <typename Loop>
DFSWEEP_AVX512 void RunWithAvx512(const Loop& loop) {
  loop(Vectors<64>());
}

template <typename Loop>
DFSWEEP_AVX2 void RunWithAvx2(const Loop& loop) {
  loop(Vectors<32>());
}

#if defined(DFSWEEP_AVX512_BF16)
// With AVX-512's instructions for bfloat16, by their names: the types of GCC's
// functions for them differ from 12 to 13, and GCC 12 makes several of the
// first and the third one here. They round as the others, but take subnormal
// numbers for 0.
struct Bf16Vectors : Vectors<64> {
  using Vectors<64>::Load;
  using Vectors<64>::Store;
  DFSWEEP_INLINE static Floats Load(const c10::BFloat16* values) {
    Words words;
    asm("vpmovzxwd %1, %0"
        : "=v"(words)
        : "m"(*reinterpret_cast<const char(*)[32]>(values)));
    return reinterpret_cast<Floats>(words << 16);
  }
  DFSWEEP_INLINE static void Store(c10::BFloat16* target, Floats values) {
    HalfWords halves;
    asm("vcvtneps2bf16 %1, %0" : "=v"(halves) : "v"(values));
    std::memcpy(target, &halves, sizeof(halves));
  }
  DFSWEEP_INLINE static Words BroadcastPair(const c10::BFloat16* values) {
    Words pairs;
    asm("vpbroadcastd %1, %0"
        : "=v"(pairs)
        : "m"(*reinterpret_cast<const char(*)[4]>(values)));
    return pairs;
  }
  DFSWEEP_INLINE static Floats AddPairs(Floats sum, Words a, Words b) {
    Floats result;
    asm("vdpbf16ps %3, %2, %0" : "=v"(result) : "0"(sum), "v"(a), "v"(b));
    return result;
  }
};
template <typename Loop>
DFSWEEP_AVX512_BF16 void RunWithAvx512Bf16(const Loop& loop) {
  loop(Bf16Vectors());
}
#else
template <typename Loop>
void RunWithAvx512Bf16(const Loop& loop) {
  RunWithAvx512(loop);
}
#endif

// Calls `loop`, which is inlined, with the machine's Vectors.
template <typename Loop>
void Vectorized(const Loop& loop) {
  switch (UsedInstructionSet()) {
    case InstructionSet::kAvx512Bf16:
      return RunWithAvx512Bf16(loop);
    case InstructionSet::kAvx512:
      return RunWithAvx512(loop);
    case InstructionSet::kAvx2:
      return RunWithAvx2(loop);
    case InstructionSet::kDefault:
      return loop(Vectors<16>());
  }
}

}  // namespace dfsweep::model

#endif  // DFSWEEP_MODEL_NET_VECTORS_H_
