// Which trainings have a stage in common.
#ifndef DFSWEEP_MODEL_CONFIG_STAGES_H_
#define DFSWEEP_MODEL_CONFIG_STAGES_H_

#include "model/config/parameters.h"

namespace dfsweep::config {

// A trial is a chain of stages, one a task; joint training is one stage.
// Configurations here are effective ones; all functions are pure.
int64_t StageCount(const Json& configuration);

// Epochs of a stage (0-based).
int64_t StageEpochs(const Json& configuration, int64_t stage);

// Whether the weights go the same way through the first task as under naive,
// because the strategy has nothing to remember yet. It may watch.
bool TrainsFirstTaskAsNaive(const Json& configuration);

// Whether the strategy wants SI's path integral of the first task.
bool NeedsPath(const Json& configuration);

// Everything that the state of a training depends on at the end of any epoch
// of `stage`, besides the seed, the dataset and the number of that epoch: two
// trials of one seed on one dataset for which this is equal have the same
// state there. What a strategy computes after the stage comes later.
// `records_path`: a first task that is trained as naive does records SI's path
// too, for others that need it.
Json StagePrefix(const Json& configuration, int64_t stage,
                 bool records_path = false);

}  // namespace dfsweep::config

#endif  // DFSWEEP_MODEL_CONFIG_STAGES_H_
