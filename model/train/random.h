// Counter-based random streams. Every random choice of a trial is a pure
// function of (seed, purpose, task, epoch, step), never of what was drawn
// before, so a stage's result depends only on its own prefix, and a side pass
// (Fisher information, evaluation) can't disturb training.
#ifndef DFSWEEP_MODEL_TRAIN_RANDOM_H_
#define DFSWEEP_MODEL_TRAIN_RANDOM_H_

#include <array>
#include <cstdint>
#include <vector>

namespace dfsweep::model {

using PhiloxBlock = std::array<uint32_t, 4>;

// Philox 4x32-10 (Salmon et al., SC 2011). dropout.cc has it for sixteen blocks
// at once.
inline PhiloxBlock Philox4x32(PhiloxBlock counter,
                              std::array<uint32_t, 2> key) {
  for (int round = 0; round < 10; ++round) {
    uint64_t first = uint64_t{0xD2511F53} * counter[0];
    uint64_t second = uint64_t{0xCD9E8D57} * counter[2];
    counter = {static_cast<uint32_t>(second >> 32) ^ counter[1] ^ key[0],
               static_cast<uint32_t>(second),
               static_cast<uint32_t>(first >> 32) ^ counter[3] ^ key[1],
               static_cast<uint32_t>(first)};
    key[0] += 0x9E3779B9;
    key[1] += 0xBB67AE85;
  }
  return counter;
}

// What a stream is for. The numbers are part of every result: never change
// one, never use one twice.
enum class Purpose : uint32_t {
  kSplit = 1,
  kTrainSubset = 2,
  kInitialWeights = 3,
  kShuffle = 4,
  kDropout = 5,
  kFisherSubset = 6,
  kFisherLabels = 7,
  kClassOrder = 8,
  kReplay = 9,
  kBufferFill = 10,
};

// An endless sequence of random numbers. Copyable; not thread-safe, except
// Block().
class Stream {
 public:
  Stream(uint64_t seed, Purpose purpose, uint32_t task = 0, uint32_t epoch = 0,
         uint32_t step = 0);

  // The `index`-th four numbers of the sequence, independent of the position.
  PhiloxBlock Block(uint64_t index) const {
    return Philox4x32(Counter(index), key_);
  }
  // What Block computes it from.
  PhiloxBlock Counter(uint64_t index) const {
    return {static_cast<uint32_t>(index), static_cast<uint32_t>(index >> 32),
            high_[0], high_[1]};
  }
  const std::array<uint32_t, 2>& key() const { return key_; }

  uint32_t Next();
  uint64_t Next64();
  // Uniform in [0, 1), 53 bits.
  double Uniform();
  // Uniform in {0, …, n − 1}, without bias; n > 0.
  uint64_t Below(uint64_t n);
  // Fisher-Yates.
  void Shuffle(std::vector<int64_t>& values);

 private:
  std::array<uint32_t, 2> key_;
  std::array<uint32_t, 2> high_;  // the counter's upper half
  uint64_t position_ = 0;         // in numbers, not blocks
  PhiloxBlock block_{};
};

}  // namespace dfsweep::model

#endif  // DFSWEEP_MODEL_TRAIN_RANDOM_H_
