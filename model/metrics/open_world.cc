#include "model/metrics/open_world.h"

#include <algorithm>
#include <cmath>
#include <limits>

namespace dfsweep::model {
namespace {

std::optional<double> Ratio(int64_t part, int64_t whole) {
  if (whole == 0) return std::nullopt;
  return static_cast<double>(part) / static_cast<double>(whole);
}

// Counts one trace anew as positive.
void MakePositive(const OpenWorldTrace& trace, int64_t unmonitored,
                  OpenWorldCounts& counts) {
  if (trace.truth == unmonitored) {
    --counts.true_negatives;
    ++counts.false_positives;
    return;
  }
  --counts.false_negatives;
  ++counts.true_positives;
  counts.wrong_site += trace.truth == trace.predicted ? 0 : 1;
}

OpenWorldCounts AllNegative(const std::vector<OpenWorldTrace>& traces,
                            int64_t unmonitored) {
  OpenWorldCounts counts;
  for (const OpenWorldTrace& trace : traces) {
    ++(trace.truth == unmonitored ? counts.true_negatives
                                  : counts.false_negatives);
  }
  return counts;
}

}  // namespace

std::optional<double> OpenWorldCounts::Precision() const {
  return Ratio(true_positives, true_positives + false_positives);
}

std::optional<double> OpenWorldCounts::Recall() const {
  return Ratio(true_positives, true_positives + false_negatives);
}

std::optional<double> OpenWorldCounts::FalsePositiveRate() const {
  return Ratio(false_positives, false_positives + true_negatives);
}

std::optional<double> OpenWorldCounts::F1() const {
  return Ratio(2 * true_positives,
               2 * true_positives + false_positives + false_negatives);
}

std::optional<double> OpenWorldCounts::StrictPrecision() const {
  return Ratio(true_positives - wrong_site, true_positives + false_positives);
}

std::optional<double> OpenWorldCounts::StrictRecall() const {
  return Ratio(true_positives - wrong_site, true_positives + false_negatives);
}

OpenWorldCounts CountAt(const std::vector<OpenWorldTrace>& traces,
                        int64_t unmonitored, double threshold) {
  OpenWorldCounts counts = AllNegative(traces, unmonitored);
  for (const OpenWorldTrace& trace : traces) {
    if (trace.predicted != unmonitored && trace.confidence >= threshold) {
      MakePositive(trace, unmonitored, counts);
    }
  }
  return counts;
}

std::vector<RocPoint> RocCurve(std::vector<OpenWorldTrace> traces,
                               int64_t unmonitored) {
  OpenWorldCounts counts = AllNegative(traces, unmonitored);
  std::vector<RocPoint> curve = {
      {std::numeric_limits<double>::infinity(), counts}};
  std::erase_if(traces, [&](const OpenWorldTrace& trace) {
    return trace.predicted == unmonitored;
  });
  std::sort(traces.begin(), traces.end(), [](const auto& a, const auto& b) {
    return a.confidence > b.confidence;
  });
  for (const OpenWorldTrace& trace : traces) {
    MakePositive(trace, unmonitored, counts);
    if (trace.confidence < curve.back().threshold) {
      curve.push_back({trace.confidence, counts});
    } else {
      curve.back().counts = counts;
    }
  }
  return curve;
}

std::optional<double> AreaUnderCurve(const std::vector<RocPoint>& curve) {
  double area = 0, last_rate = 0, last_recall = 0;
  auto go_to = [&](double rate, double recall) {
    area += (rate - last_rate) * (recall + last_recall) / 2;
    last_rate = rate;
    last_recall = recall;
  };
  for (const RocPoint& point : curve) {
    const auto rate = point.counts.FalsePositiveRate();
    const auto recall = point.counts.Recall();
    if (!rate || !recall) return std::nullopt;
    go_to(*rate, *recall);
  }
  go_to(1, 1);
  return area;
}

std::vector<double> DfThresholds() {
  std::vector<double> thresholds;
  for (int i = 0; i < 15; ++i) {
    thresholds.push_back(1 - 1 / std::pow(10, .05 + (2 - .05) * i / 14));
  }
  return thresholds;
}

}  // namespace dfsweep::model
