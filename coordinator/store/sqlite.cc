#include "coordinator/store/sqlite.h"

#include <fmt/format.h>
#include <sqlite3.h>

#include <cerrno>
#include <cstdlib>

#include "base/files.h"
#include "spdlog/spdlog.h"

namespace dfsweep::coordinator {
namespace {

// A foreign program that holds the file (a backup, a curious student) gets
// this long before the transaction fails.
constexpr int kBusyTimeoutMs = 5000;

absl::StatusCode CodeOf(int code) {
  switch (code & 0xff) {
    case SQLITE_FULL:
    case SQLITE_NOMEM:
      return absl::StatusCode::kResourceExhausted;
    case SQLITE_IOERR:  // fsync among them: what is on the disk is unknown
    case SQLITE_CORRUPT:
    case SQLITE_NOTADB:
      return absl::StatusCode::kDataLoss;
    case SQLITE_BUSY:
    case SQLITE_LOCKED:
    case SQLITE_READONLY:
    case SQLITE_CANTOPEN:
    case SQLITE_PERM:
      return absl::StatusCode::kUnavailable;
    default:
      return absl::StatusCode::kInternal;
  }
}

// A full disk that SQLite takes for a broken one: a spent quota, a limit on the
// size of files, no room for the index of the WAL. Not so a failed fsync: what
// is on the disk then is unknown, whatever the reason. `system_error` is errno,
// for sqlite3_system_errno says 0 when COMMIT fails.
bool IsFullDisk(int code, int system_error) {
  return (code & 0xff) == SQLITE_IOERR && code != SQLITE_IOERR_FSYNC &&
         code != SQLITE_IOERR_DIR_FSYNC &&
         (system_error == ENOSPC || system_error == EDQUOT ||
          system_error == EFBIG);
}

std::string_view RemedyOf(absl::StatusCode code) {
  switch (code) {
    case absl::StatusCode::kResourceExhausted:
      return "free disk space; the coordinator goes on by itself";
    case absl::StatusCode::kDataLoss:
      return "check the disk; keep the file, and restore a backup of the store "
             "or name another folder with --store";
    case absl::StatusCode::kUnavailable:
      return "close the program that holds the file, and check its permissions";
    default:
      return "this is a bug of dfsweep: please report it with this message";
  }
}

}  // namespace

absl::StatusOr<std::unique_ptr<Database>> Database::Connect(
    const std::filesystem::path& path, int flags, const char* settings) {
  std::unique_ptr<Database> database(new Database(path));
  int code = sqlite3_open_v2(
      path.c_str(), &database->handle_,
      flags | SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_EXRESCODE, nullptr);
  if (code != SQLITE_OK) return database->ErrorOf(code);
  sqlite3_busy_timeout(database->handle_, kBusyTimeoutMs);
  database->Execute(settings);
  DFSWEEP_RETURN_IF_ERROR(database->TakeError());
  return database;
}

absl::StatusOr<std::unique_ptr<Database>> Database::Open(
    const std::filesystem::path& path) {
  return Connect(path, SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE,
                 "PRAGMA journal_mode = WAL;"
                 "PRAGMA synchronous = FULL;"
                 "PRAGMA foreign_keys = ON;"
                 "PRAGMA cache_size = -16000;"
                 "PRAGMA journal_size_limit = 67108864;");
}

absl::StatusOr<std::unique_ptr<Database>> Database::OpenReader(
    const std::filesystem::path& path) {
  DFSWEEP_ASSIGN_OR_RETURN(
      std::unique_ptr<Database> database,
      Connect(path, SQLITE_OPEN_READONLY,
              "PRAGMA query_only = ON; PRAGMA wal_autocheckpoint = 0;"));
  sqlite3_db_config(database->handle_, SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1,
                    nullptr);
  return database;
}

Database::~Database() {
  for (const auto& [sql, statement] : statements_) sqlite3_finalize(statement);
  // Checkpoints the WAL: a folder at rest is one file.
  sqlite3_close(handle_);
}

void Database::Begin() { Execute("BEGIN"); }

absl::Status Database::Commit() {
  if (!failed()) Execute("COMMIT");
  if (failed()) Rollback();
  return TakeError();
}

void Database::Rollback() {
  // SQLite itself rolls back after some errors.
  if (sqlite3_get_autocommit(handle_)) return;
  sqlite3_exec(handle_, "ROLLBACK", nullptr, nullptr, nullptr);
}

absl::Status Database::TakeError() {
  absl::Status error = std::move(error_);
  error_ = absl::OkStatus();
  return error;
}

void Database::Execute(const std::string& sql) {
  if (failed()) return;
  errno = 0;
  KeepError(sqlite3_exec(handle_, sql.c_str(), nullptr, nullptr, nullptr));
}

absl::Status Database::CopyTo(const std::filesystem::path& path) {
  sqlite3* copy = nullptr;
  int code = sqlite3_open_v2(path.c_str(), &copy,
                             SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE |
                                 SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_EXRESCODE,
                             nullptr);
  if (code == SQLITE_OK) {
    sqlite3_backup* backup = sqlite3_backup_init(copy, "main", handle_, "main");
    if (backup != nullptr) sqlite3_backup_step(backup, -1);
    code = backup != nullptr ? sqlite3_backup_finish(backup)
                             : sqlite3_extended_errcode(copy);
  }
  sqlite3_close(copy);
  if (code == SQLITE_OK) return SyncPath(path);
  return MakeError(
      absl::StatusCode::kUnavailable,
      fmt::format("the store can't be copied: {}", sqlite3_errstr(code)),
      path.string(), "check the permissions and the free space there");
}

int64_t Database::total_changes() const {
  return sqlite3_total_changes64(handle_);
}

sqlite3_stmt* Database::Prepare(std::string_view sql) {
  if (failed()) return nullptr;
  auto entry = statements_.find(sql);
  if (entry == statements_.end()) {
    entry = statements_.emplace(sql, nullptr).first;
  }
  if (entry->second == nullptr) {
    KeepError(
        sqlite3_prepare_v3(handle_, sql.data(), static_cast<int>(sql.size()),
                           SQLITE_PREPARE_PERSISTENT, &entry->second, nullptr));
  } else if (sqlite3_stmt_busy(entry->second)) {
    spdlog::critical("bug: a statement is in use twice: {}", sql);
    std::abort();
  }
  return entry->second;
}

void Database::KeepError(int code) {
  if (code == SQLITE_OK || failed()) return;
  error_ = ErrorOf(code);
}

absl::Status Database::ErrorOf(int code) const {
  absl::StatusCode status = IsFullDisk(code, errno)
                                ? absl::StatusCode::kResourceExhausted
                                : CodeOf(code);
  return MakeError(status,
                   fmt::format("the store's database failed: {} (SQLite {})",
                               sqlite3_errmsg(handle_), code),
                   path_.string(), RemedyOf(status));
}

Query::~Query() {
  if (statement_ == nullptr) return;
  sqlite3_reset(statement_);
  sqlite3_clear_bindings(statement_);
}

bool Query::Next() {
  if (statement_ == nullptr || database_.failed()) return false;
  errno = 0;
  int code = sqlite3_step(statement_);
  if (code == SQLITE_ROW) return true;
  if (code != SQLITE_DONE) database_.KeepError(code);
  return false;
}

int64_t Query::Int(int column) const {
  return sqlite3_column_int64(statement_, column);
}

double Query::Real(int column) const {
  return sqlite3_column_double(statement_, column);
}

std::string Query::Text(int column) const { return std::string(View(column)); }

std::string_view Query::View(int column) const {
  const unsigned char* text = sqlite3_column_text(statement_, column);
  if (text == nullptr) return "";
  return {reinterpret_cast<const char*>(text),
          static_cast<size_t>(sqlite3_column_bytes(statement_, column))};
}

bool Query::IsNull(int column) const {
  return sqlite3_column_type(statement_, column) == SQLITE_NULL;
}

void Query::Bind(int index, int64_t value) {
  if (statement_ == nullptr) return;
  database_.KeepError(sqlite3_bind_int64(statement_, index, value));
}

void Query::Bind(int index, double value) {
  if (statement_ == nullptr) return;
  database_.KeepError(sqlite3_bind_double(statement_, index, value));
}

void Query::Bind(int index, std::string_view value) {
  if (statement_ == nullptr) return;
  // A null pointer would bind NULL.
  const char* bytes = value.empty() ? "" : value.data();
  database_.KeepError(sqlite3_bind_text(statement_, index, bytes,
                                        static_cast<int>(value.size()),
                                        SQLITE_TRANSIENT));
}

}  // namespace dfsweep::coordinator
