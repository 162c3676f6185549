// The little of SQLite that the store needs, with one rule of its own: the
// first error of a transaction is kept, everything after it does nothing, and
// COMMIT reports it. So the code that reads and writes rows has no error paths.
#ifndef DFSWEEP_COORDINATOR_STORE_SQLITE_H_
#define DFSWEEP_COORDINATOR_STORE_SQLITE_H_

#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>

#include "base/status.h"

struct sqlite3;
struct sqlite3_stmt;

namespace dfsweep::coordinator {

// A connection. Not thread-safe.
class Database {
 public:
  // Opens or creates the file. WAL, synchronous=FULL, foreign keys on.
  static absl::StatusOr<std::unique_ptr<Database>> Open(
      const std::filesystem::path& path);
  // For reading only, beside the connection that Open has made and that is
  // closed after this one. It sees what was committed when its transaction
  // began, waits for nobody, and never moves the WAL into the file.
  static absl::StatusOr<std::unique_ptr<Database>> OpenReader(
      const std::filesystem::path& path);
  ~Database();
  Database(const Database&) = delete;
  Database& operator=(const Database&) = delete;

  const std::filesystem::path& path() const { return path_; }

  // Reads see one state of the file and writes become one step until Commit.
  void Begin();
  // On an error everything since Begin is undone. kResourceExhausted: disk
  // full; kUnavailable: locked by a foreign program; kDataLoss: the disk or the
  // file is broken, nothing more can be promised.
  absl::Status Commit();
  void Rollback();

  // The first error since Begin, or since the last TakeError outside of one.
  absl::Status TakeError();
  bool failed() const { return !error_.ok(); }

  // Runs a statement without parameters and results, or several of them.
  void Execute(const std::string& sql);

  // Runs a statement for its effect.
  template <typename... Args>
  void Run(std::string_view sql, const Args&... args);

  // Copies the whole file to `path`, which must not exist. Outside of a
  // transaction.
  absl::Status CopyTo(const std::filesystem::path& path);

  // Number of rows changed since opening.
  int64_t total_changes() const;

 private:
  friend class Query;
  explicit Database(std::filesystem::path path) : path_(std::move(path)) {}
  // Opens the file and runs `settings`.
  static absl::StatusOr<std::unique_ptr<Database>> Connect(
      const std::filesystem::path& path, int flags, const char* settings);
  // Prepared once, then kept. Null after an error.
  sqlite3_stmt* Prepare(std::string_view sql);
  void KeepError(int code);
  absl::Status ErrorOf(int code) const;

  std::filesystem::path path_;
  sqlite3* handle_ = nullptr;
  // So that a statement is found without a copy of its text.
  struct Hash : std::hash<std::string_view> {
    using is_transparent = void;
  };
  std::unordered_map<std::string, sqlite3_stmt*, Hash, std::equal_to<>>
      statements_;
  absl::Status error_;
};

// One use of a statement: parameters bound in order, then rows by Next().
// Ends (resets) with its scope; the same SQL text must not be in use twice at
// the same time.
class Query {
 public:
  template <typename... Args>
  Query(Database& database, std::string_view sql, const Args&... args)
      : database_(database), statement_(database.Prepare(sql)) {
    int index = 0;
    (Bind(++index, args), ...);
  }
  ~Query();
  Query(const Query&) = delete;
  Query& operator=(const Query&) = delete;

  // False at the end, and after an error.
  bool Next();

  // Columns of the present row, from 0. NULL reads as 0 or "".
  int64_t Int(int column) const;
  double Real(int column) const;
  std::string Text(int column) const;
  // Until the next row.
  std::string_view View(int column) const;
  bool IsNull(int column) const;

 private:
  void Bind(int index, int64_t value);
  void Bind(int index, int value) { Bind(index, int64_t{value}); }
  void Bind(int index, bool value) { Bind(index, int64_t{value}); }
  void Bind(int index, double value);
  void Bind(int index, std::string_view value);
  void Bind(int index, const std::string& value) {
    Bind(index, std::string_view(value));
  }
  void Bind(int index, const char* value) {
    Bind(index, std::string_view(value));
  }
  template <typename T>
  void Bind(int index, const std::optional<T>& value) {
    if (value.has_value()) Bind(index, *value);  // else stays NULL
  }

  Database& database_;
  sqlite3_stmt* statement_;  // null after an error
};

template <typename... Args>
void Database::Run(std::string_view sql, const Args&... args) {
  Query query(*this, sql, args...);
  while (query.Next()) {
  }
}

}  // namespace dfsweep::coordinator

#endif  // DFSWEEP_COORDINATOR_STORE_SQLITE_H_
