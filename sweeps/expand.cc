#include "sweeps/expand.h"

#include <fmt/format.h>

#include <algorithm>
#include <optional>
#include <unordered_set>
#include <utility>

#include "base/digest.h"
#include "sweeps/conditions.h"
#include "sweeps/errors.h"
#include "sweeps/identity.h"
#include "sweeps/points.h"
#include "sweeps/search/proposer.h"
#include "sweeps/search_settings.h"

namespace dfsweep::sweeps {
namespace {

class Expander {
 public:
  Expander(const Sweep& sweep, std::string_view dataset_digest)
      : sweep_(sweep),
        dataset_digest_(dataset_digest),
        seeds_(FirstSeeds(sweep)) {
    result_.when_hits.resize(sweep.axes.size());
    result_.exclude_hits.resize(sweep.exclude.size());
  }

  absl::StatusOr<Expansion> Run() {
    DFSWEEP_ASSIGN_OR_RETURN(order_, OrderOfAxes(sweep_));
    result_.grid_size = 1;
    for (const Axis& axis : sweep_.axes) {
      result_.grid_size *= static_cast<double>(axis.choices.size());
    }
    if (IsGridTooLarge()) return TooMany();
    for (const IncludedPoint& included : sweep_.include) {
      DFSWEEP_RETURN_IF_ERROR(AddIncluded(included));
    }
    DFSWEEP_RETURN_IF_ERROR(sweep_.search.method == Method::kGrid
                                ? Walk(0, Json::object())
                                : DrawPoints());
    if (result_.trials.empty()) {
      return Invalid("the sweep has no trial: 'exclude' removes every point",
                     sweep_.exclude.front().where, "exclude less");
    }
    return std::move(result_);
  }

 private:
  // Known at once only without `when`: with it, the points are counted.
  bool IsGridTooLarge() const {
    return sweep_.search.method == Method::kGrid &&
           std::all_of(sweep_.axes.begin(), sweep_.axes.end(),
                       [](const Axis& axis) { return axis.when.empty(); }) &&
           result_.grid_size > kMaxTrials / std::ssize(seeds_);
  }

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
    auto effective = EffectiveAt(sweep_, point, included.where);
    if (!effective.ok()) return effective.status();
    return AddTrials(*effective);
  }

  // The points that need no results to be drawn.
  absl::Status DrawPoints() {
    DFSWEEP_ASSIGN_OR_RETURN(Proposer proposer, Proposer::Make(sweep_));
    for (int64_t i = 0; i < PointsDrawnAhead(sweep_.search); ++i) {
      DFSWEEP_ASSIGN_OR_RETURN(std::optional<Json> effective,
                               proposer.Propose(i, {}, seen_));
      if (!effective) break;
      ++result_.drawn;
      CountWhens(*effective);
      DFSWEEP_RETURN_IF_ERROR(AddTrials(*effective));
    }
    return absl::OkStatus();
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
    const int64_t seeds = std::ssize(seeds_);
    if (result_.after_when > kMaxTrials / seeds) return TooMany();
    CountWhens(point);
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
    auto effective = EffectiveAt(sweep_, point, "");
    if (!effective.ok()) return effective.status();
    return AddTrials(*effective);
  }

  void CountWhens(const Json& point) {
    for (size_t i = 0; i < sweep_.axes.size(); ++i) {
      const Axis& axis = sweep_.axes[i];
      if (!axis.when.empty() && Holds(axis.when, point)) {
        ++result_.when_hits[i];
      }
    }
  }

  absl::Status AddTrials(const Json& effective) {
    const std::string canonical = CanonicalJson(effective);
    if (!seen_.insert(canonical).second) return absl::OkStatus();
    const int64_t seeds = std::ssize(seeds_);
    ++result_.configurations;
    if (result_.configurations > kMaxConfigurations ||
        result_.configurations > kMaxTrials / seeds) {
      return TooMany();
    }
    auto configuration = std::make_shared<const Json>(effective);
    AppendTrials(configuration, canonical, dataset_digest_, seeds_,
                 result_.trials);
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
  const std::vector<int64_t> seeds_;
  std::vector<size_t> order_;
  std::unordered_set<std::string> seen_;  // canonical configurations
  Expansion result_;
};

// What a search will draw is not known yet; what it draws from is.
Json SearchMeaning(const Sweep& sweep) {
  auto text_of = [](const Match& match) {
    Json text = Json::array();
    for (const Condition& condition : match) {
      text.push_back({condition.parameter, condition.values});
    }
    return text;
  };
  Json axes = Json::array();
  for (const Axis& axis : sweep.axes) {
    Json range = Json::array();
    if (axis.range) {
      range = {axis.range->low, axis.range->high, axis.range->step,
               axis.range->log, axis.range->integer};
    }
    axes.push_back({axis.choices, range, text_of(axis.when)});
  }
  Json exclude = Json::array();
  for (const ExcludedPoints& entry : sweep.exclude) {
    exclude.push_back(text_of(entry.match));
  }
  return {{"method", NameOf(sweep.search.method)},
          {"trials", sweep.search.trials},
          {"seed", sweep.search.seed},
          {"seeds", sweep.seeds},
          {"survivors_only", sweep.survivors_only},
          {"early_terminate",
           {sweep.early_terminate.type, sweep.early_terminate.min_iter,
            sweep.early_terminate.eta, sweep.early_terminate.metric}},
          {"axes", std::move(axes)},
          {"exclude", std::move(exclude)}};
}

}  // namespace

bool IsDecidedByResults(const Sweep& sweep) {
  return sweep.search.method == Method::kTpe ||
         sweep.early_terminate.type != EarlyTerminate::Type::kNone;
}

bool MayGrow(const Sweep& sweep) {
  return sweep.search.method == Method::kTpe || sweep.survivors_only;
}

std::vector<int64_t> FirstSeeds(const Sweep& sweep) {
  if (!sweep.survivors_only) return sweep.seeds;
  return {sweep.seeds.front()};
}

int64_t PointsDrawnAhead(const Search& search) {
  return search.method == Method::kTpe ? std::min(search.trials, kStartupPoints)
                                       : search.trials;
}

void AppendTrials(const std::shared_ptr<const Json>& configuration,
                  std::string_view canonical, std::string_view dataset_digest,
                  const std::vector<int64_t>& seeds,
                  std::vector<Trial>& trials) {
  for (int64_t seed : seeds) {
    trials.push_back({TrialIdOfCanonical(canonical, dataset_digest, seed),
                      configuration, seed, std::ssize(trials)});
  }
}

absl::StatusOr<Expansion> Expand(const Sweep& sweep,
                                 std::string_view dataset_digest) {
  return Expander(sweep, dataset_digest).Run();
}

absl::StatusOr<Expansion> ExpandOutlook(const Sweep& sweep,
                                        std::string_view dataset_digest) {
  Sweep outlook = sweep;
  if (sweep.search.method == Method::kTpe) {
    outlook.search.method = Method::kRandom;
  }
  outlook.survivors_only = false;
  return Expand(outlook, dataset_digest);
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
  if (IsDecidedByResults(sweep)) meaning["search"] = SearchMeaning(sweep);
  return Sha256Hex(CanonicalJson(meaning));
}

}  // namespace dfsweep::sweeps
