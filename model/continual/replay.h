// What strategies that keep rows have in common.
#ifndef DFSWEEP_MODEL_CONTINUAL_REPLAY_H_
#define DFSWEEP_MODEL_CONTINUAL_REPLAY_H_

#include <torch/types.h>

#include <cstdint>
#include <vector>

#include "model/continual/learner.h"
#include "model/continual/replay_buffer.h"

namespace dfsweep::model {

// Adds the same number of rows of each class of the stage, at random, so that
// all classes of all tasks share `size` rows.
void FillClassBalanced(const Learner& learner, int64_t size,
                       ReplayBuffer& buffer);

// How many kept rows a step trains on, of the parameter buffer.batch: 0 means
// as many as the step has.
int64_t ReplayCount(int64_t buffer_batch, const Step& step);

}  // namespace dfsweep::model

#endif  // DFSWEEP_MODEL_CONTINUAL_REPLAY_H_
