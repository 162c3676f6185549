#include "model/continual/strategy.h"

namespace dfsweep::model {

std::vector<std::vector<int64_t>> Strategy::Stages(int64_t tasks) const {
  std::vector<std::vector<int64_t>> stages;
  for (int64_t task = 0; task < tasks; ++task) stages.push_back({task});
  return stages;
}

}  // namespace dfsweep::model
