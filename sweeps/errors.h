// Three-part errors of the sweep language.
#ifndef DFSWEEP_SWEEPS_ERRORS_H_
#define DFSWEEP_SWEEPS_ERRORS_H_

#include <string>
#include <string_view>
#include <vector>

#include "base/status.h"
#include "model/config/error.h"
#include "sweeps/yaml_reader.h"

namespace dfsweep::sweeps {

absl::Status Invalid(std::string_view what, std::string_view where,
                     std::string_view remedy);

// The error of model/config at its place in the file.
absl::Status AtPlace(const config::Error& error, std::string_view where);

// "there is no <kind> '<name>'", with the nearest of `known` as remedy, or
// all of them when none is near.
absl::Status UnknownName(std::string_view kind, const std::string& name,
                         std::string_view where,
                         const std::vector<std::string>& known);

// Ok if every key of the mapping is one of `known`; `node` must be a mapping.
absl::Status CheckKeys(const Node& node, std::string_view kind,
                       const std::vector<std::string>& known);

// Names of all trial parameters.
std::vector<std::string> ParameterNames();

}  // namespace dfsweep::sweeps

#endif  // DFSWEEP_SWEEPS_ERRORS_H_
