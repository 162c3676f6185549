#ifndef DFSWEEP_MODEL_CONTINUAL_NAIVE_H_
#define DFSWEEP_MODEL_CONTINUAL_NAIVE_H_

#include "model/continual/strategy.h"

namespace dfsweep::model {

// Fine-tuning: each task after the other, with nothing against forgetting.
class Naive : public Strategy {};

}  // namespace dfsweep::model

#endif  // DFSWEEP_MODEL_CONTINUAL_NAIVE_H_
