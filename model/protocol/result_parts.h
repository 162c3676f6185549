// The larger parts of a `result` event, as PROTOCOL.md describes them. Worker
// and coordinator check them alike. Free of LibTorch and Abseil.
#ifndef DFSWEEP_MODEL_PROTOCOL_RESULT_PARTS_H_
#define DFSWEEP_MODEL_PROTOCOL_RESULT_PARTS_H_

#include <nlohmann/json.hpp>
#include <string>

namespace dfsweep::protocol {

// Each returns the known fields of `json`, so that what another program adds is
// not kept; and throws std::invalid_argument, which says what is wrong, if they
// are missing or impossible.
nlohmann::json CheckedConfusionMatrix(const nlohmann::json& json);
nlohmann::json CheckedOpenWorld(const nlohmann::json& json);

// The part of the name, by its own function of the above. Throws as they do,
// and if there is no part of this name.
nlohmann::json CheckedPart(const std::string& name, const nlohmann::json& json);

// The names of all parts.
inline constexpr const char* kPartNames[] = {"confusion_matrix", "open_world"};

}  // namespace dfsweep::protocol

#endif  // DFSWEEP_MODEL_PROTOCOL_RESULT_PARTS_H_
