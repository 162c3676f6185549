#include "coordinator/results/notes.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>

#include "base/status.h"
#include "coordinator/results/metrics.h"

namespace dfsweep::coordinator {
namespace {

constexpr double kPrintsAsZero = 0.0005;  // 0.0 %
constexpr int64_t kSeedsForAClaim = 3;
constexpr size_t kFailuresShown = 5;

std::string Plural(int64_t count, std::string_view noun) {
  return fmt::format("{} {}{}", count, noun, count == 1 ? "" : "s");
}

std::string_view StrategyOf(const Group& group) {
  return group.rows.front()->parameters.Text("strategy");
}

// Parameters that vary but make no column: what a ‡ row averages over.
std::vector<std::string> AveragedParameters(const View& view) {
  std::vector<std::string> names;
  for (const std::string& name : view.varying) {
    if (std::find(view.parameters.begin(), view.parameters.end(), name) ==
        view.parameters.end()) {
      names.push_back(name);
    }
  }
  return names;
}

std::string SeveralConfigurationsNote(const View& view) {
  bool any = std::any_of(
      view.groups.begin(), view.groups.end(),
      [](const Group& group) { return group.several_configurations; });
  if (!any) return "";
  return fmt::format(
      "‡ averages over trials that differ in {} too, so its sd is not that of "
      "seeds; add it to --group-by",
      fmt::join(AveragedParameters(view), ", "));
}

// Zero is what fine-tuning leaves of an old task here, and not a mistake.
std::string FloorNote(const View& view) {
  for (size_t m = 0; m < view.metrics.size(); ++m) {
    auto parsed = ParseTaskAccuracy(view.metrics[m]);
    if (!parsed || parsed->task >= parsed->after) continue;
    for (const Group& group : view.groups) {
      const ParameterSet& parameters = group.rows.front()->parameters;
      if (StrategyOf(group) == "naive" &&
          parameters.Text("scenario") == "class-incremental" &&
          group.metrics[m].n > 0 && group.metrics[m].mean < kPrintsAsZero) {
        return fmt::format(
            "naive: 0.0 for {} is the floor of class-incremental learning: "
            "a network trained on new classes alone never answers an old one",
            MetricHeader(view.metrics[m]));
      }
    }
  }
  return "";
}

std::string JointNote(const View& view) {
  bool has_task_columns = std::any_of(
      view.metrics.begin(), view.metrics.end(), [](const std::string& name) {
        return ParseTaskAccuracy(name).has_value();
      });
  bool has_joint = std::any_of(
      view.groups.begin(), view.groups.end(), [](const Group& group) {
        return StrategyOf(group) == "joint" &&
               std::any_of(
                   group.rows.begin(), group.rows.end(),
                   [](const ResultRow* row) { return TaskCount(*row) > 1; });
      });
  if (!has_joint || !has_task_columns) return "";
  return "joint: one training on all tasks together, the upper bound; it has "
         "no stage before the last";
}

std::string LeakNote(const std::vector<ResultRow>& rows) {
  double most = 0;
  for (const ResultRow& row : rows) {
    most = std::max(most, MetricValue(row, "leaked_test_examples").value_or(0));
  }
  if (most == 0) return "";
  return fmt::format(
      "leakage: up to {} of a trial are identical to training traces, which "
      "makes accuracies too high; data.duplicates: remove drops them",
      Plural(static_cast<int64_t>(most), "test trace"));
}

std::string UnfinishedNote(const View& view) {
  const Counts& counts = view.counts;
  if (counts.Total() == counts.completed) return "";
  std::vector<std::string> parts;
  for (auto [count, what] : {std::pair{counts.diverged, "diverged"},
                             {counts.failed, "failed"},
                             {counts.cancelled, "cancelled"},
                             {counts.pruned, "stopped early"},
                             {counts.open, "not ended yet"}}) {
    if (count > 0) parts.push_back(fmt::format("{} {}", count, what));
  }
  return fmt::format("of {}: {}; means are of completed trials only",
                     Plural(counts.Total(), "trial"), fmt::join(parts, ", "));
}

// The first line of what the first failed and diverged trials said.
void AddFailures(const std::vector<ResultRow>& rows,
                 std::vector<std::string>& notes) {
  size_t more = 0;
  for (const ResultRow& row : rows) {
    if (row.status != "failed" && row.status != "diverged") continue;
    if (++more > kFailuresShown) continue;
    std::string what = PartsOf(row.message).what;
    notes.push_back(fmt::format("{} {}: {}", row.trial_id.substr(0, 8),
                                row.status,
                                what.empty() ? "no reason given" : what));
  }
  if (more > kFailuresShown) {
    notes.push_back(fmt::format("and {} more", more - kFailuresShown));
  }
}

std::string FewSeedsNote(const View& view) {
  if (view.trials || view.groups.size() < 2) return "";
  for (const Group& group : view.groups) {
    if (group.counts.completed > 0 &&
        group.counts.completed < kSeedsForAClaim) {
      return fmt::format(
          "fewer than {} seeds: differences between rows "
          "support no claim",
          kSeedsForAClaim);
    }
  }
  return "";
}

std::string BoldNote(const Sheet& sheet) {
  for (const auto& row : sheet.rows) {
    for (const TextCell& cell : row) {
      if (cell.bold) {
        return "bold: best mean beside joint; no test of significance";
      }
    }
  }
  return "";
}

}  // namespace

std::string Caption(const std::vector<ResultRow>& rows, const View& view) {
  std::string name = rows.empty() ? "results" : rows.front().sweep;
  std::string size =
      view.trials ? Plural(view.counts.Total(), "trial")
                  : fmt::format("{}, {}",
                                Plural(static_cast<int64_t>(view.groups.size()),
                                       "configuration"),
                                Plural(view.counts.Total(), "trial"));
  std::string what;
  if (!view.trials) {
    std::optional<int64_t> n = CommonCount(view);
    what = fmt::format("; mean ± sd over n{} seeds",
                       n ? fmt::format(" = {}", *n) : "");
  }
  bool has_shares = std::any_of(
      view.metrics.begin(), view.metrics.end(),
      [](const std::string& metric) { return MetricUnit(metric) == "%"; });
  return fmt::format("{}: {}{}{}", name, size, what,
                     has_shares ? "; accuracy and forgetting in %" : "");
}

std::vector<std::string> Notes(const std::vector<ResultRow>& rows,
                               const View& view, const Sheet& sheet) {
  std::vector<std::string> notes;
  auto add = [&notes](std::string note) {
    if (!note.empty()) notes.push_back(std::move(note));
  };
  add(UnfinishedNote(view));
  if (view.trials) AddFailures(rows, notes);
  add(view.mixed_provenance.empty()
          ? ""
          : "† mixed provenance: " + view.mixed_provenance);
  add(SeveralConfigurationsNote(view));
  add(JointNote(view));
  add(FloorNote(view));
  add(LeakNote(rows));
  add(FewSeedsNote(view));
  add(BoldNote(sheet));
  return notes;
}

}  // namespace dfsweep::coordinator
