// The part of a sweep file that says which points: parameters, zip, include
// and exclude.
#ifndef DFSWEEP_SWEEPS_AXES_H_
#define DFSWEEP_SWEEPS_AXES_H_

#include <string>
#include <vector>

#include "base/status.h"
#include "model/config/parameters.h"
#include "sweeps/sweep_file.h"
#include "sweeps/yaml_reader.h"

namespace dfsweep::sweeps {

// A parameter, or a group of them (`tasks`, `ewc`), and what it was given.
struct NamedNode {
  std::string name;                              // full dotted name
  const config::Parameter* parameter = nullptr;  // null: a group
  const Node* node = nullptr;                    // borrowed from the tree
  std::string where;                             // of the key
};

// Turns nested mappings into dotted names. A group stays one NamedNode only
// when its value is a list (of mappings). kInvalidArgument for unknown names
// and for names given twice.
absl::StatusOr<std::vector<NamedNode>> Flatten(const Node& mapping);

// The normal form of one value, with its place in the error.
absl::StatusOr<Json> NormalValue(const config::Parameter& parameter,
                                 const Node& node);

// A mapping of fixed values: {strategy: ewc, tasks: {count: 2}}.
absl::StatusOr<Json> ParsePoint(const Node& node);

// A mapping of values or lists of them, any of which matches.
absl::StatusOr<Match> ParseMatch(const Node& node);

// `parameters` and `zip`; either may be null. No parameter is in two axes. A
// range is all of its values under grid, and an Axis::range otherwise.
absl::StatusOr<std::vector<Axis>> ParseAxes(const Node* parameters,
                                            const Node* zip, Method method);

// Whether some parameter's name starts with `name` and a dot.
bool IsGroup(std::string_view name);

}  // namespace dfsweep::sweeps

#endif  // DFSWEEP_SWEEPS_AXES_H_
