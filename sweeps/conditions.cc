#include "sweeps/conditions.h"

#include <algorithm>
#include <set>
#include <string>
#include <utility>

#include "model/config/parameters.h"
#include "sweeps/errors.h"

namespace dfsweep::sweeps {
namespace {

// What `name` is under `point`: its value or default, null if it has no effect
// there. Needs only the parameters that its conditions name.
Json ValueUnder(const Json& point, const std::string& name) {
  const config::Parameter& parameter = *config::FindParameter(name);
  Json context = Json::object();
  for (const config::Condition& condition : parameter.when) {
    Json value = ValueUnder(point, condition.parameter);
    if (!value.is_null()) context[condition.parameter] = std::move(value);
  }
  if (!config::Applies(parameter, context)) return nullptr;
  auto given = point.find(name);
  return given != point.end() ? *given : parameter.default_value;
}

bool Sets(const Axis& axis, const std::string& parameter) {
  return std::any_of(
      axis.choices.begin(), axis.choices.end(),
      [&](const Json& choice) { return choice.contains(parameter); });
}

// Parameters that decide whether `name` has its value: itself and what its
// table conditions name.
void AddDeciders(const std::string& name, std::set<std::string>& deciders) {
  deciders.insert(name);
  for (const config::Condition& condition : config::FindParameter(name)->when) {
    AddDeciders(condition.parameter, deciders);
  }
}

}  // namespace

bool Holds(const Match& match, const Json& point) {
  return std::all_of(
      match.begin(), match.end(), [&](const Condition& condition) {
        Json value = ValueUnder(point, condition.parameter);
        const auto& values = condition.values;
        return std::find(values.begin(), values.end(), value) != values.end();
      });
}

absl::StatusOr<std::vector<size_t>> OrderOfAxes(const Sweep& sweep) {
  std::vector<std::set<size_t>> needs(sweep.axes.size());
  for (size_t i = 0; i < sweep.axes.size(); ++i) {
    std::set<std::string> deciders;
    for (const Condition& condition : sweep.axes[i].when) {
      AddDeciders(condition.parameter, deciders);
    }
    for (size_t k = 0; k < sweep.axes.size(); ++k) {
      for (const std::string& name : deciders) {
        if (Sets(sweep.axes[k], name)) needs[i].insert(k);
      }
    }
  }
  std::vector<size_t> order;
  std::set<size_t> placed;
  while (order.size() < sweep.axes.size()) {
    size_t next = 0;
    while (next < sweep.axes.size() &&
           (placed.contains(next) ||
            !std::includes(placed.begin(), placed.end(), needs[next].begin(),
                           needs[next].end()))) {
      ++next;
    }
    if (next == sweep.axes.size()) {
      size_t stuck = 0;
      while (placed.contains(stuck)) ++stuck;
      return Invalid("the 'when's go in a circle", sweep.axes[stuck].where,
                     "let no parameter's 'when' depend on itself");
    }
    order.push_back(next);
    placed.insert(next);
  }
  return order;
}

}  // namespace dfsweep::sweeps
