// What `dfsweep plan` tells before anything runs. Pure and thread-safe.
#ifndef DFSWEEP_SWEEPS_PLAN_H_
#define DFSWEEP_SWEEPS_PLAN_H_

#include <cstdint>
#include <functional>
#include <string_view>
#include <vector>

#include "base/status.h"
#include "sweeps/expand.h"
#include "sweeps/sweep_file.h"

namespace dfsweep::sweeps {

// The stages of one task, of all trials without a result. Joint training is
// one stage, that of the first task.
struct StageLevel {
  int64_t trials = 0;
  int64_t stages = 0;         // distinct ones
  int64_t epochs = 0;         // if each trial trained its own
  int64_t epochs_shared = 0;  // if each distinct stage is trained once
};

struct Plan {
  double grid_size = 0;    // points before conditions
  int64_t after_when = 0;  // points after `when`
  int64_t excluded = 0;    // points
  int64_t included = 0;    // points
  Method method = Method::kGrid;
  int64_t drawn = 0;           // points of a search; 0 for grid
  int64_t drawn_ahead = 0;     // of these, before there is any result
  int64_t configurations = 0;  // distinct points
  int64_t seeds = 0;
  int64_t trials = 0;         // configurations x seeds
  int64_t known = 0;          // trials that have a result already
  int64_t epochs = 0;         // of all trials
  int64_t epochs_to_run = 0;  // of those without a result
  // Of these, what is trained when each stage that trials share is trained
  // once; and the levels of the tree that the stages form, one a task.
  int64_t epochs_shared = 0;
  std::vector<StageLevel> levels;
  std::vector<ErrorParts> warnings;
};

// `expansion` is the sweep's outlook: see ExpandOutlook. `is_known` says
// whether the trial of that id has a result.
Plan MakePlan(const Sweep& sweep, const Expansion& expansion,
              const std::function<bool(std::string_view)>& is_known);

// Epochs that a trial trains, all tasks together. `configuration` must be
// effective. An epoch of joint passes over all tasks' traces, any other over
// one task's.
int64_t TotalEpochs(const Json& configuration);

}  // namespace dfsweep::sweeps

#endif  // DFSWEEP_SWEEPS_PLAN_H_
