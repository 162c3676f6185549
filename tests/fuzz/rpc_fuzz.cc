// Messages to the rpcs of a coordinator that is in the middle of its work, one
// call after the other, as a broken or hostile client may send them. It answers
// each, stores nothing of what it refuses, and keeps its invariants.
//
// An input is a row of calls: a byte that names the method (from 0 the
// worker's, from 128 the people's, in the order of the .proto) and a part, its
// message; of a stream, subparts. 64 times the digit 1 stand for the id of a
// trial of sweep s, 64 times 2 for one of the search t, which worker w1 has,
// and 64 times 3 for one that waits.
#include <google/protobuf/message.h>
#include <google/protobuf/stubs/logging.h>
#include <grpcpp/generic/generic_stub.h>
#include <grpcpp/server.h>
#include <grpcpp/server_builder.h>
#include <spdlog/spdlog.h>

#include <algorithm>
#include <chrono>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/synchronization/notification.h"
#include "base/temporary_folder.h"
#include "coordinator/engine/sweep_calls.h"
#include "coordinator/engine/worker_calls.h"
#include "coordinator/service/sweep_service.h"
#include "coordinator/service/worker_service.h"
#include "coordinator/store/sqlite_store.h"
#include "proto/channel.h"
#include "tests/fuzz/target.h"

namespace dfsweep::fuzz {
namespace {

using coordinator::CheckpointFiles;
using coordinator::DatasetFiles;
using coordinator::Engine;
using coordinator::SqliteStore;
using coordinator::Turn;
using google::protobuf::MethodDescriptor;

// Even a busy machine answers within it.
constexpr absl::Duration kPatience = absl::Seconds(20);
// What has nothing to tell by then waits for news.
constexpr absl::Duration kSilence = absl::Milliseconds(20);
constexpr int64_t kCheckpointBytes = 1 << 20;

template <typename T>
T Value(absl::StatusOr<T> value) {
  Require(value.ok(), "the coordinator starts", MessageOf(value.status()));
  return *std::move(value);
}

// Runs the handler on the engine's thread, and waits until all that its turn
// has begun is done.
void Do(Engine& engine, const Engine::Handler& handler) {
  for (const Engine::Handler& next : {handler, Engine::Handler([](Turn&) {})}) {
    absl::Notification done;
    engine.Post([&](Turn& turn) {
      next(turn);
      turn.AfterCommit([&done](const absl::Status&) { done.Notify(); });
    });
    Require(done.WaitForNotificationWithTimeout(kPatience),
            "the engine goes on");
  }
}

std::unique_ptr<Engine> StartEngine(const std::filesystem::path& folder,
                                    const Clock& clock) {
  Engine::Options options;
  options.on_fatal = [](const absl::Status& status) {
    Require(false, "the store is whole", MessageOf(status));
  };
  return Value(Engine::Start(Value(SqliteStore::Open(folder)), clock, options));
}

// ---- What every input begins with -------------------------------------------

coordinator::WorkerRow AWorker() {
  return {.worker_id = "w1",
          .name = "w1",
          .incarnation = "1",
          .slots = 2,
          .environment = {.device = "cpu"}};
}

void Submit(Turn& turn, const std::string& file) {
  const auto submission = Value(
      coordinator::ReadSubmission(file, "s.yaml", {}, std::string(64, 'd')));
  Value(coordinator::CreateSweep(turn, coordinator::Prepare(submission),
                                 "r" + file.substr(6, 1)));
}

// The trial that the worker gets.
std::string Lease(Engine& engine, const std::string& request_id) {
  std::string trial_id;
  Do(engine, [&](Turn& turn) {
    auto reply = [&trial_id](absl::StatusOr<coordinator::Leases> leases) {
      trial_id = Value(std::move(leases)).at(0).attempt.trial_id;
    };
    coordinator::LeaseTrials(turn, {.call = 1,
                                    .request = {"w1", "1", 1},
                                    .request_id = request_id,
                                    .reply = reply});
  });
  return trial_id;
}

// One of sweep s that nobody has.
std::string WaitingTrial(Turn& turn) {
  const auto sweep = Value(coordinator::FindSweep(turn.store(), "s"));
  return turn.store()
      .TrialIdsInState(sweep.sweep_id, {coordinator::TrialState::kPending})
      .at(0);
}

// A dataset, a search and a grid, and a worker that has a trial of each.
void FillStore(Engine& engine, std::vector<std::string>& trial_ids) {
  Do(engine, [](Turn& turn) {
    turn.store().PutDataset({.name = "data",
                             .digest = std::string(64, 'd'),
                             .size_bytes = 1000,
                             .manifest_json = "{}",
                             .create_time = turn.wall_time()});
    Submit(turn,
           "name: t\ndataset: data\nmethod: random\ntrials: 3\n"
           "early_terminate: {type: asha, min_iter: 1, eta: 2}\n"
           "parameters: {epochs: {min: 2, max: 30}}\n");
    coordinator::RegisterWorker(turn, AWorker(), {}, [](const auto&) {});
  });
  const std::string of_search = Lease(engine, "first");
  Do(engine, [](Turn& turn) {
    Submit(turn,
           "name: s\ndataset: data\npriority: 1\n"
           "parameters: {strategy: [naive, joint]}\n");
  });
  trial_ids = {Lease(engine, "second"), of_search};
  Do(engine, [&](Turn& turn) { trial_ids.push_back(WaitingTrial(turn)); });
}

struct Prepared {
  Prepared() {
    spdlog::set_level(spdlog::level::off);
    google::protobuf::SetLogHandler(nullptr);
    FakeClock clock;
    FillStore(*StartEngine(folder.path(), clock), trial_ids);
  }

