#ifndef DFSWEEP_COORDINATOR_SERVICE_TASK_THREADS_H_
#define DFSWEEP_COORDINATOR_SERVICE_TASK_THREADS_H_

#include <deque>
#include <functional>
#include <thread>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/synchronization/mutex.h"

namespace dfsweep::coordinator {

// Threads for what takes too long for gRPC's threads and the engine's: parsing
// sweep files, formatting results, writing datasets. Thread-safe.
class TaskThreads {
 public:
  explicit TaskThreads(int count);
  // Runs what was added, then ends.
  ~TaskThreads();

  void Add(std::function<void()> task);

 private:
  void Run();

  absl::Mutex mutex_;
  std::deque<std::function<void()>> tasks_ ABSL_GUARDED_BY(mutex_);
  bool ending_ ABSL_GUARDED_BY(mutex_) = false;
  std::vector<std::thread> threads_;
};

}  // namespace dfsweep::coordinator

#endif  // DFSWEEP_COORDINATOR_SERVICE_TASK_THREADS_H_
