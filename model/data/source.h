// What a reader of one kind of source hands to Import. Internal to model/data.
#ifndef DFSWEEP_MODEL_DATA_SOURCE_H_
#define DFSWEEP_MODEL_DATA_SOURCE_H_

#include <filesystem>
#include <map>
#include <string>
#include <vector>

#include "model/data/import.h"

namespace dfsweep::data {

// In Source::traces.cells only: a zero whose sign bit is set. In direction ×
// time it is an incoming cell at time 0.
inline constexpr int8_t kNegativeZero = 2;

struct Source {
  Traces traces;                  // labels checked; cells as they are
  Format format = Format::kAuto;  // what was found; never kAuto in the end
  std::string description;        // of the format, for the report
  std::map<int64_t, std::string> class_names;  // label → name, where it has one
  std::vector<std::string> warnings;
};

Source ReadNpz(const std::filesystem::path& path, const ImportOptions& options);
Source ReadTextFolder(const std::filesystem::path& path,
                      const ImportOptions& options);

// Numbers class names in sorted order; `last`, if it occurs, gets the highest.
// Returns the labels in the order of `names` and fills `class_names`.
std::vector<int64_t> NumberNames(const std::vector<std::string>& names,
                                 const std::string& last,
                                 std::map<int64_t, std::string>* class_names);

}  // namespace dfsweep::data

#endif  // DFSWEEP_MODEL_DATA_SOURCE_H_
