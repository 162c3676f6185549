// The parts of a sweep file beside its points: seeds, metric, report,
// requirements, retry budgets, priority. Null stands for an absent key.
#ifndef DFSWEEP_SWEEPS_SETTINGS_H_
#define DFSWEEP_SWEEPS_SETTINGS_H_

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "base/status.h"
#include "sweeps/sweep_file.h"
#include "sweeps/yaml_reader.h"

namespace dfsweep::sweeps {

// Larger integers are not exact in JSON.
inline constexpr int64_t kLargestSeed = 9'007'199'254'740'991;

// A whole number from `low` to `high`; 1e3 is one too.
absl::StatusOr<int64_t> ParseInteger(std::string_view key, const Node& node,
                                     int64_t low, int64_t high);

// A count, a list or {count, survivors_only}, into the sweep, whose
// early_terminate is known.
absl::Status ParseSeeds(const Node* node, Sweep& sweep);
absl::StatusOr<Metric> ParseMetric(const Node* node);
absl::StatusOr<Report> ParseReport(const Node* node);
absl::StatusOr<Requirements> ParseRequirements(const Node* node);
absl::StatusOr<std::map<std::string, int>> ParseRetry(const Node* node);
absl::StatusOr<int64_t> ParsePriority(const Node* node);

// Text of a scalar, as written: `name: 2024` is the name "2024".
absl::StatusOr<std::string> ParseText(std::string_view key, const Node& node);

}  // namespace dfsweep::sweeps

#endif  // DFSWEEP_SWEEPS_SETTINGS_H_
