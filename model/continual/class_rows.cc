#include "model/continual/class_rows.h"

#include <algorithm>

namespace dfsweep::model {

std::map<int64_t, std::vector<int64_t>> ByClass(
    const Scenario& scenario, const std::vector<int64_t>& rows) {
  std::map<int64_t, std::vector<int64_t>> classes;
  for (int64_t row : rows) classes[scenario.ClassOf(row)].push_back(row);
  return classes;
}

std::vector<int64_t> AllRows(
    const std::map<int64_t, std::vector<int64_t>>& by_class) {
  std::vector<int64_t> rows;
  for (const auto& [position, own] : by_class) {
    rows.insert(rows.end(), own.begin(), own.end());
  }
  return rows;
}

int64_t RowsPerClass(const Scenario& scenario, int64_t size) {
  return std::max<int64_t>(1, size / scenario.classes());
}

}  // namespace dfsweep::model
