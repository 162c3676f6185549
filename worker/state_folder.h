#ifndef DFSWEEP_WORKER_STATE_FOLDER_H_
#define DFSWEEP_WORKER_STATE_FOLDER_H_

#include <filesystem>
#include <string>

#include "base/files.h"
#include "base/status.h"

namespace dfsweep::worker {

// The folder in which a worker keeps what must outlive it; one process at a
// time.
//   worker_id  who this worker is (mode 0600)
//   credential.json  its coordinator, and what lets it in there (mode 0600)
//   spool/     outcomes that the coordinator has not acknowledged
//   datasets/  verified copies
//   checkpoints/  trainings to go on with
//   logs/      standard error of the trainers
class StateFolder {
 public:
  // Makes what is missing. kFailedPrecondition if another worker uses it.
  static absl::StatusOr<StateFolder> Open(const std::filesystem::path& path);

  // $XDG_STATE_HOME/dfsweep/<name>, or ~/.local/state/dfsweep/<name>.
  static std::filesystem::path DefaultPath(const std::string& name);

  const std::string& worker_id() const { return worker_id_; }
  std::filesystem::path credential() const { return path_ / "credential.json"; }
  std::filesystem::path spool() const { return path_ / "spool"; }
  std::filesystem::path datasets() const { return path_ / "datasets"; }
  std::filesystem::path checkpoints() const { return path_ / "checkpoints"; }
  std::filesystem::path log_of_slot(int slot) const {
    return path_ / "logs" / ("slot-" + std::to_string(slot) + ".log");
  }

 private:
  StateFolder(std::filesystem::path path, FileLock lock)
      : path_(std::move(path)), lock_(std::move(lock)) {}
  absl::Status LoadWorkerId();

  std::filesystem::path path_;
  FileLock lock_;
  std::string worker_id_;
};

}  // namespace dfsweep::worker

#endif  // DFSWEEP_WORKER_STATE_FOLDER_H_
