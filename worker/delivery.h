#ifndef DFSWEEP_WORKER_DELIVERY_H_
#define DFSWEEP_WORKER_DELIVERY_H_

#include <deque>
#include <string>

#include "absl/base/thread_annotations.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/time.h"
#include "dfsweep/v1/worker_service.pb.h"
#include "worker/attempt.h"
#include "worker/coordinator_client.h"
#include "worker/link.h"
#include "worker/spool.h"

namespace dfsweep::worker {

// Brings finished outcomes to the coordinator, each until it is answered.
// Thread-safe; Run() is one thread's.
class Delivery {
 public:
  Delivery(std::string worker_id, Backoff::Limits backoff, Spool& spool,
           CoordinatorClient& client, Link& link, AttemptTable& attempts)
      : worker_id_(std::move(worker_id)),
        backoff_(backoff),
        spool_(spool),
        client_(client),
        link_(link),
        attempts_(attempts) {}

  // Takes up what an earlier process left in the spool; to be called before
  // the first handshake, which then lists it as held.
  void LoadSpool();

  // Spools an outcome of a held attempt and delivers it. If the disk refuses
  // it, it is delivered from memory, and lost only if this process ends before.
  // Fills in request id and worker id.
  void Add(v1::CompleteTrialRequest outcome);

  // Until Finish().
  void Run();

  // Waits until everything is delivered, at most `timeout`; then Run() returns.
  void Finish(absl::Duration timeout);

 private:
  enum class Answer { kDone, kAgain };
  Answer DeliverOnce(const v1::CompleteTrialRequest& outcome);
  bool HasWork() const ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_) {
    return finished_ || !queue_.empty();
  }
  bool IsEmpty() const ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_) {
    return queue_.empty();
  }
  void AwaitRetry(absl::Duration duration);

  const std::string worker_id_;
  Backoff backoff_;
  Spool& spool_;
  CoordinatorClient& client_;
  Link& link_;
  AttemptTable& attempts_;
  int unknown_in_a_row_ = 0;
  absl::Mutex mutex_;
  // The front is the one on its way.
  std::deque<v1::CompleteTrialRequest> queue_ ABSL_GUARDED_BY(mutex_);
  bool finished_ ABSL_GUARDED_BY(mutex_) = false;
};

}  // namespace dfsweep::worker

#endif  // DFSWEEP_WORKER_DELIVERY_H_
