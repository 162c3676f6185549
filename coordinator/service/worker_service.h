#ifndef DFSWEEP_COORDINATOR_SERVICE_WORKER_SERVICE_H_
#define DFSWEEP_COORDINATOR_SERVICE_WORKER_SERVICE_H_

#include "coordinator/engine/engine.h"
#include "coordinator/service/access.h"
#include "coordinator/service/task_threads.h"
#include "coordinator/store/checkpoint_files.h"
#include "coordinator/store/dataset_files.h"
#include "dfsweep/v1/worker_service.grpc.pb.h"

namespace dfsweep::coordinator {

// What daemons call: checks requests, hands them to the engine, converts the
// answers. Thread-safe; what it is given outlives it; `access` is null on a
// coordinator that serves loopback only.
class WorkerService final : public v1::WorkerService::CallbackService {
 public:
  WorkerService(Engine& engine, const DatasetFiles& datasets,
                CheckpointFiles& checkpoints, TaskThreads& tasks,
                const SchedulerOptions& limits, Access* access)
      : engine_(engine),
        datasets_(datasets),
        checkpoints_(checkpoints),
        tasks_(tasks),
        limits_(limits),
        access_(access) {}

 private:
  grpc::ServerUnaryReactor* Register(grpc::CallbackServerContext* context,
                                     const v1::RegisterRequest* request,
                                     v1::RegisterResponse* response) override;
  grpc::ServerUnaryReactor* LeaseTrials(
      grpc::CallbackServerContext* context,
      const v1::LeaseTrialsRequest* request,
      v1::LeaseTrialsResponse* response) override;
  grpc::ServerUnaryReactor* Heartbeat(grpc::CallbackServerContext* context,
                                      const v1::HeartbeatRequest* request,
                                      v1::HeartbeatResponse* response) override;
  grpc::ServerUnaryReactor* ReportProgress(
      grpc::CallbackServerContext* context,
      const v1::ReportProgressRequest* request,
      v1::ReportProgressResponse* response) override;
  grpc::ServerUnaryReactor* CompleteTrial(
      grpc::CallbackServerContext* context,
      const v1::CompleteTrialRequest* request,
      v1::CompleteTrialResponse* response) override;
  grpc::ServerUnaryReactor* Join(grpc::CallbackServerContext* context,
                                 const v1::JoinRequest* request,
                                 v1::JoinResponse* response) override;
  grpc::ServerUnaryReactor* ListCheckpoints(
      grpc::CallbackServerContext* context,
      const v1::ListCheckpointsRequest* request,
      v1::ListCheckpointsResponse* response) override;
  grpc::ServerReadReactor<v1::UploadArtifactRequest>* UploadArtifact(
      grpc::CallbackServerContext* context,
      v1::UploadArtifactResponse* response) override;
  grpc::ServerWriteReactor<v1::DownloadArtifactResponse>* DownloadArtifact(
      grpc::CallbackServerContext* context,
      const v1::DownloadArtifactRequest* request) override;

  Engine& engine_;
  const DatasetFiles& datasets_;
  CheckpointFiles& checkpoints_;
  TaskThreads& tasks_;
  const SchedulerOptions limits_;
  Access* const access_;
};

}  // namespace dfsweep::coordinator

#endif  // DFSWEEP_COORDINATOR_SERVICE_WORKER_SERVICE_H_
