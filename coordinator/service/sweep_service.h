#ifndef DFSWEEP_COORDINATOR_SERVICE_SWEEP_SERVICE_H_
#define DFSWEEP_COORDINATOR_SERVICE_SWEEP_SERVICE_H_

#include "coordinator/engine/engine.h"
#include "coordinator/engine/views.h"
#include "coordinator/service/access.h"
#include "coordinator/service/call.h"
#include "coordinator/service/task_threads.h"
#include "coordinator/store/dataset_files.h"
#include "dfsweep/v1/sweep_service.grpc.pb.h"

namespace dfsweep::coordinator {

using SweepStream = WatchStream<v1::WatchSweepResponse>;

// What people call: checks requests, hands them to the engine, converts the
// answers. Thread-safe; what it is given outlives it.
class SweepService final : public v1::SweepService::CallbackService {
 public:
  // `access` is null on a coordinator that serves loopback only.
  SweepService(Engine& engine, std::filesystem::path store,
               const DatasetFiles& files, TaskThreads& tasks, Access* access)
      : engine_(engine),
        store_(std::move(store)),
        files_(files),
        tasks_(tasks),
        access_(access) {}

 private:
  using Context = grpc::CallbackServerContext;
  using Unary = grpc::ServerUnaryReactor;

  Unary* CreateSweep(Context* context, const v1::CreateSweepRequest* request,
                     v1::CreateSweepResponse* response) override;
  Unary* GetSweep(Context* context, const v1::GetSweepRequest* request,
                  v1::Sweep* response) override;
  Unary* ListSweeps(Context* context, const v1::ListSweepsRequest* request,
                    v1::ListSweepsResponse* response) override;
  Unary* PauseSweep(Context* context, const v1::PauseSweepRequest* request,
                    v1::Sweep* response) override;
  Unary* ResumeSweep(Context* context, const v1::ResumeSweepRequest* request,
                     v1::Sweep* response) override;
  Unary* CancelSweep(Context* context, const v1::CancelSweepRequest* request,
                     v1::Sweep* response) override;
  Unary* RetryTrials(Context* context, const v1::RetryTrialsRequest* request,
                     v1::RetryTrialsResponse* response) override;
  Unary* ListTrials(Context* context, const v1::ListTrialsRequest* request,
                    v1::ListTrialsResponse* response) override;
  grpc::ServerWriteReactor<v1::WatchSweepResponse>* WatchSweep(
      Context* context, const v1::WatchSweepRequest* request) override;
  grpc::ServerWriteReactor<v1::StreamTrialLogsResponse>* StreamTrialLogs(
      Context* context, const v1::StreamTrialLogsRequest* request) override;
  grpc::ServerWriteReactor<v1::ExportResultsResponse>* ExportResults(
      Context* context, const v1::ExportResultsRequest* request) override;
  Unary* ListWorkers(Context* context, const v1::ListWorkersRequest* request,
                     v1::ListWorkersResponse* response) override;
  Unary* DrainWorker(Context* context, const v1::DrainWorkerRequest* request,
                     v1::Worker* response) override;
  Unary* PauseWorker(Context* context, const v1::PauseWorkerRequest* request,
                     v1::Worker* response) override;
  Unary* ResumeWorker(Context* context, const v1::ResumeWorkerRequest* request,
                      v1::Worker* response) override;
  Unary* RemoveWorker(Context* context, const v1::RemoveWorkerRequest* request,
                      v1::RemoveWorkerResponse* response) override;
  Unary* CreateJoinToken(Context* context,
                         const v1::CreateJoinTokenRequest* request,
                         v1::CreateJoinTokenResponse* response) override;
  Unary* RevokeToken(Context* context, const v1::RevokeTokenRequest* request,
                     v1::RevokeTokenResponse* response) override;
  Unary* ListTokens(Context* context, const v1::ListTokensRequest* request,
                    v1::ListTokensResponse* response) override;
  grpc::ServerReadReactor<v1::UploadDatasetRequest>* UploadDataset(
      Context* context, v1::UploadDatasetResponse* response) override;
  Unary* ListDatasets(Context* context, const v1::ListDatasetsRequest* request,
                      v1::ListDatasetsResponse* response) override;
  Unary* BackupStore(Context* context, const v1::BackupStoreRequest* request,
                     v1::BackupStoreResponse* response) override;
  Unary* GetServerInfo(Context* context,
                       const v1::GetServerInfoRequest* request,
                       v1::GetServerInfoResponse* response) override;

  // A command of a person about a sweep, answered with the sweep.
  template <typename Request>
  Unary* Command(Context* context, const Request* request, v1::Sweep* response,
                 absl::StatusOr<SweepView> (*command)(Turn&,
                                                      const std::string&));

  // Reads what was committed last, on one of the tasks; `use` gets it on the
  // engine's thread.
  template <typename T>
  void ReadBeside(const std::shared_ptr<SweepStream>& stream,
                  void (*use)(Turn&, SweepStream&, absl::StatusOr<T>),
                  std::function<absl::StatusOr<T>(Store&)> read);

  Engine& engine_;
  const std::filesystem::path store_;
  const DatasetFiles& files_;
  TaskThreads& tasks_;
  Access* const access_;
};

}  // namespace dfsweep::coordinator

#endif  // DFSWEEP_COORDINATOR_SERVICE_SWEEP_SERVICE_H_
