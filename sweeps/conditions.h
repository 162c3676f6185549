// Where a `when` or an entry of `exclude` holds, and in which order axes are
// decided so that it can be told. Pure and thread-safe.
#ifndef DFSWEEP_SWEEPS_CONDITIONS_H_
#define DFSWEEP_SWEEPS_CONDITIONS_H_

#include <cstddef>
#include <vector>

#include "base/status.h"
#include "sweeps/sweep_file.h"

namespace dfsweep::sweeps {

// Whether every condition of `match` holds at `point`, which may be partial:
// what it leaves out has its default.
bool Holds(const Match& match, const Json& point);

// Indices of the axes, so ordered that what a `when` asks for is decided before
// it; file order otherwise. kInvalidArgument for `when`s in a circle.
absl::StatusOr<std::vector<size_t>> OrderOfAxes(const Sweep& sweep);

}  // namespace dfsweep::sweeps

#endif  // DFSWEEP_SWEEPS_CONDITIONS_H_
