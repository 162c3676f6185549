#include "coordinator/service/backup.h"

#include <spdlog/spdlog.h>
#include <sys/stat.h>

#include <algorithm>
#include <cerrno>
#include <system_error>

#include "base/digest.h"
#include "base/files.h"
#include "coordinator/store/sqlite_store.h"

namespace dfsweep::coordinator {
namespace {

namespace fs = std::filesystem;

// What is beside the database and worth keeping.
constexpr const char* kParts[] = {"datasets", "tls", "admin.token"};

absl::Status Failed(const std::error_code& error, const fs::path& path) {
  return MakeError(absl::StatusCode::kFailedPrecondition,
                   "the backup can't be written: " + error.message(),
                   path.string(),
                   "check the permissions and the free space there");
}

absl::Status Refused(absl::StatusCode code, const char* what,
                     const fs::path& to, const char* remedy) {
  return MakeError(code, what, to.string(), remedy);
}

// Whether `path` is `folder` or below it, however it is written.
bool IsWithin(const fs::path& path, const fs::path& folder) {
  std::error_code error;
  const fs::path inner = fs::weakly_canonical(path, error);
  const fs::path outer = fs::canonical(folder, error);
  return std::mismatch(outer.begin(), outer.end(), inner.begin(), inner.end())
             .first == outer.end();
}

absl::Status CheckPlace(const fs::path& from, const fs::path& to) {
  if (!to.is_absolute()) {
    return Refused(absl::StatusCode::kInvalidArgument,
                   "the backup's folder must be an absolute path", to,
                   "it is on the coordinator's machine: begin it with /");
  }
  std::error_code error;
  // A link is there whatever it points to.
  if (fs::symlink_status(to, error).type() != fs::file_type::not_found) {
    return Refused(absl::StatusCode::kAlreadyExists,
                   "the backup's folder is there already", to,
                   "name a new one: a backup replaces nothing");
  }
  if (!IsWithin(to, from)) return absl::OkStatus();
  return Refused(absl::StatusCode::kInvalidArgument,
                 "the backup would be inside the store", to,
                 "name a folder elsewhere, best on another disk");
}

// Makes `partial`, which nobody else may look into. What is there is left
// alone: a coordinator writes where it is told to from far away.
absl::Status MakePartial(const fs::path& partial) {
  std::error_code error;
  fs::create_directories(partial.parent_path(), error);
  if (!error && ::mkdir(partial.c_str(), 0700) != 0) {
    error.assign(errno, std::system_category());
  }
  return error ? Failed(error, partial) : absl::OkStatus();
}

// Makes what was copied its owner's alone, and durable.
absl::StatusOr<BackupSize> Seal(const fs::path& folder) {
  constexpr fs::perms kOwnFile = fs::perms::owner_read | fs::perms::owner_write;
  BackupSize size;
  std::error_code error;
  for (const auto& entry : fs::recursive_directory_iterator(folder)) {
    const bool is_file = entry.is_regular_file();
    fs::permissions(entry, is_file ? kOwnFile : fs::perms::owner_all, error);
    if (error) return Failed(error, entry);
    if (!is_file) continue;
    DFSWEEP_RETURN_IF_ERROR(SyncPath(entry.path()));
    size.bytes += static_cast<int64_t>(entry.file_size());
    size.datasets += entry.path().extension() == ".npz" ? 1 : 0;
  }
  return size;
}

absl::StatusOr<BackupSize> CopyRest(const fs::path& from, const fs::path& to,
                                    const fs::path& partial) {
  std::error_code error;
  for (const char* part : kParts) {
    if (!fs::exists(from / part, error)) continue;
    fs::copy(from / part, partial / part, fs::copy_options::recursive, error);
    if (error) return Failed(error, partial / part);
  }
  DFSWEEP_ASSIGN_OR_RETURN(BackupSize size, Seal(partial));
  fs::rename(partial, to, error);
  if (error) return Failed(error, to);
  DFSWEEP_RETURN_IF_ERROR(SyncPath(to.parent_path()));
  if (absl::Status noted =
          WriteFileDurably(from / kLastBackupFile, to.string() + "\n");
      !noted.ok()) {
    spdlog::warn("the backup is complete, but {}", MessageOf(noted));
  }
  return size;
}

}  // namespace

void BackupStore(Engine& engine, TaskThreads& tasks, const fs::path& from,
                 const fs::path& folder,
                 std::function<void(absl::StatusOr<BackupSize>)> done) {
  fs::path to = folder.lexically_normal();
  if (!to.has_filename()) to = to.parent_path();  // "/backups/"
  // Of a name that nobody has, so that two at a time don't meet in it.
  const fs::path partial = to.string() + ".partial-" + RandomHex(8);
  absl::Status status = CheckPlace(from, to);
  if (status.ok()) status = MakePartial(partial);
  if (!status.ok()) return done(status);
  engine.Post([&tasks, from, to, partial, done](Turn& turn) {
    turn.AfterCommit([&tasks, &store = turn.store(), from, to, partial,
                      done](const absl::Status& committed) {
      absl::Status copied = committed.ok()
                                ? store.Backup(partial / SqliteStore::kFileName)
                                : committed;
      tasks.Add([from, to, partial, done, copied] {
        auto size = copied.ok() ? CopyRest(from, to, partial)
                                : absl::StatusOr<BackupSize>(copied);
        std::error_code ignored;
        if (!size.ok()) fs::remove_all(partial, ignored);
        done(size);
      });
    });
  });
}

}  // namespace dfsweep::coordinator
