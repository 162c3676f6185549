#include "model/continual/icarl.h"

#include "model/continual/class_rows.h"
#include "model/continual/herding.h"
#include "model/continual/replay.h"

namespace dfsweep::model {
namespace {

constexpr int64_t kFeatureBatch = 128;

// [rows, features], normalised, in eval mode and without a graph.
torch::Tensor BatchFeatures(const Learner& learner, const torch::Tensor& rows) {
  torch::NoGradGuard no_grad;
  EvalMode eval(learner.network);
  return Normalised(learner.network.Features(learner.Inputs(rows), {}));
}

torch::Tensor Features(const Learner& learner,
                       const std::vector<int64_t>& rows) {
  std::vector<torch::Tensor> features;
  for (const torch::Tensor& batch :
       learner.data.Rows(rows).split(kFeatureBatch)) {
    learner.before_batch();
    features.push_back(BatchFeatures(learner, batch));
  }
  return at::cat(features);
}

}  // namespace

torch::Tensor Normalised(const torch::Tensor& features) {
  return features / features.norm(2, 1, /*keepdim=*/true).clamp_min(1e-12);
}

torch::Tensor NearestMeanScores(const torch::Tensor& features,
                                const torch::Tensor& means) {
  return -at::cdist(features, means).square();
}

Icarl::Icarl(const config::Configuration& configuration)
    : size_(configuration.Integer("buffer.size")),
      temperature_(configuration.Real("icarl.temperature")) {}

void Icarl::BeforeTask(Learner& learner) {
  means_ = torch::Tensor();
  if (learner.first_task > 0) teacher_ = learner.Snapshot();
}

std::vector<int64_t> Icarl::TrainRows(const Learner& learner) {
  std::vector<int64_t> rows = learner.stage_rows;
  const std::vector<int64_t> kept = AllRows(exemplars_);
  rows.insert(rows.end(), kept.begin(), kept.end());
  return rows;
}

Objective Icarl::Loss(const Learner& learner, const Step& step) {
  const Scenario& scenario = learner.scenario;
  torch::Tensor logits = learner.Logits(step, step.rows_on_device);
  torch::Tensor targets =
      at::one_hot(scenario.Targets(step.rows_on_device), scenario.outputs())
          .to(at::kFloat);
  if (teacher_ != nullptr) {
    torch::Tensor old = scenario.Units(0, learner.first_task);
    torch::Tensor taught = learner.EvalLogits(*teacher_, step.rows_on_device);
    targets.index_copy_(
        1, old, at::sigmoid(taught.index_select(1, old) / temperature_));
  }
  torch::Tensor seen = scenario.Units(0, learner.end_task);
  torch::Tensor loss =
      at::binary_cross_entropy_with_logits(logits.index_select(1, seen),
                                           targets.index_select(1, seen), {},
                                           {}, at::Reduction::None)
          .sum(1)
          .mean();
  return {loss, logits};
}

void Icarl::AfterTask(Learner& learner) {
  const int64_t count = RowsPerClass(learner.scenario, size_);
  for (const auto& [position, rows] :
       ByClass(learner.scenario, learner.stage_rows)) {
    for (int64_t index : Herd(Features(learner, rows), count)) {
      exemplars_[position].push_back(rows[index]);
    }
  }
  std::vector<torch::Tensor> means(learner.scenario.outputs());
  for (const auto& [position, rows] : exemplars_) {
    means[position] =
        Normalised(Features(learner, rows).mean(0, /*keepdim=*/true));
  }
  const torch::Tensor& any = means[exemplars_.begin()->first];
  for (torch::Tensor& mean : means) {
    if (!mean.defined()) mean = at::zeros_like(any);  // never predicted
  }
  means_ = at::cat(means);
}

torch::Tensor Icarl::Scores(const Learner& learner, const torch::Tensor& rows) {
  if (!means_.defined()) return Strategy::Scores(learner, rows);
  return learner.scenario.MaskUnseen(
      NearestMeanScores(BatchFeatures(learner, rows), means_),
      learner.end_task);
}

void Icarl::Persist(Learner& learner, Archive& archive) {
  learner.PersistSnapshot(teacher_, archive);
  archive.Value("buffer", exemplars_);
  archive.Tensor("means", means_);
}

}  // namespace dfsweep::model
