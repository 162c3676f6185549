#ifndef DFSWEEP_SWEEPS_STAGES_H_
#define DFSWEEP_SWEEPS_STAGES_H_

#include <cstdint>
#include <nlohmann/json.hpp>
#include <string>
#include <string_view>
#include <vector>

#include "sweeps/sweep_file.h"

namespace dfsweep::sweeps {

// The names of a trial's stages, in order: for each the SHA-256 of the
// canonical JSON of {"dataset": dataset_digest, "prefix": config::StagePrefix,
// "schema": config::kSchemaVersion, "seed": seed}. Trials of which a stage has
// the same name are in the same state after the same number of its epochs.
// `effective` must come from config::Effective.
std::vector<std::string> StageNames(const nlohmann::json& effective,
                                    std::string_view dataset_digest,
                                    int64_t seed, bool records_path = false);

// The name of the first of them, for many seeds: `canonical_prefix` is
// CanonicalJson(config::StagePrefix(effective, 0, …)).
std::string StageNameOfCanonical(std::string_view canonical_prefix,
                                 std::string_view dataset_digest, int64_t seed);

// Whether the first tasks of a sweep's trials record SI's path: some trials
// need it, so that the others, which train the same, train it for them.
bool RecordsPath(const Sweep& sweep);

}  // namespace dfsweep::sweeps

#endif  // DFSWEEP_SWEEPS_STAGES_H_
