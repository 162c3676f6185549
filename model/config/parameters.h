// The one table of trial parameters. Validation, `dfsweep parameters`, the
// reference page in docs/ and the trainer all read it, so that a parameter that
// is documented is validated, and one that is validated is obeyed.
//
// A configuration is a flat JSON object of dotted names, e.g.
//   {"strategy": "ewc", "ewc.lambda": 1e6, "tasks.split": "equal"}.
// All functions are pure and thread-safe; errors are config::Error with an
// empty where(), which the caller fills (file and line, or trial).
#ifndef DFSWEEP_MODEL_CONFIG_PARAMETERS_H_
#define DFSWEEP_MODEL_CONFIG_PARAMETERS_H_

#include <cstdint>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "model/config/error.h"

namespace dfsweep::config {

using Json = nlohmann::json;

// Part of every trial id: raised when the meaning of a configuration changes.
inline constexpr int kSchemaVersion = 1;

enum class Type {
  kBoolean,
  kInteger,
  kReal,
  kChoice,     // one of `choices`
  kEpochs,     // an integer, or {"per_task": [integer, …]}
  kLabelSets,  // one string of labels a task: ["0-42", "43,45,50-94"]
};

// The parameter has an effect only if `parameter` has one of `values`.
struct Condition {
  std::string parameter;
  std::vector<std::string> values;
};

struct Parameter {
  std::string name;
  Type type;
  Json default_value;             // null: must be given when it applies
  std::optional<double> minimum;  // inclusive
  std::optional<double> maximum;  // inclusive
  bool minimum_exclusive = false;
  bool maximum_exclusive = false;
  std::vector<std::string> choices;
  std::string unit;             // "" if none
  std::vector<Condition> when;  // all must hold; empty: always applies
  std::string meaning;          // one sentence
};

// Every parameter, in the order in which they are documented. A parameter comes
// after those that its conditions name.
const std::vector<Parameter>& Parameters();

// Null if there is none of that name.
const Parameter* FindParameter(std::string_view name);

// "bool", "integer", "real", "choice", "epochs", "label sets".
std::string_view TypeName(Type type);

// "> 0", "≥ 1, ≤ 100", "adamax | adam | sgd"; "" if anything goes.
std::string RangeText(const Parameter& parameter);

// "strategy = ewc and optimizer = sgd"; "" if it always applies.
std::string ConditionText(const Parameter& parameter);

// Checks one value and returns its normal form: a real is always a JSON double
// (1 and 1e0 are one value), an integer may be written 1e3, label sets are
// sorted and written with the fewest characters.
Json Normalize(const Parameter& parameter, const Json& value);

// Whether `parameter` has an effect under `configuration`, which must hold the
// parameters that its conditions name.
bool Applies(const Parameter& parameter, const Json& configuration);

// The effective configuration: every value normal, defaults filled in,
// parameters without effect dropped, relations between parameters checked.
// Throws for unknown names too. Idempotent.
Json Effective(const Json& configuration);

// The number of tasks of an effective configuration.
int64_t TaskCount(const Json& configuration);

// Labels of one task's string, ascending: "0-2,7" -> {0, 1, 2, 7}.
std::vector<int64_t> ParseLabels(const std::string& labels);

// Typed reading of an effective configuration. Asking for a parameter that is
// unknown, of another type or without effect is a bug: std::logic_error.
class Configuration {
 public:
  // Takes any configuration and makes it effective.
  explicit Configuration(const Json& configuration);

  bool Has(std::string_view name) const;
  bool Boolean(std::string_view name) const;
  int64_t Integer(std::string_view name) const;
  double Real(std::string_view name) const;
  std::string Choice(std::string_view name) const;
  std::vector<std::string> LabelSets(std::string_view name) const;
  // Epochs of task `task` (0-based); joint training is task 0.
  int64_t Epochs(int64_t task) const;

  const Json& json() const { return effective_; }

 private:
  const Json& Get(std::string_view name, Type type) const;
  Json effective_;
};

}  // namespace dfsweep::config

#endif  // DFSWEEP_MODEL_CONFIG_PARAMETERS_H_
