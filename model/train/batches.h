#ifndef DFSWEEP_MODEL_TRAIN_BATCHES_H_
#define DFSWEEP_MODEL_TRAIN_BATCHES_H_

#include <cstdint>
#include <vector>

namespace dfsweep::model {

// The order in which an epoch goes through the training rows of a stage: new
// for each epoch, the same for the same four arguments.
std::vector<int64_t> EpochOrder(std::vector<int64_t> rows, uint64_t seed,
                                uint32_t stage, uint32_t epoch);

// The sizes of an epoch's batches of `count` examples. A last batch of one is
// merged into the one before, since batch normalisation needs two; with
// `drop_last` any incomplete last batch is left out. Throws config::Error if no
// batch is left.
std::vector<int64_t> BatchSizes(int64_t count, int64_t batch_size,
                                bool drop_last);

}  // namespace dfsweep::model

#endif  // DFSWEEP_MODEL_TRAIN_BATCHES_H_
