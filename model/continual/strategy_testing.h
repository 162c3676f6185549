// What the tests of strategies share.
#ifndef DFSWEEP_MODEL_CONTINUAL_STRATEGY_TESTING_H_
#define DFSWEEP_MODEL_CONTINUAL_STRATEGY_TESTING_H_

#include <memory>
#include <numeric>
#include <utility>
#include <vector>

#include "model/continual/learner.h"
#include "model/continual/strategy.h"
#include "model/net/factory.h"
#include "model/test_data.h"

namespace dfsweep::model {

// A learner over easy traces of 4 classes, 10 of each, in two tasks, with a
// small network in float32. Rows are dealt like cards: row r is of class r % 4,
// so that the first task has those with r % 4 < 2.
class LearnerForTest {
 public:
  static constexpr int64_t kLength = 16;
  static constexpr int64_t kClasses = 4;

  explicit LearnerForTest(config::Json options = config::Json::object())
      : LearnerForTest(EasyTraces(kClasses, 10, kLength), Defaults(options)) {}

  // Over other traces.
  LearnerForTest(const data::Traces& traces, const config::Json& options)
      : file_(traces),
        configuration_(std::make_unique<config::Configuration>(options)) {
    split_ = SplitDataset(dataset_, *configuration_, 0);
    scenario_ = std::make_unique<Scenario>(*configuration_, dataset_,
                                           split_.tasks, c10::kCPU);
    network_ = Make();
    learner_ = std::unique_ptr<Learner>(
        new Learner{.seed = 3,
                    .precision = "fp32",
                    .sequence_length = length(),
                    .data = data_,
                    .scenario = *scenario_,
                    .network = *network_,
                    .parameters = network_->parameters(),
                    .make_network = [this] { return Make(); },
                    .before_batch = [this] { ++batches_; }});
    Enter(0);
  }

  const config::Configuration& configuration() const { return *configuration_; }
  const Split& split() const { return split_; }
  Learner& operator*() { return *learner_; }
  Learner* operator->() { return learner_.get(); }
  int batches() const { return batches_; }

  // Begins a task; with `rows` in place of its own.
  void Enter(int64_t task, std::vector<int64_t> rows = {}, bool last = false) {
    learner_->stage = task;
    learner_->first_task = task;
    learner_->end_task = task + 1;
    learner_->last = last;
    learner_->stage_rows = rows.empty() ? split_.tasks[task].train : rows;
  }

  Step MakeStep(const std::vector<int64_t>& rows, int64_t epoch = 0,
                int64_t number = 0) {
    return {.rows = rows,
            .rows_on_device = data_.Rows(rows),
            .epoch = epoch,
            .number = number};
  }

  // One step of plain gradient descent with all hooks of `strategy`.
  double Train(Strategy& strategy, const Step& step, double rate = .1) {
    Objective objective = strategy.Loss(*learner_, step);
    for (auto& p : learner_->parameters) p.mutable_grad() = torch::Tensor();
    objective.loss.backward();
    strategy.AfterBackward(*learner_, step);
    {
      torch::NoGradGuard no_grad;
      for (auto& p : learner_->parameters) {
        if (p.grad().defined()) p.sub_(p.grad(), rate);
      }
    }
    strategy.AfterStep(*learner_, step);
    return objective.loss.item<double>();
  }

  // What `strategy` knows.
  Checkpoint State(Strategy& strategy) {
    Archive archive;
    strategy.Persist(*learner_, archive);
    return archive.checkpoint();
  }

  void Move(double distance) {
    torch::NoGradGuard no_grad;
    for (auto& p : learner_->parameters) p.add_(distance);
  }

 private:
  static config::Json Defaults(const config::Json& options) {
    config::Json all = {
        {"model", "mlp"}, {"mlp.hidden", 8}, {"sequence_length", kLength}};
    all.update(options);
    return all;
  }
  int64_t length() const { return configuration_->Integer("sequence_length"); }
  std::unique_ptr<Network> Make() {
    return MakeNetwork(*configuration_, length(), scenario_->outputs(),
                       Stream(1, Purpose::kInitialWeights));
  }

  DatasetFile file_;
  data::Dataset dataset_{file_.path()};
  DatasetOnDevice data_{dataset_, InputForm::kDirection, c10::kCPU};
  std::unique_ptr<config::Configuration> configuration_;
  Split split_;
  std::unique_ptr<Scenario> scenario_;
  std::unique_ptr<Network> network_;
  std::unique_ptr<Learner> learner_;
  int batches_ = 0;
};

}  // namespace dfsweep::model

#endif  // DFSWEEP_MODEL_CONTINUAL_STRATEGY_TESTING_H_
