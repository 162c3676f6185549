#ifndef DFSWEEP_SWEEPS_SCALAR_H_
#define DFSWEEP_SWEEPS_SCALAR_H_

#include <nlohmann/json.hpp>
#include <string_view>

namespace dfsweep::sweeps {

// What a plain (unquoted) scalar means in YAML 1.2's core schema: null, true,
// 12, 0x1F, 0o17, 1.5, 1e-3, .inf; everything else is text. An infinite or
// missing number (.inf, .nan, 1e999) is a JSON number that is not finite.
nlohmann::json ResolvePlainScalar(std::string_view text);

bool IsUtf8(std::string_view text);

}  // namespace dfsweep::sweeps

#endif  // DFSWEEP_SWEEPS_SCALAR_H_
