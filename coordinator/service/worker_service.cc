#include "coordinator/service/worker_service.h"

#include <algorithm>
#include <utility>

#include "base/version.h"
#include "coordinator/engine/worker_calls.h"
#include "coordinator/service/authentication.h"
#include "coordinator/service/call.h"
#include "coordinator/service/check_request.h"
#include "coordinator/service/checkpoint_upload.h"
#include "coordinator/service/convert.h"
#include "coordinator/service/file_download.h"
#include "coordinator/service/token_calls.h"

namespace dfsweep::coordinator {
namespace {

// A worker has to be heard from several times before it counts as suspect.
constexpr int kBeatsBeforeSuspect = 3;

// Answers a call that waits in ParkedCalls.
template <typename Answer, typename Response>
Reply<Answer> ReplyTo(Engine& engine, grpc::ServerUnaryReactor* reactor,
                      Response* response) {
  return [&engine, reactor, response](absl::StatusOr<Answer> answer) {
    if (answer.ok()) ToProto(*answer, response);
    engine.Send(
        [reactor, status = answer.status()] { Finish(reactor, status); });
  };
}

absl::Status CheckCaller(const grpc::CallbackServerContext& context,
                         const std::string& worker_id) {
  DFSWEEP_RETURN_IF_ERROR(CheckDeadline(context));
  return CheckIsWorker(context, worker_id);
}

absl::Status ClientWent() { return absl::CancelledError("the client went"); }

void CancelLease(Turn& turn, CallId call) {
  auto& leases = turn.parked().leases();
  auto lease =
      std::find_if(leases.begin(), leases.end(),
                   [call](const ParkedLease& l) { return l.call == call; });
  if (lease == leases.end()) return;
  turn.Answer<Leases>(std::move(lease->reply), ClientWent());
  leases.erase(lease);
}

void CancelHeartbeat(Turn& turn, CallId call) {
  if (auto heartbeat = turn.parked().TakeHeartbeat(call)) {
    turn.Answer<HeartbeatAnswer>(std::move(heartbeat->reply), ClientWent());
  }
}

}  // namespace

grpc::ServerUnaryReactor* WorkerService::Register(
    grpc::CallbackServerContext* context, const v1::RegisterRequest* request,
    v1::RegisterResponse* response) {
  grpc::ServerUnaryReactor* reactor = context->DefaultReactor();
  absl::StatusOr<Registration> registration = ReadRegistration(*request);
  absl::Status status = CheckCaller(*context, request->worker_id());
  if (status.ok()) status = registration.status();
  if (!status.ok()) return Finish(reactor, status);
  response->set_protocol_major(kProtocolMajor);
  response->set_protocol_minor(kProtocolMinor);
  SetDuration(limits_.suspect_after / kBeatsBeforeSuspect,
              response->mutable_heartbeat_interval());
  SetDuration(limits_.lost_after, response->mutable_lease());
  engine_.Post([this, reactor, response,
                registration = *std::move(registration)](Turn& turn) {
    RegisterWorker(turn, registration.worker, registration.held,
                   ReplyTo<RegisterAnswer>(engine_, reactor, response));
  });
  return reactor;
}

grpc::ServerUnaryReactor* WorkerService::LeaseTrials(
    grpc::CallbackServerContext* context, const v1::LeaseTrialsRequest* request,
    v1::LeaseTrialsResponse* response) {
  auto* call = new ParkedCall(engine_, CancelLease);
  absl::StatusOr<LeasesRequested> event = ReadLeaseRequest(*request);
  absl::Status status = CheckCaller(*context, request->worker_id());
  if (status.ok()) status = event.status();
  if (!status.ok()) return Finish(call, status);
  engine_.Post(
      [this, call, request, response, event = *std::move(event)](Turn& turn) {
        coordinator::LeaseTrials(
            turn, {.call = call->id(),
                   .request = event,
                   .request_id = request->request_id(),
                   .deadline = turn.now() + WaitOf(request->max_wait()),
                   .reply = ReplyTo<Leases>(engine_, call, response)});
      });
  return call;
}

grpc::ServerUnaryReactor* WorkerService::Heartbeat(
    grpc::CallbackServerContext* context, const v1::HeartbeatRequest* request,
    v1::HeartbeatResponse* response) {
  auto* call = new ParkedCall(engine_, CancelHeartbeat);
  absl::StatusOr<HeartbeatReceived> event = ReadHeartbeat(*request);
  absl::Status status = CheckCaller(*context, request->worker_id());
  if (status.ok()) status = event.status();
  if (!status.ok()) return Finish(call, status);
  engine_.Post(
      [this, call, request, response, event = *std::move(event)](Turn& turn) {
        coordinator::Heartbeat(
            turn, event, ReadMachineStatus(request->status()),
            {.call = call->id(),
             .worker_id = event.worker_id,
             .deadline = turn.now() + WaitOf(request->max_wait()),
             .reply = ReplyTo<HeartbeatAnswer>(engine_, call, response)});
      });
  return call;
}

grpc::ServerUnaryReactor* WorkerService::ReportProgress(
    grpc::CallbackServerContext* context,
    const v1::ReportProgressRequest* request, v1::ReportProgressResponse*) {
  absl::StatusOr<Progress> progress = ReadProgress(*request);
  absl::Status status = CheckCaller(*context, request->worker_id());
  if (status.ok()) status = progress.status();
  if (!status.ok()) return Finish(context->DefaultReactor(), status);
  return AnswerInEngine(engine_, context,
                        [progress = *std::move(progress)](Turn& turn) {
                          return coordinator::ReportProgress(turn, progress);
                        });
}

grpc::ServerUnaryReactor* WorkerService::CompleteTrial(
    grpc::CallbackServerContext* context,
    const v1::CompleteTrialRequest* request,
    v1::CompleteTrialResponse* response) {
  absl::StatusOr<Completion> completion = ReadCompletion(*request);
  absl::Status status = CheckCaller(*context, request->worker_id());
  if (status.ok()) status = completion.status();
  if (!status.ok()) return Finish(context->DefaultReactor(), status);
  return AnswerInEngine(
      engine_, context,
      [this, response, completion = *std::move(completion)](Turn& turn) {
        CompletionAnswer answer = coordinator::CompleteTrial(turn, completion);
        if (answer.accepted &&
            std::holds_alternative<TrialResultRow>(completion.outcome)) {
          checkpoints_.RemoveProgress(completion.attempt.trial_id);
        }
        response->set_accepted(answer.accepted);
        response->set_reason(answer.reason);
        return absl::OkStatus();
      });
}

grpc::ServerUnaryReactor* WorkerService::Join(
    grpc::CallbackServerContext* context, const v1::JoinRequest* request,
    v1::JoinResponse* response) {
  return AnswerInEngine(engine_, context, [=, this](Turn& turn) {
    return JoinWorker(turn, access_, *request, response);
  });
}

grpc::ServerUnaryReactor* WorkerService::ListCheckpoints(
    grpc::CallbackServerContext* context,
    const v1::ListCheckpointsRequest* request,
    v1::ListCheckpointsResponse* response) {
  absl::StatusOr<AttemptId> attempt =
      AttemptOf(request->attempt().trial_id(), request->attempt().attempt());
  absl::Status status = CheckCaller(*context, request->worker_id());
  if (status.ok()) status = attempt.status();
  if (!status.ok()) return Finish(context->DefaultReactor(), status);
  return AnswerInEngine(
      engine_, context,
      [this, response, trial_id = attempt->trial_id](Turn& turn) {
        DFSWEEP_ASSIGN_OR_RETURN(std::vector<std::string> owners,
                                 CheckpointOwners(turn, trial_id));
        for (const std::string& owner : owners) {
          for (const CheckpointFiles::File& file : checkpoints_.Of(owner)) {
            v1::CheckpointRef& ref = *response->add_checkpoints();
            ref.set_name(file.name);
            ref.set_digest(file.digest);
            ref.set_size_bytes(file.size_bytes);
          }
        }
        return absl::OkStatus();
      });
}

grpc::ServerReadReactor<v1::UploadArtifactRequest>*
WorkerService::UploadArtifact(grpc::CallbackServerContext* context,
                              v1::UploadArtifactResponse*) {
  return NewCheckpointUpload(engine_, checkpoints_, tasks_, *context);
}

grpc::ServerWriteReactor<v1::DownloadArtifactResponse>*
WorkerService::DownloadArtifact(grpc::CallbackServerContext* context,
                                const v1::DownloadArtifactRequest* request) {
  return NewFileDownload(datasets_, checkpoints_, *context, *request);
}

}  // namespace dfsweep::coordinator
