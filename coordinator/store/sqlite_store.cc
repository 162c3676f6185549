#include "coordinator/store/sqlite_store.h"

#include <fmt/format.h>

#include <system_error>
#include <utility>

#include "base/digest.h"
#include "coordinator/store/failpoint.h"
#include "coordinator/store/schema.h"

namespace dfsweep::coordinator {
namespace {

constexpr int64_t kMaxEvents = 100'000;
constexpr size_t kMaxNumbers = 10'000;

absl::Status DamagedError(const std::filesystem::path& path,
                          std::string_view what) {
  return MakeError(
      absl::StatusCode::kDataLoss,
      fmt::format("the store's database is damaged: {}", what), path.string(),
      "keep the file; copy a backup of the store over it, or name another "
      "folder with --store");
}

std::filesystem::path WithSuffix(const std::filesystem::path& path,
                                 const char* suffix) {
  return path.string() + suffix;
}

bool Exists(const std::filesystem::path& path) {
  std::error_code error;
  return std::filesystem::exists(path, error);
}

// SQLite would take an empty file for a new database, and delete the WAL of a
// missing one: somebody's data is gone, and must not be replaced in silence.
absl::Status CheckNotLost(const std::filesystem::path& path) {
  if (!Exists(path)) {
    if (!Exists(WithSuffix(path, "-wal"))) return absl::OkStatus();
    return DamagedError(path, "the file is missing, but its -wal is there");
  }
  std::error_code error;
  auto size = std::filesystem::file_size(path, error);
  if (error || size > 0) return absl::OkStatus();
  return DamagedError(path, "the file is empty");
}

// Makes the file under another name first: a crash or a full disk on the way
// must not leave one that looks like lost data.
absl::Status Create(const std::filesystem::path& path) {
  const std::filesystem::path unfinished = WithSuffix(path, ".new");
  std::error_code error;
  for (const char* suffix : {"", "-wal", "-shm"}) {
    std::filesystem::remove(WithSuffix(unfinished, suffix), error);
  }
  {
    DFSWEEP_ASSIGN_OR_RETURN(std::unique_ptr<Database> database,
                             Database::Open(unfinished));
    DFSWEEP_RETURN_IF_ERROR(Migrate(*database));
  }
  // Closing moved the WAL into the file, unless the disk was full.
  if (Exists(WithSuffix(unfinished, "-wal"))) {
    return MakeError(absl::StatusCode::kResourceExhausted,
                     "the store's database can't be made", path.string(),
                     "free disk space, then start again");
  }
  DFSWEEP_RETURN_IF_ERROR(SyncPath(unfinished));
  std::filesystem::rename(unfinished, path, error);
  if (!error) return SyncPath(path.parent_path());
  return MakeError(
      absl::StatusCode::kUnavailable,
      fmt::format("the store's database can't be made: {}", error.message()),
      path.string(), "check the folder's permissions");
}

// Says what to do with a file that can't be read.
absl::Status AsDamage(const std::filesystem::path& path,
                      const absl::Status& status) {
  return absl::IsDataLoss(status)
             ? DamagedError(path, PartsOf(MessageOf(status)).what)
             : status;
}

absl::Status QuickCheck(Database& database) {
  std::string answer;
  {
    Query query(database, "PRAGMA quick_check(1)");
    if (query.Next()) answer = query.Text(0);
  }
  DFSWEEP_RETURN_IF_ERROR(AsDamage(database.path(), database.TakeError()));
  if (answer != "ok") return DamagedError(database.path(), answer);
  return absl::OkStatus();
}

absl::Status MakeFolder(const std::filesystem::path& folder) {
  std::error_code error;
  std::filesystem::create_directories(folder, error);
  if (!error) return absl::OkStatus();
  return MakeError(
      absl::StatusCode::kUnavailable,
      fmt::format("the store's folder can't be made: {}", error.message()),
      folder.string(), "check the path and its permissions");
}

}  // namespace

absl::StatusOr<std::unique_ptr<SqliteStore>> SqliteStore::Open(
    const std::filesystem::path& folder) {
  DFSWEEP_RETURN_IF_ERROR(MakeFolder(folder));
  DFSWEEP_ASSIGN_OR_RETURN(FileLock lock,
                           FileLock::Acquire(folder / "coordinator.lock"));
  std::filesystem::path path = folder / kFileName;
  DFSWEEP_RETURN_IF_ERROR(CheckNotLost(path));
  if (!Exists(path)) DFSWEEP_RETURN_IF_ERROR(Create(path));
  absl::StatusOr<std::unique_ptr<Database>> database = Database::Open(path);
  DFSWEEP_RETURN_IF_ERROR(AsDamage(path, database.status()));
  DFSWEEP_RETURN_IF_ERROR(QuickCheck(**database));
  DFSWEEP_RETURN_IF_ERROR(Migrate(**database));
  std::unique_ptr<SqliteStore> store(
      new SqliteStore(std::move(lock), *std::move(database)));
  DFSWEEP_RETURN_IF_ERROR(store->ReadMeta());
  return store;
}

absl::StatusOr<std::unique_ptr<Store>> SqliteStore::OpenReader(
    const std::filesystem::path& folder) {
  DFSWEEP_ASSIGN_OR_RETURN(std::unique_ptr<Database> database,
                           Database::OpenReader(folder / kFileName));
  return std::unique_ptr<Store>(
      new SqliteStore(std::nullopt, std::move(database)));
}

SqliteStore::SqliteStore(std::optional<FileLock> lock,
                         std::unique_ptr<Database> database)
    : lock_(std::move(lock)), database_(std::move(database)) {}

absl::Status SqliteStore::ReadMeta() {
  Begin();
  database_->Run("INSERT OR IGNORE INTO meta VALUES ('store_id', ?)",
                 RandomHex(16));
  database_->Run("INSERT OR IGNORE INTO meta VALUES ('incarnation', '0')");
  database_->Run(
      "UPDATE meta SET value = CAST(value AS INTEGER) + 1 "
      "WHERE key = 'incarnation'");
  {
    Query query(*database_,
                "SELECT (SELECT value FROM meta WHERE key = 'store_id'), "
                "(SELECT value FROM meta WHERE key = 'incarnation')");
    if (query.Next()) {
      store_id_ = query.Text(0);
      incarnation_ = query.Int(1);
    }
  }
  return Commit();
}

void SqliteStore::Begin() {
  database_->Begin();
  changes_at_begin_ = database_->total_changes();
}

absl::Status SqliteStore::Commit() {
  const bool writes = database_->total_changes() != changes_at_begin_;
  if (writes) Failpoint("before_commit");
  absl::Status status = database_->Commit();
  if (!status.ok()) {
    numbers_.clear();
    environments_.clear();
  }
  if (writes) Failpoint("after_commit");
  return status;
}

int64_t SqliteStore::NumberOf(const std::string& trial_id) {
  if (auto known = numbers_.find(trial_id); known != numbers_.end()) {
    return known->second;
  }
  Query query(*database_, "SELECT number FROM trials WHERE trial_id = ?",
              trial_id);
  if (!query.Next()) return 0;
  if (numbers_.size() >= kMaxNumbers) numbers_.clear();
  return numbers_[trial_id] = query.Int(0);
}

std::string SqliteStore::PutEnvironment(const EnvironmentRow& e) {
  std::string digest = Sha256Hex(fmt::format(
      "{}\n{}\n{}\n{}\n{}\n{}\n{}\n{}\n{}\n{}\n{}\n{}", e.device, e.device_name,
      e.cpu, e.threads, e.torch_version, e.cuda_version, e.cudnn_version,
      e.driver_version, e.device_memory_bytes, e.bf16, e.build, e.os));
  if (!environments_.insert(digest).second) return digest;
  database_->Run(
      "INSERT OR IGNORE INTO environments "
      "VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
      digest, e.device, e.device_name, e.cpu, e.threads, e.torch_version,
      e.cuda_version, e.cudnn_version, e.driver_version, e.device_memory_bytes,
      e.bf16, e.build, e.os);
  return digest;
}

void SqliteStore::AddEvent(const std::string& kind, const std::string& text,
                           absl::Time now) {
  database_->Run("INSERT INTO events (time_ms, kind, text) VALUES (?, ?, ?)",
                 ToMs(now), kind, text);
}

absl::StatusOr<std::optional<std::string>> SqliteStore::FindRequest(
    const std::string& request_id, const std::string& method) {
  Query query(*database_,
              "SELECT method, answer_json FROM requests WHERE request_id = ?",
              request_id);
  if (!query.Next()) return std::nullopt;
  if (query.Text(0) != method) {
    return MakeError(absl::StatusCode::kInvalidArgument,
                     "the request id was used for another call before",
                     "request_id " + request_id,
                     "make a new random request id for every new call");
  }
  return query.Text(1);
}

void SqliteStore::PutRequest(const std::string& request_id,
                             const std::string& method,
                             const std::string& answer_json, absl::Time now) {
  database_->Run("INSERT INTO requests VALUES (?, ?, ?, ?)", request_id, method,
                 answer_json, ToMs(now));
}

void SqliteStore::Prune(absl::Time before) {
  database_->Run("DELETE FROM requests WHERE time_ms < ?", ToMs(before));
  database_->Run(
      "DELETE FROM events WHERE number <= (SELECT max(number) FROM events) - ?",
      kMaxEvents);
}

int64_t SqliteStore::Bytes(const std::filesystem::path& folder) {
  int64_t bytes = 0;
  for (const char* suffix : {"", "-wal"}) {
    std::error_code error;
    const auto size = std::filesystem::file_size(
        folder / (std::string(kFileName) + suffix), error);
    if (!error) bytes += static_cast<int64_t>(size);
  }
  return bytes;
}

}  // namespace dfsweep::coordinator
