#include "model/train/trainer.h"

#include <memory>
#include <string>

#include "model/protocol/protocol.h"
#include "model/train/host_memory.h"
#include "model/train/trial_run.h"

namespace dfsweep::model {
namespace {

// At the furthest place that can be read.
std::unique_ptr<TrialRun> Begin(const Trial& trial, const TrialHost& host,
                                CheckpointFolder& checkpoints) {
  for (const CheckpointFolder::Place& place : checkpoints.Places()) {
    auto run = std::make_unique<TrialRun>(trial, host, checkpoints);
    try {
      run->Restore(place);
      return run;
    } catch (const CheckpointError& error) {
      host.emit(protocol::event::kLog,
                {{"level", "warning"},
                 {"message", std::string(error.what()) +
                                 "; the training begins further back"}});
    }
  }
  return std::make_unique<TrialRun>(trial, host, checkpoints);
}

}  // namespace

config::Json RunTrial(const Trial& trial, const TrialHost& host) {
  const KeptHostMemory kept;
  CheckpointFolder checkpoints(
      host.checkpoints, trial, host.device,
      {.saved =
           [&](const std::string& file, double seconds) {
             host.emit(protocol::event::kCheckpoint,
                       {{"file", file}, {"train_seconds", seconds}});
           },
       .refused =
           [&](const std::string& what) {
             host.emit(
                 protocol::event::kLog,
                 {{"level", "warning"},
                  {"message", what + "; the training goes on without it"}});
           }});
  config::Json result = Begin(trial, host, checkpoints)->Run();
  checkpoints.RemoveProgress();
  return result;
}

}  // namespace dfsweep::model
