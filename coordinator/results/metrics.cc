#include "coordinator/results/metrics.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <map>

namespace dfsweep::coordinator {
namespace {

constexpr int kTasksWithLetters = 26;
// Seconds below this are shown with a decimal.
constexpr double kShortSeconds = 9.95;

// A, B, …, Z, then "task 27".
std::string TaskLetter(int task) {
  return task <= kTasksWithLetters
             ? std::string(1, static_cast<char>('A' + task - 1))
             : fmt::format("task {}", task);
}

// One training on several tasks: a matrix of one row and several columns.
bool IsJoint(const ResultRow& row) {
  return row.accuracy_matrix.size() == 1 && row.accuracy_matrix[0].size() > 1;
}

bool IsShare(std::string_view name) {
  return name.find("accuracy") != name.npos || name.starts_with("forgetting") ||
         name.starts_with("open_world_") || name == "bwt" || name == "fwt" ||
         name == "macro_f1";
}

}  // namespace

int TaskCount(const ResultRow& row) {
  return row.accuracy_matrix.empty()
             ? 0
             : static_cast<int>(row.accuracy_matrix.back().size());
}

std::optional<double> MetricValue(const ResultRow& row, std::string_view name) {
  if (name == "train_seconds") {
    if (row.metrics.empty()) return std::nullopt;
    return row.train_seconds;
  }
  std::optional<double> value = row.metrics.Find(name);
  if (std::optional<TaskAccuracy> asked;
      IsJoint(row) && (asked = ParseTaskAccuracy(name))) {
    if (asked->after != TaskCount(row)) return std::nullopt;
    value = row.metrics.Find(TaskAccuracyName(asked->task, 1));
  }
  return value && std::isfinite(*value) ? value : std::nullopt;
}

void AddMetricsOf(const ResultRow& row, MetricNames& names) {
  const bool is_joint = IsJoint(row);
  for (const auto& [stored, value] : row.metrics) {
    std::string_view name = *stored;
    std::string of_joint;
    if (std::optional<TaskAccuracy> parsed;
        is_joint && (parsed = ParseTaskAccuracy(*stored))) {
      name = of_joint = TaskAccuracyName(parsed->task, TaskCount(row));
    }
    // The same of most rows.
    if (names.contains(name) || !MetricValue(row, name)) continue;
    names.emplace(name);
  }
}

std::string MetricHeader(std::string_view name) {
  if (auto parsed = ParseTaskAccuracy(name)) {
    return fmt::format("{} after {}", TaskLetter(parsed->task),
                       TaskLetter(parsed->after));
  }
  static const auto& headers = *new std::map<std::string_view, std::string>{
      {"average_accuracy", "average"},
      {"average_incremental_accuracy", "incremental"},
      {"validation_average_accuracy", "validation"},
      {"weighted_accuracy", "weighted"},
      {"learning_accuracy", "learning"},
      {"macro_f1", "macro F1"},
      {"bwt", "BWT"},
      {"train_seconds", "train s"}};
  if (auto found = headers.find(name); found != headers.end()) {
    return found->second;
  }
  std::string header(name);
  std::replace(header.begin(), header.end(), '_', ' ');
  return header;
}

std::string_view MetricUnit(std::string_view name) {
  if (IsShare(name)) return "%";
  return name.ends_with("seconds") ? "s" : "";
}

std::string FormatMetric(std::string_view name, double value) {
  std::string text;
  if (IsShare(name)) {
    text = fmt::format("{:.1f}", 100 * value);
  } else if (name.ends_with("seconds")) {
    text =
        fmt::format("{:.{}f}", value, std::abs(value) < kShortSeconds ? 1 : 0);
  } else {
    text = fmt::format("{:.4g}", value);
  }
  return text == "-0.0" ? "0.0" : text;
}

std::string FormatSummary(std::string_view name, const Summary& summary) {
  if (summary.n == 0) return "–";
  std::string mean = FormatMetric(name, summary.mean);
  if (!summary.sd.has_value()) return mean;
  return fmt::format("{} ± {}", mean, FormatMetric(name, *summary.sd));
}

std::string FormatInterval(std::string_view name, const Summary& summary) {
  if (!summary.half_width.has_value()) return "–";
  return fmt::format("[{}, {}]",
                     FormatMetric(name, summary.mean - *summary.half_width),
                     FormatMetric(name, summary.mean + *summary.half_width));
}

}  // namespace dfsweep::coordinator
