#include "worker/slot.h"

#include <google/protobuf/util/time_util.h>
#include <spdlog/spdlog.h>

#include <utility>

#include "base/digest.h"
#include "base/log.h"
#include "worker/lease_check.h"

namespace dfsweep::worker {
namespace {

using google::protobuf::util::TimeUtil;

// A trial that is disturbed from outside is given back, this often; after that
// the trial itself is suspected (of eating a memory guard's patience).
constexpr int kForgivenDisturbances = 10;

constexpr absl::Duration kLeastSpacing = absl::Milliseconds(100);
// How often a slot looks whether its disk has room again.
constexpr absl::Duration kLooksForRoomEvery = absl::Seconds(1);

// Tells of an attempt's progress, and sends its checkpoints.
class SlotObserver : public TrialObserver {
 public:
  SlotObserver(const v1::Lease& lease,
               std::shared_ptr<AttemptProgress> progress,
               const SlotContext& context)
      : first_stage_(CheckpointCache::FirstStageOf(lease)),
        progress_(std::move(progress)),
        is_used_(context.checkpoints.is_used()),
        sender_(context.sender) {}
  void OnStarted(const StartedEvent& event) override {
    progress_->OnStarted(event);
    if (!is_used_ || event.epochs_done >= first_stage_.epochs) {
      progress_->EndFirstStage();
    }
  }
  void OnEpoch(const EpochEvent& event) override { progress_->OnEpoch(event); }
  void OnEvaluation(const EvaluationEvent& event) override {
    progress_->OnEvaluation(event);
  }
  void OnCheckpoint(const CheckpointEvent& event) override {
    const bool is_first_stage = event.file == first_stage_.file;
    sender_.Add(progress_->id(), event, [progress = progress_, is_first_stage] {
      if (is_first_stage) progress->EndFirstStage();
    });
  }
  void OnLog(const LogEvent& event) override { progress_->OnLog(event); }

