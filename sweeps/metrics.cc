#include "sweeps/metrics.h"

#include <fmt/format.h>

#include <charconv>

namespace dfsweep::sweeps {
namespace {

constexpr std::string_view kTaskPrefix = "accuracy_task_";
constexpr std::string_view kAfter = "_after_";
constexpr int kMaxTask = 9999;

std::optional<int> ParseTask(std::string_view digits) {
  int value = 0;
  auto [end, error] =
      std::from_chars(digits.data(), digits.data() + digits.size(), value);
  bool whole = error == std::errc() && end == digits.data() + digits.size();
  bool canonical = whole && digits[0] != '0' && digits[0] != '-';
  if (!canonical || value > kMaxTask) return std::nullopt;
  return value;
}

// The name in Metrics() that stands for `name`.
std::string_view PatternOf(std::string_view name) {
  if (ParseTaskAccuracy(name)) return "accuracy_task_<j>_after_<i>";
  constexpr std::string_view kClass = "class_accuracy_";
  if (name.starts_with(kClass) && name.size() > kClass.size() &&
      name.find_first_not_of("0123456789", kClass.size()) == name.npos) {
    return "class_accuracy_<label>";
  }
  if (name.starts_with("open_world_")) {
    for (std::string_view threshold : {"_at_50", "_at_90"}) {
      if (name.ends_with(threshold)) name.remove_suffix(threshold.size());
    }
  }
  return name;
}

}  // namespace

std::optional<TaskAccuracy> ParseTaskAccuracy(std::string_view name) {
  if (!name.starts_with(kTaskPrefix)) return std::nullopt;
  name.remove_prefix(kTaskPrefix.size());
  size_t middle = name.find(kAfter);
  if (middle == name.npos) return std::nullopt;
  std::optional<int> task = ParseTask(name.substr(0, middle));
  std::optional<int> after = ParseTask(name.substr(middle + kAfter.size()));
  if (!task || !after) return std::nullopt;
  return TaskAccuracy{*task, *after};
}

std::string TaskAccuracyName(int task, int after) {
  return fmt::format("{}{}{}{}", kTaskPrefix, task, kAfter, after);
}

const std::vector<MetricInfo>& Metrics() {
  using enum Direction;
  static const auto& metrics = *new std::vector<MetricInfo>{
      {"average_accuracy", kHigherIsBetter},
      {"average_incremental_accuracy", kHigherIsBetter},
      {"forgetting", kLowerIsBetter},
      {"forgetting_first_last", kLowerIsBetter},
      {"bwt", kHigherIsBetter},
      {"fwt", kHigherIsBetter},
      {"learning_accuracy", kHigherIsBetter},
      {"weighted_accuracy", kHigherIsBetter},
      {"macro_f1", kHigherIsBetter},
      {"accuracy_task_<j>_after_<i>", kHigherIsBetter},
      {"class_accuracy_<label>", kHigherIsBetter},
      {"open_world_auc", kHigherIsBetter},
      {"open_world_f1", kHigherIsBetter},
      {"open_world_fpr", kLowerIsBetter},
      {"open_world_precision", kHigherIsBetter},
      {"open_world_recall", kHigherIsBetter},
      {"open_world_strict_precision", kHigherIsBetter},
      {"open_world_strict_recall", kHigherIsBetter},
      {"validation_average_accuracy", kHigherIsBetter},
      {"train_seconds", kLowerIsBetter},
      {"penalty_max_step", kNeither},
      {"leaked_test_examples", kNeither},
      {"train_examples", kNeither},
      {"test_examples", kNeither},
      {"steps", kNeither},
  };
  return metrics;
}

const MetricInfo* FindMetric(std::string_view name) {
  std::string_view pattern = PatternOf(name);
  for (const MetricInfo& metric : Metrics()) {
    if (metric.name == pattern) return &metric;
  }
  return nullptr;
}

std::vector<std::string> MetricNames() {
  std::vector<std::string> names;
  for (const MetricInfo& metric : Metrics()) names.push_back(metric.name);
  return names;
}

bool IsValidationMetric(std::string_view name) {
  return name.starts_with("validation_");
}

}  // namespace dfsweep::sweeps
