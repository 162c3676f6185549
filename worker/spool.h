#ifndef DFSWEEP_WORKER_SPOOL_H_
#define DFSWEEP_WORKER_SPOOL_H_

#include <filesystem>
#include <string>
#include <vector>

#include "base/status.h"
#include "dfsweep/v1/worker_service.pb.h"
#include "worker/attempt.h"

namespace dfsweep::worker {

// Outcomes that the coordinator has not acknowledged, one file each, named
// <trial id>-<attempt>. A file holds the SHA-256 of a serialised
// CompleteTrialRequest and the request itself. Whatever was put survives the
// death of the process and of the machine. Thread-safe: each call is about one
// file, and each attempt has one owner.
class Spool {
 public:
  // Uses `folder`, which must exist.
  explicit Spool(std::filesystem::path folder) : folder_(std::move(folder)) {}

  // On disk when it returns OK. Replaces an earlier outcome of the attempt.
  absl::Status Put(const v1::CompleteTrialRequest& outcome);

  // Forgets an outcome; a missing one is no error.
  void Remove(const AttemptId& id);

  // Moves an outcome to <folder>/corrupt, for a person to look at.
  void SetAside(const AttemptId& id, const std::string& why);

  // What an earlier process left. Files that can't be read are set aside with a
  // line in the log; leftovers of unfinished writes are deleted.
  std::vector<v1::CompleteTrialRequest> ReadAll();

 private:
  std::filesystem::path PathOf(const AttemptId& id) const;
  void SetFileAside(const std::filesystem::path& path, const std::string& why);

  std::filesystem::path folder_;
};

}  // namespace dfsweep::worker

#endif  // DFSWEEP_WORKER_SPOOL_H_
