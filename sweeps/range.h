// The values of a numeric parameter that random and tpe search draw from.
#ifndef DFSWEEP_SWEEPS_RANGE_H_
#define DFSWEEP_SWEEPS_RANGE_H_

#include <nlohmann/json.hpp>

namespace dfsweep::sweeps {

// `low` to `high`, ends included.
struct Range {
  double low = 0;
  double high = 0;
  double step = 0;       // distance of the values from `low` on; 0: continuous
  bool log = false;      // equally likely per factor, not per difference
  bool integer = false;  // whole numbers; without `log`, `step` is at least 1

  friend bool operator==(const Range&, const Range&) = default;
};

// The line on which a range is sampled: the values themselves or their natural
// logarithms, with half a step beyond both ends, so that rounding to the
// nearest value is fair to the ends.
struct Line {
  double low = 0;
  double high = 0;
  double step = 0;  // between values; 0: continuous
};
Line LineOf(const Range& range);
double ToLine(const Range& range, double value);

// The value at or nearest to a place on the line. A continuous value is rounded
// to 6 significant digits, a stepped one to 12, so that what a table shows is
// what was trained.
nlohmann::json FromLine(const Range& range, double place);

}  // namespace dfsweep::sweeps

#endif  // DFSWEEP_SWEEPS_RANGE_H_
