#include "model/metrics/continual.h"

#include <algorithm>
#include <numeric>

namespace dfsweep::model {
namespace {

double MeanOfFirst(const std::vector<double>& values, size_t count) {
  return std::accumulate(values.begin(), values.begin() + count, 0.0) /
         static_cast<double>(count);
}

}  // namespace

std::map<std::string, double> ContinualMetrics(const AccuracyMatrix& matrix) {
  size_t tasks = matrix.size();
  if (tasks == 1) {
    double mean = MeanOfFirst(matrix[0], matrix[0].size());
    return {{"average_accuracy", mean},  {"average_incremental_accuracy", mean},
            {"learning_accuracy", mean}, {"bwt", 0},
            {"forgetting", 0},           {"forgetting_first_last", 0}};
  }
  const std::vector<double>& final = matrix.back();
  double incremental = 0, learning = 0, transfer = 0, forgetting = 0;
  for (size_t i = 0; i < tasks; ++i) {
    incremental += MeanOfFirst(matrix[i], i + 1);
    learning += matrix[i][i];
  }
  for (size_t j = 0; j + 1 < tasks; ++j) {
    transfer += final[j] - matrix[j][j];
    double best = matrix[j][j];
    for (size_t l = j; l + 1 < tasks; ++l) best = std::max(best, matrix[l][j]);
    forgetting += best - final[j];
  }
  auto count = static_cast<double>(tasks);
  return {{"average_accuracy", MeanOfFirst(final, tasks)},
          {"average_incremental_accuracy", incremental / count},
          {"learning_accuracy", learning / count},
          {"bwt", transfer / (count - 1)},
          {"forgetting", forgetting / (count - 1)},
          {"forgetting_first_last", -transfer / (count - 1)}};
}

double ForwardTransfer(const std::vector<double>& before,
                       const std::vector<double>& initial) {
  double sum = 0;
  for (size_t j = 1; j < before.size(); ++j) sum += before[j] - initial[j];
  return sum / static_cast<double>(before.size() - 1);
}

}  // namespace dfsweep::model