  TemporaryFolder folder;
  std::vector<std::string> trial_ids;
};

const Prepared& ThePrepared() {
  static const Prepared prepared;
  return prepared;
}

// Of the same length, so that the lengths around it in a message hold.
std::string WithTrialIds(std::string message) {
  for (size_t i = 0; i < 3; ++i) {
    const std::string digits(64, static_cast<char>('1' + i));
    for (size_t at = 0; (at = message.find(digits, at)) != message.npos;) {
      message.replace(at, digits.size(), ThePrepared().trial_ids[i]);
    }
  }
  return message;
}

// ---- The coordinator of one input -------------------------------------------

class Coordinator {
 public:
  Coordinator() {
    grpc::ServerBuilder builder;
    rpc::ApplyServerLimits(builder);
    builder.RegisterService(&workers_);
    builder.RegisterService(&sweeps_);
    server_ = builder.BuildAndStart();
    channel_ = server_->InProcessChannel({});
  }
  ~Coordinator() {
    reader_.reset();
    engine_->EndCalls();
    server_->Shutdown(std::chrono::system_clock::now());
    server_->Wait();
  }

  const std::shared_ptr<grpc::Channel>& channel() const { return channel_; }

  // For a call that waits for news, until it has waited long enough.
  void PassTime() {
    clock_.Advance(rpc::kMaxLongPoll);
    time_passed_ = true;
    engine_->Wake();
  }

  // Changes with every transaction that has written something.
  int64_t Version() {
    Do(*engine_, [](Turn&) {});
    coordinator::Query query(*reader_, "PRAGMA data_version");
    Require(query.Next(), "the store can be read");
    return query.Int(0);
  }

  // `before` is the version before the call that ended so.
  void Judge(const grpc::Status& status, int64_t before) {
    Do(*engine_, [](Turn& turn) { turn.scheduler().CheckInvariants(); });
    const bool time_passed = std::exchange(time_passed_, false);
    if (status.ok() || time_passed) return;
    Require(Version() == before, "what is refused is not stored",
            status.error_message());
  }

 private:
  static std::filesystem::path Copied(const std::filesystem::path& to) {
    std::filesystem::copy(ThePrepared().folder.path(), to,
                          std::filesystem::copy_options::recursive);
    return to;
  }

  const TemporaryFolder folder_;
  const std::filesystem::path store_ = Copied(folder_.path());
  FakeClock clock_;
  const DatasetFiles datasets_ = Value(DatasetFiles::Open(store_));
  const std::unique_ptr<CheckpointFiles> checkpoints_ =
      Value(CheckpointFiles::Open(store_, kCheckpointBytes));
  coordinator::TaskThreads tasks_{1};
  const std::unique_ptr<Engine> engine_ = StartEngine(store_, clock_);
  coordinator::WorkerService workers_{*engine_, datasets_, *checkpoints_,
                                      tasks_,   {},        nullptr};
  coordinator::SweepService sweeps_{*engine_, store_, datasets_, tasks_,
                                    nullptr};
  std::unique_ptr<grpc::Server> server_;
  std::shared_ptr<grpc::Channel> channel_;
  // A second connection, which neither writes nor checkpoints.
  std::unique_ptr<coordinator::Database> reader_ =
      Value(coordinator::Database::Open(store_ / SqliteStore::kFileName));
  bool time_passed_ = false;
};

// ---- Calls ------------------------------------------------------------------

struct Call {
  const MethodDescriptor* method;
  std::vector<std::string> messages;
};

const MethodDescriptor& MethodOf(uint8_t byte) {
  const auto* service =
      (byte < 128 ? v1::HeartbeatRequest::descriptor()->file()
                  : v1::ListSweepsRequest::descriptor()->file())
          ->service(0);
  return *service->method(byte % 128 % service->method_count());
}

Call ReadCall(Fields& input) {
  Call call{&MethodOf(input.Byte()), {}};
  const std::string part = WithTrialIds(input.Part());
  if (!call.method->client_streaming()) return {call.method, {part}};
  for (Fields parts{part}; !parts.empty();) {
    call.messages.push_back(parts.Part(kEndOfSubpart));
  }
  return call;
}

std::unique_ptr<google::protobuf::Message> Parsed(const Call& call) {
  std::unique_ptr<google::protobuf::Message> message(
      google::protobuf::MessageFactory::generated_factory()
          ->GetPrototype(call.method->input_type())
          ->New());
  for (const std::string& bytes : call.messages) {
    if (!message->ParseFromString(bytes)) return nullptr;
  }
  return message;
}

// Writes a folder wherever it is told to: here that would be anywhere.
bool WritesAnywhere(const Call& call) {
  v1::BackupStoreRequest request;
  return call.method->name() == "BackupStore" &&
         request.ParseFromString(call.messages.front()) &&
         request.folder().starts_with('/');
}

// One call on a queue of its own.
class Sender {
 public:
  Sender(Coordinator& coordinator, const Call& call)
      : coordinator_(coordinator), call_(call), stub_(coordinator.channel()) {}

