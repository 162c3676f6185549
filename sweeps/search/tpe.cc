#include "sweeps/search/tpe.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <optional>
#include <set>
#include <string>
#include <tuple>
#include <utility>

#include "sweeps/conditions.h"
#include "sweeps/search/parzen.h"

namespace dfsweep::sweeps {
namespace {

using Outcome = Observation::Outcome;

constexpr int kCandidates = 24;
constexpr double kBelow = 0.1;
constexpr double kMostBelow = 25;

// Whether the configuration has what the choice says; what has no effect on it
// is not there, and a choice without any effect says nothing.
bool Matches(const Json& choice, const Json& configuration) {
  bool is_there = false;
  for (const auto& [name, value] : choice.items()) {
    const auto found = configuration.find(name);
    if (found == configuration.end()) continue;
    if (*found != value) return false;
    is_there = true;
  }
  return is_there;
}

const std::string& ParameterOf(const Axis& axis) {
  return axis.choices[0].begin().key();
}

// Where the axis was in the configuration: the index of a choice, or a place on
// the line. Empty if it was not decided, or lies outside (a point of
// `include`).
std::optional<double> CoordinateOf(const Axis& axis,
                                   const Json& configuration) {
  if (!Holds(axis.when, configuration)) return std::nullopt;
  if (!axis.range) {
    for (size_t i = 0; i < axis.choices.size(); ++i) {
      if (Matches(axis.choices[i], configuration)) return i;
    }
    return std::nullopt;
  }
  const auto found = configuration.find(ParameterOf(axis));
  if (found == configuration.end() || !found->is_number()) return std::nullopt;
  const double value = found->get<double>();
  if (value < axis.range->low || value > axis.range->high) return std::nullopt;
  return ToLine(*axis.range, value);
}

std::vector<Place> PlacesOf(const std::vector<const Axis*>& axes,
                            const std::vector<const Json*>& configurations) {
  std::vector<Place> places;
  for (const Json* configuration : configurations) {
    Place place;
    for (const Axis* axis : axes) {
      const std::optional<double> at = CoordinateOf(*axis, *configuration);
      if (at) place.push_back(*at);
    }
    if (place.size() == axes.size()) places.push_back(std::move(place));
  }
  return places;
}

bool IsDecidedIn(const Axis& axis, const Json& configuration) {
  return Holds(axis.when, configuration) &&
         std::all_of(axis.choices.begin(), axis.choices.end(),
                     [&](const Json& choice) {
                       for (const auto& [name, value] : choice.items()) {
                         if (!configuration.contains(name)) return false;
                       }
                       return true;
                     });
}

}  // namespace

Split SplitByLoss(const std::vector<Observation>& observations) {
  using Rank = std::tuple<int, double, double, size_t>;
  std::vector<Rank> ranks;
  for (size_t i = 0; i < observations.size(); ++i) {
    const Observation& seen = observations[i];
    switch (seen.outcome) {
      case Outcome::kOpen:
        break;
      case Outcome::kCompleted:
        ranks.emplace_back(0, seen.loss, 0.0, i);
        break;
      case Outcome::kPruned:
        ranks.emplace_back(1, -seen.progress, seen.loss, i);
        break;
      case Outcome::kDiverged:
        ranks.emplace_back(2, 0.0, 0.0, i);
        break;
    }
  }
  std::sort(ranks.begin(), ranks.end());
  const auto count = static_cast<size_t>(std::min(
      std::ceil(kBelow * static_cast<double>(ranks.size())), kMostBelow));
  std::set<size_t> below;
  for (size_t i = 0; i < count; ++i) below.insert(std::get<3>(ranks[i]));
  Split split;
  for (size_t i = 0; i < observations.size(); ++i) {
    auto& side = below.contains(i) ? split.below : split.above;
    side.push_back(observations[i].configuration.get());
  }
  return split;
}

int64_t Ended(const std::vector<Observation>& observations) {
  return std::count_if(
      observations.begin(), observations.end(),
      [](const Observation& seen) { return seen.outcome != Outcome::kOpen; });
}

bool IsDecidedEverywhere(const Axis& axis, const Split& split) {
  auto has_it = [&](const Json* configuration) {
    return IsDecidedIn(axis, *configuration);
  };
  return std::all_of(split.below.begin(), split.below.end(), has_it) &&
         std::all_of(split.above.begin(), split.above.end(), has_it);
}

Json Suggest(const std::vector<const Axis*>& axes, const Split& split,
             Stream& stream) {
  std::vector<Dimension> dimensions;
  for (const Axis* axis : axes) {
    dimensions.push_back(axis->range
                             ? Dimension{.line = LineOf(*axis->range)}
                             : Dimension{.choices = axis->choices.size()});
  }
  const Parzen below(dimensions, PlacesOf(axes, split.below));
  const Parzen above(dimensions, PlacesOf(axes, split.above));
  Place best;
  double best_score = -std::numeric_limits<double>::infinity();
  for (int i = 0; i < kCandidates; ++i) {
    Place candidate = below.Sample(stream);
    const double score =
        below.LogDensity(candidate) - above.LogDensity(candidate);
    if (i > 0 && score <= best_score) continue;
    best = std::move(candidate);
    best_score = score;
  }
  Json point = Json::object();
  for (size_t i = 0; i < axes.size(); ++i) {
    const Axis& axis = *axes[i];
    if (axis.range) {
      point[ParameterOf(axis)] = FromLine(*axis.range, best[i]);
    } else {
      point.update(axis.choices[static_cast<size_t>(best[i])]);
    }
  }
  return point;
}

}  // namespace dfsweep::sweeps
