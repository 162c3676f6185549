// The open world of website fingerprinting: traces of monitored sites among
// those of sites that nobody trained on. A trace is positive if a monitored
// site is predicted with a confidence (largest softmax) of at least a threshold
// τ.
#ifndef DFSWEEP_MODEL_METRICS_OPEN_WORLD_H_
#define DFSWEEP_MODEL_METRICS_OPEN_WORLD_H_

#include <cstdint>
#include <optional>
#include <vector>

namespace dfsweep::model {

struct OpenWorldTrace {
  int64_t truth = 0;
  int64_t predicted = 0;
  double confidence = 0;
};

// Standard counts (Sirinam et al. 2018): a monitored trace that is positive is
// true, whichever monitored site is predicted. Of them, `wrong_site` have a
// wrong one: in the strict multi-class counts (Pulls) those are false positives
// of monitored traces.
struct OpenWorldCounts {
  int64_t true_positives = 0;
  int64_t wrong_site = 0;  // part of true_positives
  int64_t false_negatives = 0;
  int64_t false_positives = 0;  // unmonitored
  int64_t true_negatives = 0;

  // Undefined (none) without positives, monitored or unmonitored traces.
  std::optional<double> Precision() const;
  std::optional<double> Recall() const;  // = true positive rate
  std::optional<double> FalsePositiveRate() const;
  std::optional<double> F1() const;
  // Strict: TP / (TP + FPP + FNP) and TP / (TP + FN + FPP), with TP those of
  // the right site, FPP those of a wrong one, FNP the unmonitored positives.
  std::optional<double> StrictPrecision() const;
  std::optional<double> StrictRecall() const;
};

OpenWorldCounts CountAt(const std::vector<OpenWorldTrace>& traces,
                        int64_t unmonitored, double threshold);

struct RocPoint {
  double threshold = 0;
  OpenWorldCounts counts;
};

// One point for each confidence that occurs among traces predicted as
// monitored, from the largest, after one with a threshold above all. In
// O(n log n).
std::vector<RocPoint> RocCurve(std::vector<OpenWorldTrace> traces,
                               int64_t unmonitored);

// The area under the curve of recall over false positive rate, up to the last
// point and from there straight to (1, 1). None without monitored or
// unmonitored traces.
std::optional<double> AreaUnderCurve(const std::vector<RocPoint>& curve);

// The thresholds of Sirinam et al.'s script: 1 − 1/x at 15 x evenly spaced in
// log from 10^0.05 to 10^2.
std::vector<double> DfThresholds();

}  // namespace dfsweep::model

#endif  // DFSWEEP_MODEL_METRICS_OPEN_WORLD_H_
