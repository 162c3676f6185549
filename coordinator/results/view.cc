#include "coordinator/results/view.h"

#include <algorithm>
#include <map>
#include <optional>
#include <set>
#include <string_view>
#include <unordered_map>
#include <utility>

#include "coordinator/results/metrics.h"
#include "coordinator/results/provenance.h"
#include "model/config/parameters.h"
#include "sweeps/errors.h"
#include "sweeps/metrics.h"

namespace dfsweep::coordinator {
namespace {

bool Contains(const std::vector<std::string>& names, std::string_view name) {
  return std::find(names.begin(), names.end(), name) != names.end();
}

// Mostly true of neighbours: they differ in their seed alone.
bool HaveSameParameters(const ResultRow* last, const ResultRow& row) {
  return last != nullptr && row.parameters.IsSame(last->parameters);
}

// Visits the members that `last` does not have at the same place.
void ForEachNew(const ParameterSet& set, const ParameterSet& last,
                const auto& visit) {
  if (set.IsSame(last)) return;
  const ParameterSet::Members& known = last.members();
  for (size_t i = 0; i < set.members().size(); ++i) {
    const ParameterSet::Member* member = set.members()[i];
    if (i >= known.size() || member != known[i]) visit(*member);
  }
}

// Parameters with two different values; one without effect somewhere does not
// vary for that. In the order of the parameter table.
std::vector<std::string> VaryingParameters(const std::vector<ResultRow>& rows) {
  std::map<std::string_view, const Json*> first;
  std::set<std::string_view> varying;
  const ParameterSet none;
  const ParameterSet* last = &none;
  for (const ResultRow& row : rows) {
    ForEachNew(row.parameters, *last, [&](const ParameterSet::Member& member) {
      auto [entry, is_new] = first.try_emplace(member.name, &member.value);
      if (!is_new && *entry->second != member.value) {
        varying.insert(entry->first);
      }
    });
    last = &row.parameters;
  }
  std::vector<std::string> ordered;
  for (const config::Parameter& parameter : config::Parameters()) {
    if (varying.erase(parameter.name) > 0) ordered.push_back(parameter.name);
  }
  ordered.insert(ordered.end(), varying.begin(), varying.end());
  return ordered;
}

MetricNames MetricsIn(const std::vector<ResultRow>& rows) {
  MetricNames names;
  for (const ResultRow& row : rows) AddMetricsOf(row, names);
  names.insert("train_seconds");
  return names;
}

// The table of a continual-learning paper.
std::vector<std::string> UsualMetrics(const std::vector<ResultRow>& rows) {
  std::set<int> tasks;
  for (const ResultRow& row : rows) {
    if (int count = TaskCount(row); count > 0) tasks.insert(count);
  }
  std::vector<std::string> names;
  if (tasks.size() == 1) {
    int last = *tasks.begin();
    names.push_back(TaskAccuracyName(1, 1));
    if (last > 1) {
      names.push_back(TaskAccuracyName(1, last));
      names.push_back(TaskAccuracyName(last, last));
    }
  }
  for (const char* name : {"average_accuracy", "forgetting", "train_seconds"}) {
    names.emplace_back(name);
  }
  return names;
}

// Tells the names of parameters and metrics apart, and finds unknown ones.
class Names {
 public:
  explicit Names(const std::vector<ResultRow>& rows)
      : in_rows_(MetricsIn(rows)) {}

  bool IsMetric(const std::string& name) const {
    return in_rows_.contains(name) || (sweeps::FindMetric(name) != nullptr &&
                                       name.find('<') == std::string::npos);
  }
  static bool IsParameter(const std::string& name) {
    return config::FindParameter(name) != nullptr;
  }

  static absl::Status CheckParameters(const std::vector<std::string>& names) {
    for (const std::string& name : names) {
      if (!IsParameter(name)) {
        return sweeps::UnknownName("parameter", name, "--group-by",
                                   sweeps::ParameterNames());
      }
    }
    return absl::OkStatus();
  }

