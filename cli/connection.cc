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

bool IsLoopback(const std::string& address) {
  return address.starts_with("127.0.0.1:") || address.starts_with("[::1]:");
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

std::optional<std::string> ServedAddress(const fs::path& store) {
  auto text = ReadFile(store / kAddressFile, 256);
  if (!text.ok() || !IsLocked(store / kLockFile)) return std::nullopt;
  std::string address = text->substr(0, text->find('\n'));
  if (!IsLoopback(address)) return std::nullopt;
  return address;
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
  DFSWEEP_RETURN_IF_ERROR(is_local
                              ? connection->OpenLocal(no_store)
                              : connection->ConnectTo(options.coordinator));
  return connection;
}

absl::Status Connection::ConnectTo(const std::string& address) {
  auto client = std::make_shared<Client>(address);
  DFSWEEP_ASSIGN_OR_RETURN(server_info_, client->Greet());
  // One at the same address goes on by itself, and others may be using it.
  if (client_ == nullptr || client_->address() != address) {
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
  std::optional<std::string> address = ServedAddress(store_);
  return address.has_value() && ConnectTo(*address).ok();
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
  DFSWEEP_RETURN_IF_ERROR(ConnectTo(address));
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
