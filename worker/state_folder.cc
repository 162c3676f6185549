#include "worker/state_folder.h"

#include <cstdlib>
#include <system_error>

#include "base/digest.h"

namespace dfsweep::worker {

namespace fs = std::filesystem;

fs::path StateFolder::DefaultPath(const std::string& name) {
  if (const char* state = std::getenv("XDG_STATE_HOME");
      state != nullptr && *state != '\0') {
    return fs::path(state) / "dfsweep" / name;
  }
  const char* home = std::getenv("HOME");
  return fs::path(home != nullptr ? home : ".") / ".local/state/dfsweep" / name;
}

absl::StatusOr<StateFolder> StateFolder::Open(const fs::path& path) {
  for (const char* folder : {"spool", "datasets", "checkpoints", "logs"}) {
    std::error_code error;
    fs::create_directories(path / folder, error);
    if (error) {
      return MakeError(
          absl::StatusCode::kPermissionDenied,
          "the worker's state folder can't be made: " + error.message(),
          path.string(), "give another folder with --state");
    }
  }
  auto lock = FileLock::Acquire(path / "lock");
  if (absl::IsFailedPrecondition(lock.status())) {
    return MakeError(absl::StatusCode::kFailedPrecondition,
                     "another worker uses this state folder: " +
                         PartsOf(MessageOf(lock.status())).what,
                     path.string(),
                     "stop that worker, or give this one its own --name or "
                     "--state");
  }
  if (!lock.ok()) return lock.status();
  StateFolder state(path, *std::move(lock));
  DFSWEEP_RETURN_IF_ERROR(state.LoadWorkerId());
  return state;
}

absl::Status StateFolder::LoadWorkerId() {
  fs::path path = path_ / "worker_id";
  auto known = ReadFile(path, 1024);
  if (known.ok()) {
    worker_id_ = *known;
    if (!worker_id_.empty() && worker_id_.back() == '\n') worker_id_.pop_back();
    if (IsSha256Hex(worker_id_ + worker_id_)) return absl::OkStatus();
  } else if (!absl::IsNotFound(known.status())) {
    return known.status();
  }
  // None yet, or a damaged one: a new worker as far as anybody knows.
  worker_id_ = RandomHex(16);
  return WriteFileDurably(path, worker_id_ + "\n", 0600);
}

}  // namespace dfsweep::worker
