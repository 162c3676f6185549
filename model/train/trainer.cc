#include "model/train/trainer.h"

#include <algorithm>
#include <chrono>
#include <memory>
#include <numeric>
#include <string>
#include <utility>
#include <vector>

#include "model/continual/factory.h"
#include "model/metrics/continual.h"
#include "model/net/deep_fingerprinting.h"
#include "model/protocol/protocol.h"
#include "model/train/batches.h"
#include "model/train/evaluate.h"
#include "model/train/failure.h"
#include "model/train/optimizer.h"
#include "model/train/precision.h"
#include "model/train/result.h"
#include "model/train/split.h"

namespace dfsweep::model {
namespace {

using config::Configuration;
using config::Json;

double Seconds(std::chrono::steady_clock::time_point since) {
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - since)
      .count();
}

std::unique_ptr<Network> MakeNetwork(const Configuration& config,
                                     int64_t classes, uint64_t seed) {
  Stream weights(seed, Purpose::kInitialWeights);
  return std::make_unique<DeepFingerprinting>(
      DeepFingerprintingOptions{
          .sequence_length = config.Integer("sequence_length"),
          .classes = classes,
          .norm_momentum = config.Real("bn_momentum"),
          .dropout_convolution = config.Real("dropout.conv"),
          .dropout_dense_1 = config.Real("dropout.fc1"),
          .dropout_dense_2 = config.Real("dropout.fc2")},
      weights);
}

// Sums over an epoch, on the device, so that no step waits for it.
struct EpochSums {
  explicit EpochSums(c10::Device device)
      : loss(at::zeros({}, at::device(device).dtype(at::kDouble))),
        correct(at::zeros({}, at::device(device).dtype(at::kDouble))) {}
  torch::Tensor loss, correct;
  int64_t examples = 0;
};

class TrialRun {
 public:
  TrialRun(const Trial& trial, const TrialHost& host);
  Json Run();

 private:
  // Tasks that are trained together, their rows, and an epoch's batches.
  struct Stage {
    std::vector<int64_t> tasks;
    std::vector<int64_t> train, validation;
    std::vector<int64_t> batch_sizes;
  };

