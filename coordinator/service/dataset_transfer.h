// Datasets on the wire: in from people, out to workers.
#ifndef DFSWEEP_COORDINATOR_SERVICE_DATASET_TRANSFER_H_
#define DFSWEEP_COORDINATOR_SERVICE_DATASET_TRANSFER_H_

#include <grpcpp/support/server_callback.h>

#include "coordinator/engine/engine.h"
#include "coordinator/service/task_threads.h"
#include "coordinator/store/dataset_files.h"
#include "dfsweep/v1/sweep_service.pb.h"
#include "dfsweep/v1/worker_service.pb.h"

namespace dfsweep::coordinator {

// The reactors of UploadDataset and DownloadArtifact; each deletes itself. The
// references outlive the call.
grpc::ServerReadReactor<v1::UploadDatasetRequest>* NewDatasetUpload(
    Engine& engine, const DatasetFiles& files, TaskThreads& tasks,
    grpc::CallbackServerContext& context, v1::UploadDatasetResponse* response);

grpc::ServerWriteReactor<v1::DownloadArtifactResponse>* NewDatasetDownload(
    const DatasetFiles& files, grpc::CallbackServerContext& context,
    const v1::DownloadArtifactRequest& request);

}  // namespace dfsweep::coordinator

#endif  // DFSWEEP_COORDINATOR_SERVICE_DATASET_TRANSFER_H_
