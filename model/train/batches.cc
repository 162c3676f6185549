#include "model/train/batches.h"

#include <string>

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

}  // namespace dfsweep::model
