#ifndef DFSWEEP_MODEL_CONTINUAL_JOINT_H_
#define DFSWEEP_MODEL_CONTINUAL_JOINT_H_

#include "model/continual/strategy.h"

namespace dfsweep::model {

// One training on all tasks' traces at once: what could be had without a
// sequence.
class Joint : public Strategy {
 public:
  std::vector<int64_t> StageEnds(int64_t tasks) const override {
    return {tasks};
  }
};

}  // namespace dfsweep::model

#endif  // DFSWEEP_MODEL_CONTINUAL_JOINT_H_
