#include "sweeps/overrides.h"

#include <fmt/format.h>

#include <algorithm>

#include "model/config/parameters.h"
#include "sweeps/axes.h"
#include "sweeps/errors.h"
#include "sweeps/scalar.h"

namespace dfsweep::sweeps {
namespace {

struct Override {
  std::string key;
  bool append = false;
  std::vector<Node> values;  // one for each comma-separated value
  std::string where;
};

absl::StatusOr<Override> ParseOverride(const std::string& text) {
  Override result;
  result.where =
      IsUtf8(text) ? fmt::format("override '{}'", text) : "an override";
  size_t equals = text.find('=');
  if (equals == std::string::npos || equals == 0 || text[0] == '+') {
    return Invalid("this is no override", result.where,
                   "write key=value, key=value,value or key+=value");
  }
  result.append = text[equals - 1] == '+';
  result.key = text.substr(0, equals - (result.append ? 1 : 0));
  std::string value = text.substr(equals + 1);
  if (value.find('\n') != std::string::npos) {
    return Invalid("an override has more than one line", result.where,
                   "write key=value on one line");
  }
  // As the inside of a flow sequence, so that commas separate values and YAML
  // decides what a value is.
  auto list = ReadYaml("[" + value + "]", result.where, /*with_line=*/false);
  if (!list.ok()) return list.status();
  if (!list->is_sequence() || list->items.empty()) {
    return Invalid("the override has no value", result.where,
                   "write key=value, key=value,value or key+=value");
  }
  result.values = std::move(list->items);
  return result;
}

Node ListOf(std::vector<Node> items, const std::string& where) {
  Node list;
  list.kind = Node::Kind::kSequence;
  list.items = std::move(items);
  list.where = where;
  return list;
}

Node IntegerNode(int64_t value, const std::string& where) {
  Node node;
  node.kind = Node::Kind::kScalar;
  node.value = value;
  node.text = std::to_string(value);
  node.where = where;
  return node;
}

// One value stays itself, several become a list.
Node ValueOf(const Override& change) {
  return change.values.size() == 1 ? change.values[0]
                                   : ListOf(change.values, change.where);
}

Node& FindOrAdd(Node& mapping, const std::string& key,
                const std::string& where) {
  if (Node* found = mapping.Find(key); found != nullptr) return *found;
  mapping.entries.push_back({key, where, Node{}});
  mapping.entries.back().value.where = where;
  return mapping.entries.back().value;
}

absl::Status MakeMapping(Node& node, const Override& change) {
  if (node.kind == Node::Kind::kNull) node.kind = Node::Kind::kMapping;
  if (node.is_mapping()) return absl::OkStatus();
  return Invalid(
      fmt::format("'{}' can't be set inside {}", change.key, Describe(node)),
      change.where, "override the whole of it, or edit the file");
}

// The place of parameter `name` below `mapping`, in nested or dotted form;
// null if the file does not have it.
Node* FindParameterNode(Node& mapping, std::string_view name) {
  for (Entry& entry : mapping.entries) {
    if (entry.key == name) return &entry.value;
    std::string prefix = entry.key + ".";
    Node* inside = nullptr;
    if (entry.value.is_mapping() && name.starts_with(prefix)) {
      inside = FindParameterNode(entry.value, name.substr(prefix.size()));
    } else if (entry.value.is_mapping() && entry.key == "parameters") {
      inside = FindParameterNode(entry.value, name);
    }
    if (inside != nullptr) return inside;
  }
  return nullptr;
}

bool IsLabelSets(const std::string& name) {
  const config::Parameter* parameter = config::FindParameter(name);
  return parameter != nullptr && parameter->type == config::Type::kLabelSets;
}

// Whether a node of parameter `name` is several values rather than one.
bool IsGrid(const std::string& name, const Node& node) {
  if (!node.is_sequence()) return false;
  return !IsLabelSets(name) ||
         (!node.items.empty() && node.items[0].is_sequence());
}

// The node that holds the values: what `value` or `values` names, or the node
// itself. Leaves `when` where it is. Null for a range.
Node* ValuesInside(Node& node) {
  bool is_search =
      node.is_mapping() &&
      (node.Find("when") != nullptr || node.Find("min") != nullptr ||
       node.Find("low") != nullptr || node.Find("value") != nullptr ||
       node.Find("values") != nullptr);
  if (!is_search) return &node;
  for (Entry& entry : node.entries) {
    if (entry.key == "value") entry.key = "values";
    if (entry.key != "values") continue;
    if (!entry.value.is_sequence()) {
      entry.value = ListOf({entry.value}, entry.value.where);
    }
    return &entry.value;
  }
  return nullptr;
}

absl::Status AppendToParameter(const Override& change, Node& node) {
  Node* values = ValuesInside(node);
  if (values == nullptr || values->kind == Node::Kind::kNull) {
    return Invalid(fmt::format("'{}' has no list to append to", change.key),
                   change.where, "give all its values: key=value,value");
  }
  if (values == &node && !IsGrid(change.key, node)) {
    node = ListOf({node}, node.where);
  }
  for (const Node& value : change.values) {
    if (IsGrid(change.key, value)) {
      values->items.insert(values->items.end(), value.items.begin(),
                           value.items.end());
    } else {
      values->items.push_back(value);
    }
  }
  return absl::OkStatus();
}

void ReplaceParameter(const Override& change, Node& node) {
  const Node* when = node.is_mapping() ? node.Find("when") : nullptr;
  Node value = ValueOf(change);
  if (when == nullptr || value.is_mapping()) {
    node = std::move(value);
    return;
  }
  Node kept;
  kept.kind = Node::Kind::kMapping;
  kept.where = change.where;
  bool several = IsGrid(change.key, value);
  kept.entries.push_back(
      {several ? "values" : "value", change.where, std::move(value)});
  kept.entries.push_back({"when", when->where, *when});
  node = std::move(kept);
}

absl::Status ApplyToParameter(const Override& change, Node& root) {
  if (config::FindParameter(change.key) == nullptr && !IsGroup(change.key)) {
    std::vector<std::string> known = ParameterNames();
    known.insert(known.end(), TopLevelKeys().begin(), TopLevelKeys().end());
    return UnknownName("parameter or setting", change.key, change.where, known);
  }
  Node& parameters = FindOrAdd(root, "parameters", change.where);
  DFSWEEP_RETURN_IF_ERROR(MakeMapping(parameters, change));
  Node* node = FindParameterNode(parameters, change.key);
  if (change.append) {
    if (node != nullptr) return AppendToParameter(change, *node);
    return Invalid(
        fmt::format("the file gives no '{}' to append to", change.key),
        change.where,
        fmt::format("write {}=… with all its values", change.key));
  }
  if (node == nullptr) {
    FindOrAdd(parameters, change.key, change.where) = ValueOf(change);
  } else {
    ReplaceParameter(change, *node);
  }
  return absl::OkStatus();
}

// seeds+=2: two more after the largest. seeds+=[7,9]: these.
absl::Status AppendSeeds(const Override& change, Node& seeds) {
  constexpr int64_t kMost = 1'000'000;
  if (Node* count = seeds.Find("count"); count != nullptr) {
    return AppendSeeds(change, *count);
  }
  auto count_of = [](const Node& node) {
    return node.is_scalar() && node.value.is_number_integer()
               ? node.value.get<int64_t>()
               : -1;
  };
  auto refuse = [&] {
    return Invalid("these seeds can't be appended", change.where,
                   "write seeds+=2 for two more, or seeds+=[7,9]");
  };
  if (seeds.kind == Node::Kind::kNull) seeds = IntegerNode(1, change.where);
  bool is_count = change.values.size() == 1 && change.values[0].is_scalar();
  int64_t more = is_count ? count_of(change.values[0]) : 0;
  int64_t count = seeds.is_sequence() ? 0 : count_of(seeds);
  if (more < 0 || more > kMost || count < 0 || count > kMost) return refuse();
  if (is_count && !seeds.is_sequence()) {
    seeds = IntegerNode(count + more, change.where);
    return absl::OkStatus();
  }
  int64_t next = count;
  for (const Node& seed : seeds.items) {
    next = std::max(next, count_of(seed) + 1);
  }
  if (!seeds.is_sequence()) seeds = ListOf({}, change.where);
  for (int64_t seed = 0; seed < count; ++seed) {
    seeds.items.push_back(IntegerNode(seed, change.where));
  }
  for (int64_t i = 0; i < more; ++i) {
    seeds.items.push_back(IntegerNode(next + i, change.where));
  }
  if (is_count) return absl::OkStatus();
  for (const Node& value : change.values) {
    std::vector<Node> list =
        value.is_sequence() ? value.items : std::vector<Node>{value};
    seeds.items.insert(seeds.items.end(), list.begin(), list.end());
  }
  return absl::OkStatus();
}

absl::Status ApplyToSetting(const Override& change, Node& root) {
  Node* node = &root;
  std::string_view rest = change.key;
  while (!rest.empty()) {
    size_t dot = rest.find('.');
    DFSWEEP_RETURN_IF_ERROR(MakeMapping(*node, change));
    node = &FindOrAdd(*node, std::string(rest.substr(0, dot)), change.where);
    rest = dot == std::string_view::npos ? "" : rest.substr(dot + 1);
  }
  if (!change.append) {
    *node = ValueOf(change);
    return absl::OkStatus();
  }
  if (change.key == "seeds") return AppendSeeds(change, *node);
  if (node->kind == Node::Kind::kNull) *node = ListOf({}, change.where);
  if (!node->is_sequence()) {
    return Invalid(fmt::format("'{}' is no list", change.key), change.where,
                   "set it with = instead of +=");
  }
  node->items.insert(node->items.end(), change.values.begin(),
                     change.values.end());
  return absl::OkStatus();
}

}  // namespace

const std::vector<std::string>& TopLevelKeys() {
  static const auto& keys = *new std::vector<std::string>{
      "name",       "dataset", "method",   "metric",  "seeds",
      "parameters", "zip",     "include",  "exclude", "report",
      "requires",   "retry",   "priority", "trials",  "early_terminate",
      "search_seed"};
  return keys;
}

absl::Status ApplyOverrides(const std::vector<std::string>& overrides,
                            Node& root) {
  for (const std::string& text : overrides) {
    DFSWEEP_ASSIGN_OR_RETURN(Override change, ParseOverride(text));
    if (change.key.starts_with("parameters.")) {
      change.key = change.key.substr(std::string("parameters.").size());
      DFSWEEP_RETURN_IF_ERROR(ApplyToParameter(change, root));
      continue;
    }
    std::string first = change.key.substr(0, change.key.find('.'));
    const auto& keys = TopLevelKeys();
    bool is_setting = std::find(keys.begin(), keys.end(), first) != keys.end();
    DFSWEEP_RETURN_IF_ERROR(is_setting ? ApplyToSetting(change, root)
                                       : ApplyToParameter(change, root));
  }
  return absl::OkStatus();
}

}  // namespace dfsweep::sweeps
