#include "coordinator/service/sweep_service.h"

#include <algorithm>
#include <charconv>
#include <limits>
#include <memory>
#include <set>
#include <string_view>
#include <utility>

#include "absl/time/clock.h"
#include "base/build_id.h"
#include "base/flat_json.h"
#include "base/version.h"
#include "coordinator/engine/sweep_calls.h"
#include "coordinator/results/export.h"
#include "coordinator/service/backup.h"
#include "coordinator/service/call.h"
#include "coordinator/service/check_request.h"
#include "coordinator/service/convert.h"
#include "coordinator/service/dataset_transfer.h"
#include "coordinator/service/export_results.h"
#include "coordinator/service/sweep_messages.h"
#include "coordinator/service/token_calls.h"

namespace dfsweep::coordinator {
namespace {

constexpr int kSweepsPerPage = 100;
constexpr int kMaxSweepsPerPage = 1000;
constexpr int kTrialsPerPage = 1000;
constexpr int kMaxTrialsPerPage = 5000;
constexpr int kLogLinesPerMessage = 500;
// A configuration is a few kilobytes: this many always fit into a message.
constexpr size_t kMaxPageBytes = rpc::kMaxMessageBytes - (256 << 10);

int PageSize(int asked, int usual, int most) {
  return asked <= 0 ? usual : std::min(asked, most);
}

// A page token is the position where the next page begins.
absl::StatusOr<int64_t> PositionOf(const std::string& token, int64_t first) {
  if (token.empty()) return first;
  int64_t position = 0;
  const char* end = token.data() + token.size();
  auto [rest, error] = std::from_chars(token.data(), end, position);
  if (error == std::errc() && rest == end && position >= 0) return position;
  return MakeError(absl::StatusCode::kInvalidArgument,
                   "the page token is not one of this coordinator's", "",
                   "begin at the first page");
}

bool IsActive(TrialState state) {
  return state == TrialState::kLeased || state == TrialState::kRunning;
}

absl::Status FillTrialPage(Store& store, const v1::ListTrialsRequest& request,
                           v1::ListTrialsResponse* response) {
  DFSWEEP_ASSIGN_OR_RETURN(int64_t first, PositionOf(request.page_token(), 0));
  DFSWEEP_ASSIGN_OR_RETURN(SweepRow sweep, FindSweep(store, request.sweep()));
  int size = PageSize(request.page_size(), kTrialsPerPage, kMaxTrialsPerPage);
  std::vector<TrialRow> rows = store.ListTrials(sweep.sweep_id, first, size);
  const std::set<std::string_view> parameters(request.parameters().begin(),
                                              request.parameters().end());
  size_t bytes = 0;
  int64_t position = first;
  for (TrialRow& row : rows) {
    if (!parameters.empty() && !IsActive(row.state)) {
      row.configuration_json =
          SelectMembers(row.configuration_json, parameters);
    }
    ToProto(row, response->add_trials());
    bytes += response->trials().rbegin()->ByteSizeLong();
    ++position;
    if (bytes > kMaxPageBytes) break;
  }
  bool is_last = position - first == static_cast<int64_t>(rows.size()) &&
                 rows.size() < static_cast<size_t>(size);
  if (!is_last) response->set_next_page_token(std::to_string(position));
  return absl::OkStatus();
}

absl::Status FillSweepPage(Store& store, const v1::ListSweepsRequest& request,
                           v1::ListSweepsResponse* response) {
  DFSWEEP_ASSIGN_OR_RETURN(
      int64_t before,
      PositionOf(request.page_token(), std::numeric_limits<int64_t>::max()));
  int size = PageSize(request.page_size(), kSweepsPerPage, kMaxSweepsPerPage);
  std::vector<SweepRow> rows = store.ListSweeps(before, size);
  for (const SweepRow& row : rows) {
    v1::Sweep* sweep = response->add_sweeps();
    ToProto(ViewSweep(store, row, absl::Now()), sweep);
    // A page of the largest files would not fit into a message.
    sweep->clear_file_text();
    sweep->clear_overrides();
  }
  if (rows.size() == static_cast<size_t>(size)) {
    response->set_next_page_token(std::to_string(rows.back().number));
  }
  return absl::OkStatus();
}

// Everything that a trial's newest attempt has logged so far.
absl::StatusOr<std::vector<v1::StreamTrialLogsResponse>> LogsSoFar(
    Turn& turn, const std::string& prefix) {
  DFSWEEP_ASSIGN_OR_RETURN(std::string trial_id, FindTrialId(turn, prefix));
  Store& store = turn.store();
  LogUpdate update;
  if (auto row = store.FindTrial(trial_id)) update.trial = *std::move(row);
  update.attempt = update.trial.attempt;
  std::vector<v1::StreamTrialLogsResponse> messages;
  int64_t next = 0;
  do {
    update.lines =
        store.LogLines({trial_id, update.attempt}, next, kLogLinesPerMessage);
    if (!update.lines.empty()) next = update.lines.back().sequence + 1;
    ToProto(update, &messages.emplace_back());
  } while (!update.lines.empty());
  return messages;
}

// What `read` makes of the store in `folder`.
template <typename T>
absl::StatusOr<T> ReadFrom(
    const std::filesystem::path& folder,
    const std::function<absl::StatusOr<T>(Store&)>& read) {
  absl::StatusOr<T> value;
  DFSWEEP_RETURN_IF_ERROR(ReadStore(folder, [&](Store& store) {
    value = read(store);
    return value.status();
  }));
  return value;
}

void EndWatch(Turn& turn, SweepStream& stream, const absl::Status& status) {
  turn.watchers().Remove(stream.id());
  stream.End(status);
}

void SendMessage(Turn& turn, SweepStream& stream,
                 absl::StatusOr<SweepMessage> message) {
  if (!message.ok()) return EndWatch(turn, stream, message.status());
  Watchers& watchers = turn.watchers();
  watchers.PutBack(stream.id(), message->left);
  // The sweep may have ended after the news were made: then there are more.
  const bool is_last = message->response.server_stopping() ||
                       (message->has_ended && watchers.HasToldAll(stream.id()));
  if (message->has_ended) watchers.Hurry(stream.id());
  if (is_last) watchers.Remove(stream.id());
  stream.Send(std::move(message->response), is_last);
}

void BeginWatch(Turn& turn, SweepStream& stream,
                absl::StatusOr<SweepTrials> trials) {
  if (!trials.ok()) return EndWatch(turn, stream, trials.status());
  turn.watchers().SetTrials(stream.id(), *std::move(trials));
}

}  // namespace

// ---- Sweeps -----------------------------------------------------------------

grpc::ServerUnaryReactor* SweepService::CreateSweep(
    Context* context, const v1::CreateSweepRequest* request,
    v1::CreateSweepResponse* response) {
  Unary* reactor = context->DefaultReactor();
  absl::Status status = CheckDeadline(*context);
  if (status.ok()) {
    status = CheckDigest("dataset's digest", request->dataset_digest());
  }
  if (status.ok() && !request->validate_only()) {
    status = CheckRequestId(request->request_id());
  }
  if (!status.ok()) return Finish(reactor, status);
  tasks_.Add([this, reactor, request, response] {
    absl::StatusOr<Submission> read = Guarded<Submission>([request] {
      return ReadSubmission(
          request->file_text(), request->file_name(),
          {request->overrides().begin(), request->overrides().end()},
          request->dataset_digest());
    });
    if (!read.ok()) {
      Finish(reactor, read.status());
      return;
    }
    std::shared_ptr<const PreparedSweep> prepared;
    absl::Status status = ReadStore(store_, [&](Store& store) {
      ToProto(PlanSweep(store, *read), response->mutable_plan());
      if (!request->validate_only()) {
        prepared =
            std::make_shared<const PreparedSweep>(Prepare(*std::move(read)));
      }
      return absl::OkStatus();
    });
    if (!status.ok() || request->validate_only()) {
      Finish(reactor, status);
      return;
    }
    RunInEngine(engine_, reactor, [=](Turn& turn) -> absl::Status {
      DFSWEEP_ASSIGN_OR_RETURN(
          SubmitAnswer answer,
          coordinator::CreateSweep(turn, *prepared, request->request_id()));
      ToProto(answer, response);
      return absl::OkStatus();
    });
  });
  return reactor;
}

grpc::ServerUnaryReactor* SweepService::GetSweep(
    Context* context, const v1::GetSweepRequest* request, v1::Sweep* response) {
  return AnswerFromStore(tasks_, store_, context, [=](Store& store) {
    DFSWEEP_ASSIGN_OR_RETURN(SweepRow row, FindSweep(store, request->sweep()));
    ToProto(ViewSweep(store, row, absl::Now()), response);
    return absl::OkStatus();
  });
}

grpc::ServerUnaryReactor* SweepService::ListSweeps(
    Context* context, const v1::ListSweepsRequest* request,
    v1::ListSweepsResponse* response) {
  return AnswerFromStore(tasks_, store_, context, [=](Store& store) {
    return FillSweepPage(store, *request, response);
  });
}

template <typename Request>
grpc::ServerUnaryReactor* SweepService::Command(
    Context* context, const Request* request, v1::Sweep* response,
    absl::StatusOr<SweepView> (*command)(Turn&, const std::string&)) {
  if (auto status = CheckRequestId(request->request_id()); !status.ok()) {
    return Finish(context->DefaultReactor(), status);
  }
  // Pausing, resuming and cancelling twice is the same as once: the request id
  // needs no memory.
  return AnswerInEngine(engine_, context, [=](Turn& turn) -> absl::Status {
    DFSWEEP_ASSIGN_OR_RETURN(SweepView view, command(turn, request->sweep()));
    ToProto(view, response);
    return absl::OkStatus();
  });
}

grpc::ServerUnaryReactor* SweepService::PauseSweep(
    Context* context, const v1::PauseSweepRequest* request,
    v1::Sweep* response) {
  return Command(context, request, response, coordinator::PauseSweep);
}

grpc::ServerUnaryReactor* SweepService::ResumeSweep(
    Context* context, const v1::ResumeSweepRequest* request,
    v1::Sweep* response) {
  return Command(context, request, response, coordinator::ResumeSweep);
}

grpc::ServerUnaryReactor* SweepService::CancelSweep(
    Context* context, const v1::CancelSweepRequest* request,
    v1::Sweep* response) {
  return Command(context, request, response, coordinator::CancelSweep);
}

// ---- Trials -----------------------------------------------------------------

grpc::ServerUnaryReactor* SweepService::RetryTrials(
    Context* context, const v1::RetryTrialsRequest* request,
    v1::RetryTrialsResponse* response) {
  if (auto status = CheckRequestId(request->request_id()); !status.ok()) {
    return Finish(context->DefaultReactor(), status);
  }
  return AnswerInEngine(engine_, context, [=](Turn& turn) -> absl::Status {
    DFSWEEP_ASSIGN_OR_RETURN(
        RetryAnswer answer, coordinator::RetryTrials(turn, request->sweep(),
                                                     {request->trials().begin(),
                                                      request->trials().end()},
                                                     request->request_id()));
    ToProto(answer, response);
    return absl::OkStatus();
  });
}

grpc::ServerUnaryReactor* SweepService::ListTrials(
    Context* context, const v1::ListTrialsRequest* request,
    v1::ListTrialsResponse* response) {
  return AnswerFromStore(tasks_, store_, context, [=](Store& store) {
    return FillTrialPage(store, *request, response);
  });
}

// ---- Streams ----------------------------------------------------------------

grpc::ServerWriteReactor<v1::WatchSweepResponse>* SweepService::WatchSweep(
    Context* context, const v1::WatchSweepRequest* request) {
  auto stream = SweepStream::New(engine_);
  absl::Status checked = CheckDeadline(*context);
  engine_.Post([this, stream, checked, name = request->sweep()](Turn& turn) {
    auto sweep = checked.ok() ? FindSweep(turn.store(), name)
                              : absl::StatusOr<SweepRow>(checked);
    if (!sweep.ok()) return stream->EndAfterCommit(turn, sweep.status());
    const std::string id = sweep->sweep_id;
    turn.watchers().WatchSweep(
        stream->id(), id, [this, stream](const SweepNews& news) {
          ReadBeside<SweepMessage>(stream, SendMessage, [news](Store& store) {
            return MakeSweepMessage(store, news, absl::Now());
          });
        });
    turn.AfterCommit([this, stream, id](const absl::Status&) {
      ReadBeside<SweepTrials>(stream, BeginWatch, [id](Store& store) {
        return ReadSweepTrials(store, id);
      });
    });
  });
  return stream.get();
}

// A task may outlive this object.
template <typename T>
void SweepService::ReadBeside(const std::shared_ptr<SweepStream>& stream,
                              void (*use)(Turn&, SweepStream&,
                                          absl::StatusOr<T>),
                              std::function<absl::StatusOr<T>(Store&)> read) {
  tasks_.Add([&engine = engine_, folder = store_, stream, use,
              read = std::move(read)] {
    engine.Post(
        [stream, use, value = ReadFrom<T>(folder, read)](Turn& turn) mutable {
          use(turn, *stream, std::move(value));
        });
  });
}

grpc::ServerWriteReactor<v1::StreamTrialLogsResponse>*
SweepService::StreamTrialLogs(Context* context,
                              const v1::StreamTrialLogsRequest* request) {
  absl::Status checked = CheckDeadline(*context);
  std::string trial = request->trial();
  if (!request->follow()) {
    auto* list = new ListStream<v1::StreamTrialLogsResponse>;
    engine_.Post([list, checked, trial](Turn& turn) {
      list->StartAfterCommit(turn,
                             checked.ok() ? LogsSoFar(turn, trial) : checked);
    });
    return list;
  }
  auto stream = WatchStream<v1::StreamTrialLogsResponse>::New(engine_);
  engine_.Post([stream, checked, trial](Turn& turn) {
    auto trial_id = checked.ok() ? FindTrialId(turn, trial)
                                 : absl::StatusOr<std::string>(checked);
    if (!trial_id.ok()) return stream->EndAfterCommit(turn, trial_id.status());
    turn.watchers().FollowLog(
        stream->id(), *trial_id, [stream](const LogUpdate& update) {
          v1::StreamTrialLogsResponse message;
          ToProto(update, &message);
          stream->Send(std::move(message), update.is_last);
        });
  });
  return stream.get();
}

grpc::ServerWriteReactor<v1::ExportResultsResponse>*
SweepService::ExportResults(Context* context,
                            const v1::ExportResultsRequest* request) {
  auto* list = new ListStream<v1::ExportResultsResponse>;
  absl::StatusOr<ExportOptions> options = ReadExportOptions(*request);
  if (auto status = CheckDeadline(*context); !status.ok()) options = status;
  if (!options.ok()) {
    list->Fail(options.status());
    return list;
  }
  engine_.Post([this, list, options = *std::move(options),
                sweep = request->sweep()](Turn& turn) {
    absl::StatusOr<SweepRow> row = FindSweep(turn.store(), sweep);
    turn.AfterCommit([=, this](const absl::Status& committed) {
      absl::Status status = committed.ok() ? row.status() : committed;
      if (!status.ok()) return list->Fail(status);
      tasks_.Add([this, list, row = *row, options] {
        std::vector<ResultRow> rows;
        auto text = Guarded<std::string>(
            [&] { return ExportText(store_, row, options, rows); });
        if (!text.ok()) return list->Fail(text.status());
        list->Start(InPieces(*std::move(text)));
        FreeRows(std::move(rows));
      });
    });
  });
  return list;
}

// ---- Workers ----------------------------------------------------------------

grpc::ServerUnaryReactor* SweepService::ListWorkers(
    Context* context, const v1::ListWorkersRequest* request,
    v1::ListWorkersResponse* response) {
  return AnswerInEngine(engine_, context, [=](Turn& turn) {
    for (const WorkerView& view :
         coordinator::ListWorkers(turn, request->include_gone())) {
      ToProto(view, response->add_workers());
    }
    return absl::OkStatus();
  });
}

namespace {

// Answers with the worker as `order` has left it.
template <typename Request>
grpc::ServerUnaryReactor* OrderWorker(
    Engine& engine, grpc::CallbackServerContext* context,
    const Request* request, v1::Worker* response,
    absl::StatusOr<WorkerView> (*order)(Turn&, const std::string&)) {
  if (auto status = CheckRequestId(request->request_id()); !status.ok()) {
    return Finish(context->DefaultReactor(), status);
  }
  return AnswerInEngine(engine, context, [=](Turn& turn) -> absl::Status {
    DFSWEEP_ASSIGN_OR_RETURN(WorkerView view, order(turn, request->worker()));
    ToProto(view, response);
    return absl::OkStatus();
  });
}

}  // namespace

grpc::ServerUnaryReactor* SweepService::DrainWorker(
    Context* context, const v1::DrainWorkerRequest* request,
    v1::Worker* response) {
  return OrderWorker(engine_, context, request, response,
                     coordinator::DrainWorker);
}

grpc::ServerUnaryReactor* SweepService::PauseWorker(
    Context* context, const v1::PauseWorkerRequest* request,
    v1::Worker* response) {
  return OrderWorker(engine_, context, request, response,
                     coordinator::PauseWorker);
}

grpc::ServerUnaryReactor* SweepService::ResumeWorker(
    Context* context, const v1::ResumeWorkerRequest* request,
    v1::Worker* response) {
  return OrderWorker(engine_, context, request, response,
                     coordinator::ResumeWorker);
}

grpc::ServerUnaryReactor* SweepService::RemoveWorker(
    Context* context, const v1::RemoveWorkerRequest* request,
    v1::RemoveWorkerResponse*) {
  if (auto status = CheckRequestId(request->request_id()); !status.ok()) {
    return Finish(context->DefaultReactor(), status);
  }
  return AnswerInEngine(engine_, context, [=](Turn& turn) {
    return coordinator::RemoveWorker(turn, request->worker());
  });
}

// ---- Tokens -----------------------------------------------------------------

grpc::ServerUnaryReactor* SweepService::CreateJoinToken(
    Context* context, const v1::CreateJoinTokenRequest* request,
    v1::CreateJoinTokenResponse* response) {
  return AnswerInEngine(engine_, context, [=, this](Turn& turn) {
    return CreateToken(turn, access_, *request, response);
  });
}

grpc::ServerUnaryReactor* SweepService::RevokeToken(
    Context* context, const v1::RevokeTokenRequest* request,
    v1::RevokeTokenResponse*) {
  return AnswerInEngine(engine_, context, [=, this](Turn& turn) {
    return coordinator::RevokeToken(turn, access_, *request);
  });
}

grpc::ServerUnaryReactor* SweepService::ListTokens(
    Context* context, const v1::ListTokensRequest*,
    v1::ListTokensResponse* response) {
  return AnswerInEngine(engine_, context, [=](Turn& turn) {
    return coordinator::ListTokens(turn, response);
  });
}

// ---- Datasets and the server ------------------------------------------------

grpc::ServerReadReactor<v1::UploadDatasetRequest>* SweepService::UploadDataset(
    Context* context, v1::UploadDatasetResponse* response) {
  return NewDatasetUpload(engine_, files_, tasks_, *context, response);
}

grpc::ServerUnaryReactor* SweepService::ListDatasets(
    Context* context, const v1::ListDatasetsRequest*,
    v1::ListDatasetsResponse* response) {
  return AnswerInEngine(engine_, context, [=](Turn& turn) {
    for (const DatasetRow& row : turn.store().ListDatasets()) {
      ToProto(row, response->add_datasets());
    }
    return absl::OkStatus();
  });
}

grpc::ServerUnaryReactor* SweepService::BackupStore(
    Context* context, const v1::BackupStoreRequest* request,
    v1::BackupStoreResponse* response) {
  Unary* reactor = context->DefaultReactor();
  absl::Status status = CheckDeadline(*context);
  if (!status.ok()) return Finish(reactor, status);
  coordinator::BackupStore(
      engine_, tasks_, store_, request->folder(),
      [reactor, response](absl::StatusOr<BackupSize> size) {
        if (size.ok()) {
          response->set_size_bytes(size->bytes);
          response->set_datasets(size->datasets);
        }
        Finish(reactor, size.status());
      });
  return reactor;
}

grpc::ServerUnaryReactor* SweepService::GetServerInfo(
    Context* context, const v1::GetServerInfoRequest*,
    v1::GetServerInfoResponse* response) {
  response->set_version(kVersion);
  response->set_build(BuildId());
  response->set_protocol_major(kProtocolMajor);
  response->set_protocol_minor(kProtocolMinor);
  response->set_store_id(engine_.store_id());
  SetDuration(engine_.Uptime(), response->mutable_uptime());
  SetTime(absl::Now(), response->mutable_server_time());
  response->set_trials_ended(engine_.trials_ended());
  return AnswerInEngine(engine_, context, [=](Turn& turn) {
    response->set_workers_online(turn.store().OnlineFleet().workers);
    return absl::OkStatus();
  });
}

}  // namespace dfsweep::coordinator
