#include "model/continual/replay.h"

#include "model/continual/class_rows.h"

namespace dfsweep::model {

void FillClassBalanced(const Learner& learner, int64_t size,
                       ReplayBuffer& buffer) {
  Stream stream = learner.StageStream(Purpose::kBufferFill);
  const int64_t count = RowsPerClass(learner.scenario, size);
  for (const auto& [position, rows] :
       ByClass(learner.scenario, learner.stage_rows)) {
    buffer.Append(Draw(rows, count, stream));
  }
}

int64_t ReplayCount(int64_t buffer_batch, const Step& step) {
  return buffer_batch == 0 ? static_cast<int64_t>(step.rows.size())
                           : buffer_batch;
}

}  // namespace dfsweep::model
