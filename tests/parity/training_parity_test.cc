// The same losses step for step as PyTorch, while strategies train DF on the
// sample traces.
#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "model/continual/factory.h"
#include "model/continual/replay_buffer.h"
#include "model/continual/strategy_testing.h"
#include "model/data/import.h"
#include "model/train/optimizer.h"
#include "tests/parity/parity.h"

namespace dfsweep::model {
namespace {

constexpr int64_t kLength = 256, kRowsPerClass = 32, kClasses = 4;
constexpr int64_t kBatch = 24, kStepsPerTask = 26;

// The first distinct traces of the first classes of the sample in this
// repository. Not two alike: a unit that is the same for a whole batch is 0 but
// for rounding after batch normalisation, and its ReLU open or closed by
// chance.
data::Traces SampleTraces() {
  const data::Traces all =
      data::Import(DFSWEEP_SOURCE_DIR "/sweeps/data/wikipedia20.npz").traces;
  data::Traces some{.length = kLength};
  std::map<int64_t, int64_t> counts;
  std::set<std::vector<int8_t>> seen;
  for (int64_t i = 0; i < all.count; ++i) {
    const int64_t label = all.labels[i];
    const auto begin = all.cells.begin() + i * all.length;
    const std::vector<int8_t> row(begin, begin + kLength);
    if (label >= kClasses || counts[label] >= kRowsPerClass ||
        !seen.insert(row).second) {
      continue;
    }
    ++counts[label];
    some.cells.insert(some.cells.end(), row.begin(), row.end());
    some.labels.push_back(label);
    ++some.count;
  }
  return some;
}

// Biases before a batch normalisation have no effect on what is trained and
// gradients of rounding errors, of which Adamax would make steps at random.
bool HasNoEffect(const std::string& name) {
  return name.ends_with(".bias") && name.find("norm") == std::string::npos &&
         name != "fc3.bias";
}

// Traces are periodic: the same pattern is at thousands of positions, and a
// ReLU whose input is 1e-7 there is open at all of them or at none, as rounding
// has it. So both sides train in double precision.
//
// Trains two tasks with the hooks in the trainer's order, and writes what
// check_training of df_parity.py needs to do the same.
class TrainingExport {
 public:
  TrainingExport(const std::filesystem::path& folder, config::Json options)
      : folder_(folder), learner_(SampleTraces(), Options(std::move(options))) {
    strategy_ = MakeStrategy(learner_.configuration());
  }

  void Run() {
    WriteNetwork(folder_, learner_->network);
    learner_->network.to(at::kDouble);
    WriteNpy(folder_ / "input.npy",
             learner_->Inputs(at::arange(kClasses * kRowsPerClass)));
    WriteNpy(folder_ / "labels.npy",
             learner_->scenario.Targets(at::arange(kClasses * kRowsPerClass)));
    for (int64_t task = 0; task < 2; ++task) Train(task);
    WriteNpy(folder_ / "losses.npy", at::tensor(losses_, at::kDouble));
    WriteNpy(folder_ / "batches.npy", at::stack(batches_));
    WriteNpy(folder_ / "replayed.npy", at::stack(replayed_));
  }

 private:
  static config::Json Options(config::Json options) {
    config::Json all = {{"model", "df"},
                        {"sequence_length", kLength},
                        {"batch_size", kBatch},
                        {"optimizer", "sgd"},
                        {"learning_rate", .002},
                        {"momentum", 0},
                        {"data.test_fraction", .25},
                        {"data.validation_fraction", 0},
                        {"dropout.conv", 0},
                        {"dropout.fc1", 0},
                        {"dropout.fc2", 0}};
    all.update(options);
    return all;
  }

  void Train(int64_t task) {
    learner_.Enter(task, {}, /*last=*/task == 1);
    const std::vector<int64_t> rows = learner_->stage_rows;
    std::unique_ptr<Optimizer> optimizer =
        MakeOptimizer(learner_.configuration(), learner_->parameters);
    strategy_->BeforeTask(*learner_);
    for (int64_t number = 0; number < kStepsPerTask; ++number) {
      std::vector<int64_t> batch;
      for (int64_t i = 0; i < kBatch; ++i) {
        // A stride without a common divisor mixes the classes.
        batch.push_back(rows[7 * (number * kBatch + i) % rows.size()]);
      }
      TrainStep(learner_.MakeStep(batch, /*epoch=*/0, number), *optimizer);
    }
    strategy_->AfterTask(*learner_);
  }

  void TrainStep(const Step& step, Optimizer& optimizer) {
    learner_->network.train();
    replayed_.push_back(RowsToReplay(step));
    batches_.push_back(step.rows_on_device);
    const torch::Tensor penalty = strategy_->LossPenalty();
    Objective objective = strategy_->Loss(*learner_, step);
    losses_.push_back(objective.loss.item<double>() +
                      (penalty.defined() ? penalty.item<double>() : 0));
    ClearGradients(learner_->parameters);
    objective.loss.backward();
    strategy_->AfterBackward(*learner_, step);
    for (auto& item : learner_->network.named_parameters()) {
      if (HasNoEffect(item.key())) item.value().mutable_grad().zero_();
    }
    optimizer.Step();
    strategy_->AfterStep(*learner_, step);
  }

  // What er is about to draw; −1 for a step without.
  torch::Tensor RowsToReplay(const Step& step) {
    const Checkpoint state = learner_.State(*strategy_);
    const auto buffer = state.values.value("buffer", std::vector<int64_t>());
    if (buffer.empty()) return at::full({kBatch}, -1, at::kLong);
    Stream stream = learner_->StepStream(Purpose::kReplay, step);
    std::vector<int64_t> drawn = Draw(buffer, kBatch, stream);
    drawn.resize(kBatch, -1);  // fewer are there yet
    return at::tensor(drawn, at::kLong);
  }

  const std::filesystem::path folder_;
  LearnerForTest learner_;
  std::unique_ptr<Strategy> strategy_;
  std::vector<double> losses_;
  std::vector<torch::Tensor> batches_, replayed_;
};

void ExpectSameTraining(const config::Json& options) {
  ExpectParity("training-torch", [&](const std::filesystem::path& folder) {
    ::setenv("EWC_LAMBDA",
             options.value("ewc.lambda", config::Json(0)).dump().c_str(), 1);
    TrainingExport(folder, options).Run();
  });
}

TEST(TrainingParity, PyTorchTrainsNaiveStepForStep) {
  ExpectSameTraining({{"strategy", "naive"}});
}

TEST(TrainingParity, PyTorchTrainsByEwcStepForStep) {
  ExpectSameTraining(
      {{"strategy", "ewc"}, {"ewc.lambda", 1e3}, {"ewc.fisher_samples", 0}});
}

TEST(TrainingParity, PyTorchTrainsByReplayStepForStep) {
  ExpectSameTraining({{"strategy", "er"}, {"buffer.size", 12}});
}

}  // namespace
}  // namespace dfsweep::model
