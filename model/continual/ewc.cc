#include "model/continual/ewc.h"

#include <algorithm>

namespace dfsweep::model {
namespace {

// The traces that the Fisher information is averaged over.
std::vector<int64_t> Sample(const StageContext& context, int64_t samples) {
  std::vector<int64_t> rows = context.train_rows;
  Stream(context.seed, Purpose::kFisherSubset,
         static_cast<uint32_t>(context.stage))
      .Shuffle(rows);
  if (samples > 0 && samples < static_cast<int64_t>(rows.size())) {
    rows.resize(samples);
  }
  return rows;
}

}  // namespace

Ewc::Ewc(const config::Configuration& configuration)
    : lambda_(configuration.Real("ewc.lambda")),
      learning_rate_(configuration.Real("learning_rate")),
      labels_(ParseFisherLabels(configuration.Choice("ewc.fisher_labels"))),
      samples_(configuration.Integer("ewc.fisher_samples")),
      penalty_(lambda_) {}

void Ewc::BeforeTask(const StageContext& context) {
  parameters_ = context.network.parameters();
}

void Ewc::AfterBackward() { penalty_.AddGradient(parameters_); }

torch::Tensor Ewc::LossPenalty() const {
  return penalty_.empty() ? torch::Tensor() : penalty_.Value(parameters_);
}

void Ewc::AfterTask(const StageContext& context) {
  if (context.last) return;  // no task is left to protect this one from
  FisherSum fisher(context.network, labels_, context.active_units,
                   Stream(context.seed, Purpose::kFisherLabels,
                          static_cast<uint32_t>(context.stage)));
  torch::Tensor rows = context.data.Rows(Sample(context, samples_));
  for (const torch::Tensor& batch : rows.split(fisher.ExamplesPerBatch())) {
    context.before_batch();
    fisher.Add(context.data.Inputs(batch, context.sequence_length),
               context.data.Units(batch));
  }
  penalty_.Add(fisher.Mean(), parameters_);
}

std::map<std::string, torch::Tensor> Ewc::State() const {
  std::map<std::string, torch::Tensor> state;
  for (size_t i = 0; i < penalty_.importance().size(); ++i) {
    state["importance_" + std::to_string(i)] = penalty_.importance()[i];
    state["anchor_" + std::to_string(i)] = penalty_.anchor()[i];
  }
  return state;
}

std::map<std::string, double> Ewc::Metrics() const {
  if (penalty_.empty()) return {};
  return {{"penalty_max_step",
           lambda_ * penalty_.LargestImportance() * learning_rate_}};
}

}  // namespace dfsweep::model
