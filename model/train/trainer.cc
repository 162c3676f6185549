#include "model/train/trainer.h"

#include <algorithm>
#include <chrono>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "model/continual/factory.h"
#include "model/metrics/classification.h"
#include "model/metrics/continual.h"
#include "model/metrics/open_world.h"
#include "model/net/factory.h"
#include "model/protocol/protocol.h"
#include "model/train/batches.h"
#include "model/train/failure.h"
#include "model/train/optimizer.h"
#include "model/train/precision.h"
#include "model/train/result.h"
#include "model/train/split.h"

namespace dfsweep::model {
namespace {

using config::Configuration;
using config::Json;

constexpr int64_t kEvaluationBatch = 128;

double Seconds(std::chrono::steady_clock::time_point since) {
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - since)
      .count();
}

// Sums over an epoch, on the device, so that no step waits for it.
struct EpochSums {
  explicit EpochSums(c10::Device device)
      : loss(at::zeros({}, at::device(device).dtype(at::kDouble))),
        correct(at::zeros({}, at::device(device).dtype(at::kDouble))) {}
  torch::Tensor loss, correct;
  int64_t examples = 0;
};

// At the argmax and at two thresholds, and over all of them.
Metrics OpenWorldMetrics(const std::vector<OpenWorldTrace>& traces,
                         int64_t unmonitored) {
  Metrics metrics;
  auto add = [&](const std::string& name, std::optional<double> value) {
    if (value) metrics["open_world_" + name] = *value;
  };
  for (auto [threshold, suffix] :
       {std::pair{0., ""}, std::pair{.5, "_at_50"}, std::pair{.9, "_at_90"}}) {
    const OpenWorldCounts counts = CountAt(traces, unmonitored, threshold);
    add(std::string("precision") + suffix, counts.Precision());
    add(std::string("recall") + suffix, counts.Recall());
    add(std::string("f1") + suffix, counts.F1());
    add(std::string("fpr") + suffix, counts.FalsePositiveRate());
    add(std::string("strict_precision") + suffix, counts.StrictPrecision());
    add(std::string("strict_recall") + suffix, counts.StrictRecall());
  }
  add("auc", AreaUnderCurve(RocCurve(traces, unmonitored)));
  return metrics;
}

class TrialRun {
 public:
  TrialRun(const Trial& trial, const TrialHost& host);
  Json Run();

 private:
  std::unique_ptr<Network> NewNetwork() const;
  void EmitStarted();
  // False if the training diverged.
  bool TrainStage(int64_t index);
  void EnterStage(int64_t index);
  void StartAnew();
  bool TrainEpoch(int64_t epoch, BatchSequence& batches);
  void TrainStep(const Step& step, EpochSums& sums);
  bool ReportEpoch(int64_t epoch, const EpochSums& sums, double seconds);
  void EvaluateStage();
  // Scores of the strategy, with −∞ where a unit may not be predicted.
  torch::Tensor Scores(const std::vector<int64_t>& rows);
  double Accuracy(const std::vector<int64_t>& rows);
  // Over the test traces of all tasks together.
  void AddPooledMetrics();
  int64_t LabelOfUnit(int64_t row, int64_t unit) const;
  // On each task's test traces, with the network as it is.
  std::vector<double> AccuracyBefore();
  void AddTrainingMetrics();
  void StopIfCancelled() const {
    if (host_.cancelled()) throw Cancelled{};
  }

