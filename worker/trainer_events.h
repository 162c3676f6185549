// The trainer's JSON lines as values; model/protocol/PROTOCOL.md has their
// meaning. A trainer is another program and may be broken: nothing of a line is
// believed before it is checked.
#ifndef DFSWEEP_WORKER_TRAINER_EVENTS_H_
#define DFSWEEP_WORKER_TRAINER_EVENTS_H_

#include <cstdint>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "base/status.h"
#include "dfsweep/v1/resources.pb.h"
#include "dfsweep/v1/worker_service.pb.h"
#include "worker/attempt.h"

namespace dfsweep::worker {

struct ReadyEvent {
  v1::Environment environment;
};
struct StartedEvent {
  int64_t epochs_done = 0;  // before this attempt, from checkpoints
  int64_t epochs_total = 0;
  std::vector<std::string> warnings;
};
struct EpochEvent {
  v1::EpochMetrics epoch;
};
struct EvaluationEvent {
  v1::TaskEvaluation evaluation;
};
struct CheckpointEvent {
  std::string file;  // in the folder that the trainer was given
  double train_seconds = 0;
};
struct LogEvent {
  std::string level;  // info, warning or error
  std::string message;
};
struct ResultEvent {
  v1::TrialResult result;
};
struct FailedEvent {
  v1::TrialFailure failure;
  // The program ends after this, or can't be trusted to go on.
  bool ends_trainer = false;
};
struct CancelledEvent {};

struct TrainerEvent {
  // Empty for `ready` and `log`.
  AttemptId attempt;
  std::variant<ReadyEvent, StartedEvent, EpochEvent, EvaluationEvent,
               CheckpointEvent, LogEvent, ResultEvent, FailedEvent,
               CancelledEvent>
      event;
};

// kInvalidArgument says what is wrong with the line. Unknown fields are
// ignored; an unknown type, a missing field or one of another type is an error.
absl::StatusOr<TrainerEvent> ParseTrainerEvent(std::string_view line);

// `text` as a log line may hold it: UTF-8 without control characters, at most
// 4 KiB, cut between two characters.
std::string ForLog(std::string_view text);

}  // namespace dfsweep::worker

#endif  // DFSWEEP_WORKER_TRAINER_EVENTS_H_
