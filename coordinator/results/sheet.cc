#include "coordinator/results/sheet.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <functional>
#include <map>
#include <optional>
#include <set>

#include "base/display_text.h"
#include "base/text_table.h"
#include "coordinator/results/metrics.h"
#include "coordinator/results/notes.h"
#include "sweeps/metrics.h"

namespace dfsweep::coordinator {
namespace {

constexpr int kAlways = TextColumn::kAlways;
constexpr int kWorkerPriority = 1;
constexpr int kIntervalPriority = 2;
constexpr int kCommonCountPriority = 3;
constexpr int kLeastMetricPriority = 10;
constexpr int kCountPriority = 1000;
constexpr size_t kShortIdDigits = 8;

// What ends as a bold mean must have this many seeds, and its rivals too.
constexpr int64_t kSeedsForBold = 3;

// The last part of each dotted name where that is enough to tell them apart.
std::vector<std::string> ParameterHeaders(
    const std::vector<std::string>& names) {
  std::map<std::string, int> uses;
  auto leaf = [](const std::string& name) {
    return name.substr(name.rfind('.') + 1);
  };
  for (const std::string& name : names) ++uses[leaf(name)];
  std::vector<std::string> headers;
  for (const std::string& name : names) {
    headers.push_back(uses[leaf(name)] == 1 ? leaf(name) : name);
  }
  return headers;
}

// Asked-for metrics matter in their order; of the usual ones, the summary and
// what is left of the first task do.
int MetricPriority(const std::string& name, size_t place,
                   const ExportOptions& options) {
  if (!options.columns.empty() || !options.report_columns.empty()) {
    return kCountPriority - 1 - static_cast<int>(place);
  }
  if (name == options.metric) return kLeastMetricPriority + 9;
  if (name == "average_accuracy") return kLeastMetricPriority + 8;
  if (name == "forgetting") return kLeastMetricPriority + 4;
  auto parsed = ParseTaskAccuracy(name);
  if (!parsed) return kLeastMetricPriority;
  if (parsed->task < parsed->after) return kLeastMetricPriority + 7;
  return kLeastMetricPriority + (parsed->task > 1 ? 6 : 5);
}

// The metric whose interval is shown: the sweep's own if it is in the table.
std::optional<size_t> IntervalMetric(const View& view,
                                     const ExportOptions& options) {
  for (const std::string& name :
       {options.metric, std::string("average_accuracy")}) {
    auto found = std::find(view.metrics.begin(), view.metrics.end(), name);
    if (found != view.metrics.end()) return found - view.metrics.begin();
  }
  return std::nullopt;
}

// Best mean of each metric among the rows that are compared; empty where none
// may be called best. Joint is the upper bound and no rival.
std::vector<std::optional<double>> BestMeans(const View& view) {
  std::vector<std::optional<double>> best(view.metrics.size());
  std::vector<const Group*> rivals;
  for (const Group& group : view.groups) {
    if (group.rows.front()->parameters.Text("strategy") == "joint") {
      continue;
    }
    if (group.several_configurations || group.odd_provenance) return best;
    rivals.push_back(&group);
  }
  if (view.trials || rivals.size() < 2) return best;
  for (size_t m = 0; m < view.metrics.size(); ++m) {
    const sweeps::MetricInfo* info = sweeps::FindMetric(view.metrics[m]);
    using sweeps::Direction;
    if (info == nullptr || info->direction == Direction::kNeither ||
        info->name == "train_seconds") {
      continue;
    }
    bool higher = info->direction == Direction::kHigherIsBetter;
    for (const Group* group : rivals) {
      const Summary& summary = group->metrics[m];
      if (summary.n < kSeedsForBold) {
        best[m].reset();
        break;
      }
      if (!best[m] ||
          (higher ? summary.mean > *best[m] : summary.mean < *best[m])) {
        best[m] = summary.mean;
      }
    }
  }
  return best;
}

// Collects columns, then fills them in row by row.
class SheetBuilder {
 public:
  SheetBuilder(const View& view, const ExportOptions& options)
      : view_(view), options_(options) {}

  void AddParameters() {
    std::vector<std::string> headers = ParameterHeaders(view_.parameters);
    for (size_t p = 0; p < view_.parameters.size(); ++p) {
      bool is_number = std::all_of(
          view_.groups.begin(), view_.groups.end(), [p](const Group& group) {
            const Json* value = group.parameters[p];
            return value == nullptr || value->is_number();
          });
      Add({headers[p], "", is_number, kAlways}, [p](const Group& group) {
        return ParameterText(group.parameters[p]);
      });
    }
  }

  // How many trials stand behind a row, and what became of the others.
  void AddCounts() {
    // The caption says a common one.
    int priority = CommonCount(view_) ? kCommonCountPriority : kAlways;
    Add({"n", "", true, priority}, [](const Group& group) {
      return fmt::format("{}{}{}", group.counts.completed,
                         group.odd_provenance ? " †" : "",
                         group.several_configurations ? " ‡" : "");
    });
    AddCount("diverged", &Counts::diverged);
    AddCount("failed", &Counts::failed);
    AddCount("cancelled", &Counts::cancelled);
    AddCount("pruned", &Counts::pruned);
    AddCount("open", &Counts::open);
  }

