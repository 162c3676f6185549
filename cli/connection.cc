#include "cli/connection.h"

#include <fmt/format.h>

#include <utility>

#include "absl/time/clock.h"
#include "base/clock.h"
#include "base/digest.h"
#include "base/files.h"
#include "cli/lock_probe.h"
#include "cli/output.h"

namespace dfsweep::cli {
namespace {

namespace fs = std::filesystem;

constexpr char kAddressFile[] = "coordinator.address";
constexpr char kLockFile[] = "coordinator.lock";
constexpr char kAuthorityFile[] = "tls/authority.pem";
constexpr char kAdminFile[] = "admin.token";
constexpr char kLogFile[] = "coordinator.log";
constexpr char kFreePort[] = "127.0.0.1:0";
constexpr char kListening[] = "listening on ";

// Opening a large store checks it first.
constexpr absl::Duration kStartTimeout = absl::Minutes(2);
// Another command that is just starting or stopping a coordinator.
constexpr absl::Duration kLockPatience = absl::Seconds(15);
constexpr absl::Duration kTalkAfter = absl::Seconds(2);
constexpr absl::Duration kLockRetry = absl::Milliseconds(100);
// A coordinator that dies again and again has a reason that goes on.
constexpr int kMaxHeals = 20;

std::string FirstLine(const std::string& text) {
  return text.substr(0, text.find('\n'));
}

absl::Status NoStoreError(const fs::path& store) {
  return MakeError(absl::StatusCode::kNotFound, "there is no store here",
                   fs::absolute(store).lexically_normal().string(),
                   "start a sweep with `dfsweep run FILE`, or name another "
                   "place with --store or --coordinator");
}

absl::Status MakeStoreFolder(const fs::path& store) {
  std::error_code error;
  fs::create_directories(store, error);
  if (!error) return absl::OkStatus();
  return MakeError(
      absl::StatusCode::kFailedPrecondition,
      fmt::format("the store's folder can't be made: {}", error.message()),
      store.string(), "name another folder with --store");
}

}  // namespace

bool IsStore(const fs::path& folder) {
  std::error_code error;
  return fs::exists(folder / kLockFile, error);
}

std::optional<rpc::Endpoint> ServedEndpoint(const fs::path& store) {
  auto text = ReadFile(store / kAddressFile, 256);
  if (!text.ok() || !IsLocked(store / kLockFile)) return std::nullopt;
  rpc::Endpoint endpoint{.address = FirstLine(*text)};
  if (text->find("\ntls\n") == std::string::npos) {
    if (!rpc::IsLoopback(endpoint.address)) return std::nullopt;
    return endpoint;
  }
  auto authority = ReadFile(store / kAuthorityFile, 64 << 10);
  auto token = ReadFile(store / kAdminFile, 1024);
  if (!authority.ok() || !token.ok()) return std::nullopt;
  endpoint.authority_pem = *authority;
  endpoint.token = FirstLine(*token);
  return endpoint;
}

fs::path LoginFile() { return rpc::ConfigurationFile("login.json"); }

absl::StatusOr<rpc::Endpoint> EndpointOf(const std::string& address) {
  absl::StatusOr<rpc::Endpoint> login = rpc::ReadEndpoint(LoginFile());
  if (login.ok() && login->address == address) return login;
  if (absl::IsDataLoss(login.status())) return login.status();
  rpc::Endpoint endpoint{.address = address};
  DFSWEEP_RETURN_IF_ERROR(rpc::CheckEndpoint(endpoint));
  return endpoint;
}

Connection::Connection(const GlobalOptions& options, bool is_local)
    : is_local_(is_local), store_(options.store) {}

Connection::~Connection() {
  // A coordinator that stops waits for its clients to hang up.
  client_.reset();
  coordinator_.reset();
  if (!is_temporary_) return;
  std::error_code ignored;
  fs::remove_all(store_, ignored);
}

absl::StatusOr<std::unique_ptr<Connection>> Connection::Open(
    const GlobalOptions& options, NoStore no_store) {
  bool is_local = options.coordinator.empty();
  std::unique_ptr<Connection> connection(new Connection(options, is_local));
  if (is_local) {
    DFSWEEP_RETURN_IF_ERROR(connection->OpenLocal(no_store));
  } else {
    DFSWEEP_ASSIGN_OR_RETURN(rpc::Endpoint endpoint,
                             EndpointOf(options.coordinator));
    DFSWEEP_RETURN_IF_ERROR(connection->ConnectTo(endpoint));
  }
  return connection;
}

absl::Status Connection::ConnectTo(const rpc::Endpoint& endpoint) {
  auto client = std::make_shared<Client>(endpoint);
  DFSWEEP_ASSIGN_OR_RETURN(server_info_, client->Greet());
  is_shared_ = !endpoint.authority_pem.empty();
  // One at the same address goes on by itself, and others may be using it.
  if (client_ == nullptr || client_->address() != endpoint.address) {
    client_ = std::move(client);
  }
  return absl::OkStatus();
}

absl::Status Connection::OpenLocal(NoStore no_store) {
  if (!IsStore(store_)) {
    switch (no_store) {
      case NoStore::kIsAnError:
        return NoStoreError(store_);
      case NoStore::kCreate:
        break;
      case NoStore::kPretend:
        is_temporary_ = true;
        store_ = fs::temp_directory_path() / ("dfsweep-" + RandomHex(8));
        break;
    }
    DFSWEEP_RETURN_IF_ERROR(MakeStoreFolder(store_));
  }
  return AttachOrStart(kFreePort);
}

absl::Status Connection::AttachOrStart(const std::string& listen) {
  absl::Duration start = Clock::Real().Elapsed();
  bool has_talked = false;
  while (true) {
    if (Attach()) return absl::OkStatus();
    absl::Status status = Start(listen);
    // If somebody has the lock, they serve in a moment or are about to end.
    bool is_taken = !status.ok() && IsLocked(store_ / kLockFile);
    absl::Duration waited = Clock::Real().Elapsed() - start;
    if (!is_taken || waited > kLockPatience) return status;
    if (waited > kTalkAfter && !std::exchange(has_talked, true)) {
      Say("waiting for another program that uses this store …");
    }
    absl::SleepFor(kLockRetry);
  }
}

bool Connection::Attach() {
  std::optional<rpc::Endpoint> endpoint = ServedEndpoint(store_);
  return endpoint.has_value() && ConnectTo(*endpoint).ok();
}

absl::Status Connection::Start(const std::string& listen) {
  DFSWEEP_ASSIGN_OR_RETURN(
      Child coordinator,
      Child::Start("dfsweep-coordinator",
                   {"--listen", listen, "--store", store_.string()},
                   store_ / kLogFile));
  absl::StatusOr<std::string> line = coordinator.ReadLine(kStartTimeout);
  if (!line.ok() || !line->starts_with(kListening)) {
    return coordinator.Obituary("the local coordinator did not start",
                                "read its log, then run the command again");
  }
  std::string address = line->substr(std::string(kListening).size());
  DFSWEEP_RETURN_IF_ERROR(ConnectTo({.address = address}));
  coordinator_ = std::move(coordinator);
  return absl::OkStatus();
}

absl::Status Connection::Heal() {
  if (!is_local_ || client_->Greet().ok()) return absl::OkStatus();
  std::string address = client_->address();
  if (++heals_ > kMaxHeals && coordinator_.has_value()) {
    return coordinator_->Obituary("the local coordinator keeps ending",
                                  "run the same command again");
  }
  coordinator_.reset();
  DFSWEEP_RETURN_IF_ERROR(AttachOrStart(address));
  if (client_->address() == address) return absl::OkStatus();
  return MakeError(absl::StatusCode::kFailedPrecondition,
                   "another program serves this store now", client_->address(),
                   "run the same command again: it goes on where this stopped");
}

}  // namespace dfsweep::cli
