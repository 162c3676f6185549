// What the metrics of a row are called and how they are read.
#ifndef DFSWEEP_COORDINATOR_RESULTS_METRICS_H_
#define DFSWEEP_COORDINATOR_RESULTS_METRICS_H_

#include <functional>
#include <optional>
#include <set>
#include <string>
#include <string_view>

#include "coordinator/results/rows.h"
#include "coordinator/results/statistics.h"
#include "sweeps/metrics.h"

namespace dfsweep::coordinator {

using sweeps::ParseTaskAccuracy;
using sweeps::TaskAccuracy;
using sweeps::TaskAccuracyName;

// How many tasks the row was tested on at its end; 0 without a result.
int TaskCount(const ResultRow& row);

// Empty if the row has no such value. A joint training is one training on all
// T tasks: it has a value after task T, and none after an earlier one.
std::optional<double> MetricValue(const ResultRow& row, std::string_view name);

using MetricNames = std::set<std::string, std::less<>>;

// Adds the names for which the row has a value; of a joint training as
// MetricValue takes them.
void AddMetricsOf(const ResultRow& row, MetricNames& names);

// "A after B", "average", "train s".
std::string MetricHeader(std::string_view name);

// "%", "s" or "": the unit of FormatMetric.
std::string_view MetricUnit(std::string_view name);

// For people, in MetricUnit.
std::string FormatMetric(std::string_view name, double value);

// "71.2 ± 0.3", "71.2" for one seed, "–" for none.
std::string FormatSummary(std::string_view name, const Summary& summary);

// "[70.9, 71.5]"; "–" if there is no interval.
std::string FormatInterval(std::string_view name, const Summary& summary);

}  // namespace dfsweep::coordinator

#endif  // DFSWEEP_COORDINATOR_RESULTS_METRICS_H_
