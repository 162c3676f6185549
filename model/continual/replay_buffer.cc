#include "model/continual/replay_buffer.h"

#include <algorithm>
#include <numeric>
#include <utility>

namespace dfsweep::model {

std::vector<int64_t> Draw(std::vector<int64_t> rows, int64_t count,
                          Stream& stream) {
  const auto size = static_cast<int64_t>(rows.size());
  count = std::min(count, size);
  for (int64_t i = 0; i < count; ++i) {
    std::swap(rows[i], rows[i + stream.Below(size - i)]);
  }
  rows.resize(count);
  return rows;
}

std::optional<int64_t> ReplayBuffer::Offer(int64_t row, Stream& stream) {
  const int64_t before = offered_++;
  if (size() < capacity_) {
    rows_.push_back(row);
    return size() - 1;
  }
  const auto slot = static_cast<int64_t>(stream.Below(before + 1));
  if (slot >= capacity_) return std::nullopt;
  rows_[slot] = row;
  return slot;
}

void ReplayBuffer::Append(const std::vector<int64_t>& rows) {
  for (int64_t row : rows) {
    if (size() < capacity_) rows_.push_back(row);
  }
}

std::vector<int64_t> ReplayBuffer::Sample(int64_t count, Stream& stream) const {
  std::vector<int64_t> slots(rows_.size());
  std::iota(slots.begin(), slots.end(), 0);
  return Draw(std::move(slots), count, stream);
}

}  // namespace dfsweep::model
