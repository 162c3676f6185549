// How far a sweep is, as lines of text. Pure.
#ifndef DFSWEEP_CLI_PROGRESS_H_
#define DFSWEEP_CLI_PROGRESS_H_

#include <map>
#include <string>
#include <vector>

#include "dfsweep/v1/sweep_service.pb.h"

namespace dfsweep::cli {

struct Progress {
  v1::Sweep sweep;
  std::map<std::string, v1::Trial> active;  // leased and running, by id
  std::vector<std::string> varying;         // parameters; see VaryingNames
  int workers_online = 0;
  std::string note;  // why nothing moves, if something is wrong; "" else

  void Apply(const v1::WatchSweepResponse& update);
};

bool HasEnded(const v1::Sweep& sweep);
int64_t EndedTrials(const v1::TrialCounts& counts);
int64_t AllTrials(const v1::TrialCounts& counts);

// Parameters that vary in the sweep; from its file if an older coordinator does
// not tell them, empty if this version can't read that.
std::vector<std::string> VaryingNames(const v1::Sweep& sweep);

// "task 2/2 epoch 3/8", "epoch 3/8" for a single task, "" before the first.
std::string EpochText(const v1::Trial& trial);

// At most `height` lines of at most `width` columns: a bar with counts, best
// and ETA, and a line for each active trial.
std::vector<std::string> RenderProgress(const Progress& progress, int width,
                                        int height);

// The same facts in one line for a log file.
std::string PlainProgress(const Progress& progress);

}  // namespace dfsweep::cli

#endif  // DFSWEEP_CLI_PROGRESS_H_
