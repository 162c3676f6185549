#include "model/train/batches.h"

#include <numeric>
#include <string>
#include <utility>

#include "model/config/error.h"
#include "model/train/random.h"

namespace dfsweep::model {

std::vector<int64_t> EpochOrder(std::vector<int64_t> rows, uint64_t seed,
                                uint32_t stage, uint32_t epoch) {
  Stream(seed, Purpose::kShuffle, stage, epoch).Shuffle(rows);
  return rows;
}

std::vector<int64_t> BatchSizes(int64_t count, int64_t batch_size,
                                bool drop_last) {
  std::vector<int64_t> sizes(count / batch_size, batch_size);
  int64_t rest = count % batch_size;
  if (!drop_last && rest == 1 && !sizes.empty()) {
    sizes.back() += 1;
  } else if (!drop_last && rest > 1) {
    sizes.push_back(rest);
  }
  if (sizes.empty()) {
    throw config::Error(
        std::to_string(count) + " training traces give no batch", "",
        drop_last ? "make batch_size smaller or set drop_last: false"
                  : "give each task at least two training traces");
  }
  return sizes;
}

BatchSequence::BatchSequence(std::vector<int64_t> rows, uint64_t seed,
                             uint32_t stage,
                             const config::Configuration& configuration,
                             const DatasetOnDevice& data)
    : data_(data),
      rows_(std::move(rows)),
      seed_(seed),
      stage_(stage),
      sizes_(BatchSizes(static_cast<int64_t>(rows_.size()),
                        configuration.Integer("batch_size"),
                        configuration.Boolean("drop_last"))),
      steps_per_epoch_(configuration.Integer("steps_per_epoch")),
      batch_(sizes_.size()) {
  if (steps_per_epoch_ == 0) {
    steps_per_epoch_ = static_cast<int64_t>(sizes_.size());
  }
}

void BatchSequence::SetOrder() {
  order_ = EpochOrder(rows_, seed_, stage_, passes_ - 1);
  order_on_device_ = data_.Rows(order_);
}

void BatchSequence::Persist(Archive& archive) {
  archive.Value("passes", passes_);
  archive.Value("batch", batch_);
  if (!archive.restores()) return;
  if (batch_ > sizes_.size()) {
    throw CheckpointError("a checkpoint's batches are of other rows");
  }
  from_ = std::accumulate(sizes_.begin(), sizes_.begin() + batch_, int64_t{0});
  if (passes_ > 0) SetOrder();
}

Batch BatchSequence::Next() {
  if (batch_ == sizes_.size()) {
    ++passes_;
    SetOrder();
    batch_ = 0;
    from_ = 0;
  }
  const int64_t size = sizes_[batch_++];
  const auto begin = order_.begin() + from_;
  Batch batch{{begin, begin + size}, order_on_device_.narrow(0, from_, size)};
  from_ += size;
  return batch;
}

}  // namespace dfsweep::model
