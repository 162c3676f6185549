#include "model/data/representation.h"

#include <algorithm>

namespace dfsweep::data {
namespace {

// Cells before the padding.
size_t TraceLength(std::span<const int8_t> directions) {
  size_t length = directions.size();
  while (length > 0 && directions[length - 1] == 0) --length;
  return length;
}

}  // namespace

void Represent(Representation representation,
               std::span<const int8_t> directions, std::span<const float> times,
               std::span<float> out) {
  const size_t length = std::min(out.size(), TraceLength(directions));
  std::fill(out.begin() + length, out.end(), 0.0f);
  switch (representation) {
    case Representation::kDirection:
      std::copy_n(directions.begin(), length, out.begin());
      return;
    case Representation::kTimed:
      for (size_t i = 0; i < length; ++i) {
        out[i] = times[i] * static_cast<float>(directions[i]);
      }
      return;
    case Representation::kCumulative: {
      // Whole numbers up to 2^24, far above the longest row, are exact.
      int32_t sum = 0;
      for (size_t i = 0; i < length; ++i) {
        sum += directions[i];
        out[i] = static_cast<float>(sum);
      }
      return;
    }
  }
}

}  // namespace dfsweep::data
