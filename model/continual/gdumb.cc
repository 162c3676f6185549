#include "model/continual/gdumb.h"

#include <algorithm>

#include "model/continual/class_rows.h"
#include "model/continual/replay.h"

namespace dfsweep::model {

std::vector<int64_t> Gdumb::TrainRows(const Learner& learner) {
  std::vector<int64_t> incoming = learner.stage_rows;
  Stream stream = learner.StageStream(Purpose::kBufferFill);
  stream.Shuffle(incoming);
  for (int64_t row : incoming) {
    TakeIn(row, learner.scenario.ClassOf(row), stream);
  }
  std::vector<int64_t> rows = AllRows(memory_);
  std::sort(rows.begin(), rows.end());
  return rows;
}

void Gdumb::TakeIn(int64_t row, int64_t position, Stream& stream) {
  std::vector<int64_t>& own = memory_[position];
  const auto classes = static_cast<int64_t>(memory_.size());
  const int64_t quota = (size_ + classes - 1) / classes;
  if (static_cast<int64_t>(own.size()) >= quota) return;
  if (kept_ == size_) DropOneOfTheLargest(stream);
  own.push_back(row);
  ++kept_;
}

void Gdumb::DropOneOfTheLargest(Stream& stream) {
  auto largest = std::max_element(memory_.begin(), memory_.end(),
                                  [](const auto& a, const auto& b) {
                                    return a.second.size() < b.second.size();
                                  });
  std::vector<int64_t>& rows = largest->second;
  rows.erase(rows.begin() + static_cast<int64_t>(stream.Below(rows.size())));
  --kept_;
}

void Gdumb::Persist(Learner&, Archive& archive) {
  archive.Value("kept", kept_);
  archive.Value("buffer", memory_);
}

}  // namespace dfsweep::model
