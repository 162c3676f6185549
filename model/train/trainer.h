#ifndef DFSWEEP_MODEL_TRAIN_TRAINER_H_
#define DFSWEEP_MODEL_TRAIN_TRAINER_H_

#include <c10/core/Device.h>

#include <functional>

#include "model/config/parameters.h"
#include "model/train/checkpoint_folder.h"
#include "model/train/dataset_on_device.h"
#include "model/train/trial.h"

namespace dfsweep::model {

// Where a trial runs and what it tells while it runs.
struct TrialHost {
  c10::Device device;
  DatasetCache& datasets;
  // Takes an event of PROTOCOL.md: its type and fields.
  std::function<void(const char* type, config::Json fields)> emit;
  // Asked before each step; true stops the trial. Any thread may change it.
  std::function<bool()> cancelled;
  CheckpointOptions checkpoints = {};
  // Off only to compare: results are the same (StepGradients).
  bool replays_steps = true;
};

// Trains `trial`, from the furthest of its checkpoints if it has some, and
// returns the fields of its `result` event, but for `environment`. They are the
// same to the bit wherever it begins, but for times and `epochs_reused`. Sets
// LibTorch's process-wide switches (SetArithmetic) and else no global state;
// one trial at a time in a process. A training whose loss or weights stop being
// finite is a result too, with status diverged. Throws Cancelled,
// config::Error, Failure, and what LibTorch throws (c10::Error,
// std::bad_alloc).
//
// Evaluation: the prediction is the largest logit over all output units with
// active_classes: all (and for joint), and over the classes seen so far with
// `seen` and `current`; which task a trace is of is never given.
config::Json RunTrial(const Trial& trial, const TrialHost& host);

}  // namespace dfsweep::model

#endif  // DFSWEEP_MODEL_TRAIN_TRAINER_H_