  grpc::Status Send() {
    rpc::SetDeadline(context_, rpc::kMaxStream / 2);
    const MethodDescriptor& method = *call_.method;
    stream_ = stub_.PrepareCall(
        &context_, "/" + method.service()->full_name() + "/" + method.name(),
        &queue_);
    stream_->StartCall(nullptr);
    bool ok = Next();
    for (size_t i = 0; ok && i < call_.messages.size(); ++i) {
      const grpc::Slice slice(call_.messages[i]);
      stream_->Write(grpc::ByteBuffer(&slice, 1), nullptr);
      ok = Next();
    }
    if (ok) {
      stream_->WritesDone(nullptr);
      Next();
    }
    return Receive();
  }

 private:
  grpc::Status Receive() {
    grpc::ByteBuffer answer;
    bool ok = true;
    while (ok) {
      stream_->Read(&answer, nullptr);
      ok = NextAnswer();
    }
    grpc::Status status;
    stream_->Finish(&status, nullptr);
    Next();
    return status;
  }

  bool NextAnswer() {
    const std::string& name = call_.method->name();
    if (name == "WatchSweep" || name == "StreamTrialLogs") {
      if (auto ok = NextWithin(kSilence)) return *ok;
      context_.TryCancel();
    } else if (name == "Heartbeat" || name == "LeaseTrials") {
      if (auto ok = NextWithin(kSilence)) return *ok;
      coordinator_.PassTime();
    }
    return Next();
  }

  bool Next() {
    const std::optional<bool> ok = NextWithin(kPatience);
    Require(ok.has_value(), "every call is answered", call_.method->name());
    return *ok;
  }

  std::optional<bool> NextWithin(absl::Duration time) {
    void* tag = nullptr;
    bool ok = false;
    const auto deadline =
        std::chrono::system_clock::now() + absl::ToChronoMilliseconds(time);
    if (queue_.AsyncNext(&tag, &ok, deadline) !=
        grpc::CompletionQueue::GOT_EVENT) {
      return std::nullopt;
    }
    return ok;
  }

  Coordinator& coordinator_;
  const Call& call_;
  grpc::GenericStub stub_;
  grpc::ClientContext context_;
  grpc::CompletionQueue queue_;
  std::unique_ptr<grpc::GenericClientAsyncReaderWriter> stream_;
};

void RequireGoodRefusal(const Call& call, const grpc::Status& status) {
  const std::string detail =
      call.method->name() + ": " + status.error_message();
  Require(status.error_code() != grpc::StatusCode::INTERNAL &&
              status.error_code() != grpc::StatusCode::UNKNOWN,
          "a refusal is not a bug", detail);
  const ErrorParts parts = PartsOf(status.error_message());
  Require(status.error_code() == grpc::StatusCode::CANCELLED ||
              (!parts.what.empty() && !parts.remedy.empty() &&
               std::count(detail.begin(), detail.end(), '\n') == 2),
          "a refusal has three parts", detail);
}

void Run(Fields input) {
  if (input.empty()) return;
  Coordinator coordinator;
  while (!input.empty()) {
    const Call call = ReadCall(input);
    if (WritesAnywhere(call)) continue;
    const int64_t before = coordinator.Version();
    const grpc::Status status = Sender(coordinator, call).Send();
    if (!status.ok() && Parsed(call) != nullptr) {
      RequireGoodRefusal(call, status);
    }
    coordinator.Judge(status, before);
  }
}

}  // namespace
}  // namespace dfsweep::fuzz

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  dfsweep::fuzz::Run({data, size});
  return 0;
}
