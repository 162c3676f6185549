#include "model/train/trial_run.h"

#include <algorithm>
#include <chrono>
#include <cmath>
#include <set>
#include <string>
#include <utility>

#include "model/config/stages.h"
#include "model/continual/factory.h"
#include "model/metrics/continual.h"
#include "model/net/factory.h"
#include "model/protocol/protocol.h"
#include "model/train/failure.h"
#include "model/train/precision.h"

namespace dfsweep::model {
namespace {

using config::Json;

double Seconds(std::chrono::steady_clock::time_point since) {
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - since)
      .count();
}

}  // namespace

TrialRun::TrialRun(const Trial& trial, const TrialHost& host,
                   CheckpointFolder& checkpoints)
    : trial_(trial),
      config_(trial.configuration),
      host_(host),
      checkpoints_(checkpoints),
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
               .before_batch = [this] { StopIfCancelled(); }},
      evaluation_(learner_, *strategy_, split_, *dataset_.host),
      measures_transfer_(config_.Has("forward_transfer") &&
                         config_.Boolean("forward_transfer")) {
  SetArithmetic(learner_.precision, config_.Boolean("deterministic"));
  for (size_t stage = 0; stage < stage_ends_.size(); ++stage) {
    EnterStage(static_cast<int64_t>(stage));
    // Refuses now what would be found after hours.
    BatchSizes(static_cast<int64_t>(learner_.stage_rows.size()),
               config_.Integer("batch_size"), config_.Boolean("drop_last"));
    epochs_total_ += config_.Epochs(static_cast<int64_t>(stage));
  }
  if (measures_transfer_) {
    initial_ = InitialAccuracy();
    before_ = {initial_.front()};
  }
}

std::unique_ptr<Network> TrialRun::NewNetwork() const {
  std::unique_ptr<Network> network = MakeNetwork(
      config_, config_.Integer("sequence_length"), scenario_.outputs(),
      Stream(trial_.seed, Purpose::kInitialWeights));
  network->to(host_.device);
  return network;
}

TrialRun::EpochSums TrialRun::NewSums() const {
  auto zero = [this] {
    return at::zeros({}, at::device(host_.device).dtype(at::kDouble));
  };
  return {.loss = zero(), .correct = zero()};
}

BatchSequence TrialRun::Batches(std::vector<int64_t> rows) const {
  return BatchSequence(std::move(rows), trial_.seed,
                       static_cast<uint32_t>(stage_), config_, data_);
}

TrialRun::Position TrialRun::NewPosition(std::vector<int64_t> rows) {
  return {
      .batches = Batches(std::move(rows)),
      .sums = NewSums(),
      .gradients = std::make_unique<StepGradients>(
          learner_.parameters,
          [this](const Step& step) { return strategy_->Loss(learner_, step); },
          host_.device.is_cuda() && host_.replays_steps &&
              strategy_->LossIsOfStepAlone())};
}

// On each task's test traces.
std::vector<double> TrialRun::InitialAccuracy() {
  std::vector<double> accuracy;
  for (size_t task = 0; task < stage_ends_.size(); ++task) {
    EnterStage(static_cast<int64_t>(task));
    accuracy.push_back(evaluation_.Accuracy(split_.tasks[task].test));
  }
  return accuracy;
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
              {"epochs_done", epochs_done_},
              {"epochs_total", epochs_total_},
              {"examples",
               {{"train", train}, {"validation", validation}, {"test", test}}},
              {"warnings", split_.warnings}});
}

