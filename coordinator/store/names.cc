#include "coordinator/store/names.h"

namespace dfsweep::coordinator {
namespace {

// The value from 0 to `last` whose name it is.
template <typename Enum>
Enum ValueOf(std::string_view name, Enum last) {
  for (int value = 0; value <= static_cast<int>(last); ++value) {
    if (name == NameOf(static_cast<Enum>(value))) {
      return static_cast<Enum>(value);
    }
  }
  return static_cast<Enum>(0);
}

}  // namespace

const char* NameOf(TrialState state) {
  switch (state) {
    case TrialState::kPending:
      return "pending";
    case TrialState::kLeased:
      return "leased";
    case TrialState::kRunning:
      return "running";
    case TrialState::kCompleted:
      return "completed";
    case TrialState::kDiverged:
      return "diverged";
    case TrialState::kFailed:
      return "failed";
    case TrialState::kCancelled:
      return "cancelled";
    case TrialState::kPruned:
      return "pruned";
  }
  return "";
}

const char* NameOf(Cause cause) {
  switch (cause) {
    case Cause::kWorkerLost:
      return "worker_lost";
    case Cause::kPreempted:
      return "preempted";
    case Cause::kOutOfMemory:
      return "oom";
    case Cause::kCrash:
      return "crash";
    case Cause::kTimeout:
      return "timeout";
    case Cause::kBadConfig:
      return "bad_config";
    case Cause::kEnvironment:
      return "environment";
  }
  return "";
}

const char* NameOf(WorkerState state) {
  switch (state) {
    case WorkerState::kOnline:
      return "online";
    case WorkerState::kSuspect:
      return "suspect";
    case WorkerState::kLost:
      return "lost";
    case WorkerState::kDraining:
      return "draining";
    case WorkerState::kQuarantined:
      return "quarantined";
    case WorkerState::kLeft:
      return "left";
    case WorkerState::kPaused:
      return "paused";
  }
  return "";
}

const char* NameOf(WorkerOrder order) {
  switch (order) {
    case WorkerOrder::kWork:
      return "work";
    case WorkerOrder::kDrain:
      return "drain";
    case WorkerOrder::kPause:
      return "pause";
    case WorkerOrder::kRemove:
      return "remove";
  }
  return "";
}

const char* NameOf(SweepStatus status) {
  switch (status) {
    case SweepStatus::kActive:
      return "active";
    case SweepStatus::kPaused:
      return "paused";
    case SweepStatus::kCancelled:
      return "cancelled";
  }
  return "";
}

const char* NameOf(AttemptEnded::How how) {
  switch (how) {
    case AttemptEnded::How::kCompleted:
      return "completed";
    case AttemptEnded::How::kDiverged:
      return "diverged";
    case AttemptEnded::How::kFailed:
      return "failed";
    case AttemptEnded::How::kLost:
      return "lost";
    case AttemptEnded::How::kHandedBack:
      return "handed_back";
    case AttemptEnded::How::kCancelled:
      return "cancelled";
    case AttemptEnded::How::kSuperseded:
      return "superseded";
  }
  return "";
}

TrialState TrialStateOf(std::string_view name) {
  return ValueOf(name, TrialState::kPruned);
}

Cause CauseOf(std::string_view name) {
  return ValueOf(name, Cause::kEnvironment);
}

WorkerState WorkerStateOf(std::string_view name) {
  return ValueOf(name, WorkerState::kPaused);
}

WorkerOrder WorkerOrderOf(std::string_view name) {
  return ValueOf(name, WorkerOrder::kRemove);
}

SweepStatus SweepStatusOf(std::string_view name) {
  return ValueOf(name, SweepStatus::kCancelled);
}

}  // namespace dfsweep::coordinator
