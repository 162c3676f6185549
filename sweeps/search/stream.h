// Random numbers that are named, so that each can be drawn again.
#ifndef DFSWEEP_SWEEPS_SEARCH_STREAM_H_
#define DFSWEEP_SWEEPS_SEARCH_STREAM_H_

#include <cstddef>
#include <cstdint>
#include <string_view>
#include <vector>

namespace dfsweep::sweeps {

// The same name gives the same numbers in every process; different names give
// independent ones. SplitMix64 (Steele, Lea, Flood 2014, "Fast splittable
// pseudorandom number generators"), keyed by the SHA-256 of the name. Not
// thread-safe.
class Stream {
 public:
  explicit Stream(std::string_view name);

  // Uniform in [0, 1), a multiple of 2^-53.
  double Uniform();
  // Standard normal (Box and Muller 1958).
  double Normal();
  // An index, with probability proportional to its weight. Weights are not
  // negative, and their sum is above 0.
  size_t Index(const std::vector<double>& weights);

 private:
  uint64_t Bits();

  uint64_t state_;
};

}  // namespace dfsweep::sweeps

#endif  // DFSWEEP_SWEEPS_SEARCH_STREAM_H_
