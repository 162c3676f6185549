#include "model/continual/mas.h"

#include "model/continual/ewc.h"
#include "model/continual/example_gradients.h"

namespace dfsweep::model {

constexpr int64_t kExamplesPerBatch = 64;

// The penalty has no ½: twice the strength of one that has.
Mas::Mas(const config::Configuration& configuration)
    : Penalized(2 * configuration.Real("mas.lambda"),
                configuration.Real("learning_rate")),
      samples_(configuration.Integer("mas.samples")) {}

void Mas::AfterTask(Learner& learner) {
  if (learner.last) return;
  torch::Tensor units =
      learner.scenario.LossUnits(learner.first_task, learner.end_task);
  ExampleGradientSum gradients(learner.network, Power::kAbsolute);
  torch::Tensor rows = learner.data.Rows(ImportanceRows(learner, samples_));
  for (const torch::Tensor& batch : rows.split(kExamplesPerBatch)) {
    learner.before_batch();
    torch::Tensor inputs = learner.Inputs(batch);
    gradients.Add(
        inputs,
        [&](const torch::Tensor& logits) {
          return logits.index_select(1, units).square().sum();
        },
        at::ones({batch.size(0)}, inputs.options()));
  }
  std::vector<torch::Tensor> sum = gradients.sum();
  for (size_t i = 0; i < sum.size(); ++i) {
    sum[i] /= static_cast<double>(rows.size(0));
    if (!omega_.empty()) sum[i] += omega_[i];
  }
  omega_ = sum;
  penalty().Replace(omega_, learner.parameters);
}

void Mas::Persist(Learner& learner, Archive& archive) {
  Penalized::Persist(learner, archive);
  archive.Tensors("omega_", omega_);
}

}  // namespace dfsweep::model
