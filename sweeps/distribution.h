// A mapping that says from what random or tpe search draws a parameter: W&B's
// words, with Optuna's as aliases.
#ifndef DFSWEEP_SWEEPS_DISTRIBUTION_H_
#define DFSWEEP_SWEEPS_DISTRIBUTION_H_

#include <string>
#include <vector>

#include "base/status.h"
#include "sweeps/axes.h"
#include "sweeps/range.h"
#include "sweeps/yaml_reader.h"

namespace dfsweep::sweeps {

// Names that `distribution` may have.
const std::vector<std::string>& DistributionNames();

// The range that `node` describes: {min, max} or {low, high}, with `step` (or
// W&B's `q`), `log` or `distribution`. kInvalidArgument for a parameter that is
// no number, for ends that it can't have, and for what contradicts itself.
absl::StatusOr<Range> ParseDistribution(const NamedNode& named,
                                        const Node& node);

}  // namespace dfsweep::sweeps

#endif  // DFSWEEP_SWEEPS_DISTRIBUTION_H_
