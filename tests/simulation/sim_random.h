#ifndef DFSWEEP_TESTS_SIMULATION_SIM_RANDOM_H_
#define DFSWEEP_TESTS_SIMULATION_SIM_RANDOM_H_

#include <cstdint>
#include <random>

#include "absl/time/time.h"

namespace dfsweep::simulation {

// The only source of chance in a history; the same seed gives the same history
// with every standard library (no std::*_distribution).
class SimRandom {
 public:
  explicit SimRandom(uint64_t seed) : engine_(seed) {}

  // 0 … n-1; n > 0.
  int Below(int n) { return static_cast<int>(engine_() % n); }
  bool Chance(double probability) {
    return static_cast<double>(engine_() >> 11) * 0x1.0p-53 < probability;
  }
  absl::Duration Between(absl::Duration low, absl::Duration high) {
    const int64_t span = absl::ToInt64Microseconds(high - low) + 1;
    return low +
           absl::Microseconds(static_cast<int64_t>(engine_() % uint64_t(span)));
  }

 private:
  std::mt19937_64 engine_;
};

}  // namespace dfsweep::simulation

#endif  // DFSWEEP_TESTS_SIMULATION_SIM_RANDOM_H_
