// A WorkerService in this process, for tests of the worker: grants the leases
// that it is given, keeps what it is told, and fails on demand.
#ifndef DFSWEEP_TESTS_FAKES_FAKE_COORDINATOR_H_
#define DFSWEEP_TESTS_FAKES_FAKE_COORDINATOR_H_

#include <grpcpp/server.h>

#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "absl/synchronization/mutex.h"
#include "absl/time/time.h"
#include "dfsweep/v1/worker_service.grpc.pb.h"

namespace dfsweep::testing {

// Thread-safe. Serves on loopback; a restart takes the same port.
class FakeCoordinator : private v1::WorkerService::Service {
 public:
  // Everything that was received, and everything that is to be answered. Held
  // under the lock; see With().
  struct State {
    std::vector<v1::RegisterRequest> registrations;
    std::vector<v1::HeartbeatRequest> heartbeats;
    std::vector<v1::LeaseTrialsRequest> lease_requests;
    std::vector<v1::ReportProgressRequest> reports;
    std::vector<v1::CompleteTrialRequest> completions;
    std::vector<int64_t> download_offsets;
    // Complete uploads: the first message with all bytes as its chunk.
    std::vector<v1::UploadArtifactRequest> uploads;

    std::deque<v1::Lease> leases;      // still to be granted
    std::vector<v1::AttemptRef> stop;  // for the next heartbeat's answer
    bool pause = false;                // what the heartbeats' answers order
    std::map<std::string, std::string> files;  // bytes by digest
    std::vector<v1::CheckpointRef> checkpoints;
    int fail_leases = 0;  // so many answers are lost after the grant
    // A lease is granted at once, but its first answer never arrives.
    bool withhold_leases = false;
    int fail_heartbeats_unknown = 0;  // so many answer NOT_FOUND
    int corrupt_downloads = 0;        // so many have a flipped byte
    int cut_downloads = 0;            // so many end in the middle
    grpc::Status registration = grpc::Status::OK;
    grpc::Status progress = grpc::Status::OK;
    grpc::Status completion = grpc::Status::OK;
    std::deque<grpc::Status> upload_errors;  // for the next uploads
    absl::Duration heartbeat_interval = absl::Seconds(5);
  };

  FakeCoordinator();
  ~FakeCoordinator() override;

  void Start();
  void Stop();
  std::string address() const { return address_; }

  // Runs `use` on the state under the lock.
  void With(const std::function<void(State&)>& use);
  // Waits until `condition` holds; false after `timeout`.
  bool Await(const std::function<bool(const State&)>& condition,
             absl::Duration timeout = absl::Seconds(20));

  // Adds a dataset of `size` bytes and returns its digest.
  std::string AddDataset(size_t size);
  // Adds a checkpoint that others have sent.
  void AddCheckpoint(const std::string& name, const std::string& bytes);
  // A valid lease of a small trial.
  static v1::Lease MakeLease(const std::string& dataset, int64_t dataset_size,
                             int64_t seed, int attempt = 1);

 private:
  grpc::Status Register(grpc::ServerContext*, const v1::RegisterRequest*,
                        v1::RegisterResponse*) override;
  grpc::Status LeaseTrials(grpc::ServerContext*, const v1::LeaseTrialsRequest*,
                           v1::LeaseTrialsResponse*) override;
  grpc::Status Heartbeat(grpc::ServerContext*, const v1::HeartbeatRequest*,
                         v1::HeartbeatResponse*) override;
  grpc::Status ReportProgress(grpc::ServerContext*,
                              const v1::ReportProgressRequest*,
                              v1::ReportProgressResponse*) override;
  grpc::Status CompleteTrial(grpc::ServerContext*,
                             const v1::CompleteTrialRequest*,
                             v1::CompleteTrialResponse*) override;
  grpc::Status DownloadArtifact(
      grpc::ServerContext*, const v1::DownloadArtifactRequest*,
      grpc::ServerWriter<v1::DownloadArtifactResponse>*) override;
  grpc::Status ListCheckpoints(grpc::ServerContext*,
                               const v1::ListCheckpointsRequest*,
                               v1::ListCheckpointsResponse*) override;
  grpc::Status UploadArtifact(grpc::ServerContext*,
                              grpc::ServerReader<v1::UploadArtifactRequest>*,
                              v1::UploadArtifactResponse*) override;
  // Waits for `ready`, at most `wait`; ends early when the caller or the server
  // goes.
  void Park(grpc::ServerContext* context, absl::Duration wait,
            const std::function<bool()>& ready)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);

  std::string address_;
  std::unique_ptr<grpc::Server> server_;
  absl::Mutex mutex_;
  State state_ ABSL_GUARDED_BY(mutex_);
  // A repeated request gets the first answer.
  std::map<std::string, v1::LeaseTrialsResponse> granted_
      ABSL_GUARDED_BY(mutex_);
  bool told_to_pause_ ABSL_GUARDED_BY(mutex_) = false;
  bool ending_ ABSL_GUARDED_BY(mutex_) = false;
};

}  // namespace dfsweep::testing

#endif  // DFSWEEP_TESTS_FAKES_FAKE_COORDINATOR_H_
