#include "sweeps/stages.h"

#include "base/digest.h"
#include "model/config/stages.h"
#include "sweeps/identity.h"

namespace dfsweep::sweeps {

std::vector<std::string> StageNames(const nlohmann::json& effective,
                                    std::string_view dataset_digest,
                                    int64_t seed) {
  std::vector<std::string> names;
  for (int64_t stage = 0; stage < config::StageCount(effective); ++stage) {
    names.push_back(StageNameOfCanonical(
        CanonicalJson(config::StagePrefix(effective, stage)), dataset_digest,
        seed));
  }
  return names;
}

std::string StageNameOfCanonical(std::string_view canonical_prefix,
                                 std::string_view dataset_digest,
                                 int64_t seed) {
  return Sha256Hex(
      CanonicalSeeded("prefix", canonical_prefix, dataset_digest, seed));
}

}  // namespace dfsweep::sweeps
