#ifndef DFSWEEP_COORDINATOR_SERVICE_CHECKPOINT_UPLOAD_H_
#define DFSWEEP_COORDINATOR_SERVICE_CHECKPOINT_UPLOAD_H_

#include <grpcpp/support/server_callback.h>

#include "coordinator/engine/engine.h"
#include "coordinator/service/task_threads.h"
#include "coordinator/store/checkpoint_files.h"
#include "dfsweep/v1/worker_service.pb.h"

namespace dfsweep::coordinator {

// The reactor of UploadArtifact; deletes itself. The references outlive the
// call.
grpc::ServerReadReactor<v1::UploadArtifactRequest>* NewCheckpointUpload(
    Engine& engine, CheckpointFiles& files, TaskThreads& tasks,
    grpc::CallbackServerContext& context);

}  // namespace dfsweep::coordinator

#endif  // DFSWEEP_COORDINATOR_SERVICE_CHECKPOINT_UPLOAD_H_
