#ifndef DFSWEEP_COORDINATOR_SERVICE_FILE_DOWNLOAD_H_
#define DFSWEEP_COORDINATOR_SERVICE_FILE_DOWNLOAD_H_

#include <grpcpp/support/server_callback.h>

#include "coordinator/store/checkpoint_files.h"
#include "coordinator/store/dataset_files.h"
#include "dfsweep/v1/worker_service.pb.h"

namespace dfsweep::coordinator {

// The reactor of DownloadArtifact; deletes itself. A digest is a checkpoint's
// or a dataset's.
grpc::ServerWriteReactor<v1::DownloadArtifactResponse>* NewFileDownload(
    const DatasetFiles& datasets, const CheckpointFiles& checkpoints,
    grpc::CallbackServerContext& context,
    const v1::DownloadArtifactRequest& request);

}  // namespace dfsweep::coordinator

#endif  // DFSWEEP_COORDINATOR_SERVICE_FILE_DOWNLOAD_H_
