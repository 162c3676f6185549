#ifndef DFSWEEP_MODEL_TRAIN_BATCHES_H_
#define DFSWEEP_MODEL_TRAIN_BATCHES_H_

#include <torch/types.h>

#include <cstdint>
#include <vector>

#include "model/config/parameters.h"
#include "model/train/archive.h"
#include "model/train/dataset_on_device.h"

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

struct Batch {
  std::vector<int64_t> rows;
  torch::Tensor rows_on_device;  // the same, int64
};

// The batches of a stage, pass after pass over its rows. The order goes to the
// device once a pass, so that no step waits for it.
class BatchSequence {
 public:
  // Of the parameters batch_size, drop_last and steps_per_epoch. `data`
  // outlives this. Throws as BatchSizes.
  BatchSequence(std::vector<int64_t> rows, uint64_t seed, uint32_t stage,
                const config::Configuration& configuration,
                const DatasetOnDevice& data);

  int64_t steps_per_epoch() const { return steps_per_epoch_; }
  Batch Next();
  const std::vector<int64_t>& rows() const { return rows_; }
  // Where it stands. Restores into a sequence of the same rows.
  void Persist(Archive& archive);

 private:
  void SetOrder();  // to that of the present pass

  const DatasetOnDevice& data_;
  std::vector<int64_t> rows_;
  uint64_t seed_;
  uint32_t stage_;
  std::vector<int64_t> sizes_;  // of a pass
  int64_t steps_per_epoch_;
  uint32_t passes_ = 0;  // begun
  std::vector<int64_t> order_;
  torch::Tensor order_on_device_;
  size_t batch_;      // of the pass, the next one
  int64_t from_ = 0;  // its first row in order_
};

}  // namespace dfsweep::model

#endif  // DFSWEEP_MODEL_TRAIN_BATCHES_H_
