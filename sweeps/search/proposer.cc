#include "sweeps/search/proposer.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "sweeps/conditions.h"
#include "sweeps/identity.h"
#include "sweeps/points.h"

namespace dfsweep::sweeps {
namespace {

constexpr int kDraws = 1000;
// An estimator that is sure of a point that was tried already is asked a few
// times more; then any new point will do.
constexpr int kSuggestions = 50;

// Names the axis whatever stands before it in the file, so that a parameter
// that is added does not change the draws of the others.
std::string NameOf(const Axis& axis) {
  std::string name;
  for (const auto& [parameter, value] : axis.choices[0].items()) {
    name += (name.empty() ? "" : ",") + parameter;
  }
  return name;
}

bool IsExcluded(const Sweep& sweep, const Json& point) {
  return std::any_of(
      sweep.exclude.begin(), sweep.exclude.end(),
      [&](const ExcludedPoints& entry) { return Holds(entry.match, point); });
}

}  // namespace

absl::StatusOr<Proposer> Proposer::Make(const Sweep& sweep) {
  DFSWEEP_ASSIGN_OR_RETURN(std::vector<size_t> order, OrderOfAxes(sweep));
  return Proposer(sweep, std::move(order));
}

absl::StatusOr<std::optional<Json>> Proposer::Propose(
    int64_t index, const std::vector<Observation>& observations,
    const std::unordered_set<std::string>& seen) const {
  const bool learns = sweep_->search.method == Method::kTpe &&
                      Ended(observations) >= kStartupPoints;
  const Split split = learns ? SplitByLoss(observations) : Split{};
  for (int attempt = 0; attempt < kDraws; ++attempt) {
    const bool suggests = learns && attempt < kSuggestions;
    const Json point =
        suggests ? SuggestPoint(index, attempt, split) : Draw(index, attempt);
    if (IsExcluded(*sweep_, point)) continue;
    DFSWEEP_ASSIGN_OR_RETURN(Json effective, EffectiveAt(*sweep_, point, ""));
    if (!seen.contains(CanonicalJson(effective))) return effective;
  }
  return std::nullopt;
}

Stream Proposer::StreamOf(int64_t index, int attempt,
                          std::string_view name) const {
  return Stream(
      fmt::format("{}/{}/{}/{}", sweep_->search.seed, index, attempt, name));
}

Json Proposer::Draw(int64_t index, int attempt) const {
  Json point = Json::object();
  for (size_t i : order_) {
    const Axis& axis = sweep_->axes[i];
    if (!Holds(axis.when, point)) continue;
    Stream stream = StreamOf(index, attempt, NameOf(axis));
    point.update(DrawAxis(axis, stream));
  }
  return point;
}

Json Proposer::SuggestPoint(int64_t index, int attempt,
                            const Split& split) const {
  std::vector<const Axis*> together;
  Json point = Json::object();
  for (const Axis& axis : sweep_->axes) {
    const bool varies = axis.choices.size() > 1;
    if (varies && axis.when.empty() && IsDecidedEverywhere(axis, split)) {
      together.push_back(&axis);
    }
  }
  if (!together.empty()) {
    Stream stream = StreamOf(index, attempt, "");
    point = Suggest(together, split, stream);
  }
  for (size_t i : order_) {
    const Axis& axis = sweep_->axes[i];
    const bool is_done =
        std::find(together.begin(), together.end(), &axis) != together.end();
    if (is_done || !Holds(axis.when, point)) continue;
    Stream stream = StreamOf(index, attempt, NameOf(axis));
    point.update(Suggest({&axis}, split, stream));
  }
  return point;
}

Json Proposer::DrawAxis(const Axis& axis, Stream& stream) const {
  if (!axis.range) {
    return axis
        .choices[stream.Index(std::vector<double>(axis.choices.size(), 1.0))];
  }
  const Line line = LineOf(*axis.range);
  const double place = line.low + stream.Uniform() * (line.high - line.low);
  return {{axis.choices[0].begin().key(), FromLine(*axis.range, place)}};
}

}  // namespace dfsweep::sweeps
