#include "sweeps/search/tpe.h"

#include <algorithm>
#include <cmath>
#include <set>
#include <string>
#include <tuple>

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

// The choices that were made for the axis, where it was decided at all.
std::vector<size_t> ChoicesOf(const Axis& axis,
                              const std::vector<const Json*>& configurations) {
  std::vector<size_t> choices;
  for (const Json* configuration : configurations) {
    if (!Holds(axis.when, *configuration)) continue;
    const auto choice = std::find_if(
        axis.choices.begin(), axis.choices.end(),
        [&](const Json& item) { return Matches(item, *configuration); });
    if (choice == axis.choices.end()) continue;
    choices.push_back(static_cast<size_t>(choice - axis.choices.begin()));
  }
  return choices;
}

// The places on the line of the values that were drawn for the axis.
std::vector<double> PlacesOf(const Axis& axis,
                             const std::vector<const Json*>& configurations) {
  const std::string name = axis.choices[0].begin().key();
  std::vector<double> places;
  for (const Json* configuration : configurations) {
    const auto found = configuration->find(name);
    if (found == configuration->end() || !found->is_number() ||
        !Holds(axis.when, *configuration)) {
      continue;
    }
    const double value = found->get<double>();
    // A point of `include` may lie outside.
    if (value < axis.range->low || value > axis.range->high) continue;
    places.push_back(ToLine(*axis.range, value));
  }
  return places;
}

// Draws candidates and keeps the one with the largest log l − log g.
template <typename Draw, typename Score>
auto BestCandidate(Draw draw, Score score) {
  auto best = draw();
  double best_score = score(best);
  for (int i = 1; i < kCandidates; ++i) {
    auto candidate = draw();
    const double candidate_score = score(candidate);
    if (candidate_score <= best_score) continue;
    best = candidate;
    best_score = candidate_score;
  }
  return best;
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

size_t SuggestChoice(const Axis& axis, const Split& split, Stream& stream) {
  const size_t count = axis.choices.size();
  const auto below = CategoricalParzen(count, ChoicesOf(axis, split.below));
  const auto above = CategoricalParzen(count, ChoicesOf(axis, split.above));
  return BestCandidate([&] { return stream.Index(below); },
                       [&](size_t choice) {
                         return std::log(below[choice]) -
                                std::log(above[choice]);
                       });
}

Json SuggestValue(const Axis& axis, const Split& split, Stream& stream) {
  const Range& range = *axis.range;
  const Line line = LineOf(range);
  const NumericParzen below(line, PlacesOf(axis, split.below));
  const NumericParzen above(line, PlacesOf(axis, split.above));
  // Values with steps are compared as the probabilities of the steps.
  auto draw = [&] {
    const double place = below.Sample(stream);
    if (line.step == 0) return place;
    return ToLine(range, FromLine(range, place).get<double>());
  };
  const double best = BestCandidate(draw, [&](double place) {
    return below.LogDensity(place) - above.LogDensity(place);
  });
  return FromLine(range, best);
}

}  // namespace dfsweep::sweeps
