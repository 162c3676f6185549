#include "model/continual/joint.h"

#include <numeric>

namespace dfsweep::model {

std::vector<std::vector<int64_t>> Joint::Stages(int64_t tasks) const {
  std::vector<int64_t> all(tasks);
  std::iota(all.begin(), all.end(), 0);
  return {all};
}

}  // namespace dfsweep::model
