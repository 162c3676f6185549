#ifndef DFSWEEP_COORDINATOR_STORE_CHECKPOINT_FILES_H_
#define DFSWEEP_COORDINATOR_STORE_CHECKPOINT_FILES_H_

#include <cstdint>
#include <filesystem>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/synchronization/mutex.h"
#include "base/status.h"

namespace dfsweep::coordinator {

// "<owner>.<number>.progress" of a trial after `number` steps, or
// "<owner>.<number>.stage" of a stage after `number` epochs.
struct CheckpointName {
  std::string owner;  // a trial's id, or a stage's name: 64 hexadecimal digits
  int64_t number = 0;
  bool is_stage = false;

  // Empty unless `text` is exactly such a name.
  static std::optional<CheckpointName> Parse(std::string_view text);
};

// Trainings that workers have sent here for others to go on with, in
// <store>/checkpoints. They save time and nothing else, so that any may be
// removed at any time: what was used longest ago goes beyond a bound, and a
// trial's older progress when there is newer. Thread-safe.
class CheckpointFiles {
 public:
  struct File {
    std::string name;
    std::string digest;
    int64_t size_bytes = 0;
  };

  static absl::StatusOr<std::unique_ptr<CheckpointFiles>> Open(
      const std::filesystem::path& store, int64_t limit_bytes);

  // Of one trial or stage, by number.
  std::vector<File> Of(const std::string& owner) const;
  bool Has(const std::string& name) const;

  // Where the bytes of that digest are; they count as used now.
  std::optional<std::filesystem::path> Find(const std::string& digest) const;

  // Where an upload goes; Added says that it is there.
  std::filesystem::path PathFor(const CheckpointName& name,
                                const std::string& digest) const;
  void Added(const File& file);

  // The trial has its result.
  void RemoveProgress(const std::string& trial_id);

 private:
  using Key = std::pair<std::string, int64_t>;  // owner, number
  struct Entry {
    File file;
    std::filesystem::file_time_type used;
  };

  CheckpointFiles(std::filesystem::path folder, int64_t limit_bytes)
      : folder_(std::move(folder)), limit_bytes_(limit_bytes) {}
  void Load();
  void Remove(const Key& key) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  void MakeRoom() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);

  const std::filesystem::path folder_;
  const int64_t limit_bytes_;
  mutable absl::Mutex mutex_;
  mutable std::map<Key, Entry> entries_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace dfsweep::coordinator

#endif  // DFSWEEP_COORDINATOR_STORE_CHECKPOINT_FILES_H_
