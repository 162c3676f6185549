// What goes wrong in a history, and what people do meanwhile.
#include <utility>

#include "tests/simulation/scheduler_sim.h"

namespace dfsweep::simulation {

using namespace coordinator;  // NOLINT: this file only speaks of its types

namespace {

constexpr Cause kMachineCauses[] = {Cause::kCrash, Cause::kOutOfMemory,
                                    Cause::kTimeout, Cause::kEnvironment};

}  // namespace

Event SchedulerSim::OutcomeOf(const std::string& worker_id,
                              const AttemptId& attempt) {
  const auto failed = [&](Cause cause) {
    return AttemptFailed{worker_id, attempt, cause, "simulated"};
  };
  if (worker_id == black_hole_) {
    touched_by_black_hole_.insert(attempt.trial_id);
    return failed(kMachineCauses[random_.Below(4)]);
  }
  if (bad_config_.count(attempt.trial_id) > 0) {
    return failed(Cause::kBadConfig);
  }
  if (poison_.count(attempt.trial_id) > 0) return failed(Cause::kCrash);
  if (has_faults_ && random_.Chance(flakiness_)) {
    switch (random_.Below(3)) {
      case 0:
        return AttemptHandedBack{worker_id, attempt};
      case 1:
        return failed(Cause::kPreempted);
      default:
        return failed(kMachineCauses[random_.Below(4)]);
    }
  }
  return AttemptCompleted{worker_id, attempt, random_.Chance(0.1)};
}

// Half of the trials known so far, and some new ones. Some sweeps need the one
// worker with a GPU.
void SchedulerSim::SubmitSweep(const std::string& sweep_id) {
  SweepSubmitted sweep{.sweep_id = sweep_id, .priority = random_.Below(3)};
  const int known = trial_count_;
  trial_count_ += 4 + random_.Below(20);
  for (int i = 0; i < trial_count_; ++i) {
    if (i < known && random_.Chance(0.5)) continue;
    sweep.trial_ids.push_back("t" + std::to_string(i));
    sweep.work[sweep.trial_ids.back()] = i % 5;
    // Three of four trials share a first stage with others.
    if (i % 4 > 0) {
      sweep.first_stages[sweep.trial_ids.back()] = {
          .name = "f" + std::to_string(i % 3), .epochs = 1 + i % 2};
    }
    if (i < known || !plan_.has_chaos) continue;
    if (random_.Chance(0.1)) poison_.insert(sweep.trial_ids.back());
    if (random_.Chance(0.05)) bad_config_.insert(sweep.trial_ids.back());
  }
  if (random_.Chance(0.3)) sweep.requirements.device = "cuda";
  if (random_.Chance(0.3)) sweep.requirements.memory_bytes = 8;
  if (Step(sweep)) sweep_ids_.push_back(sweep_id);
}

void SchedulerSim::DoMischief() {
  if (!has_faults_) return;
  const int kind = random_.Below(10);
  if (kind < 5) {
    HarmWorker();
  } else if (kind < 9) {
    ActAsPerson();
  } else {
    CrashCoordinator();
  }
  After(random_.Between(absl::Seconds(1), absl::Seconds(90)),
        [this] { DoMischief(); });
}

void SchedulerSim::HarmWorker() {
  SimWorker& worker =
      *workers_[random_.Below(static_cast<int>(workers_.size()))];
  if (!worker.is_alive() || worker.is_leaving()) return;
  switch (random_.Below(4)) {
    case 0:
      worker.Crash();
      RestartLater(worker);
      break;
    case 1:
      worker.Leave();
      RestartLater(worker);
      break;
    default:
      worker.Suspend(random_.Between(absl::Seconds(5), absl::Minutes(6)));
  }
}

void SchedulerSim::RestartLater(SimWorker& worker) {
  After(random_.Between(absl::Seconds(1), absl::Minutes(4)), [&worker] {
    if (worker.is_alive() && !worker.is_leaving()) return;
    worker.Crash();
    worker.Start();
  });
}

void SchedulerSim::ActAsPerson() {
  const std::string sweep =
      sweep_ids_.empty()
          ? "s0"
          : sweep_ids_[random_.Below(static_cast<int>(sweep_ids_.size()))];
  const std::string worker =
      workers_[random_.Below(static_cast<int>(workers_.size()))]->id();
  switch (random_.Below(12)) {
    case 0:
      Step(SweepPaused{sweep});
      break;
    case 1:
    case 2:
      Step(SweepResumed{sweep});
      break;
    case 3:
      Step(SweepCancelled{sweep});
      break;
    case 4:
      SubmitSweep(sweep);
      break;
    case 5:
      SubmitSweep("s" + std::to_string(sweep_ids_.size() + 1));
      break;
    case 6: {
      TrialsRetried retry;
      for (const auto& [id, trial] : store_.trials()) {
        if (random_.Chance(0.3)) retry.trial_ids.push_back(id);
      }
      Step(retry);
      break;
    }
    case 7:
      Step(WorkerDrained{worker});
      break;
    case 8:
      Step(WorkerRemoved{worker});
      break;
    case 9:
      ActAsSearch(sweep);
      break;
    case 10:
      Step(WorkerPaused{worker});
      break;
    case 11:
      Step(WorkerResumed{worker});
      break;
  }
}

// Whatever a search may decide: more trials, some stopped, some taken up.
void SchedulerSim::ActAsSearch(const std::string& sweep_id) {
  TrialsAdded added{.sweep_id = sweep_id};
  for (int i = random_.Below(3); i > 0; --i) {
    added.trial_ids.push_back("t" + std::to_string(trial_count_++));
  }
  Step(added);
  for (int i = random_.Below(4); i > 0 && scheduler_ != nullptr; --i) {
    const std::string trial =
        "t" + std::to_string(random_.Below(std::max(trial_count_, 1)));
    if (random_.Chance(0.5)) {
      Step(TrialDropped{sweep_id, trial});
    } else {
      Step(TrialTakenUp{sweep_id, trial});
    }
  }
}

// The network is good, every worker is started anew and may work, and nothing
// is paused: whatever is open must now end.
void SchedulerSim::StopFaults() {
  has_faults_ = false;
  for (const auto& worker : workers_) {
    worker->Crash();
    worker->Start();
  }
  if (scheduler_ == nullptr) StartCoordinator();
  if (store_.trials().empty()) SubmitSweep("s0");
  for (const std::string& sweep : sweep_ids_) Step(SweepResumed{sweep});
  for (const auto& worker : workers_) Step(WorkerResumed{worker->id()});
}

}  // namespace dfsweep::simulation
