#include "model/net/dropout.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <utility>

#include "model/net/gpu/gpu.h"
#include "model/net/parallel.h"
#include "model/net/vectors.h"

namespace dfsweep::model {
namespace {

// ---- Philox of as many blocks as a vector has lanes
// --------------------------

// counter[i] and the result's [i] are the i-th numbers of the blocks.
template <typename V>
struct Blocks {
  typename V::Words n[4];
};

template <typename V>
struct Product {
  typename V::Words high, low;
  DFSWEEP_INLINE Product(uint32_t factor, typename V::Words other) {
    const typename V::LongWords product =
        __builtin_convertvector(other, typename V::LongWords) *
        uint64_t{factor};
    high = __builtin_convertvector(product >> 32, typename V::Words);
    low = __builtin_convertvector(product, typename V::Words);
  }
};

// As Philox4x32.
template <typename V>
DFSWEEP_INLINE Blocks<V> Encrypt(Blocks<V> counter,
                                 std::array<uint32_t, 2> key) {
  for (int round = 0; round < 10; ++round) {
    const Product<V> first(0xD2511F53, counter.n[0]);
    const Product<V> second(0xCD9E8D57, counter.n[2]);
    counter = {{second.high ^ counter.n[1] ^ key[0], second.low,
                first.high ^ counter.n[3] ^ key[1], first.low}};
    key[0] += 0x9E3779B9;
    key[1] += 0xBB67AE85;
  }
  return counter;
}

template <typename V>
DFSWEEP_INLINE Blocks<V> Counters(const Stream& stream, uint64_t first) {
  using Words = typename V::Words;
  const PhiloxBlock start = stream.Counter(first);
  Words lane{};
  for (uint32_t i = 0; i < V::kLanes; ++i) lane[i] = i;
  const Words low = lane + start[0];
  const Words carry = reinterpret_cast<Words>(low < lane) & 1;
  return {{low, carry + start[1], Words{} + start[2], Words{} + start[3]}};
}

// What a number of the stream makes of a value.
struct Choice {
  uint32_t threshold;
  float kept;

  template <typename V>
  DFSWEEP_INLINE Floats<V> Of(typename V::Words numbers) const {
    return numbers >= threshold ? V::Broadcast(kept) : Floats<V>{};
  }
};

// Whole groups of blocks, one a lane: 4 values each.
template <typename V>
DFSWEEP_INLINE void FillGroups(const Stream& stream, uint64_t first_block,
                               int64_t groups, const Choice& choice,
                               float* values) {
  for (int64_t group = 0; group < groups; ++group) {
    const Blocks<V> blocks = Encrypt<V>(
        Counters<V>(stream, first_block + group * V::kLanes), stream.key());
    for (int number = 0; number < 4; ++number) {
      const auto chosen = choice.template Of<V>(blocks.n[number]);
      for (int64_t block = 0; block < V::kLanes; ++block) {
        values[4 * block + number] = chosen[block];
      }
    }
    values += 4 * V::kLanes;
  }
}

}  // namespace

DropoutMask::DropoutMask(const Stream& stream, uint64_t first_block,
                         double rate, torch::Tensor stream_on_device)
    : stream_(stream),
      first_block_(first_block),
      threshold_(static_cast<uint32_t>(std::lround(rate * 0x1p31)) * 2),
      kept_(static_cast<float>(1 / (1 - rate))),
      stream_on_device_(std::move(stream_on_device)) {}

void DropoutMask::Fill(int64_t first, int64_t count, float* values) const {
  if (threshold_ == 0) {
    std::fill_n(values, count, kept_);
    return;
  }
  const uint64_t block = first_block_ + first / 4;
  int64_t filled = 0;
  Vectorized([&](auto vectors) DFSWEEP_LOOP {
    using V = decltype(vectors);
    const int64_t groups = count / (4 * V::kLanes);
    FillGroups<V>(stream_, block, groups, {threshold_, kept_}, values);
    filled = groups * 4 * V::kLanes;
  });
  for (int64_t i = filled; i < count; ++i) {
    const bool keep = stream_.Block(block + i / 4)[i % 4] >= threshold_;
    values[i] = keep ? kept_ : 0;
  }
}

torch::Tensor WordsOf(const Stream& stream) {
  const PhiloxBlock counter = stream.Counter(0);
  const auto& key = stream.key();
  const torch::Tensor words = at::empty({4}, at::kInt);
  auto* values = reinterpret_cast<uint32_t*>(words.mutable_data_ptr());
  std::copy_n(counter.begin() + 2, 2, values);
  std::copy_n(key.begin(), 2, values + 2);
  return words;
}

DropoutMasks::DropoutMasks(const Stream& stream, c10::Device device)
    : stream_(stream) {
  if (!device.is_cpu()) stream_on_device_ = WordsOf(stream).to(device);
}

DropoutMasks::DropoutMasks(torch::Tensor stream_on_device)
    : stream_(0, Purpose::kDropout),
      stream_on_device_(std::move(stream_on_device)) {}

DropoutMask DropoutMasks::Next(int64_t size, double rate) {
  const uint64_t first = next_block_;
  if (rate != 0) next_block_ += (static_cast<uint64_t>(size) + 3) / 4;
  return DropoutMask(stream_, first, rate, stream_on_device_);
}

torch::Tensor DropoutMasks::Mask(const torch::Tensor& x, double rate) {
  // empty_like keeps the strides, so memory order is the same for x and mask.
  torch::Tensor mask = at::empty_like(x, x.options().requires_grad(false));
  const DropoutMask next = Next(mask.numel(), rate);
  torch::Tensor values =
      at::empty({mask.numel()}, mask.options().dtype(at::kFloat));
  if (x.is_cuda()) {
    gpu::FillMask(next, values);
  } else {
    auto* all = values.mutable_data_ptr<float>();
    ParallelFor((mask.numel() + 3) / 4, [&](int64_t begin, int64_t end) {
      const int64_t first = 4 * begin;
      next.Fill(first, std::min(4 * end, mask.numel()) - first, all + first);
    });
  }
  return mask.copy_(values.as_strided(mask.sizes(), mask.strides()));
}

torch::Tensor DropoutMasks::Apply(const torch::Tensor& x, double rate) {
  return rate == 0 ? x : x * Mask(x, rate);
}

}  // namespace dfsweep::model
