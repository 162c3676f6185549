// The frame of a history, its coordinator and its network.
#include "tests/simulation/scheduler_sim.h"

#include <algorithm>
#include <utility>

#include "fmt/format.h"

namespace dfsweep::simulation {

using namespace coordinator;  // NOLINT: this file only speaks of its types

namespace {

constexpr absl::Duration kFaultTime = absl::Minutes(30);
// The longest lawful end: a few poison trials on one quarantined worker, each
// with four canaries half an hour apart.
constexpr absl::Duration kPatience = absl::Hours(24);
constexpr absl::Duration kLongPoll = absl::Seconds(50);

std::string WorkerOf(const Event& request) {
  if (const auto* it = std::get_if<HeartbeatReceived>(&request)) {
    return it->worker_id;
  }
  if (const auto* it = std::get_if<WorkerRegistered>(&request)) {
    return it->worker_id;
  }
  return "";
}

}  // namespace

SchedulerSim::SchedulerSim(const SimPlan& plan)
    : plan_(plan), random_(plan.seed), store_(plan.seed) {
  network_ = {.loss = 0.05 * random_.Below(5),
              .doubling = 0.05 * random_.Below(4),
              .slowness = 0.02 * random_.Below(5)};
  const int worker_count =
      1 + (plan_.has_black_hole ? 1 : 0) + random_.Below(4);
  SimHost& host = *this;
  for (int i = 0; i < worker_count; ++i) {
    // The first can run everything.
    workers_.push_back(std::make_unique<SimWorker>(
        host,
        SimWorker::Traits{.id = "w" + std::to_string(i),
                          .device = i == 0 ? "cuda" : "cpu",
                          .memory_bytes = i == 0 ? 16 : 4,
                          .slots = 1 + random_.Below(3),
                          .samples_per_second = 100.0 * random_.Below(4)}));
  }
  if (plan_.has_black_hole) black_hole_ = workers_.back()->id();
  if (plan_.has_chaos) flakiness_ = 0.1 * random_.Below(4);
}

SimReport SchedulerSim::Run() {
  StartCoordinator();
  SubmitSweep("s0");
  for (const auto& worker : workers_) {
    // A trial that only a black hole could take may well fail there.
    const bool is_black_hole = worker->id() == black_hole_;
    After(is_black_hole ? absl::Minutes(1) : absl::ZeroDuration(),
          [&worker] { worker->Start(); });
  }
  if (plan_.has_chaos) DoMischief();
  After(kFaultTime, [this] { StopFaults(); });
  while (has_faults_ || !AllEnded()) {
    if (now_ >= kFaultTime + kPatience) {
      store_.Require(false, "trials do not end", DescribeOpen());
    }
    // A top() cannot be moved from; the copy costs less than a heap of ours.
    const Due next = due_.top();
    due_.pop();
    now_ = next.when;
    next.what();
    ++report_.events;
    // Without chaos there is nothing to wait for.
    if (!plan_.has_chaos && AllEnded()) break;
  }
  return Report();
}

void SchedulerSim::After(absl::Duration delay, std::function<void()> what) {
  due_.push({now_ + delay, ++order_, std::move(what)});
}

void SchedulerSim::Deliver(std::function<void()> what) {
  if (!has_faults_) {
    After(absl::Milliseconds(5), std::move(what));
    return;
  }
  const int copies = random_.Chance(network_.doubling) ? 2 : 1;
  for (int i = 0; i < copies; ++i) {
    if (random_.Chance(network_.loss)) continue;
    const bool is_slow = random_.Chance(network_.slowness);
    After(
        random_.Between(absl::Milliseconds(1),
                        is_slow ? absl::Seconds(60) : absl::Milliseconds(300)),
        what);
  }
}

void SchedulerSim::Send(const Event& request, OnReply on_reply) {
  Deliver([this, request, on_reply = std::move(on_reply)] {
    const OnReply deliver = [this, on_reply](const SimReply& reply) {
      Deliver([on_reply, reply] { on_reply(reply); });
    };
    Answer(request, deliver, now_ + kLongPoll);
  });
}

void SchedulerSim::StartCoordinator() {
  clock_offset_ = random_.Between(absl::ZeroDuration(), absl::Hours(1)) - now_;
  scheduler_ = std::make_unique<Scheduler>(SchedulerOptions{}, store_.Restore(),
                                           now_ + clock_offset_);
  scheduler_->CheckInvariants();
  armed_.reset();
  ArmTick();
}

void SchedulerSim::CrashCoordinator() {
  if (scheduler_ == nullptr) return;
  ++report_.coordinator_crashes;
  scheduler_.reset();
  parked_.clear();
  stops_.clear();
  After(random_.Between(absl::Seconds(1), absl::Minutes(4)),
        [this] { StartCoordinator(); });
}

std::optional<Effects> SchedulerSim::Step(const Event& event) {
  if (scheduler_ == nullptr) return std::nullopt;
  const double crash = plan_.has_chaos && has_faults_ ? 0.0005 : 0;
  Effects effects = scheduler_->Step(event, now_ + clock_offset_);
  if (random_.Chance(crash)) {  // before the COMMIT
    CrashCoordinator();
    return std::nullopt;
  }
  const bool is_refused =
      std::any_of(effects.begin(), effects.end(), [](const Effect& effect) {
        return std::holds_alternative<Refused>(effect);
      });
  if (is_refused) {
    store_.Require(effects.size() == 1, "a refusal changes nothing", "");
  } else {
    store_.Commit(event, effects);
  }
  CheckAfterStep(effects);
  if (random_.Chance(crash)) {  // between COMMIT and reply
    CrashCoordinator();
    return std::nullopt;
  }
  for (const Effect& effect : effects) {
    if (const auto* stop = std::get_if<StopAttempt>(&effect)) {
      stops_[stop->worker_id].push_back(stop->attempt);
    }
    if (const auto* granted = std::get_if<LeaseGranted>(&effect)) {
      ++report_.leases;
      report_.copies += granted->is_copy;
    }
  }
  ArmTick();
  if (std::any_of(effects.begin(), effects.end(), [](const Effect& effect) {
        return std::holds_alternative<WorkAvailable>(effect);
      })) {
    After(absl::ZeroDuration(), [this] { WakeParked(); });
  }
  return effects;
}

void SchedulerSim::CheckAfterStep(const Effects& effects) {
  scheduler_->CheckInvariants();
  for (const Effect& effect : effects) {
    const auto* changed = std::get_if<TrialChanged>(&effect);
    if (changed == nullptr) continue;
    const auto view = scheduler_->Trial(changed->trial_id);
    const SimStore::Trial& stored = store_.trials().at(changed->trial_id);
    store_.Require(view->state == stored.state &&
                       view->attempt == stored.attempt &&
                       view->worker_id == stored.worker_id,
                   "scheduler and store disagree", changed->trial_id);
  }
  // The store may have been told of nothing that it does not know by itself:
  // before the deadline, time does nothing.
  const std::optional<absl::Duration> deadline = scheduler_->NextDeadline();
  const absl::Duration now = now_ + clock_offset_;
  if (random_.Chance(0.01) && (!deadline || now < *deadline)) {
    store_.Require(scheduler_->Step(Ticked{}, now).empty(),
                   "a tick before the deadline had effects", "");
  }
}

void SchedulerSim::Answer(const Event& request, const OnReply& on_reply,
                          absl::Duration until) {
  const std::optional<Effects> effects = Step(request);
  if (!effects) return;
  SimReply reply;
  for (const Effect& effect : *effects) {
    if (const auto* refused = std::get_if<Refused>(&effect)) {
      reply.refused = refused->why;
    } else if (const auto* granted = std::get_if<LeaseGranted>(&effect)) {
      reply.granted.push_back(granted->attempt);
    }
  }
  if (const auto* lease = std::get_if<LeasesRequested>(&request)) {
    if (!reply.refused && reply.granted.empty()) {
      Park({*lease, on_reply, until});
      return;
    }
  } else if (const auto* done = std::get_if<AttemptCompleted>(&request)) {
    // The same result again, because an acknowledgement was lost: success.
    if (reply.refused == Refused::Why::kAlreadyEnded &&
        store_.trials().at(done->attempt.trial_id).accepted_attempt ==
            done->attempt.attempt) {
      reply.refused.reset();
    }
  }
  if (const std::string worker = WorkerOf(request); !worker.empty()) {
    reply.stop = std::exchange(stops_[worker], {});
  }
  on_reply(reply);
}

void SchedulerSim::Park(Parked parked) {
  if (parked.until <= now_) {
    parked.on_reply({});
    return;
  }
  parked_.push_back(std::move(parked));
  After(parked_.back().until - now_, [this] { EndParked(); });
}

void SchedulerSim::EndParked() {
  for (Parked& parked : std::exchange(parked_, {})) {
    if (parked.until <= now_) {
      parked.on_reply({});
    } else {
      parked_.push_back(std::move(parked));
    }
  }
}

void SchedulerSim::WakeParked() {
  for (const Parked& parked : std::exchange(parked_, {})) {
    Answer(parked.request, parked.on_reply, parked.until);
  }
}

void SchedulerSim::ArmTick() {
  if (scheduler_ == nullptr) return;
  const std::optional<absl::Duration> deadline = scheduler_->NextDeadline();
  if (!deadline || (armed_ && *armed_ <= *deadline)) return;
  armed_ = *deadline;
  const absl::Duration armed = *armed_;
  const absl::Duration delay =
      std::max(armed - (now_ + clock_offset_), absl::ZeroDuration());
  After(delay, [this, armed] {
    if (scheduler_ != nullptr && armed_ == armed) Tick();
  });
}

void SchedulerSim::Tick() {
  armed_.reset();
  const std::optional<absl::Duration> deadline = scheduler_->NextDeadline();
  if (deadline && *deadline <= now_ + clock_offset_) {
    Step(Ticked{});
    if (scheduler_ == nullptr) return;
    const std::optional<absl::Duration> next = scheduler_->NextDeadline();
    store_.Require(!next || *next > now_ + clock_offset_,
                   "a tick left a deadline in the past", "");
  }
  ArmTick();
}

void SchedulerSim::OnAcknowledged(const AttemptId& attempt) {
  acknowledged_[attempt.trial_id] = attempt.attempt;
  store_.Require(
      store_.trials().at(attempt.trial_id).accepted_attempt == attempt.attempt,
      "an acknowledged result is not stored", attempt.trial_id);
}

bool SchedulerSim::AllEnded() const {
  return std::all_of(
      store_.trials().begin(), store_.trials().end(),
      [](const auto& entry) { return IsTerminal(entry.second.state); });
}

std::string SchedulerSim::DescribeOpen() const {
  std::string text;
  for (const auto& [id, trial] : store_.trials()) {
    if (IsTerminal(trial.state)) continue;
    text += fmt::format("{}: state {}, attempt {} of {}; ", id,
                        static_cast<int>(trial.state), trial.attempt,
                        trial.worker_id);
  }
  for (const std::string& id : scheduler_->WorkerIds()) {
    const auto worker = scheduler_->Worker(id);
    text += fmt::format("{}: {}, holds {}; ", id, worker->reason,
                        worker->held.size());
  }
  return text;
}

SimReport SchedulerSim::Report() {
  for (const auto& [trial_id, attempt] : acknowledged_) {
    store_.Require(store_.trials().at(trial_id).accepted_attempt == attempt,
                   "an acknowledged result disappeared", trial_id);
  }
  for (const auto& [trial_id, trial] : store_.trials()) {
    report_.completed += trial.accepted_attempt != 0 ? 1 : 0;
    report_.failed += trial.state == TrialState::kFailed ? 1 : 0;
    report_.cancelled += trial.state == TrialState::kCancelled ? 1 : 0;
    const bool is_broken =
        poison_.count(trial_id) + bad_config_.count(trial_id) > 0;
    store_.Require(!is_broken || trial.accepted_attempt == 0,
                   "a broken trial has a result", trial_id);
  }
  report_.touched_by_black_hole =
      static_cast<int>(touched_by_black_hole_.size());
  // Three failures quarantine it, while its other slots still run theirs.
  report_.allowed_to_black_hole = 2 + workers_.back()->slots();
  for (absl::Duration wait = absl::Seconds(30), at = wait; at <= now_;
       wait = 2 * wait, at += wait) {
    ++report_.allowed_to_black_hole;
  }
  report_.virtual_time = now_;
  return report_;
}

}  // namespace dfsweep::simulation
