#include "model/continual/derpp.h"

#include "model/continual/replay.h"

namespace dfsweep::model {

Derpp::Derpp(const config::Configuration& configuration)
    : alpha_(configuration.Real("derpp.alpha")),
      beta_(configuration.Real("derpp.beta")),
      size_(configuration.Integer("buffer.size")),
      batch_(configuration.Integer("buffer.batch")),
      buffer_(size_) {}

Objective Derpp::Loss(const Learner& learner, const Step& step) {
  Objective objective = Strategy::Loss(learner, step);
  of_step_ = objective.logits.detach();
  if (buffer_.empty()) return objective;
  Stream stream = learner.StepStream(Purpose::kReplay, step);
  const int64_t count = ReplayCount(batch_, step);
  auto draw = [&] { return learner.data.Rows(buffer_.Sample(count, stream)); };
  const torch::Tensor slots_of_logits = draw(), slots_of_labels = draw();
  const torch::Tensor rows = learner.data.Rows(buffer_.rows());
  if (alpha_ > 0) {
    torch::Tensor logits =
        learner.Logits(step, rows.index_select(0, slots_of_logits));
    objective.loss =
        objective.loss +
        alpha_ * at::mse_loss(logits, kept_.index_select(0, slots_of_logits));
  }
  if (beta_ > 0) {
    torch::Tensor replayed = rows.index_select(0, slots_of_labels);
    objective.loss =
        objective.loss +
        beta_ * learner.CrossEntropy(learner.Logits(step, replayed), replayed);
  }
  return objective;
}

void Derpp::AfterStep(const Learner& learner, const Step& step) {
  if (step.epoch > 0) return;
  if (!kept_.defined()) {
    kept_ = at::zeros({size_, of_step_.size(1)}, of_step_.options());
  }
  Stream stream = learner.StepStream(Purpose::kBufferFill, step);
  for (size_t i = 0; i < step.rows.size(); ++i) {
    if (auto slot = buffer_.Offer(step.rows[i], stream)) {
      kept_[*slot].copy_(of_step_[static_cast<int64_t>(i)]);
    }
  }
}

void Derpp::Persist(Learner&, Archive& archive) {
  buffer_.Persist(archive);
  archive.Tensor("logits", kept_);
}

}  // namespace dfsweep::model
