#include "sweeps/search_settings.h"

#include <fmt/format.h>

#include <algorithm>
#include <string>
#include <vector>

#include "sweeps/errors.h"
#include "sweeps/expand.h"
#include "sweeps/settings.h"

namespace dfsweep::sweeps {
namespace {

absl::StatusOr<Method> ParseMethod(const Node* node) {
  if (node == nullptr) return Method::kGrid;
  for (Method method : {Method::kGrid, Method::kRandom, Method::kTpe}) {
    if (node->text == NameOf(method)) return method;
  }
  if (!node->is_scalar()) {
    return Invalid(fmt::format("'method' can't be {}", Describe(*node)),
                   node->where, "write method: grid");
  }
  if (node->text == "bayes") {
    return Invalid("there is no method bayes", node->where,
                   "use method: tpe, which learns from results too");
  }
  return UnknownName("method", node->text, node->where,
                     {"grid", "random", "tpe"});
}

// Of a key that only a search that draws has a use for.
absl::Status CheckAbsent(const Node& root, const char* key) {
  const Node* node = root.Find(key);
  if (node == nullptr) return absl::OkStatus();
  return Invalid(
      fmt::format("'{}' has no effect: method grid runs every point", key),
      node->where, "remove it, or use method: random or tpe");
}

absl::StatusOr<EarlyTerminate::Type> ParseType(const Node& mapping) {
  using Type = EarlyTerminate::Type;
  const Node* type = mapping.Find("type");
  if (type == nullptr) {
    return Invalid("'early_terminate' has no type", mapping.where,
                   "write early_terminate: {type: asha}, or median");
  }
  if (type->text == "median") return Type::kMedian;
  if (type->text == "asha") return Type::kAsha;
  if (type->text == "hyperband") {
    return Invalid("there is no type hyperband", type->where,
                   "use type: asha, which does not wait for slow workers");
  }
  return UnknownName("type of early_terminate", type->text, type->where,
                     {"asha", "median"});
}

// Of a number that may be left out.
absl::Status ParseIfThere(const Node& mapping, const char* key, int64_t low,
                          int64_t high, int64_t& value) {
  const Node* node = mapping.Find(key);
  if (node == nullptr) return absl::OkStatus();
  DFSWEEP_ASSIGN_OR_RETURN(value, ParseInteger(key, *node, low, high));
  return absl::OkStatus();
}

}  // namespace

const char* NameOf(Method method) {
  switch (method) {
    case Method::kGrid:
      return "grid";
    case Method::kRandom:
      return "random";
    case Method::kTpe:
      return "tpe";
  }
  return "";
}

absl::StatusOr<Search> ParseSearch(const Node& root) {
  const Node* method = root.Find("method");
  Search search;
  DFSWEEP_ASSIGN_OR_RETURN(search.method, ParseMethod(method));
  if (search.method == Method::kGrid) {
    DFSWEEP_RETURN_IF_ERROR(CheckAbsent(root, "trials"));
    DFSWEEP_RETURN_IF_ERROR(CheckAbsent(root, "search_seed"));
    return search;
  }
  const Node* trials = root.Find("trials");
  if (trials == nullptr) {
    return Invalid(
        fmt::format("method {} has no number of trials", method->text),
        method->where, "add a line trials: 60, the points to draw");
  }
  DFSWEEP_ASSIGN_OR_RETURN(
      search.trials, ParseInteger("trials", *trials, 1, kMaxConfigurations));
  if (const Node* seed = root.Find("search_seed"); seed != nullptr) {
    DFSWEEP_ASSIGN_OR_RETURN(
        search.seed, ParseInteger("search_seed", *seed, 0, kLargestSeed));
  }
  return search;
}

absl::StatusOr<EarlyTerminate> ParseEarlyTerminate(const Node* node) {
  EarlyTerminate result;
  if (node == nullptr) return result;
  if (!node->is_mapping()) {
    return Invalid(
        fmt::format("'early_terminate' can't be {}", Describe(*node)),
        node->where, "write early_terminate: {type: asha}");
  }
  DFSWEEP_ASSIGN_OR_RETURN(result.type, ParseType(*node));
  std::vector<std::string> known = {"type", "min_iter", "metric"};
  if (result.type == EarlyTerminate::Type::kAsha) known.push_back("eta");
  DFSWEEP_RETURN_IF_ERROR(CheckKeys(*node, "key of early_terminate", known));
  constexpr int64_t kMostEpochs = 1'000'000;
  DFSWEEP_RETURN_IF_ERROR(
      ParseIfThere(*node, "min_iter", 1, kMostEpochs, result.min_iter));
  DFSWEEP_RETURN_IF_ERROR(ParseIfThere(*node, "eta", 2, 100, result.eta));
  const Node* metric = node->Find("metric");
  if (metric == nullptr) return result;
  const std::vector<std::string> metrics = {"validation_accuracy",
                                            "train_accuracy", "train_loss"};
  if (std::find(metrics.begin(), metrics.end(), metric->text) ==
      metrics.end()) {
    return UnknownName("metric of an epoch", metric->text, metric->where,
                       metrics);
  }
  result.metric = metric->text;
  result.maximize = result.metric != "train_loss";
  return result;
}

}  // namespace dfsweep::sweeps
