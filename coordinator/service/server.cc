#include "coordinator/service/server.h"

#include <arpa/inet.h>
#include <fmt/format.h>
#include <grpcpp/security/server_credentials.h>
#include <grpcpp/server_builder.h>

#include <chrono>
#include <system_error>
#include <utility>

#include "base/files.h"
#include "coordinator/store/sqlite_store.h"
#include "proto/channel.h"

namespace dfsweep::coordinator {
namespace {

constexpr int kTaskThreads = 2;
// Calls that were answered still have to reach their clients.
constexpr std::chrono::seconds kGrace(2);

absl::Status AddressError(std::string what, const std::string& listen) {
  return MakeError(absl::StatusCode::kInvalidArgument, what,
                   "--listen " + listen,
                   "use HOST:PORT, e.g. 127.0.0.1:7600, or port 0 for a free "
                   "one");
}

bool IsLoopback(const std::string& host) {
  in_addr v4;
  if (::inet_pton(AF_INET, host.c_str(), &v4) == 1) {
    return ntohl(v4.s_addr) >> 24 == 127;
  }
  return host == "localhost" || host == "[::1]";
}

bool IsPort(std::string_view text) {
  if (text.empty() || text.size() > 5) return false;
  if (text.find_first_not_of("0123456789") != text.npos) return false;
  return std::stoi(std::string(text)) <= 65535;
}

// The host of an address that the coordinator may listen on.
absl::StatusOr<std::string> HostOf(const std::string& listen) {
  size_t colon = listen.rfind(':');
  if (colon == std::string::npos || colon == 0 ||
      !IsPort(std::string_view(listen).substr(colon + 1))) {
    return AddressError("the address to listen on is malformed", listen);
  }
  std::string host = listen.substr(0, colon);
  if (IsLoopback(host)) return host;
  return MakeError(
      absl::StatusCode::kInvalidArgument,
      "this version listens on loopback only: it has no TLS and tokens yet",
      "--listen " + listen,
      "listen on 127.0.0.1 and reach it through an SSH tunnel: ssh -NL "
      "7600:127.0.0.1:7600 this-machine");
}

absl::Status MakeFolder(const std::filesystem::path& folder) {
  std::error_code error;
  std::filesystem::create_directories(folder, error);
  if (!error) return absl::OkStatus();
  return MakeError(
      absl::StatusCode::kFailedPrecondition,
      fmt::format("the store's folder can't be made: {}", error.message()),
      folder.string(),
      "check the path and its permissions, or name another with "
      "--store");
}

}  // namespace

absl::StatusOr<std::unique_ptr<Server>> Server::Start(const Options& options,
                                                      const Clock& clock) {
  DFSWEEP_ASSIGN_OR_RETURN(std::string host, HostOf(options.listen));
  DFSWEEP_RETURN_IF_ERROR(MakeFolder(options.store));
  // The store first: its lock guards the datasets too.
  DFSWEEP_ASSIGN_OR_RETURN(auto store, SqliteStore::Open(options.store));
  DFSWEEP_ASSIGN_OR_RETURN(auto datasets, DatasetFiles::Open(options.store));
  DFSWEEP_ASSIGN_OR_RETURN(
      auto checkpoints,
      CheckpointFiles::Open(options.store, options.checkpoint_bytes));
  DFSWEEP_ASSIGN_OR_RETURN(
      auto engine, Engine::Start(std::move(store), clock, options.engine));
  std::unique_ptr<Server> server(
      new Server(options.store, std::move(datasets), std::move(checkpoints),
                 std::move(engine), options.engine.scheduler));
  DFSWEEP_RETURN_IF_ERROR(server->Listen(host, options.listen));
  return server;
}

Server::Server(std::filesystem::path store, DatasetFiles datasets,
               std::unique_ptr<CheckpointFiles> checkpoints,
               std::unique_ptr<Engine> engine, const SchedulerOptions& limits)
    : store_(std::move(store)),
      datasets_(std::move(datasets)),
      checkpoints_(std::move(checkpoints)),
      tasks_(kTaskThreads),
      engine_(std::move(engine)),
      worker_service_(*engine_, datasets_, *checkpoints_, tasks_, limits),
      sweep_service_(*engine_, datasets_, tasks_) {}

Server::~Server() { Stop(); }

absl::Status Server::Listen(const std::string& host,
                            const std::string& listen) {
  grpc::ServerBuilder builder;
  rpc::ApplyServerLimits(builder);
  int port = 0;
  builder.AddListeningPort(listen, grpc::InsecureServerCredentials(), &port);
  builder.RegisterService(&worker_service_);
  builder.RegisterService(&sweep_service_);
  server_ = builder.BuildAndStart();
  if (server_ == nullptr || port == 0) {
    return MakeError(absl::StatusCode::kUnavailable,
                     "the coordinator can't listen there: the port is taken or "
                     "not allowed",
                     "--listen " + listen,
                     "stop the program that has the port, or choose another");
  }
  address_ = fmt::format("{}:{}", host, port);
  return WriteFileDurably(store_ / kAddressFile, address_ + "\n");
}

void Server::Stop() {
  if (server_ == nullptr) return;
  std::error_code ignored;
  std::filesystem::remove(store_ / kAddressFile, ignored);
  engine_->EndCalls();
  server_->Shutdown(std::chrono::system_clock::now() + kGrace);
  server_->Wait();
  server_.reset();
  engine_->Stop();
}

}  // namespace dfsweep::coordinator
