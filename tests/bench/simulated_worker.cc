#include "tests/bench/simulated_worker.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "absl/time/clock.h"
#include "base/version.h"
#include "proto/channel.h"

namespace dfsweep::bench {
namespace {

constexpr absl::Duration kLongPoll = absl::Seconds(20);

// What a trial of one epoch tells.
void FillResult(v1::TrialResult* result) {
  (*result->mutable_metrics())["average_accuracy"] = 0.5;
  (*result->mutable_metrics())["train_seconds"] = 1;
  result->set_train_seconds(1);
  result->set_accuracy_matrix_json("[[0.5]]");
  v1::TaskEvaluation& evaluation = *result->add_evaluations();
  evaluation.set_split("test");
  evaluation.set_accuracy(0.5);
  evaluation.set_examples(100);
  v1::EpochMetrics& epoch = *result->add_epochs();
  epoch.set_epochs_done(1);
  epoch.set_epochs_total(1);
  (*epoch.mutable_metrics())["train_loss"] = 1;
}

std::vector<absl::Duration> Sorted(std::vector<absl::Duration> values) {
  std::sort(values.begin(), values.end());
  return values;
}

}  // namespace

void Tally::AddLease(absl::Duration latency) {
  absl::MutexLock lock(&mutex_);
  leases_.push_back(latency);
}

void Tally::AddCompletion(absl::Duration latency) {
  absl::MutexLock lock(&mutex_);
  completions_.push_back(latency);
}

void Tally::AddError(const grpc::Status& status) {
  absl::MutexLock lock(&mutex_);
  if (errors_++ == 0) first_error_ = status.error_message();
}

int64_t Tally::AwaitMore(int64_t seen, absl::Duration patience) const {
  absl::MutexLock lock(&mutex_);
  auto has_more = [&]() ABSL_SHARED_LOCKS_REQUIRED(mutex_) {
    return static_cast<int64_t>(completions_.size()) > seen;
  };
  mutex_.AwaitWithTimeout(absl::Condition(&has_more), patience);
  return static_cast<int64_t>(completions_.size());
}

std::vector<absl::Duration> Tally::Leases() const {
  absl::MutexLock lock(&mutex_);
  return Sorted(leases_);
}

std::vector<absl::Duration> Tally::Completions() const {
  absl::MutexLock lock(&mutex_);
  return Sorted(completions_);
}

std::string Tally::FirstError() const {
  absl::MutexLock lock(&mutex_);
  return first_error_;
}

int64_t Tally::errors() const {
  absl::MutexLock lock(&mutex_);
  return errors_;
}

SimulatedWorker::SimulatedWorker(int number,
                                 std::shared_ptr<grpc::Channel> channel,
                                 absl::Duration training, Tally& tally)
    : id_(fmt::format("simulated-{}", number)),
      stub_(v1::WorkerService::NewStub(channel)),
      training_(training),
      tally_(tally) {}

void SimulatedWorker::Start() { Register(); }

void SimulatedWorker::Stop() {
  absl::MutexLock lock(&mutex_);
  stopped_ = true;
  for (grpc::ClientContext* context : active_) context->TryCancel();
  if (is_training_) alarm_.Cancel();
}

void SimulatedWorker::Wait() {
  absl::MutexLock lock(&mutex_);
  auto is_idle = [this]() ABSL_SHARED_LOCKS_REQUIRED(mutex_) {
    return active_.empty() && !is_training_;
  };
  mutex_.Await(absl::Condition(&is_idle));
}

bool SimulatedWorker::Begin(grpc::ClientContext* context) {
  absl::MutexLock lock(&mutex_);
  if (stopped_) return false;
  active_.push_back(context);
  return true;
}

void SimulatedWorker::End(grpc::ClientContext* context) {
  absl::MutexLock lock(&mutex_);
  std::erase(active_, context);
}

template <typename Request, typename Response>
void SimulatedWorker::Send(
    Method<Request, Response> method, Request request,
    const std::function<void(const Response&)>& on_answer) {
  struct Exchange {
    grpc::ClientContext context;
    Request request;
    Response response;
  };
  auto exchange = std::make_shared<Exchange>();
  exchange->request = std::move(request);
  rpc::SetDeadline(exchange->context, kLongPoll + rpc::kCallTimeout);
  if (!Begin(&exchange->context)) return;
  (stub_->async()->*method)(
      &exchange->context, &exchange->request, &exchange->response,
      [this, exchange, on_answer](grpc::Status status) {
        // The next call begins before this one ends, or Wait would see none.
        if (status.ok()) {
          on_answer(exchange->response);
        } else if (status.error_code() != grpc::StatusCode::CANCELLED) {
          tally_.AddError(status);
        }
        End(&exchange->context);
      });
}

void SimulatedWorker::Register() {
  v1::RegisterRequest request;
  request.set_request_id("register");
  request.set_worker_id(id_);
  request.set_name(id_);
  request.set_incarnation("1");
  request.set_protocol_major(kProtocolMajor);
  request.set_protocol_minor(kProtocolMinor);
  request.set_version(kVersion);
  request.set_slots(1);
  request.mutable_environment()->set_device("cpu");
  Send<v1::RegisterRequest, v1::RegisterResponse>(
      &v1::WorkerService::Stub::async::Register, std::move(request),
      [this](const v1::RegisterResponse&) {
        Beat();
        Lease();
      });
}

void SimulatedWorker::Beat() {
  v1::HeartbeatRequest request;
  request.set_worker_id(id_);
  request.set_incarnation("1");
  request.set_sequence(next_beat_++);
  request.mutable_max_wait()->set_seconds(5);
  {
    absl::MutexLock lock(&mutex_);
    if (held_.attempt() > 0) *request.add_held() = held_;
  }
  Send<v1::HeartbeatRequest, v1::HeartbeatResponse>(
      &v1::WorkerService::Stub::async::Heartbeat, std::move(request),
      [this](const v1::HeartbeatResponse&) { Beat(); });
}

void SimulatedWorker::Lease() {
  v1::LeaseTrialsRequest request;
  request.set_request_id(fmt::format("lease-{}", next_request_++));
  request.set_worker_id(id_);
  request.set_incarnation("1");
  request.set_max_trials(1);
  request.mutable_max_wait()->set_seconds(absl::ToInt64Seconds(kLongPoll));
  const absl::Time start = absl::Now();
  Send<v1::LeaseTrialsRequest, v1::LeaseTrialsResponse>(
      &v1::WorkerService::Stub::async::LeaseTrials, std::move(request),
      [this, start](const v1::LeaseTrialsResponse& answer) {
        if (answer.leases().empty()) return Lease();
        tally_.AddLease(absl::Now() - start);
        Report(answer.leases(0));
      });
}

void SimulatedWorker::Report(const v1::Lease& lease) {
  {
    absl::MutexLock lock(&mutex_);
    held_.set_trial_id(lease.trial_id());
    held_.set_attempt(lease.attempt());
  }
  v1::ReportProgressRequest request;
  request.set_request_id(fmt::format("report-{}", next_request_++));
  request.set_worker_id(id_);
  request.set_incarnation("1");
  request.set_trial_id(lease.trial_id());
  request.set_attempt(lease.attempt());
  request.set_started(true);
  Send<v1::ReportProgressRequest, v1::ReportProgressResponse>(
      &v1::WorkerService::Stub::async::ReportProgress, std::move(request),
      [this, lease](const v1::ReportProgressResponse&) {
        Train([this, lease] { Complete(lease); });
      });
}

void SimulatedWorker::Train(std::function<void()> then) {
  if (training_ <= absl::ZeroDuration()) return then();
  absl::MutexLock lock(&mutex_);
  if (stopped_) return;
  is_training_ = true;
  alarm_.Set(absl::ToChronoTime(absl::Now() + training_),
             [this, then = std::move(then)](bool is_over) {
               if (is_over) then();
               absl::MutexLock lock(&mutex_);
               is_training_ = false;
             });
}

void SimulatedWorker::Complete(const v1::Lease& lease) {
  v1::CompleteTrialRequest request;
  request.set_request_id(fmt::format("complete-{}", next_request_++));
  request.set_worker_id(id_);
  request.set_trial_id(lease.trial_id());
  request.set_attempt(lease.attempt());
  FillResult(request.mutable_result());
  const absl::Time start = absl::Now();
  Send<v1::CompleteTrialRequest, v1::CompleteTrialResponse>(
      &v1::WorkerService::Stub::async::CompleteTrial, std::move(request),
      [this, start](const v1::CompleteTrialResponse& answer) {
        if (answer.accepted()) tally_.AddCompletion(absl::Now() - start);
        {
          absl::MutexLock lock(&mutex_);
          held_.Clear();
        }
        Lease();
      });
}

}  // namespace dfsweep::bench
