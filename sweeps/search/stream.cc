#include "sweeps/search/stream.h"

#include <cmath>
#include <numbers>
#include <numeric>
#include <string>

#include "base/digest.h"

namespace dfsweep::sweeps {

Stream::Stream(std::string_view name)
    : state_(std::stoull(Sha256Hex(name).substr(0, 16), nullptr, 16)) {}

uint64_t Stream::Bits() {
  state_ += 0x9E3779B97F4A7C15;
  uint64_t bits = state_;
  bits = (bits ^ (bits >> 30)) * 0xBF58476D1CE4E5B9;
  bits = (bits ^ (bits >> 27)) * 0x94D049BB133111EB;
  return bits ^ (bits >> 31);
}

double Stream::Uniform() { return static_cast<double>(Bits() >> 11) * 0x1p-53; }

double Stream::Normal() {
  const double radius = std::sqrt(-2 * std::log(1 - Uniform()));
  return radius * std::cos(2 * std::numbers::pi * Uniform());
}

size_t Stream::Index(const std::vector<double>& weights) {
  double left =
      Uniform() * std::accumulate(weights.begin(), weights.end(), 0.0);
  for (size_t i = 0; i + 1 < weights.size(); ++i) {
    left -= weights[i];
    if (left < 0) return i;
  }
  return weights.size() - 1;
}

}  // namespace dfsweep::sweeps
