// What the scheduler keeps of each sweep, trial and worker. Internal to
// coordinator/core.
#ifndef DFSWEEP_COORDINATOR_CORE_RECORDS_H_
#define DFSWEEP_COORDINATOR_CORE_RECORDS_H_

#include <cstdint>
#include <limits>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "absl/time/time.h"
#include "coordinator/core/pending_queue.h"
#include "coordinator/core/scheduler.h"
#include "coordinator/core/worker_health.h"

namespace dfsweep::coordinator {

struct StageRecord;
struct SweepRecord;
struct WorkerRecord;

// That a sweep needs a trial, as the index-th of its trials.
struct Need {
  SweepRecord* sweep;
  int index;
  // Largest work among the sweep's trials that share the trial's first stage.
  double longest = 0;
  bool dropped = false;  // no longer: see TrialDropped
};

// An attempt that another worker makes at a trial whose holder is slow.
struct Copy {
  WorkerRecord* worker;
  int attempt;
  absl::Duration granted_at;  // this and the next as in TrialRecord
  bool is_restored;
  absl::Duration last_listed;
};

struct TrialRecord {
  std::string id;
  TrialState state = TrialState::kPending;
  int attempt = 0;                 // current; 0: none yet
  int newest_attempt = 0;          // of all that were granted, copies too
  WorkerRecord* holder = nullptr;  // set while leased or running, only then
  std::string last_worker;
  // Of the current attempt; the coordinator's start, if it was granted before.
  absl::Duration granted_at;
  // Granted before the coordinator's start: how long it has taken is not known.
  bool is_restored = false;
  // When the lease was granted, or its holder last listed it.
  absl::Duration last_listed;
  // A second attempt beside the current one, while that is running.
  std::optional<Copy> copy;
  // No more copies: one has failed.
  bool is_uncopyable = false;
  bool is_canary = false;  // of its holder
  // Memory that its holder's device had for it.
  int64_t granted_bytes = 0;
  // It ran out of so much memory: it needs more than that. 0: not known.
  int64_t exhausted_bytes = 0;
  // Pending, because its newest attempt was lost by last_worker's silence: if
  // that worker comes back first, the attempt goes on.
  bool is_resumable = false;
  Requirements requirements;
  RetryBudget budget;
  std::map<Cause, int> counted_failures;
  std::set<std::string> failed_on;  // workers, by counted failures
  int forgiven_through = 0;         // attempts up to this one no longer count
  std::vector<Need> needs;
  PendingQueue::Position queue_position;
  StageRecord* stage = nullptr;  // the first, if known
  int64_t stage_epochs = 0;
  double work = 0;
};

// A first stage that trials share.
struct StageRecord {
  std::vector<TrialRecord*> trials;  // that begin with it
  std::set<int64_t> trained;         // numbers of epochs nobody waits for
  // Trials that are held and may be training it: others wait for them.
  std::set<const TrialRecord*> training;
};

struct SweepRecord {
  std::string id;
  int priority = 0;
  int order = 0;  // of submission
  bool paused = false;
  bool cancelled = false;
  std::vector<TrialRecord*> trials;
};

struct WorkerRecord {
  // Whether it is there. Apart from its health, which outlives an absence.
  enum class Presence { kHeard, kSuspect, kLost, kLeft };

  explicit WorkerRecord(const SchedulerOptions& options) : health(options) {}

  std::string id;
  std::string incarnation;
  // Incarnations that a newer one replaced, and when; forgotten after a while.
  std::map<std::string, absl::Duration> replaced_at;
  std::string device;
  int64_t memory_bytes = 0;
  int slots = 1;
  Presence presence = Presence::kHeard;
  WorkerOrder order = WorkerOrder::kWork;
  bool leaving = false;   // by itself
  std::string own_pause;  // why it takes nothing of its own accord, or ""
  std::string own_drain;  // why it takes nothing new of its own accord, or ""
  std::string refusal;    // why it is given nothing, or ""
  // Of its device, when it last asked for work.
  std::optional<int64_t> free_bytes;
  absl::Duration last_heard;
  int64_t last_sequence = std::numeric_limits<int64_t>::min();
  // Leased or running, by trial id; copies too.
  std::map<std::string, TrialRecord*> held;
  WorkerHealth health;
  double samples_per_second = 0;  // of its probe; 0: not known
  // What it has completed since the coordinator began, the latest counting
  // most: its speed is work in a second of a slot.
  double work_done = 0;
  absl::Duration work_time;
  // As last told by a WorkerChanged.
  std::optional<WorkerState> told_state;
  std::string told_reason;
  WorkerOrder told_order = WorkerOrder::kWork;
};

}  // namespace dfsweep::coordinator

#endif  // DFSWEEP_COORDINATOR_CORE_RECORDS_H_
