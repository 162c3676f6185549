// The worker's calls to the coordinator: deadlines, connections, interruption.
#ifndef DFSWEEP_WORKER_COORDINATOR_CLIENT_H_
#define DFSWEEP_WORKER_COORDINATOR_CLIENT_H_

#include <grpcpp/client_context.h>

#include <functional>
#include <istream>
#include <memory>
#include <set>
#include <string>
#include <string_view>

#include "absl/base/thread_annotations.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/time.h"
#include "base/status.h"
#include "dfsweep/v1/worker_service.grpc.pb.h"
#include "proto/endpoint.h"

namespace dfsweep::worker {

// Calls in flight, so that another thread can end them early. Thread-safe.
class CallGroup {
 public:
  // Runs `call` with a context that has a deadline. CANCELLED without a call
  // if the group is closed or `is_void` (may be null) says that the call has
  // become useless: whoever makes it so and then interrupts can't be missed.
  grpc::Status Run(
      absl::Duration timeout, const std::function<bool()>& is_void,
      const std::function<grpc::Status(grpc::ClientContext&)>& call);

  // Calls in flight end as CANCELLED.
  void Interrupt();
  // The same, and no later call begins.
  void Close();

 private:
  absl::Mutex mutex_;
  bool closed_ ABSL_GUARDED_BY(mutex_) = false;
  std::set<grpc::ClientContext*> active_ ABSL_GUARDED_BY(mutex_);
};

// Three connections: heartbeats must get through beside a slow download, and
// parked lease requests must not use up the streams of reports. Errors are as
// the coordinator sent them, or kUnavailable, kDeadlineExceeded, kCancelled
// (interrupted). Thread-safe.
class CoordinatorClient {
 public:
  explicit CoordinatorClient(const rpc::Endpoint& endpoint);

  absl::Status Register(const v1::RegisterRequest& request,
                        v1::RegisterResponse* response);
  // Long polls; the deadline is a little after request.max_wait. `is_void` as
  // in CallGroup::Run.
  absl::Status Heartbeat(const v1::HeartbeatRequest& request,
                         const std::function<bool()>& is_void,
                         v1::HeartbeatResponse* response);
  absl::Status LeaseTrials(const v1::LeaseTrialsRequest& request,
                           const std::function<bool()>& is_void,
                           v1::LeaseTrialsResponse* response);
  absl::Status ReportProgress(const v1::ReportProgressRequest& request);
  absl::Status CompleteTrial(const v1::CompleteTrialRequest& request,
                             v1::CompleteTrialResponse* response);
  absl::Status ListCheckpoints(const v1::ListCheckpointsRequest& request,
                               v1::ListCheckpointsResponse* response);
  // Sends a file as `first` says, which has no chunk yet.
  absl::Status Upload(v1::UploadArtifactRequest first, std::istream& file);
  // Passes each chunk to `sink` until the end, an error of the connection, or
  // an error of `sink`, which is returned.
  absl::Status Download(
      const v1::DownloadArtifactRequest& request,
      const std::function<absl::Status(std::string_view chunk)>& sink);

  void InterruptHeartbeat() { heartbeats_.Interrupt(); }
  void InterruptLeases() { leases_.Interrupt(); }
  // For the end of the program.
  void Close();

  const std::string& address() const { return address_; }

 private:
  absl::Status Converted(const grpc::Status& status) const;

  const std::string address_;
  std::unique_ptr<v1::WorkerService::Stub> heartbeat_stub_;
  std::unique_ptr<v1::WorkerService::Stub> lease_stub_;
  std::unique_ptr<v1::WorkerService::Stub> bulk_stub_;
  CallGroup heartbeats_;  // with Register
  CallGroup leases_;
  CallGroup bulk_;
};

}  // namespace dfsweep::worker

#endif  // DFSWEEP_WORKER_COORDINATOR_CLIENT_H_
