#include "coordinator/service/dataset_transfer.h"

#include <fmt/format.h>

#include <memory>
#include <optional>
#include <utility>

#include "coordinator/service/call.h"
#include "coordinator/service/check_request.h"
#include "coordinator/service/convert.h"

namespace dfsweep::coordinator {
namespace {

constexpr char kMethod[] = "UploadDataset";

// Registers a dataset whose bytes are on the disk.
absl::Status Register(Turn& turn, const DatasetRow& row,
                      const std::string& request_id, bool existed,
                      v1::UploadDatasetResponse* response) {
  Store& store = turn.store();
  DFSWEEP_ASSIGN_OR_RETURN(std::optional<std::string> before,
                           store.FindRequest(request_id, kMethod));
  if (before.has_value()) {
    existed = Json::parse(*before)["existed"];
  } else {
    store.PutDataset(row);
    store.PutRequest(request_id, kMethod, Json{{"existed", existed}}.dump(),
                     turn.wall_time());
    store.AddEvent("dataset_registered",
                   fmt::format("dataset {} is {}", row.name, row.digest),
                   turn.wall_time());
  }
  ToProto(row, response->mutable_dataset());
  response->set_existed(existed);
  return absl::OkStatus();
}

// One message at a time: it is written on a task thread before the next is
// asked for, so a fast sender waits for the disk and not in memory.
class Upload final : public grpc::ServerReadReactor<v1::UploadDatasetRequest> {
 public:
  Upload(Engine& engine, const DatasetFiles& files, TaskThreads& tasks,
         v1::UploadDatasetResponse* response)
      : engine_(engine), files_(files), tasks_(tasks), response_(response) {}

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
    absl::StatusOr<bool> more =
        upload_.has_value() ? TakeChunk() : TakeHeader();
    if (!more.ok()) return End(more.status());
    if (*more) return StartRead(&message_);
    RegisterIn(/*existed=*/true);
  }

  // False if the bytes are there already.
  absl::StatusOr<bool> TakeHeader() {
    if (!message_.has_header()) return Malformed("begins without a header");
    DFSWEEP_ASSIGN_OR_RETURN(
        row_, ReadDatasetHeader(message_.header(), Clock::Real().WallTime()));
    request_id_ = message_.header().request_id();
    if (files_.Has(row_.digest)) {
      std::error_code error;
      row_.size_bytes = static_cast<int64_t>(
          std::filesystem::file_size(files_.PathOf(row_.digest), error));
      return false;
    }
    upload_.emplace(files_.PathOf(row_.digest), "dataset", row_.digest,
                    row_.size_bytes);
    return true;
  }

  absl::StatusOr<bool> TakeChunk() {
    if (message_.has_header()) return Malformed("has two headers");
    DFSWEEP_RETURN_IF_ERROR(upload_->Append(message_.chunk()));
    return true;
  }

  // The sender has sent everything, or has gone.
  void Complete() {
    if (!upload_.has_value()) return End(Malformed("is empty"));
    if (absl::Status status = upload_->Finish(); !status.ok()) {
      return End(status);
    }
    RegisterIn(/*existed=*/false);
  }

  void RegisterIn(bool existed) {
    engine_.Post([this, existed](Turn& turn) {
      absl::Status status =
          Register(turn, row_, request_id_, existed, response_);
      turn.AfterCommit([this, status](const absl::Status& committed) {
        End(committed.ok() ? status : committed);
      });
    });
  }

  void End(const absl::Status& status) {
    upload_.reset();  // what is left of it is gone when the sender hears
    Finish(rpc::ToGrpcStatus(status));
  }

  static absl::Status Malformed(std::string_view what) {
    return MakeError(absl::StatusCode::kInvalidArgument,
                     fmt::format("the upload of a dataset {}", what), "",
                     "use the same dfsweep version on both sides");
  }

  Engine& engine_;
  const DatasetFiles& files_;
  TaskThreads& tasks_;
  v1::UploadDatasetResponse* const response_;
  v1::UploadDatasetRequest message_;
  DatasetRow row_;
  std::string request_id_;
  std::optional<FileUpload> upload_;
};

}  // namespace

grpc::ServerReadReactor<v1::UploadDatasetRequest>* NewDatasetUpload(
    Engine& engine, const DatasetFiles& files, TaskThreads& tasks,
    grpc::CallbackServerContext& context, v1::UploadDatasetResponse* response) {
  auto* upload = new Upload(engine, files, tasks, response);
  upload->Begin(CheckDeadline(context));
  return upload;
}

}  // namespace dfsweep::coordinator
