// Loops over channels that lie side by side in memory, sixteen at a time, with
// the compiler's vectors:
//   Vectorized([&]() DFSWEEP_LOOP { … Store(y, Load(x) * 2.0f); … });
// The compiler makes a version of the loop for each width of vectors that
// machines have; the machine's is chosen when the program starts.
#ifndef DFSWEEP_MODEL_NET_VECTORS_H_
#define DFSWEEP_MODEL_NET_VECTORS_H_

#include <c10/util/BFloat16.h>

#include <cstdint>
#include <cstring>

#if defined(__x86_64__) && defined(__GNUC__) && !defined(__clang__)
#define DFSWEEP_VECTORIZED \
  __attribute__((target_clones("arch=x86-64-v4", "arch=x86-64-v3", "default")))
#else
#define DFSWEEP_VECTORIZED
#endif
#define DFSWEEP_LOOP __attribute__((always_inline))
#define DFSWEEP_INLINE [[gnu::always_inline]] inline

// How vectors wider than the machine's would be passed to functions; none is.
#pragma GCC diagnostic ignored "-Wpsabi"

namespace dfsweep::model {

// Calls `loop`, which is inlined, with all that it calls of this file.
template <typename Loop>
DFSWEEP_VECTORIZED void Vectorized(const Loop& loop) {
  loop();
}

// GCC 12 makes sixteen branches of a condition that combines comparisons, or
// whose two choices it can merge with another's; and sixteen loads of a step
// from bytes to integers. Loops are written around that.
constexpr int64_t kVectorWidth = 16;
using Floats = float __attribute__((vector_size(64)));
using Integers = int32_t __attribute__((vector_size(64)));
using Words = uint32_t __attribute__((vector_size(64)));
using HalfWords = uint16_t __attribute__((vector_size(32)));
using Bytes = uint8_t __attribute__((vector_size(16)));

DFSWEEP_INLINE Floats Broadcast(float value) { return Floats{} + value; }

DFSWEEP_INLINE Floats Load(const float* values) {
  Floats loaded;
  std::memcpy(&loaded, values, sizeof(loaded));
  return loaded;
}

DFSWEEP_INLINE Floats Load(const c10::BFloat16* values) {
  HalfWords loaded;
  std::memcpy(&loaded, values, sizeof(loaded));
  return reinterpret_cast<Floats>(__builtin_convertvector(loaded, Words) << 16);
}

DFSWEEP_INLINE Integers Load(const uint8_t* values) {
  Bytes loaded;
  std::memcpy(&loaded, values, sizeof(loaded));
  return __builtin_convertvector(__builtin_convertvector(loaded, HalfWords),
                                 Integers);
}

DFSWEEP_INLINE void Store(float* target, Floats values) {
  std::memcpy(target, &values, sizeof(values));
}

// To the nearest, ties to even; a NaN stays one.
DFSWEEP_INLINE void Store(c10::BFloat16* target, Floats values) {
  const auto bits = reinterpret_cast<Words>(values);
  const Words rounded = (bits + 0x7FFF + ((bits >> 16) & 1)) >> 16;
  const Words right = values != values ? Words{} + 0x7FC0 : rounded;
  const HalfWords halves = __builtin_convertvector(right, HalfWords);
  std::memcpy(target, &halves, sizeof(halves));
}

DFSWEEP_INLINE void Store(uint8_t* target, Integers values) {
  const Bytes bytes = __builtin_convertvector(values, Bytes);
  std::memcpy(target, &bytes, sizeof(bytes));
}

// eˣ − 1 for x ≤ 0, to two units in the last place: the polynomial of Cephes's
// expf, whose 1 is added to the power of two and not to the fraction.
DFSWEEP_INLINE Floats ExpMinusOne(Floats x) {
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
  const Integers exponent =
      reinterpret_cast<Integers>(shifted) - reinterpret_cast<Integers>(kRound);
  const auto power = reinterpret_cast<Floats>((exponent + 127) << 23);
  return p * power + (power - 1.0f);
}

}  // namespace dfsweep::model

#endif  // DFSWEEP_MODEL_NET_VECTORS_H_
