#include "sweeps/stages.h"

#include <algorithm>

#include "base/digest.h"
#include "model/config/stages.h"
#include "sweeps/identity.h"

namespace dfsweep::sweeps {

std::vector<std::string> StageNames(const nlohmann::json& effective,
                                    std::string_view dataset_digest,
                                    int64_t seed, bool records_path) {
  std::vector<std::string> names;
  for (int64_t stage = 0; stage < config::StageCount(effective); ++stage) {
    names.push_back(StageNameOfCanonical(
        CanonicalJson(config::StagePrefix(effective, stage, records_path)),
        dataset_digest, seed));
  }
  return names;
}

std::string StageNameOfCanonical(std::string_view canonical_prefix,
                                 std::string_view dataset_digest,
                                 int64_t seed) {
  return Sha256Hex(
      CanonicalSeeded("prefix", canonical_prefix, dataset_digest, seed));
}

bool RecordsPath(const Sweep& sweep) {
  auto needs_path = [](const Json& point) {
    return point.contains("strategy") && config::NeedsPath(point);
  };
  auto has_choice = [&](const Axis& axis) {
    return std::any_of(axis.choices.begin(), axis.choices.end(), needs_path);
  };
  return std::any_of(sweep.axes.begin(), sweep.axes.end(), has_choice) ||
         std::any_of(sweep.include.begin(), sweep.include.end(),
                     [&](const IncludedPoint& included) {
                       return needs_path(included.point);
                     });
}

}  // namespace dfsweep::sweeps
