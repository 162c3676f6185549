// How an attempt ended, as the worker sees it.
#ifndef DFSWEEP_WORKER_OUTCOME_H_
#define DFSWEEP_WORKER_OUTCOME_H_

#include <string>
#include <string_view>
#include <variant>

#include "base/status.h"
#include "dfsweep/v1/worker_service.pb.h"

namespace dfsweep::worker {

// It was told to stop, and did.
struct Cancelled {};

// Something outside ended the trainer, or damaged what it read: not the trial's
// fault.
struct Disturbed {
  std::string message;  // three lines
};

// It could not begin for want of something that this machine may have later.
struct Deferred {
  std::string reason;  // three lines
};

using Outcome = std::variant<v1::TrialResult, v1::TrialFailure, Cancelled,
                             Disturbed, Deferred>;

inline v1::TrialFailure Failure(v1::FailureCause cause, std::string message) {
  v1::TrialFailure failure;
  failure.set_cause(cause);
  failure.set_message(std::move(message));
  return failure;
}

inline v1::TrialFailure Failure(v1::FailureCause cause,
                                const absl::Status& status) {
  return Failure(cause, MessageOf(status));
}

}  // namespace dfsweep::worker

#endif  // DFSWEEP_WORKER_OUTCOME_H_
