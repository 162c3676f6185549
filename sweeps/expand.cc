#include "sweeps/expand.h"

#include <fmt/format.h>

#include <algorithm>
#include <set>
#include <unordered_set>

#include "base/digest.h"
#include "model/config/parameters.h"
#include "sweeps/errors.h"
#include "sweeps/identity.h"

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

bool Holds(const Match& match, const Json& point) {
  return std::all_of(
      match.begin(), match.end(), [&](const Condition& condition) {
        Json value = ValueUnder(point, condition.parameter);
        const auto& values = condition.values;
        return std::find(values.begin(), values.end(), value) != values.end();
      });
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

// Orders the axes so that what a `when` asks for is decided before it; file
// order otherwise.
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

// The point in a message: only what the sweep says about it.
std::string PointText(const Json& point) {
  constexpr size_t kLongest = 200;
  std::string text;
  for (const auto& [name, value] : point.items()) {
    std::string item =
        value.is_string() ? value.get<std::string>() : value.dump();
    text += (text.empty() ? "" : ", ") + name + ": " + item;
  }
  return "{" + (text.size() > kLongest ? "…" : text) + "}";
}

class Expander {
 public:
  Expander(const Sweep& sweep, std::string_view dataset_digest)
      : sweep_(sweep), dataset_digest_(dataset_digest) {
    result_.when_hits.resize(sweep.axes.size());
    result_.exclude_hits.resize(sweep.exclude.size());
  }

  absl::StatusOr<Expansion> Run() {
    DFSWEEP_ASSIGN_OR_RETURN(order_, OrderOfAxes(sweep_));
    result_.grid_size = 1;
    for (const Axis& axis : sweep_.axes) {
      result_.grid_size *= static_cast<double>(axis.choices.size());
    }
    for (const IncludedPoint& included : sweep_.include) {
      DFSWEEP_RETURN_IF_ERROR(AddIncluded(included));
    }
    DFSWEEP_RETURN_IF_ERROR(Walk(0, Json::object()));
    if (result_.trials.empty()) {
      return Invalid("the sweep has no trial: 'exclude' removes every point",
                     sweep_.exclude.front().where, "exclude less");
    }
    return std::move(result_);
  }

 private:
  absl::Status AddIncluded(const IncludedPoint& included) {
    Json point = included.point;
    for (size_t index : order_) {
      const Axis& axis = sweep_.axes[index];
      if (axis.choices.size() != 1 || !Holds(axis.when, point)) continue;
      for (const auto& [name, value] : axis.choices[0].items()) {
        if (!point.contains(name)) point[name] = value;
      }
    }
    ++result_.included;
    auto effective = EffectiveAt(point, included.where);
    if (!effective.ok()) return effective.status();
    return AddTrials(*effective);
  }

  // Visits the grid below `point`, whose first `depth` axes are chosen.
  absl::Status Walk(size_t depth, const Json& point) {
    if (depth == order_.size()) return AddGridPoint(point);
    const Axis& axis = sweep_.axes[order_[depth]];
    if (!Holds(axis.when, point)) return Walk(depth + 1, point);
    for (const Json& choice : axis.choices) {
      Json next = point;
      next.update(choice);
      DFSWEEP_RETURN_IF_ERROR(Walk(depth + 1, next));
    }
    return absl::OkStatus();
  }

  absl::Status AddGridPoint(const Json& point) {
    ++result_.after_when;
    auto seeds = static_cast<int64_t>(sweep_.seeds.size());
    if (result_.after_when > kMaxTrials / seeds) return TooMany();
    for (size_t i = 0; i < sweep_.axes.size(); ++i) {
      const Axis& axis = sweep_.axes[i];
      if (!axis.when.empty() && Holds(axis.when, point)) {
        ++result_.when_hits[i];
      }
    }
    // Before the configuration is checked: `exclude` may be there to remove
    // what is not valid.
    bool excluded = false;
    for (size_t i = 0; i < sweep_.exclude.size(); ++i) {
      if (!Holds(sweep_.exclude[i].match, point)) continue;
      ++result_.exclude_hits[i];
      excluded = true;
    }
    if (excluded) {
      ++result_.excluded;
      return absl::OkStatus();
    }
    auto effective = EffectiveAt(point, "");
    if (!effective.ok()) return effective.status();
    return AddTrials(*effective);
  }

  absl::StatusOr<Json> EffectiveAt(const Json& point, std::string_view where) {
    try {
      return config::Effective(point);
    } catch (const config::Error& error) {
      return Invalid(fmt::format("{}, at the point {}", error.what_happened(),
                                 PointText(point)),
                     where.empty() ? PlaceOf(error) : where, error.remedy());
    }
  }

  // The axis of the parameter that the error is about, else the file.
  std::string_view PlaceOf(const config::Error& error) const {
    std::string_view what = error.what_happened();
    for (const Axis& axis : sweep_.axes) {
      for (const auto& [name, value] : axis.choices[0].items()) {
        if (what.find("'" + name + "'") != std::string_view::npos) {
          return axis.where;
        }
      }
    }
    return sweep_.file_name;
  }

  absl::Status AddTrials(const Json& effective) {
    std::string canonical = CanonicalJson(effective);
    if (!seen_.insert(canonical).second) return absl::OkStatus();
    auto seeds = static_cast<int64_t>(sweep_.seeds.size());
    ++result_.configurations;
    if (result_.configurations > kMaxConfigurations ||
        result_.configurations > kMaxTrials / seeds) {
      return TooMany();
    }
    auto configuration = std::make_shared<const Json>(effective);
    for (int64_t seed : sweep_.seeds) {
      result_.trials.push_back(
          {TrialIdOfCanonical(canonical, dataset_digest_, seed), configuration,
           seed, static_cast<int64_t>(result_.trials.size())});
    }
    return absl::OkStatus();
  }

  absl::Status TooMany() const {
    return Invalid(
        fmt::format("the sweep has more than {} trials or {} configurations; "
                    "its grid has {:.0f} points and there are {} seeds",
                    kMaxTrials, kMaxConfigurations, result_.grid_size,
                    sweep_.seeds.size()),
        sweep_.file_name, "list fewer values, or link them with zip or 'when'");
  }

  const Sweep& sweep_;
  std::string dataset_digest_;
  std::vector<size_t> order_;
  std::unordered_set<std::string> seen_;  // canonical configurations
  Expansion result_;
};

}  // namespace

absl::StatusOr<Expansion> Expand(const Sweep& sweep,
                                 std::string_view dataset_digest) {
  return Expander(sweep, dataset_digest).Run();
}

std::string SweepDigest(const Sweep& sweep, const Expansion& expansion) {
  std::vector<std::string> ids;
  for (const Trial& trial : expansion.trials) ids.push_back(trial.id);
  std::sort(ids.begin(), ids.end());
  Json meaning = {
      {"name", sweep.name},
      {"metric", {sweep.metric.name, sweep.metric.maximize}},
      {"report",
       {{"group_by", sweep.report.group_by},
        {"columns", sweep.report.columns},
        {"sort", sweep.report.sort},
        {"baseline", sweep.report.baseline}}},
      {"requires", {sweep.requires_.device, sweep.requires_.memory_gib}},
      {"retry", sweep.retry},
      {"priority", sweep.priority},
      {"trials", std::move(ids)},
  };
  return Sha256Hex(CanonicalJson(meaning));
}

}  // namespace dfsweep::sweeps
