// One slot's trainer program: started when first needed, kept between trials,
// replaced when it dies or can't be trusted any more.
#ifndef DFSWEEP_WORKER_TRAINER_PROCESS_H_
#define DFSWEEP_WORKER_TRAINER_PROCESS_H_

#include <atomic>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "absl/time/time.h"
#include "base/process.h"
#include "base/status.h"
#include "worker/attempt.h"
#include "worker/outcome.h"
#include "worker/trainer_events.h"

namespace dfsweep::worker {

// Hears what a trial has to say while it trains, on the thread that runs it.
class TrialObserver {
 public:
  virtual ~TrialObserver() = default;
  virtual void OnStarted(const StartedEvent& event) = 0;
  virtual void OnEpoch(const EpochEvent& event) = 0;
  virtual void OnEvaluation(const EvaluationEvent& event) = 0;
  virtual void OnCheckpoint(const CheckpointEvent&) {}
  virtual void OnLog(const LogEvent& event) = 0;
};

// Used by one thread; stop flags may be set by any. Movable.
class TrainerProcess {
 public:
  struct Options {
    std::filesystem::path program;
    std::vector<std::string> extra_environment;  // "NAME=value"
    std::filesystem::path log;  // its standard error is appended here
    // Until `ready`: LibTorch alone takes seconds to load from a slow disk.
    absl::Duration start_limit = absl::Minutes(2);
    // From `cancel` to its answer, before which it saves the training; then
    // SIGKILL.
    absl::Duration cancel_limit = absl::Seconds(5);
    // The least silence that counts as hanging; see Patience.
    absl::Duration hang_limit = absl::Minutes(5);
    // From SIGABRT, which prints a stack, to SIGKILL.
    absl::Duration abort_limit = absl::Seconds(5);
  };
  explicit TrainerProcess(Options options) : options_(std::move(options)) {}

  // Starts the program if it does not run and waits for `ready`. The error says
  // why it can't be used and what to do; kCancelled if `stop` was set.
  absl::Status Start(const std::atomic<bool>& stop);

  // What the program said of itself when it was last ready.
  const v1::Environment& environment() const { return environment_; }

  // Sends `run_line` (a `run` command for `id`), and passes the trial's events
  // on until it has ended. Setting `stop` cancels it: within cancel_limit it
  // answers or is killed.
  Outcome Run(const AttemptId& id, const std::string& run_line,
              const std::atomic<bool>& stop, TrialObserver& observer);

  // Kills it, if it runs.
  void Kill() { process_.reset(); }

  // 0 if it does not run.
  pid_t pid() const { return process_.has_value() ? process_->pid() : 0; }

 private:
  class Watch;
  absl::Status AwaitReady(const std::atomic<bool>& stop);
  absl::Status StartError(const std::string& why);
  Outcome Follow(const AttemptId& id, const std::atomic<bool>& stop,
                 TrialObserver& observer);
  std::optional<Outcome> Handle(const AttemptId& id, const std::string& line,
                                Watch& watch, TrialObserver& observer);
  Outcome Died();
  Outcome Hung(absl::Duration silence);
  Outcome BrokeProtocol(const std::string& how);

  Options options_;
  std::optional<Process> process_;
  v1::Environment environment_;
  int64_t log_begin_ = 0;  // where this process's part of the log begins
  int64_t memory_kills_before_ = 0;
};

}  // namespace dfsweep::worker

#endif  // DFSWEEP_WORKER_TRAINER_PROCESS_H_
