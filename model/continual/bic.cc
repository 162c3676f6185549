#include "model/continual/bic.h"

#include <algorithm>
#include <cmath>

#include "model/continual/class_rows.h"
#include "model/continual/lwf.h"
#include "model/continual/replay.h"

namespace dfsweep::model {
namespace {

constexpr double kTemperature = 2;
constexpr int64_t kBatch = 128;

torch::Tensor Apply(const torch::Tensor& logits,
                    const BiasCorrection& correction) {
  torch::Tensor own = logits.index_select(1, correction.units);
  return logits.index_copy(1, correction.units,
                           own * correction.alpha + correction.beta);
}

double MeanCrossEntropy(const torch::Tensor& logits,
                        const torch::Tensor& targets) {
  return at::cross_entropy_loss(logits, targets).item<double>();
}

}  // namespace

BiasCorrection FitBias(const torch::Tensor& logits,
                       const torch::Tensor& targets,
                       const torch::Tensor& units) {
  torch::NoGradGuard no_grad;
  const torch::Tensor z = logits.to(at::kDouble);
  const torch::Tensor hit =
      at::one_hot(targets, z.size(1)).index_select(1, units).to(at::kDouble);
  const torch::Tensor own = z.index_select(1, units);
  BiasCorrection fit{.units = units};
  for (int iteration = 0; iteration < 50; ++iteration) {
    // With p the probabilities of the own units: the loss' derivatives along
    // (α, β), where a logit's derivatives are (z, 1).
    const torch::Tensor corrected = Apply(z, fit);
    const torch::Tensor p = at::softmax(corrected, 1).index_select(1, units);
    const torch::Tensor residual = p - hit;
    const torch::Tensor mean_z = (p * own).sum(1), mass = p.sum(1);
    const double by_alpha = (residual * own).sum(1).mean().item<double>();
    const double by_beta = residual.sum(1).mean().item<double>();
    const double alpha_alpha =
        ((p * own.square()).sum(1) - mean_z.square()).mean().item<double>();
    const double alpha_beta = (mean_z * (1 - mass)).mean().item<double>();
    const double beta_beta = (mass * (1 - mass)).mean().item<double>();
    // A little more than the curvature where there is none.
    const double ridge = 1e-9;
    const double a = alpha_alpha + ridge, d = beta_beta + ridge;
    const double determinant = a * d - alpha_beta * alpha_beta;
    const double step_alpha =
        (d * by_alpha - alpha_beta * by_beta) / determinant;
    const double step_beta =
        (a * by_beta - alpha_beta * by_alpha) / determinant;
    const double before = MeanCrossEntropy(corrected, targets);
    BiasCorrection next = fit;
    for (double share = 1; share > 1e-6; share /= 2) {
      next.alpha = fit.alpha - share * step_alpha;
      next.beta = fit.beta - share * step_beta;
      if (MeanCrossEntropy(Apply(z, next), targets) <= before) break;
      next = fit;
    }
    const double moved =
        std::abs(next.alpha - fit.alpha) + std::abs(next.beta - fit.beta);
    fit = next;
    if (moved < 1e-10) break;
  }
  return fit;
}

Bic::Bic(const config::Configuration& configuration)
    : size_(configuration.Integer("buffer.size")),
      validation_(configuration.Real("bic.validation")) {}

void Bic::BeforeTask(Learner& learner) {
  if (learner.first_task > 0) teacher_ = learner.Snapshot();
}

std::vector<int64_t> Bic::TrainRows(const Learner& learner) {
  std::vector<int64_t> rows = AllRows(replayed_);
  Stream stream = learner.StageStream(Purpose::kBufferFill);
  for (auto& [position, own] : ByClass(learner.scenario, learner.stage_rows)) {
    stream.Shuffle(own);
    const int64_t kept = std::min(RowsPerClass(learner.scenario, size_),
                                  static_cast<int64_t>(own.size()));
    const auto share = static_cast<int64_t>(
        std::llround(validation_ * static_cast<double>(kept)));
    const auto middle = own.begin() + std::max<int64_t>(share, 1);
    aside_[position].assign(own.begin(), middle);
    rows.insert(rows.end(), middle, own.end());
    replayed_[position].assign(middle, std::max(middle, own.begin() + kept));
  }
  std::sort(rows.begin(), rows.end());
  return rows;
}

torch::Tensor Bic::Corrected(torch::Tensor logits) const {
  for (const BiasCorrection& correction : corrections_) {
    logits = Apply(logits, correction);
  }
  return logits;
}

// Student and teacher both with the corrections of earlier tasks, so that what
// is distilled is what was predicted.
Objective Bic::Loss(const Learner& learner, const Step& step) {
  const torch::Tensor logits =
      Corrected(learner.Logits(step, step.rows_on_device));
  Objective objective = {learner.CrossEntropy(logits, step.rows_on_device),
                         logits};
  if (teacher_ == nullptr) return objective;
  const torch::Tensor old = learner.scenario.Units(0, learner.first_task);
  const torch::Tensor taught =
      Corrected(learner.EvalLogits(*teacher_, step.rows_on_device));
  const double share =
      static_cast<double>(old.size(0)) /
      static_cast<double>(learner.scenario.Units(0, learner.end_task).size(0));
  const torch::Tensor distillation = DistillationLoss(
      logits.index_select(1, old), taught.index_select(1, old), kTemperature);
  objective.loss = (1 - share) * objective.loss + share * distillation;
  return objective;
}

void Bic::AfterTask(Learner& learner) {
  if (learner.first_task > 0) Fit(learner);
}

void Bic::Fit(const Learner& learner) {
  const torch::Tensor rows = learner.data.Rows(AllRows(aside_));
  std::vector<torch::Tensor> logits;
  for (const torch::Tensor& batch : rows.split(kBatch)) {
    learner.before_batch();
    logits.push_back(learner.EvalLogits(learner.network, batch));
  }
  const Scenario& scenario = learner.scenario;
  const torch::Tensor seen = scenario.Units(0, learner.end_task);
  const torch::Tensor fresh =
      scenario.Units(learner.first_task, learner.end_task);
  const torch::Tensor targets = at::searchsorted(seen, scenario.Targets(rows));
  BiasCorrection fit = FitBias(Corrected(at::cat(logits)).index_select(1, seen),
                               targets, at::searchsorted(seen, fresh));
  fit.units = fresh;
  corrections_.push_back(fit);
}

torch::Tensor Bic::Scores(const Learner& learner, const torch::Tensor& rows) {
  return Corrected(Strategy::Scores(learner, rows));
}

void Bic::Persist(Learner& learner, Archive& archive) {
  learner.PersistSnapshot(teacher_, archive);
  std::vector<torch::Tensor> units;
  std::vector<std::pair<double, double>> fits;  // alpha, beta
  for (const BiasCorrection& correction : corrections_) {
    units.push_back(correction.units);
    fits.emplace_back(correction.alpha, correction.beta);
  }
  archive.Tensors("units_", units);
  archive.Value("fits", fits);
  corrections_.clear();
  for (size_t i = 0; i < fits.size() && i < units.size(); ++i) {
    corrections_.push_back({units[i], fits[i].first, fits[i].second});
  }
  archive.Value("buffer", replayed_);
  archive.Value("aside", aside_);
}

}  // namespace dfsweep::model
