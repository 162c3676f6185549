#include "coordinator/service/server.h"

#include <arpa/inet.h>
#include <fmt/format.h>
#include <grpcpp/health_check_service_interface.h>
#include <grpcpp/security/server_credentials.h>
#include <grpcpp/server_builder.h>
#include <ifaddrs.h>
#include <net/if.h>
#include <unistd.h>

#include <chrono>
#include <fstream>
#include <future>
#include <memory>
#include <system_error>
#include <utility>

#include "absl/synchronization/notification.h"
#include "base/address.h"
#include "base/files.h"
#include "coordinator/service/authentication.h"
#include "coordinator/service/tls.h"
#include "coordinator/store/names.h"
#include "coordinator/store/sqlite_store.h"
#include "proto/channel.h"

namespace dfsweep::coordinator {
namespace {

constexpr int kTaskThreads = 4;
// Calls that were answered still have to reach their clients.
constexpr std::chrono::seconds kGrace(2);
constexpr std::chrono::seconds kMetricsPatience(5);

// Before anything is made, so that a mistake leaves nothing behind.
absl::Status CheckAddresses(const Server::Options& options) {
  DFSWEEP_RETURN_IF_ERROR(
      ParseAddress(options.listen, "--listen", Ports::kOrFree).status());
  if (!options.metrics.empty()) {
    DFSWEEP_RETURN_IF_ERROR(
        ParseAddress(options.metrics, "--metrics", Ports::kOrFree).status());
  }
  if (options.advertise.empty()) return absl::OkStatus();
  return ParseAddressOrHost(options.advertise, 0, "--advertise").status();
}

int64_t ResidentBytes() {
  std::ifstream statm("/proc/self/statm");
  int64_t all = 0, resident = 0;
  statm >> all >> resident;
  return resident * ::sysconf(_SC_PAGESIZE);
}

// The first address of this machine that others may reach, else its name.
std::string AddressOfThisMachine() {
  ifaddrs* list = nullptr;
  if (::getifaddrs(&list) != 0) list = nullptr;
  std::string found;
  for (const ifaddrs* next = list; next && found.empty();
       next = next->ifa_next) {
    if (!next->ifa_addr || next->ifa_addr->sa_family != AF_INET) continue;
    if ((next->ifa_flags & IFF_LOOPBACK) || !(next->ifa_flags & IFF_UP))
      continue;
    char text[INET_ADDRSTRLEN] = {};
    const auto* address = reinterpret_cast<const sockaddr_in*>(next->ifa_addr);
    ::inet_ntop(AF_INET, &address->sin_addr, text, sizeof text);
    found = text;
  }
  ::freeifaddrs(list);
  if (!found.empty()) return found;
  char name[256] = {};
  return ::gethostname(name, sizeof name - 1) == 0 ? name : "127.0.0.1";
}

// How other machines reach what listens on `listening`.
std::string AdvertisedAddress(const std::string& advertise, Address listening) {
  if (!advertise.empty()) {
    return AddressText(*ParseAddressOrHost(advertise, listening.port));
  }
  if (IsWildcard(listening)) listening.host = AddressOfThisMachine();
  return AddressText(listening);
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
  DFSWEEP_RETURN_IF_ERROR(CheckAddresses(options));
  DFSWEEP_RETURN_IF_ERROR(MakeFolder(options.store));
  // The store first: its lock guards the datasets too.
  DFSWEEP_ASSIGN_OR_RETURN(auto store, SqliteStore::Open(options.store));
  DFSWEEP_ASSIGN_OR_RETURN(auto datasets, DatasetFiles::Open(options.store));
  DFSWEEP_ASSIGN_OR_RETURN(
      auto checkpoints,
      CheckpointFiles::Open(options.store, options.checkpoint_bytes));
  DFSWEEP_ASSIGN_OR_RETURN(
      auto engine, Engine::Start(std::move(store), clock, options.engine));
  std::unique_ptr<Access> access;
  if (!IsLoopback(*ParseAddress(options.listen, "", Ports::kOrFree))) {
    access = std::make_unique<Access>(clock);
  }
  std::unique_ptr<Server> server(new Server(
      options.store, std::move(datasets), std::move(checkpoints),
      std::move(engine), std::move(access), options.engine.scheduler));
  DFSWEEP_RETURN_IF_ERROR(server->Listen(options, clock));
  if (!options.metrics.empty()) {
    DFSWEEP_RETURN_IF_ERROR(server->ServeMetrics(options.metrics));
  }
  return server;
}

Server::Server(std::filesystem::path store, DatasetFiles datasets,
               std::unique_ptr<CheckpointFiles> checkpoints,
               std::unique_ptr<Engine> engine, std::unique_ptr<Access> access,
               const SchedulerOptions& limits)
    : store_(std::move(store)),
      datasets_(std::move(datasets)),
      checkpoints_(std::move(checkpoints)),
      access_(std::move(access)),
      engine_(std::move(engine)),
      tasks_(kTaskThreads),
      worker_service_(*engine_, datasets_, *checkpoints_, tasks_, limits,
                      access_.get()),
      sweep_service_(*engine_, store_, datasets_, tasks_, access_.get()) {}

Server::~Server() { Stop(); }

absl::Status Server::Listen(const Options& options, const Clock& clock) {
  std::shared_ptr<grpc::ServerCredentials> credentials =
      grpc::InsecureServerCredentials();
  if (access_ != nullptr) {
    DFSWEEP_ASSIGN_OR_RETURN(credentials, OpenDoor(clock));
  }
  grpc::EnableDefaultHealthCheckService(true);
  grpc::ServerBuilder builder;
  rpc::ApplyServerLimits(builder);
  Address at = *ParseAddress(options.listen, "", Ports::kOrFree);
  builder.AddListeningPort(options.listen, credentials, &at.port);
  builder.RegisterService(&worker_service_);
  builder.RegisterService(&sweep_service_);
  server_ = builder.BuildAndStart();
  if (server_ == nullptr || at.port == 0) {
    return MakeError(absl::StatusCode::kUnavailable,
                     "the coordinator can't listen there: the port is taken or "
                     "not allowed",
                     "--listen " + options.listen,
                     "stop the program that has the port, or choose another");
  }
  if (access_ != nullptr) {
    access_->address = AdvertisedAddress(options.advertise, at);
  }
  if (IsWildcard(at)) at.host = "127.0.0.1";
  address_ = AddressText(at);
  return WriteFileDurably(store_ / kAddressFile,
                          address_ + (access_ != nullptr ? "\ntls\n" : "\n"));
}

absl::StatusOr<std::shared_ptr<grpc::ServerCredentials>> Server::OpenDoor(
    const Clock& clock) {
  DFSWEEP_ASSIGN_OR_RETURN(ServerIdentity identity,
                           LoadOrMakeIdentity(store_, clock.WallTime()));
  access_->fingerprint = identity.fingerprint;
  DFSWEEP_RETURN_IF_ERROR(LoadTokens(clock.WallTime()));
  grpc::SslServerCredentialsOptions options;
  options.pem_key_cert_pairs = {{identity.key_pem, identity.chain_pem}};
  auto credentials = grpc::SslServerCredentials(options);
  credentials->SetAuthMetadataProcessor(
      std::make_shared<Authenticator>(access_->tokens, clock));
  return credentials;
}

absl::Status Server::LoadTokens(absl::Time now) {
  absl::StatusOr<std::string> admin = ReadFile(store_ / kAdminFile, 1024);
  NewToken made = MakeToken(scope::kAdmin, "this-machine", "", now, {});
  bool is_new = false;
  absl::Status status;
  absl::Notification done;
  engine_->Post([&](Turn& turn) {
    for (const TokenRow& row : turn.store().ListTokens()) {
      access_->tokens.Put(row);
    }
    is_new = !admin.ok() ||
             !access_->tokens.Find(admin->substr(0, admin->find('\n'))).ok();
    if (is_new) turn.store().PutToken(made.row);
    turn.AfterCommit([&](const absl::Status& committed) {
      status = committed;
      done.Notify();
    });
  });
  done.WaitForNotification();
  if (!status.ok() || !is_new) return status;
  access_->tokens.Put(made.row);
  return WriteFileDurably(store_ / kAdminFile, made.text + "\n", 0600);
}

absl::Status Server::ServeMetrics(const std::string& listen) {
  DFSWEEP_ASSIGN_OR_RETURN(
      metrics_, MetricsServer::Start(*ParseAddress(listen, "", Ports::kOrFree),
                                     [this] { return GatherFigures(); }));
  return absl::OkStatus();
}

absl::StatusOr<Figures> Server::GatherFigures() {
  auto promise = std::make_shared<std::promise<Figures>>();
  std::future<Figures> future = promise->get_future();
  engine_->Post([promise](Turn& turn) {
    Figures figures;
    figures.trials = turn.store().CountTrials();
    for (const WorkerRow& worker : turn.store().ListWorkers()) {
      ++figures.workers[NameOf(worker.state)];
    }
    figures.slots = turn.store().OnlineFleet().slots;
    promise->set_value(std::move(figures));
  });
  if (future.wait_for(kMetricsPatience) != std::future_status::ready) {
    return MakeError(absl::StatusCode::kUnavailable,
                     "the coordinator is too busy to count", "/metrics",
                     "ask again later");
  }
  Figures figures = future.get();
  figures.trials_ended = engine_->trials_ended();
  figures.uptime_seconds = absl::ToDoubleSeconds(engine_->Uptime());
  figures.store_bytes = SqliteStore::Bytes(store_);
  figures.resident_bytes = ResidentBytes();
  return figures;
}

void Server::Stop() {
  if (server_ == nullptr) return;
  metrics_.reset();
  std::error_code ignored;
  std::filesystem::remove(store_ / kAddressFile, ignored);
  engine_->EndCalls();
  server_->Shutdown(std::chrono::system_clock::now() + kGrace);
  server_->Wait();
  server_.reset();
  engine_->Stop();
}

}  // namespace dfsweep::coordinator
