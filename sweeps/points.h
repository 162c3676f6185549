// A point of a sweep as a configuration. Pure and thread-safe.
#ifndef DFSWEEP_SWEEPS_POINTS_H_
#define DFSWEEP_SWEEPS_POINTS_H_

#include <string_view>

#include "base/status.h"
#include "sweeps/sweep_file.h"

namespace dfsweep::sweeps {

// config::Effective of the point. kInvalidArgument, with the point and the
// place of the parameter that is wrong, or `where` if it is given.
absl::StatusOr<Json> EffectiveAt(const Sweep& sweep, const Json& point,
                                 std::string_view where);

}  // namespace dfsweep::sweeps

#endif  // DFSWEEP_SWEEPS_POINTS_H_
