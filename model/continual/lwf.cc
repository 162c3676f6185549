#include "model/continual/lwf.h"

namespace dfsweep::model {

torch::Tensor DistillationLoss(const torch::Tensor& logits,
                               const torch::Tensor& taught,
                               double temperature) {
  return -(at::softmax(taught / temperature, 1) *
           at::log_softmax(logits / temperature, 1))
              .sum(1)
              .mean();
}

Lwf::Lwf(const config::Configuration& configuration)
    : lambda_(configuration.Real("lwf.lambda")),
      temperature_(configuration.Real("lwf.temperature")),
      times_temperature_squared_(configuration.Boolean("lwf.t_squared")),
      times_past_tasks_(configuration.Choice("lwf.weighting") == "tasks"),
      all_units_(configuration.Has("lwf.units") &&
                 configuration.Choice("lwf.units") == "all") {}

void Lwf::BeforeTask(Learner& learner) {
  if (learner.first_task > 0) teacher_ = learner.Snapshot();
}

Objective Lwf::Loss(const Learner& learner, const Step& step) {
  Objective objective = Strategy::Loss(learner, step);
  if (teacher_ == nullptr || lambda_ == 0) return objective;
  torch::Tensor taught = learner.EvalLogits(*teacher_, step.rows_on_device);
  double strength = lambda_;
  if (times_temperature_squared_) strength *= temperature_ * temperature_;
  if (times_past_tasks_) strength *= static_cast<double>(learner.first_task);
  objective.loss = objective.loss +
                   strength * Distillation(learner, objective.logits, taught);
  return objective;
}

torch::Tensor Lwf::Distillation(const Learner& learner,
                                const torch::Tensor& logits,
                                const torch::Tensor& taught) const {
  auto of_units = [&](const torch::Tensor& units) {
    return DistillationLoss(logits.index_select(1, units),
                            taught.index_select(1, units), temperature_);
  };
  if (all_units_) return DistillationLoss(logits, taught, temperature_);
  if (!learner.scenario.is_task_incremental()) {
    return of_units(learner.scenario.Units(0, learner.first_task));
  }
  torch::Tensor sum = at::zeros({}, logits.options());
  for (int64_t task = 0; task < learner.first_task; ++task) {
    sum = sum + of_units(learner.scenario.Units(task, task + 1));
  }
  return sum / static_cast<double>(learner.first_task);
}

}  // namespace dfsweep::model
