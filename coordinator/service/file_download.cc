#include "coordinator/service/file_download.h"

#include <fmt/format.h>

#include <fstream>

#include "coordinator/service/authentication.h"
#include "coordinator/service/call.h"
#include "coordinator/service/check_request.h"

namespace dfsweep::coordinator {
namespace {

class Download final
    : public grpc::ServerWriteReactor<v1::DownloadArtifactResponse> {
 public:
  void Begin(const absl::StatusOr<std::filesystem::path>& path,
             const v1::DownloadArtifactRequest& request) {
    absl::Status status = path.status();
    if (status.ok()) status = Open(*path, request);
    if (status.ok()) {
      WriteNext();
    } else {
      Finish(rpc::ToGrpcStatus(status));
    }
  }

 private:
  absl::Status Open(const std::filesystem::path& path,
                    const v1::DownloadArtifactRequest& request) {
    path_ = path;
    file_.open(path_, std::ios::binary | std::ios::ate);
    if (!file_) {
      return MakeError(absl::StatusCode::kNotFound,
                       "the coordinator does not have this file",
                       "digest " + request.digest(),
                       "if it is a dataset, import it again: dfsweep data "
                       "import");
    }
    int64_t size = file_.tellg();
    if (request.offset_bytes() < 0 || request.offset_bytes() > size) {
      return MakeError(absl::StatusCode::kOutOfRange,
                       fmt::format("the offset {} is not within {} bytes",
                                   request.offset_bytes(), size),
                       "digest " + request.digest(),
                       "download it from the beginning");
    }
    file_.seekg(request.offset_bytes());
    return absl::OkStatus();
  }

  void WriteNext() {
    std::string& chunk = *message_.mutable_chunk();
    chunk.resize(rpc::kChunkBytes);
    file_.read(chunk.data(), static_cast<std::streamsize>(chunk.size()));
    chunk.resize(file_.gcount());
    if (file_.bad()) {
      Finish(rpc::ToGrpcStatus(MakeError(absl::StatusCode::kUnavailable,
                                         "a file can't be read", path_.string(),
                                         "check the coordinator's disk")));
    } else if (chunk.empty()) {
      Finish(grpc::Status::OK);
    } else {
      StartWrite(&message_);
    }
  }
  void OnWriteDone(bool ok) override {
    if (ok) {
      WriteNext();
    } else {
      Finish(grpc::Status::CANCELLED);
    }
  }
  void OnDone() override { delete this; }

  std::filesystem::path path_;
  std::ifstream file_;
  v1::DownloadArtifactResponse message_;
};

absl::StatusOr<std::filesystem::path> PathOf(
    const DatasetFiles& datasets, const CheckpointFiles& checkpoints,
    const grpc::CallbackServerContext& context,
    const v1::DownloadArtifactRequest& request) {
  const std::string& digest = request.digest();
  DFSWEEP_RETURN_IF_ERROR(CheckDeadline(context));
  DFSWEEP_RETURN_IF_ERROR(CheckIsWorker(context, request.worker_id()));
  DFSWEEP_RETURN_IF_ERROR(CheckDigest("digest", digest));
  if (auto path = checkpoints.Find(digest)) return *path;
  return datasets.PathOf(digest);
}

}  // namespace

grpc::ServerWriteReactor<v1::DownloadArtifactResponse>* NewFileDownload(
    const DatasetFiles& datasets, const CheckpointFiles& checkpoints,
    grpc::CallbackServerContext& context,
    const v1::DownloadArtifactRequest& request) {
  auto* download = new Download;
  download->Begin(PathOf(datasets, checkpoints, context, request), request);
  return download;
}

}  // namespace dfsweep::coordinator
