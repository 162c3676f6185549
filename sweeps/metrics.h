// The metrics that a finished trial can report (model/protocol/PROTOCOL.md).
#ifndef DFSWEEP_SWEEPS_METRICS_H_
#define DFSWEEP_SWEEPS_METRICS_H_

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace dfsweep::sweeps {

enum class Direction { kHigherIsBetter, kLowerIsBetter, kNeither };

struct MetricInfo {
  std::string name;  // "<j>" and "<i>" stand for task numbers, from 1
  Direction direction;
};

const std::vector<MetricInfo>& Metrics();

// Null if no trial reports a metric of that name.
const MetricInfo* FindMetric(std::string_view name);

std::vector<std::string> MetricNames();

// accuracy_task_<task>_after_<after>, both counted from 1.
struct TaskAccuracy {
  int task = 0;
  int after = 0;
};
// Empty for any other name.
std::optional<TaskAccuracy> ParseTaskAccuracy(std::string_view name);
std::string TaskAccuracyName(int task, int after);

// Whether it is measured on validation traces, so that choosing by it leaves
// the test result honest.
bool IsValidationMetric(std::string_view name);

}  // namespace dfsweep::sweeps

#endif  // DFSWEEP_SWEEPS_METRICS_H_
