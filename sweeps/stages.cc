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
    names.push_back(Sha256Hex(
        CanonicalJson({{"dataset", dataset_digest},
                       {"prefix", config::StagePrefix(effective, stage)},
                       {"schema", config::kSchemaVersion},
                       {"seed", seed}})));
  }
  return names;
}

}  // namespace dfsweep::sweeps
