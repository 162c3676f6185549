// Datasets on the wire, in from people.
#ifndef DFSWEEP_COORDINATOR_SERVICE_DATASET_TRANSFER_H_
#define DFSWEEP_COORDINATOR_SERVICE_DATASET_TRANSFER_H_

#include <grpcpp/support/server_callback.h>

#include "coordinator/engine/engine.h"
#include "coordinator/service/task_threads.h"
#include "coordinator/store/dataset_files.h"
#include "coordinator/store/file_upload.h"
#include "dfsweep/v1/sweep_service.pb.h"

namespace dfsweep::coordinator {

// The reactor of UploadDataset; deletes itself. The references outlive the
// call.
grpc::ServerReadReactor<v1::UploadDatasetRequest>* NewDatasetUpload(
    Engine& engine, const DatasetFiles& files, TaskThreads& tasks,
    grpc::CallbackServerContext& context, v1::UploadDatasetResponse* response);

}  // namespace dfsweep::coordinator

#endif  // DFSWEEP_COORDINATOR_SERVICE_DATASET_TRANSFER_H_
