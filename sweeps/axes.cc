#include "sweeps/axes.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <map>
#include <set>
#include <utility>

#include "sweeps/distribution.h"
#include "sweeps/errors.h"

namespace dfsweep::sweeps {
namespace {

using config::Parameter;
using config::Type;

constexpr int64_t kMaxChoices = 100'000;

// Keys of a mapping that describes how a parameter is searched, and not its
// value: ours, W&B's and Optuna's.
const std::vector<std::string>& DirectiveKeys() {
  static const auto& keys = *new std::vector<std::string>{
      "value", "values", "when",         "min",          "max", "low",
      "high",  "step",   "distribution", "log",          "q",   "mu",
      "sigma", "num",    "scale",        "probabilities"};
  return keys;
}

bool IsDirective(const Node& node) {
  return node.is_mapping() && !node.entries.empty() &&
         std::any_of(
             node.entries.begin(), node.entries.end(), [](const Entry& entry) {
               const auto& keys = DirectiveKeys();
               return entry.key != "when" && std::find(keys.begin(), keys.end(),
                                                       entry.key) != keys.end();
             });
}

absl::Status FlattenInto(const Node& mapping, const std::string& prefix,
                         std::vector<NamedNode>& result) {
  for (const Entry& entry : mapping.entries) {
    if (!prefix.empty() && entry.key == "parameters" &&
        mapping.entries.size() == 1 && entry.value.is_mapping()) {
      return FlattenInto(entry.value, prefix, result);  // W&B's nesting
    }
    std::string name = prefix + entry.key;
    const Parameter* parameter = config::FindParameter(name);
    if (parameter == nullptr && !IsGroup(name)) {
      return UnknownName("parameter", name, entry.where, ParameterNames());
    }
    bool descend = parameter == nullptr && entry.value.is_mapping() &&
                   !IsDirective(entry.value);
    if (descend) {
      DFSWEEP_RETURN_IF_ERROR(FlattenInto(entry.value, name + ".", result));
    } else {
      result.push_back({name, parameter, &entry.value, entry.where});
    }
  }
  return absl::OkStatus();
}

absl::Status CheckMapping(const Node& node, std::string_view purpose) {
  if (node.is_mapping()) return absl::OkStatus();
  return Invalid(fmt::format("{} can't be {}", purpose, Describe(node)),
                 node.where,
                 "write parameters and values, e.g. {strategy: ewc}");
}

// One choice of a parameter or of a group.
absl::StatusOr<Json> ParseChoice(const NamedNode& named, const Node& node) {
  if (named.parameter != nullptr) {
    DFSWEEP_ASSIGN_OR_RETURN(Json value, NormalValue(*named.parameter, node));
    return Json{{named.name, value}};
  }
  if (!node.is_mapping()) {
    return Invalid(
        fmt::format("'{}' can't be {}: it is a group of parameters", named.name,
                    Describe(node)),
        node.where,
        fmt::format("give a mapping, or one of its parameters by its dotted "
                    "name; 'dfsweep parameters' lists those of '{}'",
                    named.name));
  }
  std::vector<NamedNode> members;
  DFSWEEP_RETURN_IF_ERROR(FlattenInto(node, named.name + ".", members));
  Json point = Json::object();
  for (const NamedNode& member : members) {
    DFSWEEP_ASSIGN_OR_RETURN(Json part, ParseChoice(member, *member.node));
    if (point.contains(member.name)) {
      return Invalid(fmt::format("'{}' is given twice", member.name),
                     member.where, "keep one of the two");
    }
    point.update(part);
  }
  return point;
}

absl::StatusOr<std::vector<Json>> ParseChoices(const NamedNode& named,
                                               const std::vector<Node>& items,
                                               const std::string& where) {
  if (items.empty()) {
    return Invalid(fmt::format("'{}' has an empty list", named.name), where,
                   "give at least one value, or remove the parameter");
  }
  std::vector<Json> choices;
  for (const Node& item : items) {
    DFSWEEP_ASSIGN_OR_RETURN(Json choice, ParseChoice(named, item));
    choices.push_back(std::move(choice));
  }
  return choices;
}

// A list is a grid; but label sets are lists themselves, so that there only a
// list of lists is one.
bool IsList(const NamedNode& named, const Node& node) {
  if (!node.is_sequence()) return false;
  bool is_label_sets =
      named.parameter != nullptr && named.parameter->type == Type::kLabelSets;
  return !is_label_sets ||
         (!node.items.empty() &&
          std::all_of(node.items.begin(), node.items.end(),
                      [](const Node& item) { return item.is_sequence(); }));
}

absl::StatusOr<double> RangeNumber(const NamedNode& named, std::string_view key,
                                   const Node& node) {
  if (node.is_scalar() && node.value.is_number()) {
    return node.value.get<double>();
  }
  return Invalid(
      fmt::format("'{}' of '{}' can't be {}", key, named.name, Describe(node)),
      node.where, "give a number");
}

// min, min + step, … up to max. Rounded to 12 digits, so that 0.1 + 2 × 0.1 is
// the same trial as 0.3.
absl::StatusOr<std::vector<Json>> StepThrough(const NamedNode& named,
                                              double low, double high,
                                              double step, const Node& node) {
  double count = std::floor((high - low) / step + 1e-9) + 1;
  if (!(step > 0) || !(high >= low) || !std::isfinite(count)) {
    return Invalid(fmt::format("the range of '{}' has no values", named.name),
                   node.where, "give min ≤ max and a step above 0");
  }
  if (count > kMaxChoices) {
    return Invalid(
        fmt::format("the range of '{}' has {:.0f} values", named.name, count),
        node.where,
        fmt::format("at most {} are possible: raise the step", kMaxChoices));
  }
  std::vector<Json> choices;
  for (int64_t i = 0; i < static_cast<int64_t>(count); ++i) {
    double exact = low + static_cast<double>(i) * step;
    Node item;
    item.kind = Node::Kind::kScalar;
    item.where = node.where;
    item.text = fmt::format("{:.12g}", exact);
    item.value = std::strtod(item.text.c_str(), nullptr);
    DFSWEEP_ASSIGN_OR_RETURN(Json choice, ParseChoice(named, item));
    choices.push_back(std::move(choice));
  }
  return choices;
}

// {min, max, step} or {low, high, step}.
absl::StatusOr<std::vector<Json>> ParseRange(const NamedNode& named,
                                             const Node& node) {
  auto either = [&](const char* ours, const char* optuna) {
    const Node* found = node.Find(ours);
    return found != nullptr ? found : node.Find(optuna);
  };
  const Node* low = either("min", "low");
  const Node* high = either("max", "high");
  const Node* step = node.Find("step");
  bool numeric =
      named.parameter != nullptr && (named.parameter->type == Type::kInteger ||
                                     named.parameter->type == Type::kReal ||
                                     named.parameter->type == Type::kEpochs);
  if (!numeric) {
    return Invalid(
        fmt::format("'{}' is not a number and has no range", named.name),
        node.where, "list its values: {values: […]}");
  }
  if (low == nullptr || high == nullptr || step == nullptr) {
    return Invalid(
        fmt::format("the range of '{}' is not complete", named.name),
        node.where,
        "method grid needs {min: …, max: …, step: …} or {values: […]}");
  }
  if ((node.Find("min") != nullptr && node.Find("low") != nullptr) ||
      (node.Find("max") != nullptr && node.Find("high") != nullptr)) {
    return Invalid(fmt::format("the range of '{}' is given twice", named.name),
                   node.where, "use min and max, or low and high");
  }
  DFSWEEP_ASSIGN_OR_RETURN(double from, RangeNumber(named, "min", *low));
  DFSWEEP_ASSIGN_OR_RETURN(double to, RangeNumber(named, "max", *high));
  DFSWEEP_ASSIGN_OR_RETURN(double by, RangeNumber(named, "step", *step));
  return StepThrough(named, from, to, by, node);
}

// Refuses what random and tpe can't do.
absl::Status CheckDistributionKeys(const NamedNode& named, const Node& node) {
  const std::vector<std::string> known = {
      "value", "values", "when", "min", "max",         "low",
      "high",  "step",   "q",    "log", "distribution"};
  for (const Entry& entry : node.entries) {
    if (std::find(known.begin(), known.end(), entry.key) != known.end()) {
      continue;
    }
    const auto& all = DirectiveKeys();
    if (std::find(all.begin(), all.end(), entry.key) == all.end()) {
      return UnknownName(fmt::format("key for '{}' named", named.name),
                         entry.key, entry.where, known);
    }
    return Invalid(
        fmt::format("'{}' for '{}' is not possible", entry.key, named.name),
        entry.where,
        "draw from {values: […]}, {min: …, max: …} or {min: …, max: …, "
        "distribution: log_uniform_values}");
  }
  return absl::OkStatus();
}

// Refuses what only random and tpe can do, W&B's distributions first of all.
absl::Status CheckGridKeys(const NamedNode& named, const Node& node) {
  std::vector<std::string> known = {"value", "values", "when",
                                    "min",   "max",    "low",
                                    "high",  "step",   "distribution"};
  for (const Entry& entry : node.entries) {
    const auto& all = DirectiveKeys();
    bool is_known =
        std::find(known.begin(), known.end(), entry.key) != known.end();
    if (is_known) continue;
    if (std::find(all.begin(), all.end(), entry.key) == all.end()) {
      return UnknownName(fmt::format("key for '{}' named", named.name),
                         entry.key, entry.where, known);
    }
    return Invalid(
        fmt::format("'{}' for '{}' needs random or tpe search, and method is "
                    "grid",
                    entry.key, named.name),
        entry.where,
        "list the values, e.g. {values: [1e4, 1e6, 1e8]}, or give "
        "{min: …, max: …, step: …}");
  }
  const Node* distribution = node.Find("distribution");
  if (distribution == nullptr || distribution->text == "constant" ||
      distribution->text == "categorical") {
    return absl::OkStatus();
  }
  return Invalid(fmt::format("'{}' can't have distribution {}: method is grid",
                             named.name, Describe(*distribution)),
                 distribution->where,
                 "list the values: {values: […]}, or give "
                 "{min: …, max: …, step: …} without a distribution");
}

absl::Status CheckOneForm(const NamedNode& named, const Node& node) {
  int forms = 0;
  for (const auto& form : {std::vector<const char*>{"value"},
                           {"values"},
                           {"min", "max", "low", "high", "step"}}) {
    forms += std::any_of(form.begin(), form.end(), [&](const char* key) {
      return node.Find(key) != nullptr;
    });
  }
  if (forms == 1) return absl::OkStatus();
  return Invalid(
      forms == 0 ? fmt::format("'{}' has no values", named.name)
                 : fmt::format("'{}' says its values twice", named.name),
      node.where,
      "give one of {value: …}, {values: […]}, {min: …, max: …, step: …}");
}

// What a range is to the method: all of its values, or what to draw from.
absl::StatusOr<Axis> ParseRangeAxis(const NamedNode& named, const Node& node,
                                    Method method) {
  Axis axis;
  if (method == Method::kGrid) {
    DFSWEEP_ASSIGN_OR_RETURN(axis.choices, ParseRange(named, node));
    return axis;
  }
  DFSWEEP_ASSIGN_OR_RETURN(axis.range, ParseDistribution(named, node));
  const Line line = LineOf(*axis.range);
  axis.choices = {{{named.name, FromLine(*axis.range, line.low)}},
                  {{named.name, FromLine(*axis.range, line.high)}}};
  return axis;
}

absl::StatusOr<Axis> ParseDirective(const NamedNode& named, const Node& node,
                                    Method method) {
  DFSWEEP_RETURN_IF_ERROR(method == Method::kGrid
                              ? CheckGridKeys(named, node)
                              : CheckDistributionKeys(named, node));
  DFSWEEP_RETURN_IF_ERROR(CheckOneForm(named, node));
  const Node* value = node.Find("value");
  const Node* values = node.Find("values");
  Axis axis;
  if (value == nullptr && values == nullptr) {
    DFSWEEP_ASSIGN_OR_RETURN(axis, ParseRangeAxis(named, node, method));
  }
  axis.where = named.where;
  if (const Node* when = node.Find("when"); when != nullptr) {
    DFSWEEP_ASSIGN_OR_RETURN(axis.when, ParseMatch(*when));
  }
  if (value != nullptr) {
    DFSWEEP_ASSIGN_OR_RETURN(Json choice, ParseChoice(named, *value));
    axis.choices = {std::move(choice)};
  }
  if (values == nullptr) return axis;
  if (!values->is_sequence()) {
    return Invalid(fmt::format("'values' of '{}' can't be {}", named.name,
                               Describe(*values)),
                   values->where, "give a list: {values: [1, 10]}");
  }
  DFSWEEP_ASSIGN_OR_RETURN(axis.choices,
                           ParseChoices(named, values->items, values->where));
  return axis;
}

absl::StatusOr<Axis> ParseAxis(const NamedNode& named, Method method) {
  const Node& node = *named.node;
  if (IsDirective(node) ||
      (node.is_mapping() && node.Find("when") != nullptr)) {
    return ParseDirective(named, node, method);
  }
  Axis axis;
  axis.where = named.where;
  if (IsList(named, node)) {
    DFSWEEP_ASSIGN_OR_RETURN(axis.choices,
                             ParseChoices(named, node.items, node.where));
    return axis;
  }
  DFSWEEP_ASSIGN_OR_RETURN(Json choice, ParseChoice(named, node));
  axis.choices = {std::move(choice)};
  return axis;
}

// {epochs: [10, 30], learning_rate: [4e-3, 2e-3]}.
absl::StatusOr<Axis> ParseZip(const Node& node) {
  DFSWEEP_RETURN_IF_ERROR(CheckMapping(node, "an entry of zip"));
  DFSWEEP_ASSIGN_OR_RETURN(std::vector<NamedNode> members, Flatten(node));
  Axis zip;
  zip.where = node.where;
  for (const NamedNode& member : members) {
    // What is linked is listed, whatever the method.
    DFSWEEP_ASSIGN_OR_RETURN(Axis axis, ParseAxis(member, Method::kGrid));
    if (!axis.when.empty()) {
      return Invalid(fmt::format("'{}' has a 'when' inside zip", member.name),
                     member.where,
                     "take it out of zip, or leave 'when' away: what has no "
                     "effect on a trial does not multiply it");
    }
    if (zip.choices.empty()) zip.choices.resize(axis.choices.size());
    if (zip.choices.size() != axis.choices.size()) {
      return Invalid(
          fmt::format("'{}' has {} values, but the zip began with {}",
                      member.name, axis.choices.size(), zip.choices.size()),
          member.where, "give linked parameters equally many values");
    }
    for (size_t i = 0; i < axis.choices.size(); ++i) {
      zip.choices[i].update(axis.choices[i]);
    }
  }
  if (zip.choices.empty()) {
    return Invalid("an entry of zip is empty", node.where,
                   "name the linked parameters, or remove it");
  }
  return zip;
}

absl::Status CheckDisjoint(const std::vector<Axis>& axes) {
  std::map<std::string, std::string> owner;  // parameter -> place
  for (const Axis& axis : axes) {
    std::set<std::string> names;
    for (const Json& choice : axis.choices) {
      for (const auto& [name, value] : choice.items()) names.insert(name);
    }
    for (const std::string& name : names) {
      auto [first, is_new] = owner.try_emplace(name, axis.where);
      if (is_new) continue;
      return Invalid(
          fmt::format("'{}' is given twice; first at {}", name, first->second),
          axis.where, "keep one of the two");
    }
  }
  return absl::OkStatus();
}

}  // namespace

bool IsGroup(std::string_view name) {
  std::string prefix = std::string(name) + ".";
  const auto& table = config::Parameters();
  return std::any_of(table.begin(), table.end(), [&](const Parameter& item) {
    return item.name.starts_with(prefix);
  });
}

absl::StatusOr<std::vector<NamedNode>> Flatten(const Node& mapping) {
  std::vector<NamedNode> result;
  DFSWEEP_RETURN_IF_ERROR(FlattenInto(mapping, "", result));
  std::map<std::string, std::string> seen;
  for (const NamedNode& named : result) {
    auto [first, is_new] = seen.try_emplace(named.name, named.where);
    if (!is_new) {
      return Invalid(fmt::format("'{}' is given twice; first at {}", named.name,
                                 first->second),
                     named.where, "keep one of the two");
    }
  }
  return result;
}

absl::StatusOr<Json> NormalValue(const Parameter& parameter, const Node& node) {
  if (node.kind == Node::Kind::kNull) {
    return Invalid(fmt::format("'{}' has no value", parameter.name), node.where,
                   "give it a value, or remove the line to use its default");
  }
  try {
    return config::Normalize(parameter, ToJson(node));
  } catch (const config::Error& error) {
    return AtPlace(error, node.where);
  }
}

absl::StatusOr<Json> ParsePoint(const Node& node) {
  DFSWEEP_RETURN_IF_ERROR(CheckMapping(node, "a point"));
  DFSWEEP_ASSIGN_OR_RETURN(std::vector<NamedNode> members, Flatten(node));
  Json point = Json::object();
  for (const NamedNode& member : members) {
    if (IsList(member, *member.node)) {
      return Invalid(
          fmt::format("'{}' has a list, but a point has one value of each",
                      member.name),
          member.node->where, "write one point for each value");
    }
    DFSWEEP_ASSIGN_OR_RETURN(Json part, ParseChoice(member, *member.node));
    point.update(part);
  }
  return point;
}

absl::StatusOr<Match> ParseMatch(const Node& node) {
  DFSWEEP_RETURN_IF_ERROR(CheckMapping(node, "a condition"));
  DFSWEEP_ASSIGN_OR_RETURN(std::vector<NamedNode> members, Flatten(node));
  if (members.empty()) {
    return Invalid("a condition is empty", node.where,
                   "name parameters and values, e.g. {strategy: ewc}");
  }
  Match match;
  for (const NamedNode& member : members) {
    if (member.parameter == nullptr) {
      return Invalid(
          fmt::format("'{}' can't be a condition: it is a group", member.name),
          member.where, "name one of its parameters");
    }
    Condition condition = {member.name, {}, member.where};
    std::vector<Node> values = {*member.node};
    if (IsList(member, *member.node)) values = member.node->items;
    for (const Node& item : values) {
      DFSWEEP_ASSIGN_OR_RETURN(Json value,
                               NormalValue(*member.parameter, item));
      condition.values.push_back(std::move(value));
    }
    if (condition.values.empty()) {
      return Invalid(fmt::format("'{}' has an empty list", member.name),
                     member.where, "give at least one value");
    }
    match.push_back(std::move(condition));
  }
  return match;
}

absl::StatusOr<std::vector<Axis>> ParseAxes(const Node* parameters,
                                            const Node* zip, Method method) {
  std::vector<Axis> axes;
  if (parameters != nullptr) {
    DFSWEEP_RETURN_IF_ERROR(CheckMapping(*parameters, "parameters"));
    DFSWEEP_ASSIGN_OR_RETURN(std::vector<NamedNode> all, Flatten(*parameters));
    for (const NamedNode& named : all) {
      DFSWEEP_ASSIGN_OR_RETURN(Axis axis, ParseAxis(named, method));
      axes.push_back(std::move(axis));
    }
  }
  if (zip != nullptr) {
    if (!zip->is_sequence()) {
      return Invalid(fmt::format("zip can't be {}", Describe(*zip)), zip->where,
                     "give a list: zip: [{epochs: [10, 30], "
                     "learning_rate: [4e-3, 2e-3]}]");
    }
    for (const Node& item : zip->items) {
      DFSWEEP_ASSIGN_OR_RETURN(Axis axis, ParseZip(item));
      axes.push_back(std::move(axis));
    }
  }
  DFSWEEP_RETURN_IF_ERROR(CheckDisjoint(axes));
  return axes;
}

}  // namespace dfsweep::sweeps