  absl::Status Check(const std::string& name, std::string_view where) const {
    if (IsParameter(name) || IsMetric(name)) return absl::OkStatus();
    std::vector<std::string> known(in_rows_.begin(), in_rows_.end());
    for (std::string& metric : sweeps::MetricNames()) {
      if (!Contains(known, metric)) known.push_back(std::move(metric));
    }
    for (std::string& parameter : sweeps::ParameterNames()) {
      known.push_back(std::move(parameter));
    }
    return sweeps::UnknownName("metric or parameter", name, where, known);
  }

  const MetricNames& in_rows() const { return in_rows_; }

 private:
  MetricNames in_rows_;
};

// Fills view.parameters and view.metrics.
absl::Status ChooseColumns(const std::vector<ResultRow>& rows,
                           const ExportOptions& options, const Names& names,
                           View& view) {
  view.parameters = !options.group_by.empty()          ? options.group_by
                    : !options.report_group_by.empty() ? options.report_group_by
                                                       : view.varying;
  DFSWEEP_RETURN_IF_ERROR(Names::CheckParameters(view.parameters));

  const std::vector<std::string>& asked =
      options.columns.empty() ? options.report_columns : options.columns;
  for (const std::string& name : asked) {
    DFSWEEP_RETURN_IF_ERROR(names.Check(name, "--columns"));
    auto& chosen = Names::IsParameter(name) ? view.parameters : view.metrics;
    if (!Contains(chosen, name)) chosen.push_back(name);
  }
  if (view.trials && options.format == Format::kJsonl) {
    // A line has all of its trial, whatever was asked for.
    view.parameters.clear();
    view.metrics.clear();
  } else if (view.metrics.empty() && options.format == Format::kCsv) {
    view.metrics.assign(names.in_rows().begin(), names.in_rows().end());
  } else if (view.metrics.empty()) {
    view.metrics = UsualMetrics(rows);
  }
  return absl::OkStatus();
}

std::vector<const Json*> ValuesOf(const ResultRow& row,
                                  const std::vector<std::string>& names) {
  std::vector<const Json*> values;
  values.reserve(names.size());
  for (const std::string& name : names) {
    values.push_back(row.parameters.Find(name));
  }
  return values;
}

// The values of the chosen parameters as one text; equal texts, equal values.
std::string KeyOf(const std::vector<const Json*>& values) {
  std::string key;
  for (const Json* value : values) {
    key += value == nullptr ? "-" : value->dump();
    key += '\n';
  }
  return key;
}

void AddRows(const std::vector<ResultRow>& rows, View& view) {
  std::unordered_map<std::string, size_t> places;
  if (!view.trials) places.reserve(rows.size());
  const ResultRow* last = nullptr;
  std::vector<const Json*> values;
  size_t place = 0;
  for (const ResultRow& row : rows) {
    const bool is_like_last = HaveSameParameters(last, row);
    if (!is_like_last) values = ValuesOf(row, view.parameters);
    if (view.trials) {
      place = view.groups.size();
    } else if (!is_like_last) {
      place =
          places.try_emplace(KeyOf(values), view.groups.size()).first->second;
    }
    if (place == view.groups.size()) {
      view.groups.emplace_back().parameters = values;
    }
    last = &row;
    view.groups[place].rows.push_back(&row);
    view.groups[place].counts.Add(row.status);
    view.counts.Add(row.status);
  }
}

// Values of a metric; a mean is of completed trials only.
std::vector<double> ValuesIn(const Group& group, const std::string& name,
                             bool trials) {
  std::vector<double> values;
  for (const ResultRow* row : group.rows) {
    if (!trials && row->status != "completed") continue;
    if (auto value = MetricValue(*row, name)) values.push_back(*value);
  }
  return values;
}

void FillGroup(const View& view, Group& group) {
  group.several_configurations = std::any_of(
      group.rows.begin(), group.rows.end(), [&group](const ResultRow* row) {
        return !(row->parameters == group.rows.front()->parameters);
      });
  group.metrics.reserve(view.metrics.size());
  for (const std::string& name : view.metrics) {
    Summary summary = Summarize(ValuesIn(group, name, view.trials));
    if (group.several_configurations) summary.half_width.reset();
    group.metrics.push_back(summary);
  }
}

// What a group is sorted by: numbers before texts, nothing last.
struct SortKey {
  std::optional<double> number;
  std::string text;
};

SortKey KeyFor(const Group& group, const std::string& name, bool trials) {
  SortKey key;
  if (Names::IsParameter(name)) {
    const Json* value = group.rows.front()->parameters.Find(name);
    if (value == nullptr) return key;
    if (value->is_number()) {
      key.number = value->get<double>();
    } else {
      key.text = value->dump();
    }
    return key;
  }
  std::vector<double> values = ValuesIn(group, name, trials);
  if (!values.empty()) key.number = Summarize(values).mean;
  return key;
}

bool Before(const SortKey& a, const SortKey& b, bool descending) {
  auto rank = [](const SortKey& key) {
    return key.number.has_value() ? 0 : key.text.empty() ? 2 : 1;
  };
  if (rank(a) != rank(b)) return rank(a) < rank(b);
  if (a.number != b.number) {
    return descending ? *a.number > *b.number : *a.number < *b.number;
  }
  return descending ? a.text > b.text : a.text < b.text;
}

void SortGroups(const std::string& name, bool descending, View& view) {
  std::vector<std::pair<SortKey, Group>> keyed;
  for (Group& group : view.groups) {
    SortKey key = KeyFor(group, name, view.trials);
    keyed.emplace_back(std::move(key), std::move(group));
  }
  std::stable_sort(keyed.begin(), keyed.end(),
                   [descending](const auto& a, const auto& b) {
                     return Before(a.first, b.first, descending);
                   });
  view.groups.clear();
  for (auto& [key, group] : keyed) view.groups.push_back(std::move(group));
}

}  // namespace

void Counts::Add(const std::string& status) {
  int64_t& count = status == "completed"   ? completed
                   : status == "diverged"  ? diverged
                   : status == "failed"    ? failed
                   : status == "cancelled" ? cancelled
                   : status == "pruned"    ? pruned
                                           : open;
  ++count;
}

int64_t Counts::Total() const {
  return completed + diverged + failed + cancelled + pruned + open;
}

absl::StatusOr<View> MakeView(const std::vector<ResultRow>& rows,
                              const ExportOptions& options) {
  View view;
  view.trials =
      options.rows == RowKind::kTrials ||
      (options.rows == RowKind::kDefault && options.format == Format::kJsonl);
  view.varying = VaryingParameters(rows);
  Names names(rows);
  DFSWEEP_RETURN_IF_ERROR(ChooseColumns(rows, options, names, view));

  std::vector<std::string> orders = options.report_sort;
  if (!options.sort.empty()) orders = {options.sort};
  for (const std::string& order : orders) {
    DFSWEEP_RETURN_IF_ERROR(names.Check(
        order.starts_with('-') ? order.substr(1) : order, "--sort"));
  }
  AddRows(rows, view);
  for (Group& group : view.groups) FillGroup(view, group);
  MarkOddProvenance(rows, view);
  // Stable sorts, the most important key last.
  for (auto order = orders.rbegin(); order != orders.rend(); ++order) {
    bool descending = order->starts_with('-');
    SortGroups(descending ? order->substr(1) : *order, descending, view);
  }
  return view;
}

std::optional<int64_t> CommonCount(const View& view) {
  if (view.groups.empty()) return std::nullopt;
  const int64_t count = view.groups.front().counts.completed;
  bool common = std::all_of(
      view.groups.begin(), view.groups.end(), [count](const Group& group) {
        return group.counts.completed == count && !group.odd_provenance &&
               !group.several_configurations;
      });
  return common ? std::optional(count) : std::nullopt;
}

}  // namespace dfsweep::coordinator
