// Trials of a sweep file as the store and the scheduler take them.
#ifndef DFSWEEP_COORDINATOR_ENGINE_NEW_TRIALS_H_
#define DFSWEEP_COORDINATOR_ENGINE_NEW_TRIALS_H_

#include <string>
#include <vector>

#include "coordinator/core/scheduler.h"
#include "coordinator/store/records.h"
#include "sweeps/expand.h"
#include "sweeps/sweep_file.h"

namespace dfsweep::coordinator {

// Epochs × cells × tasks that an epoch passes over: what the time of a training
// is proportional to, other things being equal.
double WorkOf(const sweeps::Json& configuration);

std::vector<NewTrial> NewTrialsOf(const sweeps::Sweep& sweep,
                                  const std::vector<sweeps::Trial>& trials,
                                  const std::string& dataset_digest);
RetryBudget BudgetOf(const sweeps::Sweep& sweep);
Requirements RequirementsOf(const sweeps::Sweep& sweep);

// Gives a SweepSubmitted or TrialsAdded the trials, and what the sweep says of
// all of them.
template <typename Event>
void FillTrials(const sweeps::Sweep& sweep, const std::vector<NewTrial>& trials,
                Event& event) {
  event.requirements = RequirementsOf(sweep);
  event.budget = BudgetOf(sweep);
  for (const NewTrial& trial : trials) {
    event.trial_ids.push_back(trial.trial_id);
    event.first_stages[trial.trial_id] = trial.first_stage;
    event.work[trial.trial_id] = trial.work;
  }
}

}  // namespace dfsweep::coordinator

#endif  // DFSWEEP_COORDINATOR_ENGINE_NEW_TRIALS_H_
