// The keys of a sweep file that say how its points are searched: method,
// trials, search_seed and early_terminate.
#ifndef DFSWEEP_SWEEPS_SEARCH_SETTINGS_H_
#define DFSWEEP_SWEEPS_SEARCH_SETTINGS_H_

#include "base/status.h"
#include "sweeps/sweep_file.h"
#include "sweeps/yaml_reader.h"

namespace dfsweep::sweeps {

// "grid", "random" or "tpe".
const char* NameOf(Method method);

// `root` is the whole file. kInvalidArgument for an unknown method, and where
// `trials` is missing or has no meaning.
absl::StatusOr<Search> ParseSearch(const Node& root);

// Null stands for an absent key.
absl::StatusOr<EarlyTerminate> ParseEarlyTerminate(const Node* node);

}  // namespace dfsweep::sweeps

#endif  // DFSWEEP_SWEEPS_SEARCH_SETTINGS_H_
