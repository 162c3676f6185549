#include "sweeps/search_settings.h"

#include <fmt/format.h>

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

}  // namespace dfsweep::sweeps
