#ifndef DFSWEEP_MODEL_CONTINUAL_FREEZE_H_
#define DFSWEEP_MODEL_CONTINUAL_FREEZE_H_

#include "model/continual/strategy.h"

namespace dfsweep::model {

// After the first task only the last layer is trained; the feature extractor,
// batch normalisation's running statistics included, stays as it is. Dropout
// goes on.
class Freeze : public Strategy {
 public:
  void BeforeTask(Learner& learner) override;
};

}  // namespace dfsweep::model

#endif  // DFSWEEP_MODEL_CONTINUAL_FREEZE_H_