Json TrialRun::Run() {
  EmitStarted();
  for (; stage_ < static_cast<int64_t>(stage_ends_.size()); ++stage_) {
    if (!position_) BeginStage(stage_);
    if (!TrainStage()) return Result(/*is_complete=*/false);
    EndStage();
    EvaluateStage();
  }
  EvaluatePooled();
  return Result(/*is_complete=*/true);
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

void TrialRun::BeginStage(int64_t index) {
  EnterStage(index);
  if (measures_transfer_ && index > 0) {
    before_.push_back(evaluation_.Accuracy(split_.tasks[index].test));
  }
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
  const auto start = std::chrono::steady_clock::now();
  BeginRecord();
  strategy_->BeforeTask(learner_);
  position_.emplace(NewPosition(strategy_->TrainRows(learner_)));
  train_seconds_ += Seconds(start);
}

void TrialRun::BeginRecord() {
  record_.reset();
  if (checkpoints_.RecordsPath(stage_)) {
    record_.emplace().Begin(learner_.parameters);
  }
}

// Statistics that are frozen stay those of the first task.
void TrialRun::StartAnew() {
  const std::unique_ptr<Network> initial = NewNetwork();
  CopyParameters(*initial, *network_);
  if (!has_frozen_statistics_) CopyBuffers(*initial, *network_);
}

bool TrialRun::TrainStage() {
  try {
    while (position_->epoch < config_.Epochs(stage_)) {
      TrainEpoch();
      if (!EndEpoch()) return false;
    }
  } catch (const Cancelled&) {
    SaveProgress();
    throw;
  }
  return true;
}

void TrialRun::EndStage() {
  SaveStage();
  position_.reset();
  const auto start = std::chrono::steady_clock::now();
  strategy_->AfterTask(learner_);
  train_seconds_ += Seconds(start);
}

void TrialRun::TrainEpoch() {
  network_->train();
  Position& at = *position_;
  for (; at.step < at.batches.steps_per_epoch(); ++at.step) {
    StopIfCancelled();
    if (checkpoints_.IsDue()) SaveProgress();
    const auto start = std::chrono::steady_clock::now();
    DropoutMasks masks(
        Stream(trial_.seed, Purpose::kDropout, static_cast<uint32_t>(stage_),
               static_cast<uint32_t>(at.epoch), static_cast<uint32_t>(at.step)),
        host_.device);
    Batch batch = at.batches.Next();
    TrainStep({.rows = std::move(batch.rows),
               .rows_on_device = std::move(batch.rows_on_device),
               .epoch = at.epoch,
               .number = at.step,
               .dropout = &masks},
              at.sums);
    at.seconds += Seconds(start);
  }
}

void TrialRun::TrainStep(const Step& step, EpochSums& sums) {
  const Objective objective = position_->gradients->Compute(step);
  if (record_) record_->RememberGradients();
  strategy_->AfterBackward(learner_, step);
  if (record_) record_->BeforeStep();
  optimizer_->Step();
  if (record_) record_->AfterStep();
  strategy_->AfterStep(learner_, step);
  ++steps_;

  torch::NoGradGuard no_grad;
  const auto count = static_cast<int64_t>(step.rows.size());
  torch::Tensor predicted =
      scenario_
          .MaskForLoss(objective.logits, step.rows_on_device,
                       learner_.first_task, learner_.end_task)
          .argmax(1);
  sums.loss.add_(objective.loss, count);
  sums.correct.add_(
      (predicted == scenario_.Targets(step.rows_on_device)).sum());
  sums.examples += count;
}

// The one place in an epoch that waits for the device.
bool TrialRun::EndEpoch() {
  const auto start = std::chrono::steady_clock::now();
  torch::NoGradGuard no_grad;
  const EpochSums& sums = position_->sums;
  torch::Tensor norm = at::zeros_like(sums.loss);
  for (const torch::Tensor& p : learner_.parameters) norm += p.abs().max();
  torch::Tensor penalty = strategy_->LossPenalty();
  torch::Tensor totals =
      at::stack({sums.loss, sums.correct, norm,
                 penalty.defined() ? penalty : at::zeros_like(norm)})
          .cpu();
  auto value = [&](int64_t i) { return totals[i].item<double>(); };
  const double seconds = position_->seconds + Seconds(start);
  if (!std::isfinite(value(0)) || !std::isfinite(value(2))) {
    train_seconds_ += seconds;
    return false;
  }

  auto examples = static_cast<double>(sums.examples);
  Metrics metrics = {{"train_loss", value(0) / examples},
                     {"train_accuracy", value(1) / examples}};
  if (penalty.defined()) metrics["penalty"] = value(3);
  if (!validation_rows_.empty()) {
    metrics["validation_accuracy"] = evaluation_.Accuracy(validation_rows_);
  }
  // Nothing above has changed anything: a trial that is stopped while it
  // validates goes on from here.
  train_seconds_ += seconds;
  const int64_t epoch = position_->epoch++;
  position_->step = 0;
  position_->sums = NewSums();
  position_->seconds = 0;
  result_.AddEpoch(stage_, epoch, metrics);
  ++epochs_done_;
  host_.emit(protocol::event::kEpoch, {{"task", stage_},
                                       {"epoch", epoch},
                                       {"epochs_done", epochs_done_},
                                       {"epochs_total", epochs_total_},
                                       {"metrics", FiniteJson(metrics)},
                                       {"seconds", seconds}});
  return true;
}

void TrialRun::EvaluateStage() {
  for (int64_t task = 0; task < learner_.end_task; ++task) {
    const TaskRows& rows = split_.tasks[task];
    for (auto [name, set] : {std::pair{"test", &rows.test},
                             std::pair{"validation", &rows.validation}}) {
      if (set->empty()) continue;
      Json fields =
          result_.AddEvaluation(stage_, task, name, evaluation_.Accuracy(*set),
                                static_cast<int64_t>(set->size()));
      host_.emit(protocol::event::kEvaluation, std::move(fields));
    }
  }
}

void TrialRun::EvaluatePooled() {
  PooledTest test = evaluation_.Pooled();
  result_.AddMetrics(test.metrics);
  std::set<int64_t> labels;
  for (const TaskRows& task : split_.tasks) {
    labels.insert(task.labels.begin(), task.labels.end());
  }
  if (auto confusion = ConfusionJson(test.confusion, std::move(labels))) {
    result_.AddPart("confusion_matrix", std::move(*confusion));
  }
  if (test.open_world) {
    result_.AddPart("open_world", std::move(*test.open_world));
  }
}

Json TrialRun::Result(bool is_complete) {
  result_.AddMetrics({{"steps", steps_}});
  result_.AddMetrics(strategy_->Metrics());
  if (is_complete && before_.size() > 1) {
    result_.AddMetrics({{"fwt", ForwardTransfer(before_, initial_)}});
  }
  std::string message;
  if (!is_complete) {
    message = "the loss or the weights stopped being finite in epoch " +
              std::to_string(epochs_done_ + 1) + " of " +
              std::to_string(epochs_total_);
  }
  Json result = result_.Finish(is_complete, train_seconds_, message);
  result["epochs_reused"] = epochs_reused_;
  CheckDataset();
  return result;
}

void TrialRun::StopIfCancelled() const {
  if (host_.cancelled()) throw Cancelled{};
}

void TrialRun::CheckDataset() const {
  if (dataset_.host->IsUnchanged()) return;
  throw Failure(
      protocol::cause::kData,
      config::Error("the dataset has changed while the trial read it",
                    trial_.dataset.string(),
                    "check the disk, and make the dataset again with 'dfsweep "
                    "data import <source>'"));
}

// ---- Checkpoints ------------------------------------------------------------

void TrialRun::Restore(const CheckpointFolder::Place& place) {
  Archive archive(checkpoints_.Read(place), host_.device);
  Persist(archive, place.is_stage && checkpoints_.IsNaive(place.stage));
  epochs_reused_ = epochs_done_;
}

void TrialRun::SaveProgress() {
  if (!checkpoints_.is_used()) return;
  CheckDataset();
  Archive archive;
  Persist(archive, /*watched=*/false);
  checkpoints_.SaveProgress(steps_, archive.checkpoint());
}

void TrialRun::SaveStage() {
  if (!checkpoints_.is_used()) return;
  if (!checkpoints_.shares_stages()) return SaveProgress();
  CheckDataset();
  Archive archive;
  Persist(archive, checkpoints_.IsNaive(stage_));
  checkpoints_.SaveStage(stage_, position_->epoch, archive.checkpoint());
}

void TrialRun::Persist(Archive& archive, bool watched) {
  archive.Value("stage", stage_);
  if (archive.restores()) {
    if (stage_ < 0 || stage_ >= static_cast<int64_t>(stage_ends_.size())) {
      throw CheckpointError("a checkpoint is of a stage that isn't there");
    }
    EnterStage(stage_);
    optimizer_ = MakeOptimizer(config_, learner_.parameters);
  }
  PersistPosition(archive, watched);
  {
    Archive::Section section(archive, "network.");
    network_->Persist(archive);
  }
  {
    Archive::Section section(archive, "optimizer.");
    optimizer_->Persist(archive);
  }
  {
    Archive::Section section(archive, "result.");
    result_.Persist(archive);
  }
  archive.Value("has_frozen_statistics", has_frozen_statistics_);
  archive.Value("epochs_done", epochs_done_);
  archive.Value("steps", steps_);
  archive.Value("train_seconds", train_seconds_);
  if (!watched) archive.Value("before", before_);
}

void TrialRun::PersistPosition(Archive& archive, bool watched) {
  Archive::Section section(archive, "strategy.");
  std::vector<int64_t> rows;
  if (archive.restores()) BeginRecord();
  if (record_) record_->PersistPath(archive);
  if (watched) {
    if (archive.restores()) {
      strategy_->BeforeTask(learner_);
      rows = strategy_->TrainRows(learner_);
    }
    strategy_->PersistWatched(archive);
  } else {
    strategy_->Persist(learner_, archive);
    if (!archive.restores()) rows = position_->batches.rows();
    archive.Value("rows", rows);
  }
  if (archive.restores()) {
    position_.emplace(NewPosition(std::move(rows)));
  }
  Position& at = *position_;
  at.batches.Persist(archive);
  archive.Value("epoch", at.epoch);  // ProgressPlace reads it
  archive.Value("step", at.step);
  archive.Value("seconds", at.seconds);
  archive.Value("examples", at.sums.examples);
  archive.Tensor("loss", at.sums.loss);
  archive.Tensor("correct", at.sums.correct);
}

}  // namespace dfsweep::model
