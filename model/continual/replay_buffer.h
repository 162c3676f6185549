#ifndef DFSWEEP_MODEL_CONTINUAL_REPLAY_BUFFER_H_
#define DFSWEEP_MODEL_CONTINUAL_REPLAY_BUFFER_H_

#include <cstdint>
#include <optional>
#include <vector>

#include "model/train/archive.h"
#include "model/train/random.h"

namespace dfsweep::model {

// Rows of the dataset that are kept to be trained again. Not thread-safe.
class ReplayBuffer {
 public:
  // Holds at most `capacity` rows, ≥ 1.
  explicit ReplayBuffer(int64_t capacity) : capacity_(capacity) {}

  // Reservoir sampling (Vitter 1985, algorithm R): whatever the length of the
  // stream so far, each of its rows is in the buffer with the same probability.
  // The slot that `row` was put into; none if it was passed over.
  std::optional<int64_t> Offer(int64_t row, Stream& stream);

  // Puts in rows while there is room.
  void Append(const std::vector<int64_t>& rows);
  void Clear() { rows_.clear(); }

  // `count` different slots, or all if there are fewer.
  std::vector<int64_t> Sample(int64_t count, Stream& stream) const;

  // buffer: the rows, in the order of their slots.
  void Persist(Archive& archive) {
    archive.Value("buffer", rows_);
    archive.Value("buffer_offered", offered_);
  }

  const std::vector<int64_t>& rows() const { return rows_; }
  bool empty() const { return rows_.empty(); }
  int64_t size() const { return static_cast<int64_t>(rows_.size()); }

 private:
  int64_t capacity_;
  int64_t offered_ = 0;
  std::vector<int64_t> rows_;
};

// Up to `count` of `rows`, at random without repetition.
std::vector<int64_t> Draw(std::vector<int64_t> rows, int64_t count,
                          Stream& stream);

}  // namespace dfsweep::model

#endif  // DFSWEEP_MODEL_CONTINUAL_REPLAY_BUFFER_H_
