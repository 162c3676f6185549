#include "tests/simulation/sim_store.h"

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <set>
#include <utility>

#include "fmt/format.h"

namespace dfsweep::simulation {

using namespace coordinator;  // NOLINT: this file only speaks of its types

namespace {

bool HasResult(TrialState state) {
  return state == TrialState::kCompleted || state == TrialState::kDiverged;
}

bool IsHeld(TrialState state) {
  return state == TrialState::kLeased || state == TrialState::kRunning;
}

}  // namespace

void SimStore::Require(bool holds, const std::string& what,
                       const std::string& id) const {
  if (holds) return;
  fmt::print(stderr,
             "simulation: {} ({}); replay with DFSWEEP_SIM_SEED={} "
             "DFSWEEP_SIM_RUNS=1\n",
             what, id, seed_);
  std::abort();
}

void SimStore::Commit(const Event& event, const Effects& effects) {
  if (const auto* submitted = std::get_if<SweepSubmitted>(&event)) {
    Apply(*submitted);
  } else if (const auto* added = std::get_if<TrialsAdded>(&event)) {
    AddTrials(SweepOf(added->sweep_id), *added);
  } else if (const auto* dropped = std::get_if<TrialDropped>(&event)) {
    Apply(*dropped);
  } else if (const auto* taken_up = std::get_if<TrialTakenUp>(&event)) {
    std::erase(SweepOf(taken_up->sweep_id).dropped_trial_ids,
               taken_up->trial_id);
  } else if (const auto* paused = std::get_if<SweepPaused>(&event)) {
    SetPaused(paused->sweep_id, true);
  } else if (const auto* resumed = std::get_if<SweepResumed>(&event)) {
    SetPaused(resumed->sweep_id, false);
  } else if (const auto* cancelled = std::get_if<SweepCancelled>(&event)) {
    for (RestoredSweep& sweep : sweeps_) {
      if (sweep.sweep_id == cancelled->sweep_id) sweep.cancelled = true;
    }
  } else if (const auto* registered = std::get_if<WorkerRegistered>(&event)) {
    Apply(*registered);
  } else if (const auto* over = std::get_if<FirstStageOver>(&event)) {
    Apply(*over);
  }
  std::set<std::string> touched;
  for (const Effect& effect : effects) {
    if (const auto* changed = std::get_if<TrialChanged>(&effect)) {
      Write(*changed);
      touched.insert(changed->trial_id);
    } else if (const auto* granted = std::get_if<LeaseGranted>(&effect)) {
      Write(*granted);
      touched.insert(granted->attempt.trial_id);
    } else if (const auto* ended = std::get_if<AttemptEnded>(&effect)) {
      Write(*ended);
      touched.insert(ended->attempt.trial_id);
    } else if (const auto* forgiven = std::get_if<FailureForgiven>(&effect)) {
      Write(*forgiven);
    } else if (const auto* worker = std::get_if<WorkerChanged>(&effect)) {
      Write(*worker);
    }
  }
  for (const std::string& trial_id : touched) Check(trial_id);
}

void SimStore::Apply(const SweepSubmitted& event) {
  RestoredSweep& sweep = SweepOf(event.sweep_id);
  sweep.priority = event.priority;
  sweep.paused = false;
  sweep.cancelled = false;
  AddTrials(sweep, event);
}

RestoredSweep& SimStore::SweepOf(const std::string& sweep_id) {
  const auto sweep = std::find_if(sweeps_.begin(), sweeps_.end(),
                                  [&sweep_id](const RestoredSweep& known) {
                                    return known.sweep_id == sweep_id;
                                  });
  if (sweep != sweeps_.end()) return *sweep;
  return sweeps_.emplace_back(RestoredSweep{.sweep_id = sweep_id});
}

void SimStore::Apply(const TrialDropped& event) {
  std::vector<std::string>& dropped = SweepOf(event.sweep_id).dropped_trial_ids;
  std::erase(dropped, event.trial_id);
  dropped.push_back(event.trial_id);
}

template <typename Event>
void SimStore::AddTrials(RestoredSweep& sweep, const Event& event) {
  for (const std::string& id : event.trial_ids) {
    auto& ids = sweep.trial_ids;
    if (std::find(ids.begin(), ids.end(), id) == ids.end()) ids.push_back(id);
    trials_[id].requirements = event.requirements;
    trials_[id].budget = event.budget;
    const auto stage = event.first_stages.find(id);
    if (stage != event.first_stages.end()) {
      trials_[id].first_stage = stage->second;
    }
    const auto work = event.work.find(id);
    if (work != event.work.end()) trials_[id].work = work->second;
  }
}

void SimStore::Apply(const WorkerRegistered& event) {
  RestoredWorker& worker = workers_[event.worker_id];
  worker.worker_id = event.worker_id;
  worker.incarnation = event.incarnation;
  worker.device = event.device;
  worker.memory_bytes = event.memory_bytes;
  worker.slots = event.slots;
  worker.samples_per_second = event.samples_per_second;
}

void SimStore::Apply(const FirstStageOver& event) {
  trials_[event.attempt.trial_id].first_stage_is_over = true;
}

void SimStore::SetPaused(const std::string& sweep_id, bool paused) {
  for (RestoredSweep& sweep : sweeps_) {
    if (sweep.sweep_id == sweep_id) sweep.paused = paused;
  }
}

void SimStore::Write(const TrialChanged& effect) {
  Trial& trial = trials_[effect.trial_id];
  Require(!HasResult(trial.state), "a result disappeared", effect.trial_id);
  if (effect.attempt != trial.attempt) {  // the copy takes its place
    Attempt& copy = trial.attempts[effect.attempt];
    Require(copy.is_copy && !copy.ended && trial.attempts[trial.attempt].ended,
            "an attempt changed unnoticed", effect.trial_id);
    copy.is_copy = false;
    trial.attempt = effect.attempt;
  }
  trial.state = effect.state;
  trial.worker_id = effect.worker_id;
  // The attempt lives (again).
  if (IsHeld(effect.state)) trial.attempts[effect.attempt].ended.reset();
}

void SimStore::Write(const LeaseGranted& effect) {
  Trial& trial = trials_[effect.attempt.trial_id];
  Require(trial.attempts.empty() ||
              effect.attempt.attempt > trial.attempts.rbegin()->first,
          "attempt numbers must strictly rise", effect.attempt.trial_id);
  trial.attempts[effect.attempt.attempt] = {.worker_id = effect.worker_id,
                                            .is_copy = effect.is_copy};
  if (effect.is_copy) return;
  trial.attempt = effect.attempt.attempt;
  trial.first_stage_is_over = false;
}

void SimStore::Write(const AttemptEnded& effect) {
  Trial& trial = trials_[effect.attempt.trial_id];
  const auto found = trial.attempts.find(effect.attempt.attempt);
  Require(found != trial.attempts.end(), "an attempt ended that never began",
          effect.attempt.trial_id);
  Attempt& attempt = found->second;
  attempt.ended = effect;
  attempt.end_order = ++end_order_;
  if (effect.how != AttemptEnded::How::kCompleted &&
      effect.how != AttemptEnded::How::kDiverged) {
    return;
  }
  Require(trial.accepted_attempt == 0, "two results were accepted",
          effect.attempt.trial_id);
  trial.accepted_attempt = effect.attempt.attempt;
  last_completion_[attempt.worker_id] = end_order_;
}

void SimStore::Write(const FailureForgiven& effect) {
  trials_[effect.attempt.trial_id]
      .attempts[effect.attempt.attempt]
      .is_forgiven = true;
}

void SimStore::Write(const WorkerChanged& effect) {
  workers_[effect.worker_id].state = effect.state;
  workers_[effect.worker_id].order = effect.order;
}

void SimStore::Check(const std::string& trial_id) const {
  const Trial& trial = trials_.at(trial_id);
  Require(HasResult(trial.state) == (trial.accepted_attempt != 0),
          "a trial with a result has exactly one accepted attempt", trial_id);
  int live = 0, copies = 0;
  for (const auto& [number, attempt] : trial.attempts) {
    if (attempt.ended) continue;
    ++(attempt.is_copy ? copies : live);
    Require(attempt.is_copy || number == trial.attempt,
            "only the current attempt and a copy live", trial_id);
  }
  Require(copies == 0 || (copies == 1 && trial.state == TrialState::kRunning),
          "only a running trial has a copy, and one", trial_id);
  Require(live == (IsHeld(trial.state) ? 1 : 0),
          "one live attempt exactly while leased or running", trial_id);
}

std::vector<RestoredFailure> SimStore::StreakOf(
    const std::string& worker_id) const {
  const auto completion = last_completion_.find(worker_id);
  const int64_t since =
      completion == last_completion_.end() ? 0 : completion->second;
  std::map<int64_t, RestoredFailure> streak;  // by end order
  for (const auto& [id, trial] : trials_) {
    for (const auto& [number, attempt] : trial.attempts) {
      if (attempt.worker_id == worker_id && attempt.end_order > since &&
          attempt.ended && attempt.ended->counted && !attempt.is_forgiven &&
          attempt.ended->cause != Cause::kBadConfig) {
        streak[attempt.end_order] = {{id, number}, *attempt.ended->cause};
      }
    }
  }
  std::vector<RestoredFailure> in_order;
  for (const auto& [order, failure] : streak) in_order.push_back(failure);
  return in_order;
}

RestoredState SimStore::Restore() const {
  RestoredState state{.sweeps = sweeps_};
  for (const auto& [id, trial] : trials_) {
    RestoredTrial restored{.trial_id = id,
                           .state = trial.state,
                           .attempt = trial.attempt,
                           .worker_id = trial.worker_id,
                           .requirements = trial.requirements,
                           .budget = trial.budget,
                           .first_stage = trial.first_stage,
                           .first_stage_is_over = trial.first_stage_is_over,
                           .work = trial.work};
    std::set<std::string> failed_on;
    for (const auto& [number, attempt] : trial.attempts) {
      restored.newest_attempt = number;
      if (attempt.is_copy && !attempt.ended) {
        restored.copy_attempt = number;
        restored.copy_worker_id = attempt.worker_id;
      }
      if (!attempt.ended || !attempt.ended->counted || attempt.is_forgiven) {
        continue;
      }
      ++restored.counted_failures[*attempt.ended->cause];
      failed_on.insert(attempt.worker_id);
    }
    restored.failed_on_workers.assign(failed_on.begin(), failed_on.end());
    state.trials.push_back(std::move(restored));
  }
  for (const auto& [id, worker] : workers_) {
    state.workers.push_back(worker);
    state.workers.back().failure_streak = StreakOf(id);
  }
  return state;
}

}  // namespace dfsweep::simulation
