// What makes a trial the same trial everywhere and for ever.
#ifndef DFSWEEP_SWEEPS_IDENTITY_H_
#define DFSWEEP_SWEEPS_IDENTITY_H_

#include <cstdint>
#include <nlohmann/json.hpp>
#include <string>
#include <string_view>

namespace dfsweep::sweeps {

// RFC 8785 (JSON Canonicalization Scheme): no spaces, keys in UTF-16 order,
// numbers as ECMAScript prints them. So 1.0 is written 1, and whether a number
// was held as an integer or a real makes no difference. Numbers must be finite
// and strings UTF-8, as in everything that ParseSweep returns; otherwise
// std::invalid_argument.
std::string CanonicalJson(const nlohmann::json& value);

// SHA-256 of the canonical JSON of {"dataset": dataset_digest, "parameters":
// effective, "schema": config::kSchemaVersion, "seed": seed}.
// `effective` must come from config::Effective.
std::string TrialId(const nlohmann::json& effective,
                    std::string_view dataset_digest, int64_t seed);

// The same for many seeds: `canonical` is CanonicalJson(effective).
std::string TrialIdOfCanonical(std::string_view canonical,
                               std::string_view dataset_digest, int64_t seed);

// The canonical JSON of {"dataset": dataset_digest, `key`: canonical, "schema":
// config::kSchemaVersion, "seed": seed}; `canonical` must be canonical JSON,
// and `key` between "dataset" and "schema" in the alphabet.
std::string CanonicalSeeded(std::string_view key, std::string_view canonical,
                            std::string_view dataset_digest, int64_t seed);

}  // namespace dfsweep::sweeps

#endif  // DFSWEEP_SWEEPS_IDENTITY_H_
