#include "sweeps/sweep_file.h"

#include <fmt/format.h>

#include <filesystem>
#include <utility>

#include "sweeps/axes.h"
#include "sweeps/errors.h"
#include "sweeps/overrides.h"
#include "sweeps/search_settings.h"
#include "sweeps/settings.h"
#include "sweeps/yaml_reader.h"

namespace dfsweep::sweeps {
namespace {

absl::Status CheckTopLevelKeys(const Node& root) {
  for (const Entry& entry : root.entries) {
    if (entry.key == "program" || entry.key == "command") {
      return Invalid(fmt::format("'{}' is not used here", entry.key),
                     entry.where,
                     "remove the line: dfsweep starts its own trainer");
    }
    if (entry.key == "seed") {
      return Invalid("there is no key 'seed'", entry.where,
                     "write seeds: 3 (seeds 0, 1, 2) or seeds: [7]");
    }
  }
  return CheckKeys(root, "key", TopLevelKeys());
}

absl::StatusOr<std::string> SweepName(const Node* node,
                                      const std::string& file_name) {
  constexpr size_t kLongest = 100;
  if (node == nullptr) {
    std::string stem = std::filesystem::path(file_name).stem().string();
    return stem.empty() ? "sweep" : stem;
  }
  DFSWEEP_ASSIGN_OR_RETURN(std::string name, ParseText("name", *node));
  if (name.size() > kLongest) {
    return Invalid("'name' is too long", node->where,
                   fmt::format("use at most {} bytes", kLongest));
  }
  return name;
}

absl::Status ParseInclude(const Node* node, Sweep& sweep) {
  if (node == nullptr) return absl::OkStatus();
  if (!node->is_sequence()) {
    return Invalid(fmt::format("'include' can't be {}", Describe(*node)),
                   node->where,
                   "give a list of points: include: [{strategy: joint}]");
  }
  for (const Node& item : node->items) {
    DFSWEEP_ASSIGN_OR_RETURN(Json point, ParsePoint(item));
    if (point.empty()) {
      return Invalid("a point of 'include' is empty", item.where,
                     "give it parameters, or remove it");
    }
    sweep.include.push_back({std::move(point), item.where});
  }
  return absl::OkStatus();
}

absl::Status ParseExclude(const Node* node, Sweep& sweep) {
  if (node == nullptr) return absl::OkStatus();
  if (!node->is_sequence()) {
    return Invalid(fmt::format("'exclude' can't be {}", Describe(*node)),
                   node->where,
                   "give a list: exclude: [{strategy: ewc, epochs: 10}]");
  }
  for (const Node& item : node->items) {
    DFSWEEP_ASSIGN_OR_RETURN(Match match, ParseMatch(item));
    sweep.exclude.push_back({std::move(match), item.where});
  }
  return absl::OkStatus();
}

absl::Status ParseKeys(const Node& root, Sweep& sweep) {
  DFSWEEP_RETURN_IF_ERROR(CheckTopLevelKeys(root));
  DFSWEEP_ASSIGN_OR_RETURN(sweep.search, ParseSearch(root));
  DFSWEEP_ASSIGN_OR_RETURN(sweep.name,
                           SweepName(root.Find("name"), sweep.file_name));
  const Node* dataset = root.Find("dataset");
  if (dataset == nullptr) {
    return Invalid("the sweep names no dataset", root.where,
                   "add a line dataset: NAME; 'dfsweep data ls' lists them");
  }
  DFSWEEP_ASSIGN_OR_RETURN(sweep.dataset, ParseText("dataset", *dataset));
  DFSWEEP_ASSIGN_OR_RETURN(sweep.early_terminate,
                           ParseEarlyTerminate(root.Find("early_terminate")));
  DFSWEEP_RETURN_IF_ERROR(ParseSeeds(root.Find("seeds"), sweep));
  DFSWEEP_ASSIGN_OR_RETURN(sweep.axes,
                           ParseAxes(root.Find("parameters"), root.Find("zip"),
                                     sweep.search.method));
  DFSWEEP_RETURN_IF_ERROR(ParseInclude(root.Find("include"), sweep));
  DFSWEEP_RETURN_IF_ERROR(ParseExclude(root.Find("exclude"), sweep));
  DFSWEEP_ASSIGN_OR_RETURN(sweep.metric, ParseMetric(root.Find("metric")));
  DFSWEEP_ASSIGN_OR_RETURN(sweep.report, ParseReport(root.Find("report")));
  DFSWEEP_ASSIGN_OR_RETURN(sweep.requires_,
                           ParseRequirements(root.Find("requires")));
  DFSWEEP_ASSIGN_OR_RETURN(sweep.retry, ParseRetry(root.Find("retry")));
  DFSWEEP_ASSIGN_OR_RETURN(sweep.priority,
                           ParsePriority(root.Find("priority")));
  return absl::OkStatus();
}

}  // namespace

absl::StatusOr<Sweep> ParseSweep(std::string_view text,
                                 std::string_view file_name,
                                 std::vector<std::string> overrides) {
  DFSWEEP_ASSIGN_OR_RETURN(Node root, ReadYaml(text, file_name));
  if (!root.is_mapping()) {
    return Invalid(fmt::format("a sweep file can't be {}",
                               root.is_scalar() ? "one word" : Describe(root)),
                   root.where, "write keys and values; see docs/sweep-file.md");
  }
  DFSWEEP_RETURN_IF_ERROR(ApplyOverrides(overrides, root));
  Sweep sweep;
  sweep.text = text;
  sweep.file_name = file_name;
  sweep.overrides = std::move(overrides);
  DFSWEEP_RETURN_IF_ERROR(ParseKeys(root, sweep));
  return sweep;
}

}  // namespace dfsweep::sweeps
