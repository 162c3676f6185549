#include "sweeps/settings.h"

#include <fmt/format.h>

#include <algorithm>
#include <set>

#include "model/config/parameters.h"
#include "sweeps/axes.h"
#include "sweeps/errors.h"
#include "sweeps/expand.h"
#include "sweeps/metrics.h"

namespace dfsweep::sweeps {
namespace {

absl::Status CheckMapping(std::string_view key, const Node& node,
                          std::string_view example) {
  if (node.is_mapping()) return absl::OkStatus();
  return Invalid(fmt::format("'{}' can't be {}", key, Describe(node)),
                 node.where, fmt::format("write it as {}: {}", key, example));
}

absl::StatusOr<std::vector<const Node*>> ParseList(const Node& node) {
  std::vector<const Node*> items;
  if (node.is_scalar()) items.push_back(&node);
  for (const Node& item : node.items) items.push_back(&item);
  for (const Node* item : items) {
    if (!item->is_scalar()) {
      return Invalid(
          fmt::format("a name was expected, not {}", Describe(*item)),
          item->where, "give a list of names: [a, b]");
    }
  }
  if (!node.is_scalar() && !node.is_sequence()) {
    return Invalid(
        fmt::format("a list of names was expected, not {}", Describe(node)),
        node.where, "give a list of names: [a, b]");
  }
  return items;
}

std::vector<std::string> ColumnNames() {
  std::vector<std::string> names = MetricNames();
  for (std::string& name : ParameterNames()) names.push_back(std::move(name));
  return names;
}

absl::Status CheckColumn(const std::string& name, const Node& node) {
  if (FindMetric(name) != nullptr || config::FindParameter(name) != nullptr) {
    return absl::OkStatus();
  }
  return UnknownName("metric or parameter", name, node.where, ColumnNames());
}

absl::StatusOr<std::vector<std::string>> ParseColumns(const Node& node,
                                                      bool with_order) {
  DFSWEEP_ASSIGN_OR_RETURN(auto items, ParseList(node));
  std::vector<std::string> columns;
  for (const Node* item : items) {
    std::string name = item->text;
    if (with_order && name.starts_with("-")) name.erase(0, 1);
    DFSWEEP_RETURN_IF_ERROR(CheckColumn(name, *item));
    columns.push_back(item->text);
  }
  return columns;
}

absl::StatusOr<std::vector<std::string>> ParseGroupBy(const Node& node) {
  DFSWEEP_ASSIGN_OR_RETURN(auto items, ParseList(node));
  std::vector<std::string> names;
  for (const Node* item : items) {
    if (config::FindParameter(item->text) == nullptr) {
      return UnknownName("parameter", item->text, item->where,
                         ParameterNames());
    }
    names.push_back(item->text);
  }
  return names;
}

absl::StatusOr<bool> ParseGoal(const Node& metric, const MetricInfo& info) {
  const Node* goal = metric.Find("goal");
  if (goal == nullptr) {
    if (info.direction != Direction::kNeither) {
      return info.direction == Direction::kHigherIsBetter;
    }
    return Invalid(fmt::format("metric '{}' has no goal", info.name),
                   metric.where, "add goal: maximize or goal: minimize");
  }
  if (goal->text == "maximize" || goal->text == "minimize") {
    return goal->text == "maximize";
  }
  return UnknownName("goal", goal->text, goal->where, {"maximize", "minimize"});
}

}  // namespace

absl::StatusOr<int64_t> ParseInteger(std::string_view key, const Node& node,
                                     int64_t low, int64_t high) {
  // 1e3 is a whole number too.
  double real = node.is_scalar() && node.value.is_number()
                    ? node.value.get<double>()
                    : -1e300;
  if (real >= static_cast<double>(low) && real <= static_cast<double>(high) &&
      real == static_cast<double>(static_cast<int64_t>(real))) {
    return node.value.is_number_integer() ? node.value.get<int64_t>()
                                          : static_cast<int64_t>(real);
  }
  return Invalid(fmt::format("'{}' can't be {}", key, Describe(node)),
                 node.where,
                 fmt::format("give a whole number from {} to {}", low, high));
}

absl::StatusOr<std::string> ParseText(std::string_view key, const Node& node) {
  constexpr size_t kLongest = 4096;
  bool is_text =
      node.is_scalar() && !node.text.empty() && node.text.size() <= kLongest &&
      std::none_of(node.text.begin(), node.text.end(),
                   [](char c) { return static_cast<unsigned char>(c) < 0x20; });
  if (is_text) return node.text;
  return Invalid(fmt::format("'{}' can't be {}", key,
                             node.is_scalar() ? "empty, very long or have "
                                                "control characters"
                                              : Describe(node)),
                 node.where, "give one line of text");
}

namespace {

absl::StatusOr<std::vector<int64_t>> ParseSeedList(const Node* node) {
  std::vector<int64_t> seeds;
  if (node == nullptr) return std::vector<int64_t>{0};
  if (!node->is_sequence()) {
    DFSWEEP_ASSIGN_OR_RETURN(int64_t count,
                             ParseInteger("seeds", *node, 1, kMaxTrials));
    for (int64_t seed = 0; seed < count; ++seed) seeds.push_back(seed);
    return seeds;
  }
  std::set<int64_t> seen;
  for (const Node& item : node->items) {
    DFSWEEP_ASSIGN_OR_RETURN(int64_t seed,
                             ParseInteger("seeds", item, 0, kLargestSeed));
    if (!seen.insert(seed).second) {
      return Invalid(fmt::format("seed {} is given twice", seed), item.where,
                     "name each seed once");
    }
    seeds.push_back(seed);
  }
  if (seeds.empty()) {
    return Invalid("'seeds' has an empty list", node->where,
                   "give a count or at least one seed");
  }
  return seeds;
}

absl::StatusOr<bool> ParseFlag(std::string_view key, const Node* node) {
  if (node == nullptr) return false;
  if (node->is_scalar() && node->value.is_boolean()) {
    return node->value.get<bool>();
  }
  return Invalid(fmt::format("'{}' can't be {}", key, Describe(*node)),
                 node->where, fmt::format("write {}: true or false", key));
}

}  // namespace

absl::Status ParseSeeds(const Node* node, Sweep& sweep) {
  if (node == nullptr || !node->is_mapping()) {
    DFSWEEP_ASSIGN_OR_RETURN(sweep.seeds, ParseSeedList(node));
    return absl::OkStatus();
  }
  DFSWEEP_RETURN_IF_ERROR(
      CheckKeys(*node, "key of seeds", {"count", "survivors_only"}));
  const Node* count = node->Find("count");
  if (count == nullptr) {
    return Invalid("'seeds' has no count", node->where,
                   "write seeds: {count: 3, survivors_only: true}");
  }
  DFSWEEP_ASSIGN_OR_RETURN(sweep.seeds, ParseSeedList(count));
  const Node* survivors = node->Find("survivors_only");
  DFSWEEP_ASSIGN_OR_RETURN(sweep.survivors_only,
                           ParseFlag("survivors_only", survivors));
  if (sweep.survivors_only &&
      sweep.early_terminate.type == EarlyTerminate::Type::kNone) {
    return Invalid("'survivors_only' has no effect: every trial survives",
                   survivors->where,
                   "add early_terminate: {type: asha}, or remove it");
  }
  return absl::OkStatus();
}

absl::StatusOr<Metric> ParseMetric(const Node* node) {
  Metric metric;
  if (node == nullptr) return metric;
  DFSWEEP_RETURN_IF_ERROR(CheckMapping(
      "metric", *node, "{name: validation_average_accuracy, goal: maximize}"));
  DFSWEEP_RETURN_IF_ERROR(CheckKeys(*node, "key of metric", {"name", "goal"}));
  metric.where = node->where;
  if (const Node* name = node->Find("name"); name != nullptr) {
    DFSWEEP_ASSIGN_OR_RETURN(metric.name, ParseText("metric.name", *name));
    metric.where = name->where;
  }
  const MetricInfo* info = FindMetric(metric.name);
  if (info == nullptr) {
    return UnknownName("metric", metric.name, metric.where, MetricNames());
  }
  DFSWEEP_ASSIGN_OR_RETURN(metric.maximize, ParseGoal(*node, *info));
  return metric;
}

absl::StatusOr<Report> ParseReport(const Node* node) {
  Report report;
  if (node == nullptr) return report;
  DFSWEEP_RETURN_IF_ERROR(
      CheckMapping("report", *node, "{group_by: [strategy]}"));
  DFSWEEP_RETURN_IF_ERROR(CheckKeys(
      *node, "key of report", {"group_by", "columns", "sort", "baseline"}));
  if (const Node* part = node->Find("group_by"); part != nullptr) {
    DFSWEEP_ASSIGN_OR_RETURN(report.group_by, ParseGroupBy(*part));
  }
  if (const Node* part = node->Find("columns"); part != nullptr) {
    DFSWEEP_ASSIGN_OR_RETURN(report.columns, ParseColumns(*part, false));
  }
  if (const Node* part = node->Find("sort"); part != nullptr) {
    DFSWEEP_ASSIGN_OR_RETURN(report.sort, ParseColumns(*part, true));
  }
  if (const Node* part = node->Find("baseline"); part != nullptr) {
    DFSWEEP_ASSIGN_OR_RETURN(report.baseline, ParsePoint(*part));
  }
  return report;
}

absl::StatusOr<Requirements> ParseRequirements(const Node* node) {
  Requirements result;
  if (node == nullptr) return result;
  DFSWEEP_RETURN_IF_ERROR(
      CheckMapping("requires", *node, "{device: cuda, memory_gib: 4}"));
  DFSWEEP_RETURN_IF_ERROR(
      CheckKeys(*node, "requirement", {"device", "memory_gib"}));
  if (const Node* device = node->Find("device"); device != nullptr) {
    const std::vector<std::string> kinds = {"cpu", "cuda", "any"};
    if (std::find(kinds.begin(), kinds.end(), device->text) == kinds.end()) {
      // Not the nearest name: that of "gpu" is "cpu".
      return Invalid(fmt::format("there is no device '{}'", device->text),
                     device->where, "use cpu, cuda (NVIDIA GPU) or any");
    }
    result.device = device->text;
  }
  if (const Node* memory = node->Find("memory_gib"); memory != nullptr) {
    double gib = memory->is_scalar() && memory->value.is_number()
                     ? memory->value.get<double>()
                     : -1;
    if (!(gib >= 0) || gib > 1e6) {
      return Invalid(fmt::format("'memory_gib' can't be {}", Describe(*memory)),
                     memory->where, "give GiB of device memory, e.g. 4");
    }
    result.memory_gib = gib;
  }
  return result;
}

absl::StatusOr<std::map<std::string, int>> ParseRetry(const Node* node) {
  constexpr int64_t kMost = 1000;
  std::map<std::string, int> retry;
  if (node == nullptr) return retry;
  DFSWEEP_RETURN_IF_ERROR(CheckMapping("retry", *node, "{crash: 3, oom: 2}"));
  DFSWEEP_RETURN_IF_ERROR(
      CheckKeys(*node, "cause of failure with a retry budget",
                {"crash", "oom", "worker_lost", "timeout", "environment"}));
  for (const Entry& entry : node->entries) {
    DFSWEEP_ASSIGN_OR_RETURN(
        int64_t budget,
        ParseInteger("retry." + entry.key, entry.value, 0, kMost));
    retry[entry.key] = static_cast<int>(budget);
  }
  return retry;
}

absl::StatusOr<int64_t> ParsePriority(const Node* node) {
  if (node == nullptr) return 0;
  return ParseInteger("priority", *node, -1000, 1000);
}

}  // namespace dfsweep::sweeps
