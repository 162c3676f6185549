#ifndef DFSWEEP_MODEL_TRAIN_CHECKPOINT_FOLDER_H_
#define DFSWEEP_MODEL_TRAIN_CHECKPOINT_FOLDER_H_

#include <c10/core/Device.h>

#include <chrono>
#include <filesystem>
#include <functional>
#include <map>
#include <string>
#include <vector>

#include "model/train/checkpoint.h"
#include "model/train/trial.h"

namespace dfsweep::model {

// What a trial keeps on disk, as PROTOCOL.md says.
struct CheckpointOptions {
  std::filesystem::path folder;  // empty: nothing; else it exists
  std::chrono::duration<double> interval = std::chrono::minutes(5);
  // Names of the trial's stages, one each, by what they depend on
  // (config::StagePrefix, dataset, seed). Empty: its stages are not shared.
  std::vector<std::string> stages;
  // A first stage that is trained as naive does records SI's path, for trials
  // that share it.
  bool records_path = false;
};

// The checkpoints of one trial in a folder that it shares with others:
//   <trial id>.<steps>.progress  this trial after so many steps; the last two
//   <stage name>.<epochs>.stage  the end of a stage, before what its strategy
//                                computes then; for all trials that go there
// Each says inside what it is of, and is passed over where that is not this
// trial on this kind of device and LibTorch. Not thread-safe.
class CheckpointFolder {
 public:
  struct Place {
    std::filesystem::path path;
    bool is_stage = false;
    int64_t stage = 0;
    int64_t epochs = 0;  // done in the stage
  };

  struct Listener {
    // A file of that name is complete; `seconds` of training led there.
    std::function<void(const std::string& file, double seconds)> saved;
    // The disk refuses checkpoints; told once. The training goes on.
    std::function<void(const std::string& what)> refused;
  };

  CheckpointFolder(const CheckpointOptions& options, const Trial& trial,
                   c10::Device device, Listener listener);

  bool is_used() const { return !options_.folder.empty(); }
  bool shares_stages() const { return !options_.stages.empty(); }
  // Whether a shared stage is the one that naive trains too.
  bool IsNaive(int64_t stage) const;
  // Whether such a stage records what only others need.
  bool RecordsPath(int64_t stage) const;

  // Where the trial can go on from, the furthest first.
  std::vector<Place> Places() const;
  // Throws CheckpointError, also if it is another training's.
  Checkpoint Read(const Place& place) const;

  // Whether the interval has passed since something was saved or begun.
  bool IsDue() const;
  void SaveProgress(int64_t steps, Checkpoint checkpoint);
  void SaveStage(int64_t stage, int64_t epochs, Checkpoint checkpoint);
  // The trial has its result.
  void RemoveProgress();

 private:
  std::string ProgressName(int64_t steps) const;
  // By their steps.
  std::map<int64_t, std::filesystem::path> ProgressFiles() const;
  config::Json Identity(bool is_stage, int64_t stage) const;
  static Place ProgressPlace(const std::filesystem::path& path);
  // Not beyond the trial's own epochs.
  std::vector<Place> PlacesOfStage(int64_t stage) const;
  void Save(Checkpoint checkpoint, const Place& place);

  const CheckpointOptions& options_;
  const Trial& trial_;
  c10::Device device_;
  Listener listener_;
  bool was_refused_ = false;
  std::chrono::steady_clock::time_point saved_ =
      std::chrono::steady_clock::now();
};

}  // namespace dfsweep::model

#endif  // DFSWEEP_MODEL_TRAIN_CHECKPOINT_FOLDER_H_
