#ifndef DFSWEEP_MODEL_TRAIN_TRIAL_RUN_H_
#define DFSWEEP_MODEL_TRAIN_TRIAL_RUN_H_

#include <memory>
#include <optional>
#include <vector>

#include "model/continual/path_integral.h"
#include "model/train/archive.h"
#include "model/train/batches.h"
#include "model/train/checkpoint_folder.h"
#include "model/train/evaluation.h"
#include "model/train/optimizer.h"
#include "model/train/step_gradients.h"
#include "model/train/trainer.h"

namespace dfsweep::model {

// The training of one trial from where it stands to its result. Not
// thread-safe.
class TrialRun {
 public:
  // At the beginning. The arguments outlive this. Throws as RunTrial.
  TrialRun(const Trial& trial, const TrialHost& host,
           CheckpointFolder& checkpoints);

  // Goes to where `place` is, instead; before Run(). Throws CheckpointError,
  // and is of no use then.
  void Restore(const CheckpointFolder::Place& place);

  // Throws as RunTrial.
  config::Json Run();

 private:
  // Sums over an epoch, on the device, so that no step waits for it.
  struct EpochSums {
    torch::Tensor loss, correct;
    int64_t examples = 0;
  };

  // Where the training stands within a stage, between two steps.
  struct Position {
    BatchSequence batches;
    int64_t epoch = 0;   // of the stage
    int64_t step = 0;    // of the epoch
    EpochSums sums;      // of the epoch
    double seconds = 0;  // trained in the epoch
    std::unique_ptr<StepGradients> gradients;
  };

  std::unique_ptr<Network> NewNetwork() const;
  EpochSums NewSums() const;
  BatchSequence Batches(std::vector<int64_t> rows) const;
  // Of a stage that goes through `rows`, at its beginning.
  Position NewPosition(std::vector<int64_t> rows);
  std::vector<double> InitialAccuracy();
  void EmitStarted();

  void EnterStage(int64_t index);
  void BeginStage(int64_t index);
  void StartAnew();
  // False if the training diverged.
  bool TrainStage();
  void EndStage();
  void TrainEpoch();
  void TrainStep(const Step& step, EpochSums& sums);
  bool EndEpoch();
  void EvaluateStage();
  void EvaluatePooled();
  config::Json Result(bool is_complete);

  void StopIfCancelled() const;
  // Before anything that was trained of the dataset leaves this process.
  void CheckDataset() const;
  void SaveProgress();
  void SaveStage();
  // The state between two steps of a stage; `watched`: of a strategy only what
  // PersistWatched names.
  void Persist(Archive& archive, bool watched);
  void PersistPosition(Archive& archive, bool watched);
  // Of what other trials need of the stage, if any.
  void BeginRecord();

  const Trial& trial_;
  const config::Configuration& config_;
  const TrialHost& host_;
  CheckpointFolder& checkpoints_;
  const DatasetCache::Entry& dataset_;
  const DatasetOnDevice& data_;
  Split split_;
  Scenario scenario_;
  std::unique_ptr<Network> network_;
  std::unique_ptr<Strategy> strategy_;
  std::vector<int64_t> stage_ends_;  // one past the last task of each
  Learner learner_;
  Evaluation evaluation_;
  std::unique_ptr<Optimizer> optimizer_;
  bool has_frozen_statistics_ = false;
  std::vector<int64_t> validation_rows_;  // of the stage's tasks
  int64_t stage_ = 0;
  std::optional<Position> position_;    // if the stage has begun
  std::optional<PathIntegral> record_;  // of the stage, for other trials
  // Tests before training, for forward transfer: of the initial weights, and
  // of each task when its turn has come.
  bool measures_transfer_;
  std::vector<double> initial_, before_;
  int64_t epochs_total_ = 0;
  int64_t epochs_done_ = 0;
  int64_t epochs_reused_ = 0;  // done before this run
  int64_t steps_ = 0;
  double train_seconds_ = 0;
  ResultBuilder result_;
};

}  // namespace dfsweep::model

#endif  // DFSWEEP_MODEL_TRAIN_TRIAL_RUN_H_
