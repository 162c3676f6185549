#include "sweeps/plan.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <set>
#include <string>
#include <utility>

#include "model/config/parameters.h"
#include "model/config/stages.h"
#include "sweeps/metrics.h"
#include "sweeps/stages.h"

namespace dfsweep::sweeps {
namespace {

using Warnings = std::vector<ErrorParts>;

// Parameters that the axis gives a value.
std::set<std::string> ParametersOf(const Axis& axis) {
  std::set<std::string> names;
  for (const Json& choice : axis.choices) {
    for (const auto& [name, value] : choice.items()) names.insert(name);
  }
  return names;
}

// Calls `visit` once for each configuration, not once for each seed.
template <typename Visit>
void ForEachConfiguration(const Expansion& expansion, Visit visit) {
  const Json* last = nullptr;
  for (const Trial& trial : expansion.trials) {
    if (trial.configuration.get() == last) continue;
    last = trial.configuration.get();
    visit(*last);
  }
}

void WarnOfOneSeed(const Sweep& sweep, Warnings& warnings) {
  if (sweep.seeds.size() > 1) return;
  warnings.push_back({"there is only one seed, so the table can show no spread",
                      sweep.file_name, "use at least seeds: 3"});
}

void WarnOfParametersWithoutEffect(const Sweep& sweep,
                                   const Expansion& expansion,
                                   Warnings& warnings) {
  std::set<std::string> effective;
  ForEachConfiguration(expansion, [&](const Json& configuration) {
    for (const auto& [name, value] : configuration.items()) {
      effective.insert(name);
    }
  });
  for (const Axis& axis : sweep.axes) {
    for (const std::string& name : ParametersOf(axis)) {
      if (effective.contains(name)) continue;
      warnings.push_back(
          {fmt::format("'{}' has no effect on any trial", name), axis.where,
           fmt::format("it needs {}; add that, or remove it",
                       config::ConditionText(*config::FindParameter(name)))});
    }
  }
}

bool IsDrawnFromRange(const Sweep& sweep, const std::string& parameter) {
  return std::any_of(sweep.axes.begin(), sweep.axes.end(),
                     [&](const Axis& axis) {
                       return axis.range && axis.choices[0].contains(parameter);
                     });
}

// Values that `parameter` can have somewhere in the grid.
std::vector<Json> PossibleValues(const Sweep& sweep,
                                 const std::string& parameter) {
  std::vector<Json> values;
  bool always_given = false;
  for (const Axis& axis : sweep.axes) {
    size_t given = 0;
    for (const Json& choice : axis.choices) {
      if (!choice.contains(parameter)) continue;
      values.push_back(choice[parameter]);
      ++given;
    }
    always_given |= given == axis.choices.size() && axis.when.empty();
  }
  if (!always_given) {
    values.push_back(config::FindParameter(parameter)->default_value);
  }
  return values;
}

void WarnOfValuesNeverTaken(const Sweep& sweep, const Match& match,
                            std::string_view kind, Warnings& warnings) {
  for (const Condition& condition : match) {
    if (IsDrawnFromRange(sweep, condition.parameter)) continue;
    std::vector<Json> possible = PossibleValues(sweep, condition.parameter);
    for (const Json& value : condition.values) {
      if (std::find(possible.begin(), possible.end(), value) !=
          possible.end()) {
        continue;
      }
      warnings.push_back({fmt::format("'{}' names {} = {}, which no point has",
                                      kind, condition.parameter, value.dump()),
                          condition.where,
                          fmt::format("correct it, or add the value to '{}'",
                                      condition.parameter)});
    }
  }
}

void WarnOfConditions(const Sweep& sweep, const Expansion& expansion,
                      Warnings& warnings) {
  for (size_t i = 0; i < sweep.axes.size(); ++i) {
    const Axis& axis = sweep.axes[i];
    if (axis.when.empty()) continue;
    WarnOfValuesNeverTaken(sweep, axis.when, "when", warnings);
    if (expansion.when_hits[i] > 0) continue;
    warnings.push_back(
        {"this 'when' holds at no point, so its values are "
         "never used",
         axis.where, "correct the 'when', or remove it"});
  }
  if (sweep.search.method != Method::kGrid) return;
  for (size_t i = 0; i < sweep.exclude.size(); ++i) {
    if (expansion.exclude_hits[i] > 0) continue;
    warnings.push_back({"this entry of 'exclude' matches no point of the grid",
                        sweep.exclude[i].where, "correct it, or remove it"});
  }
}

// Whether some trials have no validation traces.
bool LacksValidation(const Expansion& expansion) {
  bool lacks_validation = false;
  ForEachConfiguration(expansion, [&](const Json& configuration) {
    lacks_validation |= configuration["data.validation_fraction"] == 0.0;
  });
  return lacks_validation;
}

void WarnOfMetric(const Sweep& sweep, const Expansion& expansion,
                  Warnings& warnings) {
  if (expansion.configurations < 2) return;
  const std::string& where =
      sweep.metric.where.empty() ? sweep.file_name : sweep.metric.where;
  if (!IsValidationMetric(sweep.metric.name)) {
    warnings.push_back(
        {fmt::format("the best configuration would be chosen by '{}', which "
                     "is measured on the test traces",
                     sweep.metric.name),
         where, "use metric: {name: validation_average_accuracy}"});
    return;
  }
  if (!LacksValidation(expansion)) return;
  warnings.push_back(
      {fmt::format("some trials have no validation traces, so no '{}'",
                   sweep.metric.name),
       where, "give data.validation_fraction a value above 0"});
}

// An included point takes the default of a parameter that the grid varies.
void WarnOfIncludedDefaults(const Sweep& sweep, Warnings& warnings) {
  for (const IncludedPoint& included : sweep.include) {
    for (const Axis& axis : sweep.axes) {
      if (axis.choices.size() < 2 || axis.range) continue;
      for (const std::string& name : ParametersOf(axis)) {
        const Json& value = config::FindParameter(name)->default_value;
        std::vector<Json> possible = PossibleValues(sweep, name);
        bool usual = std::find(possible.begin(), possible.end(), value) !=
                     possible.end();
        if (value.is_null() || usual || included.point.contains(name)) continue;
        warnings.push_back(
            {fmt::format("this point of 'include' gets the default {} = {}, "
                         "which the grid never has",
                         name, value.dump()),
             included.where, fmt::format("give it '{}' too", name)});
      }
    }
  }
}

void WarnOfSingleTask(const Sweep& sweep, const Expansion& expansion,
                      Warnings& warnings) {
  bool single = false;
  ForEachConfiguration(expansion, [&](const Json& configuration) {
    single |= configuration["strategy"] != "joint" &&
              config::TaskCount(configuration) == 1;
  });
  if (!single) return;
  warnings.push_back(
      {"some trials have one task only, so nothing can be "
       "forgotten",
       sweep.file_name, "give tasks.count at least 2"});
}

void WarnOfSmallSpace(const Sweep& sweep, const Expansion& expansion,
                      Warnings& warnings) {
  if (expansion.drawn >= sweep.search.trials) return;
  warnings.push_back(
      {fmt::format("only {} distinct points could be drawn, not {}",
                   expansion.drawn, sweep.search.trials),
       sweep.file_name, "ask for fewer trials, or search more values"});
}

void WarnOfEarlyTerminate(const Sweep& sweep, const Expansion& expansion,
                          Warnings& warnings) {
  const EarlyTerminate& rule = sweep.early_terminate;
  if (rule.type == EarlyTerminate::Type::kNone) return;
  int64_t longest = 0;
  ForEachConfiguration(expansion, [&](const Json& configuration) {
    longest = std::max(longest, TotalEpochs(configuration));
  });
  if (rule.min_iter >= longest) {
    warnings.push_back(
        {fmt::format("'early_terminate' stops nothing before {} epochs, and no "
                     "trial has more than {}",
                     rule.min_iter, longest),
         sweep.file_name, "give early_terminate a smaller min_iter"});
  }
  if (rule.metric == "validation_accuracy" && LacksValidation(expansion)) {
    warnings.push_back(
        {"'early_terminate' can't stop the trials that have no validation "
         "traces",
         sweep.file_name,
         "give data.validation_fraction a value above 0, or "
         "early_terminate metric: train_accuracy"});
  }
}

// The tree of the stages of trials. Fewer epochs of a stage are a prefix of
// more.
class StageTree {
 public:
  explicit StageTree(bool records_path) : records_path_(records_path) {}

