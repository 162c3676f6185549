#include "coordinator/service/checkpoint_upload.h"

#include <fmt/format.h>

#include <optional>

#include "coordinator/engine/worker_calls.h"
#include "coordinator/service/authentication.h"
#include "coordinator/service/call.h"
#include "coordinator/service/check_request.h"
#include "coordinator/store/file_upload.h"

namespace dfsweep::coordinator {
namespace {

constexpr int64_t kMaxCheckpointBytes = int64_t{8} << 30;

// One message at a time, written on a task thread before the next is asked for.
// Whether the worker may send this at all is asked of the engine first.
class Upload final : public grpc::ServerReadReactor<v1::UploadArtifactRequest> {
 public:
  Upload(Engine& engine, CheckpointFiles& files, TaskThreads& tasks,
         const grpc::CallbackServerContext& context)
      : engine_(engine), files_(files), tasks_(tasks), context_(context) {}

  void Begin(const absl::Status& status) {
    if (status.ok()) {
      StartRead(&message_);
    } else {
      End(status);
    }
  }

 private:
  void OnReadDone(bool ok) override {
    tasks_.Add([this, ok] { ok ? Take() : Complete(); });
  }
  void OnDone() override { delete this; }

  void Take() {
    if (!upload_.has_value()) return TakeFirst();
    Write();
  }

  void TakeFirst() {
    absl::StatusOr<AttemptId> attempt = ReadHeader();
    if (!attempt.ok()) return End(attempt.status());
    engine_.Post([this, attempt = *attempt,
                  worker_id = message_.worker_id()](Turn& turn) {
      absl::Status allowed = CheckCheckpoint(turn, worker_id, attempt, *name_);
      tasks_.Add([this, allowed] {
        if (!allowed.ok()) return End(allowed);
        upload_.emplace(files_.PathFor(*name_, file_.digest), "checkpoint",
                        file_.digest, file_.size_bytes);
        Write();
      });
    });
  }

  absl::StatusOr<AttemptId> ReadHeader() {
    DFSWEEP_RETURN_IF_ERROR(CheckToken("worker id", message_.worker_id()));
    DFSWEEP_RETURN_IF_ERROR(CheckIsWorker(context_, message_.worker_id()));
    DFSWEEP_RETURN_IF_ERROR(CheckDigest("digest", message_.digest()));
    file_ = {.name = message_.name(),
             .digest = message_.digest(),
             .size_bytes = message_.size_bytes()};
    name_ = CheckpointName::Parse(file_.name);
    if (!name_) return Malformed("has a name that no checkpoint has");
    if (file_.size_bytes < 1 || file_.size_bytes > kMaxCheckpointBytes) {
      return Malformed("has a size out of bounds");
    }
    return AttemptOf(message_.attempt().trial_id(),
                     message_.attempt().attempt());
  }

  void Write() {
    absl::Status status = upload_->Append(message_.chunk());
    if (!status.ok()) return End(status);
    StartRead(&message_);
  }

  // The sender has sent everything, or has gone.
  void Complete() {
    if (!upload_.has_value()) return End(Malformed("is empty"));
    absl::Status status = upload_->Finish();
    if (status.ok()) files_.Added(file_);
    End(status);
  }

  void End(const absl::Status& status) {
    upload_.reset();  // what is left of it is gone when the sender hears
    Finish(rpc::ToGrpcStatus(status));
  }

  static absl::Status Malformed(std::string_view what) {
    return MakeError(absl::StatusCode::kInvalidArgument,
                     fmt::format("the upload of a checkpoint {}", what), "",
                     "use the same dfsweep version on both sides");
  }

  Engine& engine_;
  CheckpointFiles& files_;
  TaskThreads& tasks_;
  const grpc::CallbackServerContext& context_;  // lives until OnDone
  v1::UploadArtifactRequest message_;
  CheckpointFiles::File file_;
  std::optional<CheckpointName> name_;
  std::optional<FileUpload> upload_;
};

}  // namespace

grpc::ServerReadReactor<v1::UploadArtifactRequest>* NewCheckpointUpload(
    Engine& engine, CheckpointFiles& files, TaskThreads& tasks,
    grpc::CallbackServerContext& context) {
  auto* upload = new Upload(engine, files, tasks, context);
  upload->Begin(CheckDeadline(context));
  return upload;
}

}  // namespace dfsweep::coordinator