  Stage MakeStage(const std::vector<int64_t>& tasks) const;
  torch::Tensor UnitsOfTasks(const std::vector<int64_t>& tasks) const;
  torch::Tensor AllUnits() const;
  // Output units in the training loss of a stage, and those that may be
  // predicted after it.
  torch::Tensor LossUnits(int64_t index) const;
  torch::Tensor PredictedUnits(int64_t index) const;
  void EmitStarted();
  // False if the training diverged.
  bool TrainStage(int64_t index);
  bool TrainEpoch(int64_t index, int64_t epoch,
                  const torch::Tensor& loss_units);
  void Step(const torch::Tensor& rows, const torch::Tensor& loss_units,
            DropoutMasks& masks, EpochSums& sums);
  bool ReportEpoch(int64_t index, int64_t epoch, const EpochSums& sums,
                   double seconds);
  void EvaluateStage(int64_t index);
  torch::Tensor PredictRows(const std::vector<int64_t>& rows,
                            const torch::Tensor& units);
  double Accuracy(const std::vector<int64_t>& rows, const torch::Tensor& units);
  // Over the test traces of all tasks together.
  void AddPooledMetrics();
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
  std::string precision_;
  std::string active_classes_;
  int64_t sequence_length_;
  std::unique_ptr<Network> network_;
  std::vector<torch::Tensor> parameters_;
  std::unique_ptr<Strategy> strategy_;
  std::unique_ptr<Optimizer> optimizer_;
  std::vector<Stage> stages_;
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
      precision_(config_.Choice("precision")),
      active_classes_(config_.Has("active_classes")
                          ? config_.Choice("active_classes")
                          : "all"),
      sequence_length_(config_.Integer("sequence_length")),
      network_(MakeNetwork(
          config_, static_cast<int64_t>(dataset_.host->classes().size()),
          trial.seed)),
      strategy_(MakeStrategy(config_)) {
  SetArithmetic(precision_, config_.Boolean("deterministic"));
  network_->to(host.device);
  parameters_ = network_->parameters();
  for (const auto& tasks : strategy_->Stages(split_.tasks.size())) {
    stages_.push_back(MakeStage(tasks));
    epochs_total_ += config_.Epochs(stages_.size() - 1);
  }
}

TrialRun::Stage TrialRun::MakeStage(const std::vector<int64_t>& tasks) const {
  Stage stage{.tasks = tasks};
  for (int64_t task : tasks) {
    const TaskRows& rows = split_.tasks[task];
    stage.train.insert(stage.train.end(), rows.train.begin(), rows.train.end());
    stage.validation.insert(stage.validation.end(), rows.validation.begin(),
                            rows.validation.end());
  }
  std::sort(stage.train.begin(), stage.train.end());
  stage.batch_sizes =
      BatchSizes(static_cast<int64_t>(stage.train.size()),
                 config_.Integer("batch_size"), config_.Boolean("drop_last"));
  return stage;
}

// Output units of the tasks' classes, ascending.
torch::Tensor TrialRun::UnitsOfTasks(const std::vector<int64_t>& tasks) const {
  std::vector<int64_t> units;
  for (int64_t task : tasks) {
    for (int64_t label : split_.tasks[task].labels) {
      units.push_back(OutputUnit(*dataset_.host, label));
    }
  }
  std::sort(units.begin(), units.end());
  return data_.Rows(units);
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
  for (size_t stage = 0; stage < stages_.size(); ++stage) {
    if (!TrainStage(stage)) {
      AddTrainingMetrics();
      return result_.Finish(
          /*complete=*/false, train_seconds_,
          "the loss or the weights stopped being finite in epoch " +
              std::to_string(epochs_done_ + 1) + " of " +
              std::to_string(epochs_total_));
    }
    EvaluateStage(stage);
  }
  AddPooledMetrics();
  AddTrainingMetrics();
  return result_.Finish(/*complete=*/true, train_seconds_, "");
}

torch::Tensor TrialRun::AllUnits() const {
  return at::arange(static_cast<int64_t>(dataset_.host->classes().size()),
                    at::device(host_.device).dtype(at::kLong));
}

torch::Tensor TrialRun::LossUnits(int64_t index) const {
  return active_classes_ == "current" ? UnitsOfTasks(stages_[index].tasks)
                                      : PredictedUnits(index);
}

torch::Tensor TrialRun::PredictedUnits(int64_t index) const {
  if (active_classes_ == "all") return AllUnits();
  std::vector<int64_t> seen;
  for (int64_t i = 0; i <= index; ++i) {
    seen.insert(seen.end(), stages_[i].tasks.begin(), stages_[i].tasks.end());
  }
  return UnitsOfTasks(seen);
}

bool TrialRun::TrainStage(int64_t index) {
  const Stage& stage = stages_[index];
  torch::Tensor loss_units = LossUnits(index);
  if (index == 0 || config_.Boolean("reset_optimizer")) {
    optimizer_ = MakeOptimizer(config_, parameters_);
  }
  StageContext context{
      .seed = trial_.seed,
      .stage = index,
      .last = index + 1 == static_cast<int64_t>(stages_.size()),
      .network = *network_,
      .data = data_,
      .sequence_length = sequence_length_,
      .train_rows = stage.train,
      .active_units = loss_units,
      .before_batch = [this] { StopIfCancelled(); }};
  strategy_->BeforeTask(context);
  for (int64_t epoch = 0; epoch < config_.Epochs(index); ++epoch) {
    if (!TrainEpoch(index, epoch, loss_units)) return false;
  }
  auto start = std::chrono::steady_clock::now();
  strategy_->AfterTask(context);
  train_seconds_ += Seconds(start);
  return true;
}

bool TrialRun::TrainEpoch(int64_t index, int64_t epoch,
                          const torch::Tensor& loss_units) {
  auto start = std::chrono::steady_clock::now();
  network_->train();
  auto task = static_cast<uint32_t>(index);
  auto pass = static_cast<uint32_t>(epoch);
  torch::Tensor rows =
      data_.Rows(EpochOrder(stages_[index].train, trial_.seed, task, pass));
  EpochSums sums(host_.device);
  int64_t from = 0;
  uint32_t step = 0;
  for (int64_t size : stages_[index].batch_sizes) {
    StopIfCancelled();
    DropoutMasks masks(
        Stream(trial_.seed, Purpose::kDropout, task, pass, step++));
    Step(rows.narrow(0, from, size), loss_units, masks, sums);
    from += size;
  }
  return ReportEpoch(index, epoch, sums, Seconds(start));
}

void TrialRun::Step(const torch::Tensor& rows, const torch::Tensor& loss_units,
                    DropoutMasks& masks, EpochSums& sums) {
  torch::Tensor inputs = data_.Inputs(rows, sequence_length_);
  torch::Tensor targets = at::searchsorted(loss_units, data_.Units(rows));
  torch::Tensor logits;
  {
    Autocast autocast(precision_, host_.device);
    logits = network_->Forward(inputs, {.dropout = &masks});
  }
  logits = logits.to(at::kFloat).index_select(1, loss_units);
  torch::Tensor loss = at::cross_entropy_loss(logits, targets);
  ClearGradients(parameters_);
  loss.backward();
  strategy_->AfterBackward();
  optimizer_->Step();
  ++steps_;

  torch::NoGradGuard no_grad;
  sums.loss.add_(loss.detach(), rows.size(0));
  sums.correct.add_((logits.argmax(1) == targets).sum());
  sums.examples += rows.size(0);
}

// The one place in an epoch that waits for the device.
bool TrialRun::ReportEpoch(int64_t index, int64_t epoch, const EpochSums& sums,
                           double seconds) {
  auto start = std::chrono::steady_clock::now();
  torch::NoGradGuard no_grad;
  torch::Tensor norm = at::zeros_like(sums.loss);
  for (const torch::Tensor& p : parameters_) norm += p.abs().max();
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
  if (!stages_[index].validation.empty()) {
    metrics["validation_accuracy"] =
        Accuracy(stages_[index].validation, PredictedUnits(index));
  }
  result_.AddEpoch(index, epoch, metrics);
  ++epochs_done_;
  host_.emit(protocol::event::kEpoch, {{"task", index},
                                       {"epoch", epoch},
                                       {"epochs_done", epochs_done_},
                                       {"epochs_total", epochs_total_},
                                       {"metrics", FiniteJson(metrics)},
                                       {"seconds", seconds}});
  return true;
}

torch::Tensor TrialRun::PredictRows(const std::vector<int64_t>& rows,
                                    const torch::Tensor& units) {
  return Predict(*network_, data_, rows,
                 {.sequence_length = sequence_length_,
                  .precision = precision_,
                  .active_units = units,
                  .before_batch = [this] { StopIfCancelled(); }});
}

double TrialRun::Accuracy(const std::vector<int64_t>& rows,
                          const torch::Tensor& units) {
  torch::Tensor hits =
      PredictRows(rows, units) == data_.Units(data_.Rows(rows));
  return hits.sum().item<double>() / static_cast<double>(rows.size());
}

void TrialRun::EvaluateStage(int64_t index) {
  torch::Tensor units = PredictedUnits(index);
  for (int64_t i = 0; i <= index; ++i) {
    for (int64_t task : stages_[i].tasks) {
      const TaskRows& rows = split_.tasks[task];
      for (auto [name, set] : {std::pair{"test", &rows.test},
                               std::pair{"validation", &rows.validation}}) {
        if (set->empty()) continue;
        Json fields =
            result_.AddEvaluation(index, task, name, Accuracy(*set, units),
                                  static_cast<int64_t>(set->size()));
        host_.emit(protocol::event::kEvaluation, std::move(fields));
      }
    }
  }
}

void TrialRun::AddPooledMetrics() {
  std::vector<int64_t> rows;
  for (const TaskRows& task : split_.tasks) {
    rows.insert(rows.end(), task.test.begin(), task.test.end());
  }
  auto list = [](const torch::Tensor& tensor) {
    torch::Tensor host = tensor.cpu();
    const auto* values = host.const_data_ptr<int64_t>();
    return std::vector<int64_t>(values, values + host.numel());
  };
  auto truth = list(data_.Units(data_.Rows(rows)));
  auto predicted = list(PredictRows(rows, PredictedUnits(stages_.size() - 1)));
  double hits = std::inner_product(
      truth.begin(), truth.end(), predicted.begin(), 0.0, std::plus<>(),
      [](int64_t a, int64_t b) { return a == b ? 1.0 : 0.0; });
  result_.AddMetrics({{"weighted_accuracy", hits / rows.size()},
                      {"macro_f1", MacroF1(truth, predicted)}});
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
