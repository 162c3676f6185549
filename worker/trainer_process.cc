#include "worker/trainer_process.h"

#include <fmt/format.h>
#include <signal.h>
#include <spdlog/spdlog.h>

#include <chrono>
#include <utility>

#include "model/protocol/protocol.h"
#include "worker/patience.h"
#include "worker/trainer_death.h"

namespace dfsweep::worker {
namespace {

// How late a stop, a limit or the end of the process may be noticed.
constexpr absl::Duration kSlice = absl::Milliseconds(50);
constexpr int64_t kMaxLogFileBytes = 16 << 20;
constexpr char kCancelLine[] = R"({"type":"cancel"})";

// Does not count the time for which the machine slept, unlike Clock::Elapsed:
// a trainer that slept too has not been hanging.
absl::Duration AwakeTime() {
  return absl::FromChrono(std::chrono::steady_clock::now().time_since_epoch());
}

bool IsTimeout(const absl::Status& status) {
  return status.code() == absl::StatusCode::kDeadlineExceeded;
}

// Keeps one old log beside the present one.
void RotateLog(const std::filesystem::path& log) {
  if (FileSize(log) < kMaxLogFileBytes) return;
  std::error_code ignored;
  std::filesystem::rename(log, log.string() + ".old", ignored);
}

}  // namespace

// The silences and limits of one run.
class TrainerProcess::Watch {
 public:
  explicit Watch(absl::Duration hang_limit) : patience_(hang_limit) {}

  void Heard() { last_heard_ = AwakeTime(); }
  void EpochEnded() {
    absl::Duration now = AwakeTime();
    patience_.AddEpoch(now - last_epoch_);
    last_epoch_ = now;
  }
  absl::Duration Silence() const { return AwakeTime() - last_heard_; }
  bool Hangs() const { return Silence() > patience_.Limit(); }

  void CancelSent() { cancel_sent_ = AwakeTime(); }
  bool cancel_sent() const { return cancel_sent_.has_value(); }
  bool CancelIsIgnored(absl::Duration limit) const {
    return cancel_sent_.has_value() && AwakeTime() - *cancel_sent_ > limit;
  }

