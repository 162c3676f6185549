#include "worker/progress.h"

#include <google/protobuf/util/time_util.h>

#include <algorithm>

#include "base/digest.h"

namespace dfsweep::worker {
namespace {

using google::protobuf::util::TimeUtil;

constexpr size_t kMaxKept = 10'000;  // entries of a kind while nobody listens
constexpr int kMaxEntries = 1'000;   // of a kind in one message
constexpr size_t kMaxLogBytes = 1 << 20;  // of log text in one message

template <typename T>
void Keep(std::deque<T>& entries, T entry) {
  entries.push_back(std::move(entry));
  if (entries.size() > kMaxKept) entries.pop_front();
}

template <typename T, typename Repeated>
void Move(std::deque<T>& from, Repeated* to) {
  while (!from.empty() && to->size() < kMaxEntries) {
    *to->Add() = std::move(from.front());
    from.pop_front();
  }
}

template <typename T, typename Repeated>
void MoveBack(const Repeated& from, std::deque<T>& to) {
  to.insert(to.begin(), from.begin(), from.end());
}

}  // namespace

void AttemptProgress::OnStarted(const StartedEvent& event) {
  absl::MutexLock lock(&mutex_);
  started_ = true;
  for (const std::string& warning : event.warnings) AddLog("warning", warning);
}

void AttemptProgress::OnEpoch(const EpochEvent& event) {
  absl::MutexLock lock(&mutex_);
  Keep(epochs_, event.epoch);
}

void AttemptProgress::OnEvaluation(const EvaluationEvent& event) {
  absl::MutexLock lock(&mutex_);
  Keep(evaluations_, event.evaluation);
}

void AttemptProgress::OnLog(const LogEvent& event) {
  absl::MutexLock lock(&mutex_);
  AddLog(event.level, event.message);
}

void AttemptProgress::EndFirstStage() {
  absl::MutexLock lock(&mutex_);
  first_stage_over_ = true;
}

void AttemptProgress::AddLog(const std::string& level,
                             const std::string& message) {
  v1::LogLine line;
  line.set_sequence(next_log_++);
  line.set_level(level);
  line.set_message(ForLog(message));
  *line.mutable_since_start() = TimeUtil::NanosecondsToDuration(
      absl::ToInt64Nanoseconds(clock_.Elapsed() - begun_));
  Keep(log_lines_, std::move(line));
}

bool AttemptProgress::TakeBatch(v1::ReportProgressRequest* request) {
  absl::MutexLock lock(&mutex_);
  if (!started_ && !first_stage_over_ && epochs_.empty() &&
      evaluations_.empty() && log_lines_.empty()) {
    return false;
  }
  request->set_started(started_);
  started_ = false;
  request->set_first_stage_over(first_stage_over_);
  first_stage_over_ = false;
  Move(epochs_, request->mutable_epochs());
  Move(evaluations_, request->mutable_evaluations());
  for (size_t bytes = 0; !log_lines_.empty() && bytes < kMaxLogBytes;) {
    bytes += log_lines_.front().message().size();
    *request->add_log_lines() = std::move(log_lines_.front());
    log_lines_.pop_front();
  }
  return true;
}

void AttemptProgress::PutBack(const v1::ReportProgressRequest& request) {
  absl::MutexLock lock(&mutex_);
  started_ = started_ || request.started();
  first_stage_over_ = first_stage_over_ || request.first_stage_over();
  MoveBack(request.epochs(), epochs_);
  MoveBack(request.evaluations(), evaluations_);
  MoveBack(request.log_lines(), log_lines_);
}

std::vector<v1::LogLine> AttemptProgress::TakeLogLines() {
  absl::MutexLock lock(&mutex_);
  // The last ones, as many as fit into a message beside the result.
  std::vector<v1::LogLine> lines;
  size_t bytes = 0;
  while (!log_lines_.empty() && bytes < kMaxLogBytes) {
    bytes += log_lines_.back().message().size();
    lines.push_back(std::move(log_lines_.back()));
    log_lines_.pop_back();
  }
  std::reverse(lines.begin(), lines.end());
  return lines;
}

std::shared_ptr<AttemptProgress> ProgressReporter::Open(const AttemptId& id) {
  auto progress = std::make_shared<AttemptProgress>(id, clock_);
  absl::MutexLock lock(&mutex_);
  open_[id] = progress;
  return progress;
}

void ProgressReporter::Close(const AttemptId& id) {
  absl::MutexLock lock(&mutex_);
  open_.erase(id);
}

void ProgressReporter::Run() {
  while (!link_.stopping()) {
    link_.AwaitRetry(interval_);
    std::vector<std::shared_ptr<AttemptProgress>> open;
    {
      absl::MutexLock lock(&mutex_);
      for (const auto& [id, progress] : open_) open.push_back(progress);
    }
    for (const auto& progress : open) {
      // Only heartbeats try a coordinator that is away.
      if (!link_.reachable() || !Send(*progress)) break;
    }
  }
}

bool ProgressReporter::Send(AttemptProgress& progress) {
  v1::ReportProgressRequest request;
  if (!progress.TakeBatch(&request)) return true;
  const AttemptId& id = progress.id();
  request.set_request_id(RandomHex(16));
  request.set_worker_id(worker_id_);
  request.set_incarnation(incarnation_);
  request.set_trial_id(id.trial_id);
  request.set_attempt(id.attempt);
  absl::Status status = client_.ReportProgress(request);
  if (status.ok()) return true;
  if (absl::IsFailedPrecondition(status)) {
    attempts_.Stop(id);
    return true;
  }
  if (absl::IsInvalidArgument(status)) return true;  // would be refused again
  progress.PutBack(request);
  if (absl::IsNotFound(status)) {
    link_.RegisterAgain();
    client_.InterruptHeartbeat();
  }
  return false;
}

}  // namespace dfsweep::worker
