#ifndef DFSWEEP_COORDINATOR_RESULTS_STATISTICS_H_
#define DFSWEEP_COORDINATOR_RESULTS_STATISTICS_H_

#include <cstdint>
#include <optional>
#include <vector>

namespace dfsweep::coordinator {

// What is known of a metric from some seeds. One seed has no deviation.
struct Summary {
  int64_t n = 0;
  double mean = 0;           // valid if n > 0
  std::optional<double> sd;  // of the seeds, divided by n − 1; if n > 1
  // Half the width of the 95 % Student-t interval of the mean; if n > 1.
  std::optional<double> half_width;
};

// Of finite values.
Summary Summarize(const std::vector<double>& values);

// The 97.5 % quantile of Student's t with `degrees` ≥ 1 degrees of freedom,
// to a relative error below 1e-9.
double StudentT975(int64_t degrees);

}  // namespace dfsweep::coordinator

#endif  // DFSWEEP_COORDINATOR_RESULTS_STATISTICS_H_