 private:
  Patience patience_;
  absl::Duration last_heard_ = AwakeTime();
  absl::Duration last_epoch_ = AwakeTime();
  std::optional<absl::Duration> cancel_sent_;
};

absl::Status TrainerProcess::Start(const std::atomic<bool>& stop) {
  if (process_.has_value() && !process_->Poll().has_value()) {
    return absl::OkStatus();
  }
  process_.reset();
  RotateLog(options_.log);
  log_begin_ = FileSize(options_.log);
  DFSWEEP_ASSIGN_OR_RETURN(
      process_, Process::Start({.program = options_.program,
                                .arguments = {"--serve"},
                                .extra_environment = options_.extra_environment,
                                .stderr_path = options_.log}));
  absl::Status status = AwaitReady(stop);
  if (!status.ok()) process_.reset();
  return status;
}

absl::Status TrainerProcess::StartError(const std::string& why) {
  return MakeError(absl::StatusCode::kUnavailable,
                   "the trainer can't be used: " + why,
                   options_.program.string(),
                   "run `dfsweep doctor` on this machine" +
                       LogTail(options_.log, log_begin_));
}

absl::Status TrainerProcess::AwaitReady(const std::atomic<bool>& stop) {
  absl::Duration deadline = AwakeTime() + options_.start_limit;
  while (true) {
    auto line = process_->ReadLine(kSlice);
    if (line.ok()) {
      auto event = ParseTrainerEvent(*line);
      if (!event.ok()) return StartError(MessageOf(event.status()));
      auto* ready = std::get_if<ReadyEvent>(&event->event);
      if (ready == nullptr) return StartError("it did not begin with `ready`");
      environment_ = ready->environment;
      return absl::OkStatus();
    }
    if (stop) return absl::CancelledError("told to stop");
    if (!IsTimeout(line.status())) {
      auto exit = process_->Wait(options_.abort_limit);
      return StartError(
          exit.has_value() && exit->signal == 0
              ? fmt::format("it ended with exit code {}", exit->code)
              : "it died before it was ready");
    }
    if (AwakeTime() > deadline) {
      return StartError(
          fmt::format("it was not ready after {}",
                      absl::FormatDuration(options_.start_limit)));
    }
  }
}

Outcome TrainerProcess::Run(const AttemptId& id, const std::string& run_line,
                            const std::atomic<bool>& stop,
                            TrialObserver& observer) {
  absl::Status started = Start(stop);
  if (absl::IsCancelled(started)) return Cancelled{};
  if (!started.ok()) return Failure(v1::ENVIRONMENT, started);
  memory_kills_before_ = OutOfMemoryKills();
  // A failed write means that it just died: Follow() finds the end of its
  // output and judges it.
  process_->WriteLine(run_line).IgnoreError();
  return Follow(id, stop, observer);
}

Outcome TrainerProcess::Follow(const AttemptId& id,
                               const std::atomic<bool>& stop,
                               TrialObserver& observer) {
  Watch watch(options_.hang_limit);
  while (true) {
    auto line = process_->ReadLine(kSlice);
    if (line.ok()) {
      watch.Heard();
      std::optional<Outcome> outcome = Handle(id, *line, watch, observer);
      if (outcome.has_value()) return *std::move(outcome);
    } else if (line.status().code() == absl::StatusCode::kResourceExhausted) {
      return BrokeProtocol("a line of more than 4 MiB");
    } else if (!IsTimeout(line.status())) {
      bool was_cancelled = watch.cancel_sent();
      Outcome death = Died();
      if (was_cancelled) return Cancelled{};
      return death;
    }
    if (stop && !watch.cancel_sent()) {
      process_->WriteLine(kCancelLine).IgnoreError();
      watch.CancelSent();
    }
    if (watch.CancelIsIgnored(options_.cancel_limit)) {
      Kill();
      return Cancelled{};
    }
    if (watch.Hangs()) return Hung(watch.Silence());
  }
}

// The outcome if `line` ends the trial.
std::optional<Outcome> TrainerProcess::Handle(const AttemptId& id,
                                              const std::string& line,
                                              Watch& watch,
                                              TrialObserver& observer) {
  auto parsed = ParseTrainerEvent(line);
  if (!parsed.ok()) return BrokeProtocol(MessageOf(parsed.status()));
  auto& event = parsed->event;
  if (auto* log = std::get_if<LogEvent>(&event)) {
    observer.OnLog(*log);
    return std::nullopt;
  }
  if (parsed->attempt != id)
    return BrokeProtocol("an event of another attempt");
  if (auto* started = std::get_if<StartedEvent>(&event)) {
    observer.OnStarted(*started);
  } else if (auto* epoch = std::get_if<EpochEvent>(&event)) {
    watch.EpochEnded();
    observer.OnEpoch(*epoch);
  } else if (auto* evaluation = std::get_if<EvaluationEvent>(&event)) {
    observer.OnEvaluation(*evaluation);
  } else if (auto* checkpoint = std::get_if<CheckpointEvent>(&event)) {
    observer.OnCheckpoint(*checkpoint);
  } else {
    // A cancel that crossed the trial's last event would be answered within the
    // next trial.
    bool cancelled = std::holds_alternative<CancelledEvent>(event);
    if (watch.cancel_sent() != cancelled) Kill();
    if (auto* result = std::get_if<ResultEvent>(&event)) {
      return std::move(result->result);
    }
    if (auto* failed = std::get_if<FailedEvent>(&event)) {
      if (failed->ends_trainer) Kill();
      return std::move(failed->failure);
    }
    if (watch.cancel_sent()) return Cancelled{};
    return Disturbed{"the trainer was interrupted\n" +
                     options_.program.string() +
                     "\nsend signals to dfsweep-worker, not to its trainers"};
  }
  return std::nullopt;
}

Outcome TrainerProcess::Died() {
  auto exit = process_->Wait(options_.abort_limit);
  Kill();
  if (!exit.has_value()) {
    return Failure(v1::CRASH,
                   "the trainer closed its output but did not end\n" +
                       options_.log.string() + "\nreport this with its log");
  }
  return JudgeDeath(*exit, OutOfMemoryKills() > memory_kills_before_,
                    options_.log, log_begin_);
}

Outcome TrainerProcess::Hung(absl::Duration silence) {
  process_->Signal(SIGABRT);
  process_->Wait(options_.abort_limit);
  Kill();
  return Failure(
      v1::TIMEOUT,
      fmt::format("the trainer said nothing for {} and was stopped\n{}\n"
                  "if its epochs truly take that long, start the worker with "
                  "a longer --hang-after{}",
                  absl::FormatDuration(absl::Trunc(silence, absl::Seconds(1))),
                  options_.log.string(), LogTail(options_.log, log_begin_)));
}

Outcome TrainerProcess::BrokeProtocol(const std::string& how) {
  Kill();
  return Failure(v1::CRASH,
                 fmt::format("the trainer broke the protocol: {}\n{}\n"
                             "install trainer and worker from one build{}",
                             how, options_.log.string(),
                             LogTail(options_.log, log_begin_)));
}

}  // namespace dfsweep::worker
