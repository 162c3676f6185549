#include "coordinator/service/call.h"

#include <fmt/format.h>

#include <chrono>

#include "coordinator/store/sqlite_store.h"

namespace dfsweep::coordinator {

absl::Status CheckDeadline(const grpc::CallbackServerContext& context) {
  // gRPC stands for "none" by a time of day that nobody will see.
  constexpr std::chrono::hours kFarAway(24 * 365);
  if (context.deadline() < std::chrono::system_clock::now() + kFarAway) {
    return absl::OkStatus();
  }
  return MakeError(absl::StatusCode::kInvalidArgument,
                   "the call has no deadline", "",
                   "set one: a call without could wait for ever");
}

absl::Status BugError(std::string_view what) {
  return MakeError(absl::StatusCode::kInternal,
                   fmt::format("the coordinator failed: {}", what), "",
                   "this is a bug of dfsweep: report it with what you did");
}

void RunInEngine(Engine& engine, grpc::ServerUnaryReactor* reactor, Work work) {
  engine.Post([&engine, reactor, work = std::move(work)](Turn& turn) {
    absl::Status status = work(turn);
    turn.AfterCommit([&engine, reactor, status](const absl::Status& committed) {
      engine.Send([reactor, status = committed.ok() ? status : committed] {
        Finish(reactor, status);
      });
    });
  });
}

grpc::ServerUnaryReactor* AnswerInEngine(Engine& engine,
                                         grpc::CallbackServerContext* context,
                                         Work work) {
  grpc::ServerUnaryReactor* reactor = context->DefaultReactor();
  if (absl::Status status = CheckDeadline(*context); !status.ok()) {
    return Finish(reactor, status);
  }
  RunInEngine(engine, reactor, std::move(work));
  return reactor;
}

namespace {

struct Nothing {};

absl::StatusOr<Nothing> ReadUnguarded(const std::filesystem::path& folder,
                                      const Reading& work) {
  DFSWEEP_ASSIGN_OR_RETURN(std::unique_ptr<Store> store,
                           SqliteStore::OpenReader(folder));
  store->Begin();
  absl::Status status = work(*store);
  // Whatever was found after a failed read must not be told.
  DFSWEEP_RETURN_IF_ERROR(store->Commit());
  DFSWEEP_RETURN_IF_ERROR(status);
  return Nothing{};
}

}  // namespace

absl::Status ReadStore(const std::filesystem::path& folder,
                       const Reading& work) {
  return Guarded<Nothing>([&] { return ReadUnguarded(folder, work); }).status();
}

grpc::ServerUnaryReactor* AnswerFromStore(TaskThreads& tasks,
                                          const std::filesystem::path& folder,
                                          grpc::CallbackServerContext* context,
                                          Reading work) {
  grpc::ServerUnaryReactor* reactor = context->DefaultReactor();
  if (absl::Status status = CheckDeadline(*context); !status.ok()) {
    return Finish(reactor, status);
  }
  tasks.Add([folder, reactor, work = std::move(work)] {
    Finish(reactor, ReadStore(folder, work));
  });
  return reactor;
}

}  // namespace dfsweep::coordinator
