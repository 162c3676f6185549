#include "model/continual/er.h"

#include "model/continual/replay.h"

namespace dfsweep::model {

Er::Er(const config::Configuration& configuration)
    : size_(configuration.Integer("buffer.size")),
      batch_(configuration.Integer("buffer.batch")),
      reservoir_(configuration.Choice("buffer.fill") == "reservoir"),
      weigh_tasks_(configuration.Choice("er.weighting") == "tasks"),
      buffer_(size_) {}

Objective Er::Loss(const Learner& learner, const Step& step) {
  if (buffer_.empty()) return Strategy::Loss(learner, step);
  const auto current = static_cast<int64_t>(step.rows.size());
  Stream stream = learner.StepStream(Purpose::kReplay, step);
  torch::Tensor old_rows = learner.data.Rows(
      Draw(buffer_.rows(), ReplayCount(batch_, step), stream));
  torch::Tensor rows = at::cat({step.rows_on_device, old_rows});
  torch::Tensor logits = learner.Logits(step, rows);
  torch::Tensor own = logits.narrow(0, 0, current);
  if (!weigh_tasks_ || learner.first_task == 0) {
    return {learner.CrossEntropy(logits, rows), own};
  }
  torch::Tensor new_loss = learner.CrossEntropy(own, step.rows_on_device);
  torch::Tensor old_loss =
      learner.CrossEntropy(logits.slice(0, current), old_rows);
  const double share = 1.0 / static_cast<double>(learner.end_task);
  return {share * new_loss + (1 - share) * old_loss, own};
}

void Er::AfterStep(const Learner& learner, const Step& step) {
  // Later epochs would fill it with copies of the same rows.
  if (!reservoir_ || step.epoch > 0) return;
  Stream stream = learner.StepStream(Purpose::kBufferFill, step);
  for (int64_t row : step.rows) buffer_.Offer(row, stream);
}

void Er::AfterTask(Learner& learner) {
  if (!reservoir_) FillClassBalanced(learner, size_, buffer_);
}

}  // namespace dfsweep::model
