#include "worker/coordinator_client.h"

#include <grpc/grpc.h>

#include "proto/channel.h"

namespace dfsweep::worker {
namespace {

// The answer to a heartbeat that is later than this is as good as lost: the
// next one must go out well before the worker counts as suspect.
constexpr absl::Duration kHeartbeatSlack = absl::Seconds(5);
// A worker that comes back to a restarted coordinator should do so soon.
constexpr int kMaxReconnectBackoffMs = 5000;

std::unique_ptr<v1::WorkerService::Stub> NewStub(
    const rpc::Endpoint& endpoint) {
  grpc::ChannelArguments arguments = rpc::ClientChannelArguments();
  arguments.SetInt(GRPC_ARG_USE_LOCAL_SUBCHANNEL_POOL, 1);
  arguments.SetInt(GRPC_ARG_MAX_RECONNECT_BACKOFF_MS, kMaxReconnectBackoffMs);
  return v1::WorkerService::NewStub(rpc::Connect(endpoint, arguments));
}

absl::Duration WaitOf(const google::protobuf::Duration& wait) {
  return absl::Seconds(wait.seconds()) + absl::Nanoseconds(wait.nanos());
}

}  // namespace

grpc::Status CallGroup::Run(
    absl::Duration timeout, const std::function<bool()>& is_void,
    const std::function<grpc::Status(grpc::ClientContext&)>& call) {
  grpc::ClientContext context;
  rpc::SetDeadline(context, timeout);
  {
    absl::MutexLock lock(&mutex_);
    if (closed_ || (is_void && is_void())) {
      return grpc::Status(grpc::StatusCode::CANCELLED, "interrupted");
    }
    active_.insert(&context);
  }
  grpc::Status status = call(context);
  absl::MutexLock lock(&mutex_);
  active_.erase(&context);
  return status;
}

void CallGroup::Interrupt() {
  absl::MutexLock lock(&mutex_);
  for (grpc::ClientContext* context : active_) context->TryCancel();
}

void CallGroup::Close() {
  absl::MutexLock lock(&mutex_);
  closed_ = true;
  for (grpc::ClientContext* context : active_) context->TryCancel();
}

CoordinatorClient::CoordinatorClient(const rpc::Endpoint& endpoint)
    : address_(endpoint.address),
      heartbeat_stub_(NewStub(endpoint)),
      lease_stub_(NewStub(endpoint)),
      bulk_stub_(NewStub(endpoint)) {}

void CoordinatorClient::Close() {
  heartbeats_.Close();
  leases_.Close();
  bulk_.Close();
}

absl::Status CoordinatorClient::Converted(const grpc::Status& status) const {
  return rpc::FromGrpcStatus(status, address_);
}

absl::Status CoordinatorClient::Register(const v1::RegisterRequest& request,
                                         v1::RegisterResponse* response) {
  return Converted(heartbeats_.Run(
      rpc::kCallTimeout, nullptr, [&](grpc::ClientContext& context) {
        return heartbeat_stub_->Register(&context, request, response);
      }));
}

absl::Status CoordinatorClient::Heartbeat(const v1::HeartbeatRequest& request,
                                          const std::function<bool()>& is_void,
                                          v1::HeartbeatResponse* response) {
  return Converted(heartbeats_.Run(WaitOf(request.max_wait()) + kHeartbeatSlack,
                                   is_void, [&](grpc::ClientContext& context) {
                                     return heartbeat_stub_->Heartbeat(
                                         &context, request, response);
                                   }));
}

absl::Status CoordinatorClient::LeaseTrials(
    const v1::LeaseTrialsRequest& request, const std::function<bool()>& is_void,
    v1::LeaseTrialsResponse* response) {
  return Converted(leases_.Run(WaitOf(request.max_wait()) + rpc::kCallTimeout,
                               is_void, [&](grpc::ClientContext& context) {
                                 return lease_stub_->LeaseTrials(
                                     &context, request, response);
                               }));
}

absl::Status CoordinatorClient::ReportProgress(
    const v1::ReportProgressRequest& request) {
  v1::ReportProgressResponse response;
  return Converted(
      bulk_.Run(rpc::kCallTimeout, nullptr, [&](grpc::ClientContext& context) {
        return bulk_stub_->ReportProgress(&context, request, &response);
      }));
}

absl::Status CoordinatorClient::CompleteTrial(
    const v1::CompleteTrialRequest& request,
    v1::CompleteTrialResponse* response) {
  return Converted(
      bulk_.Run(rpc::kCallTimeout, nullptr, [&](grpc::ClientContext& context) {
        return bulk_stub_->CompleteTrial(&context, request, response);
      }));
}

absl::Status CoordinatorClient::ListCheckpoints(
    const v1::ListCheckpointsRequest& request,
    v1::ListCheckpointsResponse* response) {
  return Converted(
      bulk_.Run(rpc::kCallTimeout, nullptr, [&](grpc::ClientContext& context) {
        return bulk_stub_->ListCheckpoints(&context, request, response);
      }));
}

absl::Status CoordinatorClient::Upload(v1::UploadArtifactRequest first,
                                       std::istream& file) {
  return Converted(bulk_.Run(
      rpc::kTransferTimeout, nullptr, [&](grpc::ClientContext& context) {
        v1::UploadArtifactResponse response;
        auto writer = bulk_stub_->UploadArtifact(&context, &response);
        v1::UploadArtifactRequest message = std::move(first);
        std::string& chunk = *message.mutable_chunk();
        do {
          chunk.resize(rpc::kChunkBytes);
          file.read(chunk.data(), static_cast<std::streamsize>(chunk.size()));
          chunk.resize(file.gcount());
          if (!writer->Write(message)) break;
          message.clear_worker_id();
          message.clear_attempt();
          message.clear_digest();
          message.clear_name();
          message.clear_size_bytes();
        } while (file);
        writer->WritesDone();
        return writer->Finish();
      }));
}

absl::Status CoordinatorClient::Download(
    const v1::DownloadArtifactRequest& request,
    const std::function<absl::Status(std::string_view chunk)>& sink) {
  absl::Status refused;
  grpc::Status status = bulk_.Run(
      rpc::kTransferTimeout, nullptr, [&](grpc::ClientContext& context) {
        auto reader = bulk_stub_->DownloadArtifact(&context, request);
        v1::DownloadArtifactResponse response;
        while (reader->Read(&response)) {
          refused = sink(response.chunk());
          if (!refused.ok()) context.TryCancel();
        }
        return reader->Finish();
      });
  return refused.ok() ? Converted(status) : refused;
}

}  // namespace dfsweep::worker
