#include "model/continual/cumulative.h"

#include <algorithm>

namespace dfsweep::model {

std::vector<int64_t> Cumulative::TrainRows(const Learner& learner) {
  rows_.insert(rows_.end(), learner.stage_rows.begin(),
               learner.stage_rows.end());
  // In joint training's order, so that the last stage is the same training.
  std::sort(rows_.begin(), rows_.end());
  return rows_;
}

}  // namespace dfsweep::model
