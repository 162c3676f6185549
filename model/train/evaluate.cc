#include "model/train/evaluate.h"

#include "model/train/precision.h"

namespace dfsweep::model {

constexpr int64_t kEvaluationBatch = 128;

torch::Tensor Predict(Network& network, const DatasetOnDevice& data,
                      const std::vector<int64_t>& rows,
                      const EvaluationSettings& settings) {
  torch::NoGradGuard no_grad;
  EvalMode eval(network);
  std::vector<torch::Tensor> predictions;
  for (const torch::Tensor& batch : data.Rows(rows).split(kEvaluationBatch)) {
    settings.before_batch();
    torch::Tensor inputs = data.Inputs(batch, settings.sequence_length);
    Autocast autocast(settings.precision, data.device());
    torch::Tensor logits =
        network.Forward(inputs).index_select(1, settings.active_units);
    predictions.push_back(
        settings.active_units.index_select(0, logits.argmax(1)));
  }
  return at::cat(predictions);
}

}  // namespace dfsweep::model