  void AddTrial() {
    Add({"trial", "", false, kAlways}, [](const Group& group) {
      return group.rows.front()->trial_id.substr(0, kShortIdDigits) +
             (group.odd_provenance ? " †" : "");
    });
    AddParameters();
    Add({"seed", "", true, kAlways}, [](const Group& group) {
      return std::to_string(group.rows.front()->seed);
    });
    if (view_.counts.completed < view_.counts.Total()) {
      Add({"status", "", false, kAlways},
          [](const Group& group) { return group.rows.front()->status; });
    }
  }

  void AddMetrics() {
    std::vector<std::optional<double>> best = BestMeans(view_);
    for (size_t m = 0; m < view_.metrics.size(); ++m) {
      const std::string& name = view_.metrics[m];
      std::string_view unit = MetricUnit(name);
      AddCells({MetricHeader(name), unit == "%" ? "%" : "", true,
                MetricPriority(name, m, options_)},
               [this, m, best = best[m]](const Group& group) {
                 const Summary& summary = group.metrics[m];
                 return TextCell{MetricText(group, m),
                                 best.has_value() && summary.n > 0 &&
                                     summary.mean == *best};
               });
    }
  }

  void AddInterval() {
    std::optional<size_t> m = IntervalMetric(view_, options_);
    bool any =
        m && std::any_of(view_.groups.begin(), view_.groups.end(),
                         [m](const Group& group) {
                           return group.metrics[*m].half_width.has_value();
                         });
    if (!any) return;
    const std::string& name = view_.metrics[*m];
    Add({fmt::format("95% CI of {}", MetricHeader(name)),
         std::string(MetricUnit(name)), true, kIntervalPriority},
        [&name, m](const Group& group) {
          return FormatInterval(name, group.metrics[*m]);
        });
  }

  void AddWorker() {
    Add({"worker", "", false, kWorkerPriority},
        [](const Group& group) { return group.rows.front()->worker; });
  }

  // To be called once.
  Sheet Take() {
    sheet_.rows.reserve(view_.groups.size());
    for (const Group& group : view_.groups) {
      std::vector<TextCell>& row = sheet_.rows.emplace_back();
      row.reserve(cells_.size());
      for (const CellOf& cell_of : cells_) {
        TextCell& cell = row.emplace_back(cell_of(group));
        cell.text = Printable(cell.text);
      }
    }
    return std::move(sheet_);
  }

 private:
  using CellOf = std::function<TextCell(const Group&)>;

  void AddCells(SheetColumn column, CellOf cell_of) {
    sheet_.columns.push_back(std::move(column));
    cells_.push_back(std::move(cell_of));
  }

  void Add(SheetColumn column, const auto& text_of) {
    AddCells(std::move(column), [text_of](const Group& group) {
      return TextCell{text_of(group)};
    });
  }

  void AddCount(const char* header, int64_t Counts::*count) {
    if (view_.counts.*count == 0) return;
    Add({header, "", true, kCountPriority}, [count](const Group& group) {
      return std::to_string(group.counts.*count);
    });
  }

  std::string MetricText(const Group& group, size_t m) const {
    const Summary& summary = group.metrics[m];
    std::string text = FormatSummary(view_.metrics[m], summary);
    const bool is_partial =
        !view_.trials && summary.n > 0 && summary.n != group.counts.completed;
    if (is_partial) text += fmt::format(" (n={})", summary.n);
    return text;
  }

  const View& view_;
  const ExportOptions& options_;
  Sheet sheet_;
  std::vector<CellOf> cells_;  // as sheet_.columns
};

}  // namespace

std::string ParameterText(const Json* value) {
  if (value == nullptr || value->is_null()) return "–";
  if (value->is_string()) return value->get<std::string>();
  // Canonical JSON writes 1e8 as 100000000.
  if (value->is_number()) return NumberText(value->get<double>());
  if (value->is_object() && value->size() == 1) {  // {"per_task": [30, 10]}
    return ParameterText(&value->front());
  }
  if (value->is_array()) {
    std::vector<std::string> items;
    for (const Json& item : *value) items.push_back(ParameterText(&item));
    bool texts = !value->empty() && value->front().is_string();
    return fmt::format("{}", fmt::join(items, texts ? " | " : ", "));
  }
  return value->dump();
}

Sheet MakeSheet(const std::vector<ResultRow>& rows, const View& view,
                const ExportOptions& options) {
  SheetBuilder builder(view, options);
  if (view.trials) {
    builder.AddTrial();
    builder.AddMetrics();
    builder.AddWorker();
  } else {
    builder.AddParameters();
    builder.AddCounts();
    builder.AddMetrics();
    builder.AddInterval();
  }
  Sheet sheet = builder.Take();
  sheet.caption = Printable(Caption(rows, view));
  for (const std::string& note : Notes(rows, view, sheet)) {
    sheet.notes.push_back(Printable(note));
  }
  return sheet;
}

}  // namespace dfsweep::coordinator