  void Add(const Trial& trial) {
    const Json& configuration = *trial.configuration;
    const auto count = static_cast<size_t>(config::StageCount(configuration));
    if (trial.configuration.get() != last_) {
      last_ = trial.configuration.get();
      prefixes_.clear();
      for (size_t i = 0; i < count; ++i) {
        prefixes_.push_back(
            config::StagePrefix(configuration, i, records_path_).dump());
      }
    }
    levels_.resize(std::max(levels_.size(), count));
    longest_.resize(levels_.size());
    for (size_t i = 0; i < count; ++i) {
      const int64_t epochs = config::StageEpochs(configuration, i);
      int64_t& longest = longest_[i][{prefixes_[i], trial.seed}];
      levels_[i].epochs_shared += std::max(epochs - longest, int64_t{0});
      longest = std::max(longest, epochs);
      levels_[i].epochs += epochs;
      ++levels_[i].trials;
      levels_[i].stages = std::ssize(longest_[i]);
    }
  }

  const std::vector<StageLevel>& levels() const { return levels_; }

 private:
  using Stage = std::pair<std::string, int64_t>;  // prefix, seed
  const bool records_path_;
  const Json* last_ = nullptr;  // whose prefixes these are
  std::vector<std::string> prefixes_;
  std::vector<StageLevel> levels_;
  std::vector<std::map<Stage, int64_t>> longest_;  // epochs, per level
};

}  // namespace

int64_t TotalEpochs(const Json& configuration) {
  int64_t total = 0;
  for (int64_t i = 0; i < config::StageCount(configuration); ++i) {
    total += config::StageEpochs(configuration, i);
  }
  return total;
}

Plan MakePlan(const Sweep& sweep, const Expansion& expansion,
              const std::function<bool(std::string_view)>& is_known) {
  Plan plan;
  plan.grid_size = expansion.grid_size;
  plan.after_when = expansion.after_when;
  plan.excluded = expansion.excluded;
  plan.included = expansion.included;
  plan.method = sweep.search.method;
  plan.drawn = expansion.drawn;
  plan.drawn_ahead = std::min(PointsDrawnAhead(sweep.search), expansion.drawn);
  plan.configurations = expansion.configurations;
  plan.seeds = static_cast<int64_t>(sweep.seeds.size());
  plan.trials = static_cast<int64_t>(expansion.trials.size());
  StageTree tree(RecordsPath(sweep));
  for (const Trial& trial : expansion.trials) {
    int64_t epochs = TotalEpochs(*trial.configuration);
    plan.epochs += epochs;
    if (is_known(trial.id)) {
      ++plan.known;
    } else {
      plan.epochs_to_run += epochs;
      tree.Add(trial);
    }
  }
  plan.levels = tree.levels();
  for (const StageLevel& level : plan.levels) {
    plan.epochs_shared += level.epochs_shared;
  }
  WarnOfOneSeed(sweep, plan.warnings);
  WarnOfSmallSpace(sweep, expansion, plan.warnings);
  WarnOfMetric(sweep, expansion, plan.warnings);
  WarnOfEarlyTerminate(sweep, expansion, plan.warnings);
  WarnOfParametersWithoutEffect(sweep, expansion, plan.warnings);
  WarnOfConditions(sweep, expansion, plan.warnings);
  WarnOfIncludedDefaults(sweep, plan.warnings);
  WarnOfSingleTask(sweep, expansion, plan.warnings);
  return plan;
}

}  // namespace dfsweep::sweeps
