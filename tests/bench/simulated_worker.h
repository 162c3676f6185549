// A worker without a machine, for load: speaks the protocol of
// proto/dfsweep/v1/worker_service.proto and trains nothing.
#ifndef DFSWEEP_TESTS_BENCH_SIMULATED_WORKER_H_
#define DFSWEEP_TESTS_BENCH_SIMULATED_WORKER_H_

#include <grpcpp/alarm.h>
#include <grpcpp/channel.h>
#include <grpcpp/client_context.h>

#include <atomic>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/time.h"
#include "dfsweep/v1/worker_service.grpc.pb.h"

namespace dfsweep::bench {

// What all workers have measured. Thread-safe.
class Tally {
 public:
  void AddLease(absl::Duration latency);
  void AddCompletion(absl::Duration latency);
  // The first error, for people; later ones are counted.
  void AddError(const grpc::Status& status);

  // Sorted; how long a free slot waited for its trial's lease, and a result for
  // its acknowledgement.
  std::vector<absl::Duration> Leases() const;
  std::vector<absl::Duration> Completions() const;
  // Waits for more than `seen` completions, or for `patience`; returns how many
  // there are.
  int64_t AwaitMore(int64_t seen, absl::Duration patience) const;
  std::string FirstError() const;
  int64_t errors() const;

 private:
  mutable absl::Mutex mutex_;
  std::vector<absl::Duration> leases_ ABSL_GUARDED_BY(mutex_);
  std::vector<absl::Duration> completions_ ABSL_GUARDED_BY(mutex_);
  std::string first_error_ ABSL_GUARDED_BY(mutex_);
  int64_t errors_ ABSL_GUARDED_BY(mutex_) = 0;
};

// One slot: asks for a trial, says that it has begun, tells its result after
// `training`, and asks for the next; beside that the heartbeats. Its calls are
// asynchronous, so that hundreds of workers need no threads of their own.
// Outlives its calls: Stop(), then Wait() before destruction.
class SimulatedWorker {
 public:
  // `tally` outlives the worker.
  SimulatedWorker(int number, std::shared_ptr<grpc::Channel> channel,
                  absl::Duration training, Tally& tally);

  void Start();
  // No new call begins; those in flight are cancelled.
  void Stop();
  // Until no call is in flight.
  void Wait();

 private:
  void Register();
  void Lease();
  void Report(const v1::Lease& lease);
  // Runs `then` after the training, unless stopped by then.
  void Train(std::function<void()> then);
  void Complete(const v1::Lease& lease);
  void Beat();
  // Sends a call, and runs on_answer(response) when it has succeeded.
  template <typename Request, typename Response>
  using Method = void (v1::WorkerService::Stub::async::*)(
      grpc::ClientContext*, const Request*, Response*,
      std::function<void(grpc::Status)>);
  template <typename Request, typename Response>
  void Send(Method<Request, Response> method, Request request,
            const std::function<void(const Response&)>& on_answer);
  bool Begin(grpc::ClientContext* context);
  void End(grpc::ClientContext* context);

  const std::string id_;
  const std::unique_ptr<v1::WorkerService::Stub> stub_;
  const absl::Duration training_;
  Tally& tally_;
  std::atomic<int64_t> next_request_ = 1;
  std::atomic<int64_t> next_beat_ = 1;

  absl::Mutex mutex_;
  v1::AttemptRef held_ ABSL_GUARDED_BY(mutex_);
  std::vector<grpc::ClientContext*> active_ ABSL_GUARDED_BY(mutex_);
  bool stopped_ ABSL_GUARDED_BY(mutex_) = false;
  bool is_training_ ABSL_GUARDED_BY(mutex_) = false;
  grpc::Alarm alarm_;
};

}  // namespace dfsweep::bench

#endif  // DFSWEEP_TESTS_BENCH_SIMULATED_WORKER_H_