 private:
  const CheckpointCache::FirstStage first_stage_;
  const std::shared_ptr<AttemptProgress> progress_;
  const bool is_used_;  // whether stages are shared here
  CheckpointSender& sender_;
};

v1::CompleteTrialRequest RequestFor(const AttemptId& id) {
  v1::CompleteTrialRequest request;
  request.set_trial_id(id.trial_id);
  request.set_attempt(id.attempt);
  return request;
}

}  // namespace

void Slot::Run() {
  while (true) {
    switch (context_.link.AwaitPermission(trainer_.pid() != 0)) {
      case Permission::kWork:
        AskAndTrain();
        break;
      case Permission::kFreeDevice:
        trainer_.Kill();
        break;
      case Permission::kStop:
        trainer_.Kill();
        return;
    }
  }
}

void Slot::AskAndTrain() {
  if (!context_.room.Shortage().empty()) {
    return context_.link.Pause(kLooksForRoomEvery);
  }
  v1::LeaseTrialsResponse response = Lease();
  for (const v1::Lease& lease : response.leases()) RunLease(lease);
  // An answer without work can come at once.
  if (response.leases().empty()) context_.link.Pause(kLeastSpacing);
}

v1::LeaseTrialsRequest Slot::NextRequest() const {
  v1::LeaseTrialsRequest request;
  request.set_request_id(RandomHex(16));
  request.set_worker_id(context_.worker_id);
  request.set_incarnation(context_.incarnation);
  request.set_max_trials(1);
  *request.mutable_max_wait() = TimeUtil::NanosecondsToDuration(
      absl::ToInt64Nanoseconds(context_.lease_wait));
  if (auto free = context_.memory_for(device_, trainer_.pid())) {
    request.set_free_memory_bytes(*free);
  }
  return request;
}

v1::LeaseTrialsResponse Slot::Lease() {
  v1::LeaseTrialsRequest request = NextRequest();
  Link& link = context_.link;
  const uint64_t generation = link.generation();
  auto is_void = [&] {
    return link.refuses_work() || link.generation() != generation;
  };
  Backoff backoff(context_.backoff);
  while (link.generation() == generation) {
    v1::LeaseTrialsResponse response;
    absl::Status status =
        context_.client.LeaseTrials(request, is_void, &response);
    if (status.ok()) return response;
    if (absl::IsCancelled(status) && link.refuses_work()) {
      // It may have been granted already: learn it, to hand it back.
      *request.mutable_max_wait() = TimeUtil::SecondsToDuration(0);
      status = context_.client.LeaseTrials(request, nullptr, &response);
      return status.ok() ? response : v1::LeaseTrialsResponse();
    }
    if (absl::IsNotFound(status) || absl::IsFailedPrecondition(status)) {
      link.RegisterAgain();
      context_.client.InterruptHeartbeat();
      return {};
    }
    if (!link.stopping()) link.AwaitRetry(backoff.Next());
  }
  return {};
}

void Slot::RunLease(const v1::Lease& lease) {
  AttemptId id{lease.trial_id(), lease.attempt()};
  std::shared_ptr<Attempt> attempt = context_.attempts.Begin(id);
  if (attempt == nullptr) return;  // repeated: it is being worked on
  const LogFields fields{{"trial", id.trial_id},
                         {"attempt", std::to_string(id.attempt)}};
  if (context_.link.refuses_work()) AttemptTable::HandBack(*attempt);
  spdlog::info("slot {} ({}) starts {} of sweep {}", number_, device_,
               ShortName(id), ForLog(lease.sweep_name()));
  auto progress = context_.progress.Open(id);
  Outcome outcome = Train(lease, *attempt, progress);
  context_.progress.Close(id);
  Conclude(*attempt, std::move(outcome), *progress);
}

Outcome Slot::Train(const v1::Lease& lease, const Attempt& attempt,
                    std::shared_ptr<AttemptProgress> progress) {
  if (absl::Status status = CheckLease(lease); !status.ok()) {
    return Failure(v1::BAD_CONFIG, status);
  }
  auto dataset = context_.datasets.Get(
      lease.dataset().digest(), lease.dataset_size_bytes(), attempt.stop);
  if (absl::IsCancelled(dataset.status())) return Cancelled{};
  if (absl::IsResourceExhausted(dataset.status())) {
    return Deferred{MessageOf(dataset.status())};
  }
  if (!dataset.ok()) return Failure(v1::ENVIRONMENT, dataset.status());
  context_.checkpoints.Prepare(lease, attempt.stop);
  SlotObserver observer(lease, std::move(progress), context_);
  Outcome outcome =
      trainer_.Run(attempt.id,
                   RunLine(lease, dataset->path(), device_, threads_,
                           context_.checkpoints.ForTrainer(lease)),
                   attempt.stop, observer);
  const bool has_failed = std::holds_alternative<v1::TrialFailure>(outcome);
  if (has_failed && !context_.datasets.IsStillSound(lease.dataset().digest())) {
    return Disturbed{"the dataset was damaged while the trial read it\n" +
                     dataset->path().string() +
                     "\nit is fetched again; check this machine's disk"};
  }
  return outcome;
}

void Slot::Conclude(const Attempt& attempt, Outcome outcome,
                    AttemptProgress& progress) {
  const AttemptId& id = attempt.id;
  v1::CompleteTrialRequest request = RequestFor(id);
  // Of an attempt that nobody wants, only a complete result is worth telling.
  bool has_result = std::holds_alternative<v1::TrialResult>(outcome);
  if (attempt.stop && !has_result) outcome = Cancelled{};
  if (std::holds_alternative<Cancelled>(outcome)) {
    if (context_.link.stopping()) return HandBack(id, "the worker is stopping");
    if (attempt.hand_back) return HandBack(id, context_.link.pause_reason());
    spdlog::info("{} was stopped by the coordinator", ShortName(id));
    return context_.attempts.End(id);
  }
  if (auto* disturbed = std::get_if<Disturbed>(&outcome)) {
    if (++disturbances_[id.trial_id] <= kForgivenDisturbances) {
      return HandBack(id, disturbed->message);
    }
    outcome = Failure(v1::CRASH, disturbed->message);
  }
  if (auto* deferred = std::get_if<Deferred>(&outcome)) {
    return HandBack(id, deferred->reason);
  }
  if (auto* result = std::get_if<v1::TrialResult>(&outcome)) {
    spdlog::info("{} {} after {:.1f} s", ShortName(id),
                 result->diverged() ? "diverged" : "completed",
                 result->train_seconds());
    *request.mutable_result() = std::move(*result);
  } else if (auto* failure = std::get_if<v1::TrialFailure>(&outcome)) {
    spdlog::warn("{} failed ({}): {}", ShortName(id),
                 v1::FailureCause_Name(failure->cause()),
                 PartsOf(failure->message()).what);
    *request.mutable_failure() = std::move(*failure);
  }
  for (v1::LogLine& line : progress.TakeLogLines()) {
    *request.add_log_lines() = std::move(line);
  }
  context_.delivery.Add(std::move(request));
}

void Slot::HandBack(const AttemptId& id, const std::string& reason) {
  spdlog::info("{} is handed back: {}", ShortName(id), PartsOf(reason).what);
  v1::CompleteTrialRequest request = RequestFor(id);
  request.mutable_hand_back()->set_reason(reason);
  context_.delivery.Add(std::move(request));
}

}  // namespace dfsweep::worker
