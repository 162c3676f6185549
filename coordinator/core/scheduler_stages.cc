// First stages that trials share: who trains one, and who waits for it.
#include <algorithm>
#include <map>
#include <vector>

#include "coordinator/core/scheduler_impl.h"

namespace dfsweep::coordinator {
namespace {

bool IsTrained(const TrialRecord& trial) {
  return trial.stage->trained.contains(trial.stage_epochs);
}

Need& NeedOf(TrialRecord& trial, const SweepRecord& sweep) {
  return *std::find_if(trial.needs.begin(), trial.needs.end(),
                       [&](const Need& need) { return need.sweep == &sweep; });
}

}  // namespace

void Scheduler::Impl::On(const FirstStageOver& event) {
  TrialRecord* trial = FindLive(event.worker_id, event.attempt);
  if (trial != nullptr && trial->stage != nullptr) EndFirstStage(*trial);
}

// The first that is told stays: it is part of what the trial is.
void Scheduler::Impl::SetFirstStage(TrialRecord& trial,
                                    const FirstStage& stage) {
  if (trial.stage != nullptr || stage.name.empty()) return;
  std::unique_ptr<StageRecord>& record = stages[stage.name];
  if (record == nullptr) record = std::make_unique<StageRecord>();
  trial.stage = record.get();
  trial.stage_epochs = stage.epochs;
  record->trials.push_back(&trial);
  FollowInStage(trial);
}

void Scheduler::Impl::OrderTrials(SweepRecord& sweep) {
  std::map<const StageRecord*, std::vector<int>> positions;
  for (int i = 0; i < static_cast<int>(sweep.trials.size()); ++i) {
    TrialRecord& trial = *sweep.trials[i];
    NeedOf(trial, sweep).longest = trial.work;
    if (trial.stage != nullptr) positions[trial.stage].push_back(i);
  }
  for (const auto& [stage, indices] : positions) OrderStage(sweep, indices);
}

void Scheduler::Impl::OrderStage(SweepRecord& sweep,
                                 const std::vector<int>& positions) {
  std::vector<int> sorted = positions;
  std::stable_sort(sorted.begin(), sorted.end(), [&sweep](int a, int b) {
    return sweep.trials[a]->stage_epochs < sweep.trials[b]->stage_epochs;
  });
  double longest = 0;
  for (int i : sorted) longest = std::max(longest, sweep.trials[i]->work);
  for (size_t i = 0; i < sorted.size(); ++i) {
    Need& need = NeedOf(*sweep.trials[sorted[i]], sweep);
    need.index = positions[i];
    need.longest = longest;
  }
}

// A trial that has failed holds nobody up.
bool Scheduler::Impl::TrainsForOthers(const TrialRecord& trial) {
  return trial.holder != nullptr && trial.failed_on.empty() &&
         !IsTrained(trial);
}

bool Scheduler::Impl::Waits(const TrialRecord& trial) const {
  return trial.stage != nullptr && !IsTrained(trial) &&
         !trial.stage->training.empty();
}

void Scheduler::Impl::FollowInStage(TrialRecord& trial) {
  if (trial.stage == nullptr) return;
  StageRecord& stage = *trial.stage;
  // A result shows that its first stage was trained, whatever was told of it.
  if (trial.state == TrialState::kCompleted) EndFirstStage(trial);
  const bool was_training = !stage.training.empty();
  if (TrainsForOthers(trial)) {
    stage.training.insert(&trial);
  } else {
    stage.training.erase(&trial);
  }
  if (was_training != !stage.training.empty()) RequeueAll(stage);
}

void Scheduler::Impl::EndFirstStage(TrialRecord& trial) {
  StageRecord& stage = *trial.stage;
  if (!stage.trained.insert(trial.stage_epochs).second) return;
  std::erase_if(stage.training,
                [](const TrialRecord* other) { return IsTrained(*other); });
  RequeueAll(stage);
}

void Scheduler::Impl::RequeueAll(const StageRecord& stage) {
  for (TrialRecord* trial : stage.trials) Requeue(*trial);
}

}  // namespace dfsweep::coordinator
