#include "coordinator/service/backup.h"

#include <system_error>

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

absl::Status Prepare(const fs::path& to, const fs::path& partial) {
  std::error_code error;
  if (!to.is_absolute()) {
    return MakeError(absl::StatusCode::kInvalidArgument,
                     "the backup's folder must be an absolute path",
                     to.string(),
                     "it is on the coordinator's machine: begin it with /");
  }
  if (fs::exists(to, error)) {
    return MakeError(absl::StatusCode::kAlreadyExists,
                     "the backup's folder is there already", to.string(),
                     "name a new one: a backup replaces nothing");
  }
  fs::remove_all(partial, error);
  fs::create_directories(partial, error);
  if (!error) fs::permissions(partial, fs::perms::owner_all, error);
  return error ? Failed(error, partial) : absl::OkStatus();
}

absl::StatusOr<BackupSize> SizeOf(const fs::path& folder) {
  BackupSize size;
  for (const auto& entry : fs::recursive_directory_iterator(folder)) {
    if (!entry.is_regular_file()) continue;
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
  DFSWEEP_ASSIGN_OR_RETURN(BackupSize size, SizeOf(partial));
  fs::rename(partial, to, error);
  if (error) return Failed(error, to);
  DFSWEEP_RETURN_IF_ERROR(SyncPath(to.parent_path()));
  return size;
}

}  // namespace

void BackupStore(Engine& engine, TaskThreads& tasks, const fs::path& from,
                 const fs::path& to,
                 std::function<void(absl::StatusOr<BackupSize>)> done) {
  const fs::path partial = to.string() + ".partial";
  if (absl::Status status = Prepare(to, partial); !status.ok()) {
    return done(status);
  }
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
