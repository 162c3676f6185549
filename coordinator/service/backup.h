#ifndef DFSWEEP_COORDINATOR_SERVICE_BACKUP_H_
#define DFSWEEP_COORDINATOR_SERVICE_BACKUP_H_

#include <filesystem>
#include <functional>

#include "base/status.h"
#include "coordinator/engine/engine.h"
#include "coordinator/service/task_threads.h"

namespace dfsweep::coordinator {

// In a store that was backed up: its time is the last backup's, its text the
// folder. `dfsweep doctor` looks at it.
inline constexpr char kLastBackupFile[] = "last-backup";

struct BackupSize {
  int64_t bytes = 0;
  int64_t datasets = 0;
};

// Copies the store in the folder `from` to the new folder `folder`, as of one
// moment. It is asked for over the network, so it replaces and removes nothing,
// follows no link that is there, and is its owner's alone. The database is
// copied by the engine's thread between two transactions, the rest, which never
// changes once it is there, by a task thread. `folder` is there only when it is
// complete; what a power cut left unfinished is beside it, as
// `folder`.partial-…. `done` is called once.
void BackupStore(Engine& engine, TaskThreads& tasks,
                 const std::filesystem::path& from,
                 const std::filesystem::path& folder,
                 std::function<void(absl::StatusOr<BackupSize>)> done);

}  // namespace dfsweep::coordinator

#endif  // DFSWEEP_COORDINATOR_SERVICE_BACKUP_H_
