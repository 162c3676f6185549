#include "model/continual/ewc.h"

namespace dfsweep::model {

std::vector<int64_t> ImportanceRows(const Learner& learner, int64_t count) {
  std::vector<int64_t> rows = learner.stage_rows;
  learner.StageStream(Purpose::kFisherSubset).Shuffle(rows);
  if (count > 0 && count < static_cast<int64_t>(rows.size())) {
    rows.resize(count);
  }
  return rows;
}

Ewc::Ewc(const config::Configuration& configuration)
    : Penalized(configuration.Real("ewc.lambda"),
                configuration.Real("learning_rate")),
      labels_(ParseFisherLabels(configuration.Choice("ewc.fisher_labels"))),
      samples_(configuration.Integer("ewc.fisher_samples")) {}

std::vector<torch::Tensor> Ewc::Fisher(const Learner& learner) const {
  torch::Tensor units =
      learner.scenario.LossUnits(learner.first_task, learner.end_task);
  FisherSum fisher(learner.network, labels_, units,
                   learner.StageStream(Purpose::kFisherLabels));
  torch::Tensor rows = learner.data.Rows(ImportanceRows(learner, samples_));
  for (const torch::Tensor& batch : rows.split(fisher.ExamplesPerBatch())) {
    learner.before_batch();
    fisher.Add(learner.Inputs(batch), learner.scenario.Targets(batch));
  }
  return fisher.Mean();
}

void Ewc::AfterTask(Learner& learner) {
  if (learner.last) return;  // no task is left to protect this one from
  penalty().Add(Fisher(learner), learner.parameters);
}

OnlineEwc::OnlineEwc(const config::Configuration& configuration)
    : Ewc(configuration), gamma_(configuration.Real("ewc.gamma")) {}

void OnlineEwc::AfterTask(Learner& learner) {
  if (learner.last) return;
  std::vector<torch::Tensor> fisher = Fisher(learner);
  for (size_t i = 0; i < fisher.size(); ++i) {
    if (!running_.empty()) fisher[i] += gamma_ * running_[i];
  }
  running_ = fisher;
  for (torch::Tensor& importance : fisher) importance = gamma_ * importance;
  penalty().Replace(fisher, learner.parameters);
}

void OnlineEwc::Persist(Learner& learner, Archive& archive) {
  Ewc::Persist(learner, archive);
  archive.Tensors("running_", running_);
}

}  // namespace dfsweep::model
