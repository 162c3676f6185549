#include "coordinator/engine/new_trials.h"

#include "coordinator/store/names.h"
#include "model/config/parameters.h"
#include "model/config/stages.h"
#include "sweeps/identity.h"
#include "sweeps/plan.h"
#include "sweeps/stages.h"

namespace dfsweep::coordinator {

using sweeps::Json;

double WorkOf(const Json& configuration) {
  double tasks = 1;
  if (configuration.at("strategy") == "joint") {
    tasks = static_cast<double>(config::TaskCount(configuration));
  }
  return static_cast<double>(sweeps::TotalEpochs(configuration)) * tasks *
         configuration.at("sequence_length").get<double>();
}

std::vector<NewTrial> NewTrialsOf(const sweeps::Sweep& sweep,
                                  const std::vector<sweeps::Trial>& trials,
                                  const std::string& dataset_digest) {
  const bool records_path = sweeps::RecordsPath(sweep);
  std::vector<NewTrial> result;
  result.reserve(trials.size());
  const Json* last = nullptr;
  NewTrial common;
  std::string first_stage;
  for (const sweeps::Trial& trial : trials) {
    if (trial.configuration.get() != last) {
      last = trial.configuration.get();
      common.configuration_json = sweeps::CanonicalJson(*last);
      common.work = WorkOf(*last);
      common.epochs_total = sweeps::TotalEpochs(*last);
      common.first_stage.epochs = config::StageEpochs(*last, 0);
      first_stage =
          sweeps::CanonicalJson(config::StagePrefix(*last, 0, records_path));
    }
    common.first_stage.name =
        sweeps::StageNameOfCanonical(first_stage, dataset_digest, trial.seed);
    common.trial_id = trial.id;
    common.seed = trial.seed;
    result.push_back(common);
  }
  return result;
}

RetryBudget BudgetOf(const sweeps::Sweep& sweep) {
  RetryBudget budget;
  auto take = [&sweep](Cause cause, int& count) {
    auto found = sweep.retry.find(NameOf(cause));
    if (found != sweep.retry.end()) count = found->second;
  };
  take(Cause::kOutOfMemory, budget.out_of_memory);
  take(Cause::kCrash, budget.crash);
  take(Cause::kTimeout, budget.timeout);
  take(Cause::kEnvironment, budget.environment);
  return budget;
}

Requirements RequirementsOf(const sweeps::Sweep& sweep) {
  return {.device = sweep.requires_.device,
          .memory_bytes =
              static_cast<int64_t>(sweep.requires_.memory_gib * (1 << 30))};
}

}  // namespace dfsweep::coordinator
