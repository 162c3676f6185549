#include "tests/simulation/sim_worker.h"

#include <utility>

namespace dfsweep::simulation {

using coordinator::AttemptCompleted;
using coordinator::AttemptHandedBack;
using coordinator::AttemptId;
using coordinator::AttemptStarted;
using coordinator::Event;
using coordinator::FirstStageOver;
using coordinator::HeartbeatReceived;
using coordinator::LeasesRequested;
using coordinator::Refused;
using coordinator::WorkerRegistered;

namespace {

constexpr absl::Duration kHeartbeat = absl::Seconds(10);
constexpr absl::Duration kRetry = absl::Seconds(5);
constexpr absl::Duration kLeaseTimeout = absl::Seconds(60);

}  // namespace

void SimWorker::Start() {
  is_alive_ = true;
  is_registered_ = false;
  is_leaving_ = false;
  is_leasing_ = false;
  ++process_;
  sequence_ = 0;
  awake_at_ = absl::ZeroDuration();
  Register();
  Beat();
  Lease();
  Deliver();
}

void SimWorker::Crash() {
  is_alive_ = false;
  running_.clear();
}

void SimWorker::Suspend(absl::Duration time) { awake_at_ = host_.Now() + time; }

void SimWorker::Leave() {
  is_leaving_ = true;
  for (const auto& [attempt, running] : running_) {
    spool_[attempt] = AttemptHandedBack{traits_.id, attempt};
  }
  running_.clear();
}

void SimWorker::Later(absl::Duration delay, std::function<void()> what) {
  const int process = process_;
  host_.After(delay, [this, process, what = std::move(what)] {
    if (!is_alive_ || process != process_) return;
    if (host_.Now() < awake_at_) {
      Later(awake_at_ - host_.Now(), what);
    } else {
      what();
    }
  });
}

void SimWorker::Send(const Event& request, SimHost::OnReply on_reply) {
  const int process = process_;
  host_.Send(request, [this, process, on_reply](const SimReply& reply) {
    if (process != process_) return;
    Later(absl::ZeroDuration(), [on_reply, reply] { on_reply(reply); });
  });
}

void SimWorker::Register() {
  if (is_registered_) return;
  Send(WorkerRegistered{.worker_id = traits_.id,
                        .incarnation = Incarnation(),
                        .device = traits_.device,
                        .memory_bytes = traits_.memory_bytes,
                        .slots = traits_.slots,
                        .held = Held(),
                        .samples_per_second = traits_.samples_per_second},
       [this](const SimReply& reply) {
         if (reply.refused) return;  // the next try follows
         is_registered_ = true;
         Stop(reply.stop);
       });
  Later(kRetry, [this] { Register(); });
}

void SimWorker::Beat() {
  if (is_registered_) {
    Send(HeartbeatReceived{.worker_id = traits_.id,
                           .incarnation = Incarnation(),
                           .sequence = ++sequence_,
                           .held = Held(),
                           .leaving = is_leaving_},
         [this](const SimReply& reply) {
           Stop(reply.stop);
           if (reply.refused && is_registered_) {
             is_registered_ = false;
             Register();
           }
         });
  }
  Later(host_.Random().Between(0.8 * kHeartbeat, 1.2 * kHeartbeat),
        [this] { Beat(); });
}

void SimWorker::Lease() {
  Later(absl::Seconds(1), [this] { Lease(); });
  const int free = traits_.slots - static_cast<int>(running_.size());
  if (!is_registered_ || is_leaving_ || is_leasing_ || free <= 0) return;
  is_leasing_ = true;
  const int64_t ticket = ++tickets_;
  lease_ticket_ = ticket;
  Send(LeasesRequested{traits_.id, Incarnation(), free},
       [this, ticket](const SimReply& reply) {
         if (ticket != lease_ticket_ || !is_leasing_) return;  // timed out
         is_leasing_ = false;
         if (is_leaving_) return;
         for (const AttemptId& attempt : reply.granted) Run(attempt);
       });
  Later(kLeaseTimeout, [this, ticket] {
    if (ticket == lease_ticket_) is_leasing_ = false;
  });
}

// Sends the whole spool again and again until each outcome is answered.
void SimWorker::Deliver() {
  for (const auto& [attempt, outcome] : spool_) {
    Send(outcome, [this, attempt = attempt](const SimReply& reply) {
      const auto found = spool_.find(attempt);
      if (found == spool_.end()) return;  // answered before
      if (!reply.refused &&
          std::holds_alternative<AttemptCompleted>(found->second)) {
        host_.OnAcknowledged(attempt);
      }
      spool_.erase(found);
    });
  }
  Later(kRetry, [this] { Deliver(); });
}

void SimWorker::Run(const AttemptId& attempt) {
  const int64_t ticket = ++tickets_;
  running_[attempt] = {.ticket = ticket};
  Later(absl::Milliseconds(500),
        [this, attempt, ticket] { ReportStart(attempt, ticket); });
  // Best effort: if it is lost, the trial's end tells the same.
  Later(host_.Random().Between(absl::Seconds(1), absl::Minutes(2)),
        [this, attempt] {
          if (!running_.contains(attempt)) return;
          Send(FirstStageOver{traits_.id, attempt}, [](const SimReply&) {});
        });
  const bool is_short = host_.Random().Chance(0.2);
  Later(host_.Random().Between(absl::Seconds(1),
                               is_short ? absl::Seconds(3) : absl::Minutes(4)),
        [this, attempt, ticket] { Finish(attempt, ticket); });
}

void SimWorker::ReportStart(const AttemptId& attempt, int64_t ticket) {
  const auto found = running_.find(attempt);
  if (found == running_.end() || found->second.ticket != ticket ||
      found->second.start_is_known) {
    return;
  }
  Send(AttemptStarted{traits_.id, attempt},
       [this, attempt](const SimReply& reply) {
         const auto run = running_.find(attempt);
         if (run == running_.end()) return;
         run->second.start_is_known = true;
         if (reply.refused) running_.erase(run);
       });
  Later(kRetry, [this, attempt, ticket] { ReportStart(attempt, ticket); });
}

void SimWorker::Finish(const AttemptId& attempt, int64_t ticket) {
  const auto found = running_.find(attempt);
  if (found == running_.end() || found->second.ticket != ticket) return;
  running_.erase(found);
  spool_[attempt] = host_.OutcomeOf(traits_.id, attempt);
}

// A stop ends a trainer; a finished outcome in the spool is still delivered.
void SimWorker::Stop(const std::vector<AttemptId>& attempts) {
  for (const AttemptId& attempt : attempts) running_.erase(attempt);
}

std::vector<AttemptId> SimWorker::Held() const {
  std::vector<AttemptId> held;
  for (const auto& [attempt, running] : running_) held.push_back(attempt);
  for (const auto& [attempt, outcome] : spool_) held.push_back(attempt);
  return held;
}

std::string SimWorker::Incarnation() const {
  return traits_.id + "." + std::to_string(process_);
}

}  // namespace dfsweep::simulation
