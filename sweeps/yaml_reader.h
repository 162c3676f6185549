// YAML text -> a small tree in which every value knows its place.
#ifndef DFSWEEP_SWEEPS_YAML_READER_H_
#define DFSWEEP_SWEEPS_YAML_READER_H_

#include <nlohmann/json.hpp>
#include <string>
#include <string_view>
#include <vector>

#include "base/status.h"

namespace dfsweep::sweeps {

struct Entry;

struct Node {
  enum class Kind { kNull, kScalar, kSequence, kMapping };
  Kind kind = Kind::kNull;
  std::string text;            // of a scalar, as written
  nlohmann::json value;        // of a scalar: string, boolean or finite number
  std::vector<Node> items;     // of a sequence
  std::vector<Entry> entries;  // of a mapping, in file order, keys distinct
  std::string where;           // file:line:column, or an override

  bool is_scalar() const { return kind == Kind::kScalar; }
  bool is_sequence() const { return kind == Kind::kSequence; }
  bool is_mapping() const { return kind == Kind::kMapping; }

  // The value of a mapping's key; null if there is none. Valid until the
  // mapping changes.
  const Node* Find(std::string_view key) const;
  Node* Find(std::string_view key);
};

struct Entry {
  std::string key;
  std::string where;
  Node value;
};

// One YAML document. Scalars follow YAML 1.2's core schema, so `yes` is text;
// a number may have an exponent without a dot (1e-3). Aliases and merge keys
// (<<) are expanded. Size, depth and number of nodes are limited, aliases
// included. `file_name` stands in places; with `with_line` false a place is
// `file_name` alone. Errors: kInvalidArgument.
absl::StatusOr<Node> ReadYaml(std::string_view text, std::string_view file_name,
                              bool with_line = true);

// The tree as JSON. Nulls stay null.
nlohmann::json ToJson(const Node& node);

// "a list", "a mapping", "nothing", or the scalar in quotes: for messages.
std::string Describe(const Node& node);

}  // namespace dfsweep::sweeps

#endif  // DFSWEEP_SWEEPS_YAML_READER_H_
