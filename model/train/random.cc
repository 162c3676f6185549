#include "model/train/random.h"

#include <utility>

namespace dfsweep::model {

// The coordinates don't fit beside the position into one counter, so a first
// block, addressed by them, gives the stream's own key and counter half.
Stream::Stream(uint64_t seed, Purpose purpose, uint32_t task, uint32_t epoch,
               uint32_t step) {
  PhiloxBlock block = Philox4x32(
      {static_cast<uint32_t>(purpose), task, epoch, step},
      {static_cast<uint32_t>(seed), static_cast<uint32_t>(seed >> 32)});
  key_ = {block[0], block[1]};
  high_ = {block[2], block[3]};
}

uint32_t Stream::Next() {
  if (position_ % 4 == 0) block_ = Block(position_ / 4);
  return block_[position_++ % 4];
}

uint64_t Stream::Next64() {
  uint64_t low = Next();
  return low | uint64_t{Next()} << 32;
}

double Stream::Uniform() {
  return static_cast<double>(Next64() >> 11) * 0x1p-53;
}

uint64_t Stream::Below(uint64_t n) {
  // Numbers below 2^64 mod n are drawn again, so each remainder is equally
  // likely.
  uint64_t reject = (0 - n) % n;
  uint64_t value = Next64();
  while (value < reject) value = Next64();
  return value % n;
}

void Stream::Shuffle(std::vector<int64_t>& values) {
  for (size_t i = values.size(); i > 1; --i) {
    std::swap(values[i - 1], values[Below(i)]);
  }
}

}  // namespace dfsweep::model
