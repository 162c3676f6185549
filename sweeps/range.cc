#include "sweeps/range.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <cstdlib>

namespace dfsweep::sweeps {
namespace {

double Rounded(double value, int digits) {
  return std::strtod(fmt::format("{:.{}g}", value, digits).c_str(), nullptr);
}

}  // namespace

Line LineOf(const Range& range) {
  if (range.log) {
    const double half = range.integer ? 0.5 : 0;
    return {std::log(range.low - half), std::log(range.high + half), 0};
  }
  return {range.low - range.step / 2, range.high + range.step / 2, range.step};
}

double ToLine(const Range& range, double value) {
  return range.log ? std::log(value) : value;
}

nlohmann::json FromLine(const Range& range, double place) {
  double value = range.log ? std::exp(place) : place;
  if (range.step > 0) {
    value =
        range.low + range.step * std::round((value - range.low) / range.step);
  }
  if (range.integer) {
    return static_cast<int64_t>(
        std::clamp(std::round(value), range.low, range.high));
  }
  value = Rounded(value, range.step > 0 ? 12 : 6);
  return std::clamp(value, range.low, range.high);
}

}  // namespace dfsweep::sweeps
