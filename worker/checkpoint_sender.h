#ifndef DFSWEEP_WORKER_CHECKPOINT_SENDER_H_
#define DFSWEEP_WORKER_CHECKPOINT_SENDER_H_

#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/synchronization/mutex.h"
#include "worker/attempt.h"
#include "worker/checkpoint_cache.h"
#include "worker/coordinator_client.h"
#include "worker/link.h"
#include "worker/trainer_events.h"

namespace dfsweep::worker {

// Sends checkpoints to the coordinator, so that a trial whose machine is gone
// goes on elsewhere: best effort, the newest of each trial. Thread-safe; Run()
// is one thread's.
class CheckpointSender {
 public:
  CheckpointSender(std::string worker_id, Backoff::Limits backoff,
                   const CheckpointCache& cache, CoordinatorClient& client,
                   Link& link)
      : worker_id_(std::move(worker_id)),
        backoff_(backoff),
        cache_(cache),
        client_(client),
        link_(link) {}

  // Takes what a trainer has saved. Trainings of less than half a minute, and
  // less than the interval of saving, are not worth it. `done` is called once:
  // when the coordinator has it, or it is clear that it will not. It is called
  // here or by Run(), and must outlive neither the call nor this.
  void Add(const AttemptId& attempt, const CheckpointEvent& event,
           std::function<void()> done);

  // Until Finish().
  void Run();

  // Waits until everything is sent, at most `timeout`; then Run() returns as
  // soon as what is on its way has ended.
  void Finish(absl::Duration timeout);

 private:
  struct Item {
    AttemptId attempt;
    std::string file;
    std::function<void()> done;
  };
  std::optional<Item> Take();
  void Sent() {
    absl::MutexLock lock(&mutex_);
    is_sending_ = false;
  }
  // False if it is worth another try.
  bool Send(const Item& item);

  const std::string worker_id_;
  Backoff backoff_;
  const CheckpointCache& cache_;
  CoordinatorClient& client_;
  Link& link_;
  absl::Mutex mutex_;
  std::vector<Item> items_ ABSL_GUARDED_BY(mutex_);
  bool is_sending_ ABSL_GUARDED_BY(mutex_) = false;
  bool finished_ ABSL_GUARDED_BY(mutex_) = false;
};

}  // namespace dfsweep::worker

#endif  // DFSWEEP_WORKER_CHECKPOINT_SENDER_H_