  const Trial& trial_;
  const Configuration& config_;
  const TrialHost& host_;
  const DatasetCache::Entry& dataset_;
  const DatasetOnDevice& data_;
  Split split_;
  Scenario scenario_;
  std::unique_ptr<Network> network_;
  std::unique_ptr<Strategy> strategy_;
  std::vector<int64_t> stage_ends_;  // one past the last task of each
  Learner learner_;
  std::unique_ptr<Optimizer> optimizer_;
  bool has_frozen_statistics_ = false;
  std::vector<int64_t> validation_rows_;  // of the stage's tasks
  int64_t epochs_total_ = 0;
  int64_t epochs_done_ = 0;
  int64_t steps_ = 0;
  double train_seconds_ = 0;
  ResultBuilder result_;
};

TrialRun::TrialRun(const Trial& trial, const TrialHost& host)
    : trial_(trial),
      config_(trial.configuration),
      host_(host),
      dataset_(host.datasets.Load(trial, host.device)),
      data_(*dataset_.device),
      split_(SplitDataset(*dataset_.host, config_, trial.seed)),
      scenario_(config_, *dataset_.host, split_.tasks, host.device),
      network_(NewNetwork()),
      strategy_(MakeStrategy(config_)),
      stage_ends_(
          strategy_->StageEnds(static_cast<int64_t>(split_.tasks.size()))),
      learner_{.seed = trial.seed,
               .precision = config_.Choice("precision"),
               .sequence_length = config_.Integer("sequence_length"),
               .data = data_,
               .scenario = scenario_,
               .network = *network_,
               .parameters = network_->parameters(),
               .make_network = [this] { return NewNetwork(); },
               .before_batch = [this] { StopIfCancelled(); }} {
  SetArithmetic(learner_.precision, config_.Boolean("deterministic"));
  for (size_t stage = 0; stage < stage_ends_.size(); ++stage) {
    EnterStage(static_cast<int64_t>(stage));
    // Refuses now what would be found after hours.
    BatchSizes(static_cast<int64_t>(learner_.stage_rows.size()),
               config_.Integer("batch_size"), config_.Boolean("drop_last"));
    epochs_total_ += config_.Epochs(static_cast<int64_t>(stage));
  }
}

std::unique_ptr<Network> TrialRun::NewNetwork() const {
  std::unique_ptr<Network> network = MakeNetwork(
      config_, config_.Integer("sequence_length"), scenario_.outputs(),
      Stream(trial_.seed, Purpose::kInitialWeights));
  network->to(host_.device);
  return network;
}

void TrialRun::EmitStarted() {
  Json tasks = Json::array();
  size_t train = 0, validation = 0, test = 0;
  for (const TaskRows& task : split_.tasks) {
    tasks.push_back(task.labels);
    train += task.train.size();
    validation += task.validation.size();
    test += task.test.size();
  }
  result_.AddMetrics({{"train_examples", train},
                      {"test_examples", test},
                      {"leaked_test_examples", split_.leaked_test_rows}});
  host_.emit(protocol::event::kStarted,
             {{"tasks", tasks},
              {"epochs_total", epochs_total_},
              {"examples",
               {{"train", train}, {"validation", validation}, {"test", test}}},
              {"warnings", split_.warnings}});
}

Json TrialRun::Run() {
  EmitStarted();
  const bool forward =
      config_.Has("forward_transfer") && config_.Boolean("forward_transfer");
  std::vector<double> initial, before;  // test accuracies
  if (forward) initial = AccuracyBefore();
  for (size_t stage = 0; stage < stage_ends_.size(); ++stage) {
    if (forward) {
      EnterStage(static_cast<int64_t>(stage));
      before.push_back(Accuracy(split_.tasks[stage].test));
    }
    if (!TrainStage(static_cast<int64_t>(stage))) {
      AddTrainingMetrics();
      return result_.Finish(
          /*complete=*/false, train_seconds_,
          "the loss or the weights stopped being finite in epoch " +
              std::to_string(epochs_done_ + 1) + " of " +
              std::to_string(epochs_total_));
    }
    EvaluateStage();
  }
  AddPooledMetrics();
  AddTrainingMetrics();
  if (before.size() > 1) {
    result_.AddMetrics({{"fwt", ForwardTransfer(before, initial)}});
  }
  return result_.Finish(/*complete=*/true, train_seconds_, "");
}

void TrialRun::EnterStage(int64_t index) {
  learner_.stage = index;
  learner_.first_task = index == 0 ? 0 : stage_ends_[index - 1];
  learner_.end_task = stage_ends_[index];
  learner_.last = index + 1 == static_cast<int64_t>(stage_ends_.size());
  learner_.stage_rows.clear();
  validation_rows_.clear();
  auto append = [](std::vector<int64_t>& all,
                   const std::vector<int64_t>& some) {
    all.insert(all.end(), some.begin(), some.end());
  };
  for (int64_t task = learner_.first_task; task < learner_.end_task; ++task) {
    append(learner_.stage_rows, split_.tasks[task].train);
    append(validation_rows_, split_.tasks[task].validation);
  }
  std::sort(learner_.stage_rows.begin(), learner_.stage_rows.end());
}

// Statistics that are frozen stay those of the first task.
void TrialRun::StartAnew() {
  const std::unique_ptr<Network> initial = NewNetwork();
  CopyParameters(*initial, *network_);
  if (!has_frozen_statistics_) CopyBuffers(*initial, *network_);
}

bool TrialRun::TrainStage(int64_t index) {
  EnterStage(index);
  if (index == 1 && config_.Has("bn") &&
      config_.Choice("bn") == "freeze_after_first") {
    network_->FreezeStatistics();
    has_frozen_statistics_ = true;
  }
  const bool anew = index > 0 && strategy_->StartsAnew();
  if (anew) StartAnew();
  if (index == 0 || anew || config_.Boolean("reset_optimizer")) {
    optimizer_ = MakeOptimizer(config_, learner_.parameters);
  }
  auto start = std::chrono::steady_clock::now();
  strategy_->BeforeTask(learner_);
  BatchSequence batches(strategy_->TrainRows(learner_), trial_.seed,
                        static_cast<uint32_t>(index), config_, data_);
  train_seconds_ += Seconds(start);
  for (int64_t epoch = 0; epoch < config_.Epochs(index); ++epoch) {
    if (!TrainEpoch(epoch, batches)) return false;
  }
  start = std::chrono::steady_clock::now();
  strategy_->AfterTask(learner_);
  train_seconds_ += Seconds(start);
  return true;
}

bool TrialRun::TrainEpoch(int64_t epoch, BatchSequence& batches) {
  auto start = std::chrono::steady_clock::now();
  network_->train();
  EpochSums sums(host_.device);
  const int64_t steps = batches.steps_per_epoch();
  for (int64_t number = 0; number < steps; ++number) {
    StopIfCancelled();
    DropoutMasks masks(Stream(
        trial_.seed, Purpose::kDropout, static_cast<uint32_t>(learner_.stage),
        static_cast<uint32_t>(epoch), static_cast<uint32_t>(number)));
    Batch batch = batches.Next();
    TrainStep({.rows = std::move(batch.rows),
               .rows_on_device = std::move(batch.rows_on_device),
               .epoch = epoch,
               .number = number,
               .dropout = &masks},
              sums);
  }
  return ReportEpoch(epoch, sums, Seconds(start));
}

void TrialRun::TrainStep(const Step& step, EpochSums& sums) {
  Objective objective = strategy_->Loss(learner_, step);
  ClearGradients(learner_.parameters);
  objective.loss.backward();
  strategy_->AfterBackward(learner_, step);
  optimizer_->Step();
  strategy_->AfterStep(learner_, step);
  ++steps_;

  torch::NoGradGuard no_grad;
  const auto count = static_cast<int64_t>(step.rows.size());
  torch::Tensor predicted =
      scenario_
          .MaskForLoss(objective.logits, step.rows_on_device,
                       learner_.first_task, learner_.end_task)
          .argmax(1);
  sums.loss.add_(objective.loss.detach(), count);
  sums.correct.add_(
      (predicted == scenario_.Targets(step.rows_on_device)).sum());
  sums.examples += count;
}

// The one place in an epoch that waits for the device.
bool TrialRun::ReportEpoch(int64_t epoch, const EpochSums& sums,
                           double seconds) {
  auto start = std::chrono::steady_clock::now();
  torch::NoGradGuard no_grad;
  torch::Tensor norm = at::zeros_like(sums.loss);
  for (const torch::Tensor& p : learner_.parameters) norm += p.abs().max();
  torch::Tensor penalty = strategy_->LossPenalty();
  torch::Tensor totals =
      at::stack({sums.loss, sums.correct, norm,
                 penalty.defined() ? penalty : at::zeros_like(norm)})
          .cpu();
  auto value = [&](int64_t i) { return totals[i].item<double>(); };
  seconds += Seconds(start);
  train_seconds_ += seconds;
  if (!std::isfinite(value(0)) || !std::isfinite(value(2))) return false;

  auto examples = static_cast<double>(sums.examples);
  Metrics metrics = {{"train_loss", value(0) / examples},
                     {"train_accuracy", value(1) / examples}};
  if (penalty.defined()) metrics["penalty"] = value(3);
  if (!validation_rows_.empty()) {
    metrics["validation_accuracy"] = Accuracy(validation_rows_);
  }
  result_.AddEpoch(learner_.stage, epoch, metrics);
  ++epochs_done_;
  host_.emit(protocol::event::kEpoch, {{"task", learner_.stage},
                                       {"epoch", epoch},
                                       {"epochs_done", epochs_done_},
                                       {"epochs_total", epochs_total_},
                                       {"metrics", FiniteJson(metrics)},
                                       {"seconds", seconds}});
  return true;
}

torch::Tensor TrialRun::Scores(const std::vector<int64_t>& rows) {
  torch::NoGradGuard no_grad;
  std::vector<torch::Tensor> scores;
  for (const torch::Tensor& batch : data_.Rows(rows).split(kEvaluationBatch)) {
    StopIfCancelled();
    scores.push_back(scenario_.MaskForPrediction(
        strategy_->Scores(learner_, batch), batch, learner_.end_task));
  }
  return at::cat(scores);
}

double TrialRun::Accuracy(const std::vector<int64_t>& rows) {
  torch::Tensor hits =
      Scores(rows).argmax(1) == scenario_.Targets(data_.Rows(rows));
  return hits.sum().item<double>() / static_cast<double>(rows.size());
}

void TrialRun::EvaluateStage() {
  for (int64_t task = 0; task < learner_.end_task; ++task) {
    const TaskRows& rows = split_.tasks[task];
    for (auto [name, set] : {std::pair{"test", &rows.test},
                             std::pair{"validation", &rows.validation}}) {
      if (set->empty()) continue;
      Json fields =
          result_.AddEvaluation(learner_.stage, task, name, Accuracy(*set),
                                static_cast<int64_t>(set->size()));
      host_.emit(protocol::event::kEvaluation, std::move(fields));
    }
  }
}

void TrialRun::AddPooledMetrics() {
  std::vector<int64_t> rows;
  for (const TaskRows& task : split_.tasks) {
    rows.insert(rows.end(), task.test.begin(), task.test.end());
  }
  const torch::Tensor scores = Scores(rows);
  const torch::Tensor units = scores.argmax(1).cpu();
  std::vector<int64_t> truth, predicted;
  for (size_t i = 0; i < rows.size(); ++i) {
    truth.push_back(dataset_.host->labels()[rows[i]]);
    predicted.push_back(
        LabelOfUnit(rows[i], units.const_data_ptr<int64_t>()[i]));
  }
  const ConfusionMatrix confusion = Confusion(truth, predicted);
  result_.AddMetrics({{"weighted_accuracy", PooledAccuracy(confusion)},
                      {"macro_f1", MacroF1(confusion)}});
  for (const auto& [label, accuracy] : ClassAccuracy(confusion)) {
    result_.AddMetrics({{"class_accuracy_" + std::to_string(label), accuracy}});
  }
  const std::optional<int64_t> unmonitored = dataset_.host->unmonitored();
  if (!unmonitored) return;
  const torch::Tensor confidence =
      std::get<0>(at::softmax(scores, 1).max(1)).to(at::kDouble).cpu();
  std::vector<OpenWorldTrace> traces;
  for (size_t i = 0; i < rows.size(); ++i) {
    traces.push_back(
        {truth[i], predicted[i], confidence.const_data_ptr<double>()[i]});
  }
  result_.AddMetrics(OpenWorldMetrics(traces, *unmonitored));
}

// A unit that all tasks share stands for a class of the row's own task.
int64_t TrialRun::LabelOfUnit(int64_t row, int64_t unit) const {
  if (!scenario_.is_domain_incremental()) {
    return dataset_.host->classes()[unit];
  }
  const auto& labels = split_.tasks[scenario_.TaskOf(row)].labels;
  // A unit that this smaller task has no class for.
  return unit < static_cast<int64_t>(labels.size()) ? labels[unit] : -1;
}

std::vector<double> TrialRun::AccuracyBefore() {
  std::vector<double> accuracy;
  for (size_t task = 0; task < stage_ends_.size(); ++task) {
    EnterStage(static_cast<int64_t>(task));
    accuracy.push_back(Accuracy(split_.tasks[task].test));
  }
  return accuracy;
}

void TrialRun::AddTrainingMetrics() {
  result_.AddMetrics({{"steps", steps_}});
  result_.AddMetrics(strategy_->Metrics());
}

}  // namespace

Json RunTrial(const Trial& trial, const TrialHost& host) {
  return TrialRun(trial, host).Run();
}

}  // namespace dfsweep::model
