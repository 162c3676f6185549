// What a trial says while it trains, on its way to the coordinator: best
// effort, batched, bounded. Nothing here is needed for the result.
#ifndef DFSWEEP_WORKER_PROGRESS_H_
#define DFSWEEP_WORKER_PROGRESS_H_

#include <deque>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/time.h"
#include "base/clock.h"
#include "dfsweep/v1/worker_service.pb.h"
#include "worker/coordinator_client.h"
#include "worker/link.h"
#include "worker/trainer_process.h"

namespace dfsweep::worker {

// The unreported progress of one attempt. While the coordinator is away the
// oldest entries beyond a bound are dropped. Thread-safe.
class AttemptProgress : public TrialObserver {
 public:
  AttemptProgress(AttemptId id, const Clock& clock)
      : id_(std::move(id)), clock_(clock), begun_(clock.Elapsed()) {}

  void OnStarted(const StartedEvent& event) override;
  void OnEpoch(const EpochEvent& event) override;
  void OnEvaluation(const EvaluationEvent& event) override;
  void OnLog(const LogEvent& event) override;
  // Nobody needs to wait for the attempt's first stage any more.
  void EndFirstStage();

  const AttemptId& id() const { return id_; }

  // Moves at most one message's worth into `request`; false if there is
  // nothing.
  bool TakeBatch(v1::ReportProgressRequest* request);
  // Puts a batch back that was not delivered.
  void PutBack(const v1::ReportProgressRequest& request);
  // The log lines that were never acknowledged; called at the end.
  std::vector<v1::LogLine> TakeLogLines();

 private:
  void AddLog(const std::string& level, const std::string& message)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);

  const AttemptId id_;
  const Clock& clock_;
  const absl::Duration begun_;
  absl::Mutex mutex_;
  bool started_ ABSL_GUARDED_BY(mutex_) = false;
  bool first_stage_over_ ABSL_GUARDED_BY(mutex_) = false;
  int64_t next_log_ ABSL_GUARDED_BY(mutex_) = 0;
  std::deque<v1::EpochMetrics> epochs_ ABSL_GUARDED_BY(mutex_);
  std::deque<v1::TaskEvaluation> evaluations_ ABSL_GUARDED_BY(mutex_);
  std::deque<v1::LogLine> log_lines_ ABSL_GUARDED_BY(mutex_);
};

// Sends the progress of every open attempt, at most two messages a second each.
// Thread-safe; Run() is one thread's.
class ProgressReporter {
 public:
  ProgressReporter(std::string worker_id, std::string incarnation,
                   absl::Duration interval, const Clock& clock,
                   CoordinatorClient& client, Link& link,
                   AttemptTable& attempts)
      : worker_id_(std::move(worker_id)),
        incarnation_(std::move(incarnation)),
        interval_(interval),
        clock_(clock),
        client_(client),
        link_(link),
        attempts_(attempts) {}

  std::shared_ptr<AttemptProgress> Open(const AttemptId& id);
  // Nothing of the attempt is sent after this, except what is on its way.
  void Close(const AttemptId& id);

  // Until the worker stops.
  void Run();

 private:
  // False if the coordinator is away.
  bool Send(AttemptProgress& progress);

  const std::string worker_id_;
  const std::string incarnation_;
  const absl::Duration interval_;
  const Clock& clock_;
  CoordinatorClient& client_;
  Link& link_;
  AttemptTable& attempts_;
  absl::Mutex mutex_;
  std::map<AttemptId, std::shared_ptr<AttemptProgress>> open_
      ABSL_GUARDED_BY(mutex_);
};

}  // namespace dfsweep::worker

#endif  // DFSWEEP_WORKER_PROGRESS_H_
