// For tests: what SQLite asks of the disk, written down, and refused when told
// so.
#ifndef DFSWEEP_COORDINATOR_STORE_RECORDING_VFS_H_
#define DFSWEEP_COORDINATOR_STORE_RECORDING_VFS_H_

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <random>
#include <string>
#include <vector>

namespace dfsweep::coordinator {

// What changes a disk.
struct DiskOperation {
  enum class Kind { kCreate, kWrite, kTruncate, kSync, kDelete };
  Kind kind;
  std::string file;    // its name, without the folder
  int64_t offset = 0;  // of a write; the new size after a truncation
  std::string bytes;   // of a write
};

// While it lives, SQLite's default file system. One at a time; not thread-safe.
// Files that are open when it begins or ends are none of its business.
class RecordingVfs {
 public:
  RecordingVfs();
  ~RecordingVfs();
  RecordingVfs(const RecordingVfs&) = delete;
  RecordingVfs& operator=(const RecordingVfs&) = delete;

  // Since it was made, also those that failed.
  const std::vector<DiskOperation>& operations() const;

  // The operation with this number, from 0, fails with EIO, and all after it.
  void FailFrom(size_t operation);

 private:
  struct Shim;
  std::unique_ptr<Shim> shim_;
};

// A disk that keeps for sure only what was synced.
class VolatileDisk {
 public:
  explicit VolatileDisk(std::map<std::string, std::string> files);

  void Apply(const DiskOperation& operation);

  // What is on the disk after a power cut now: of what was not synced, any part
  // in sectors of 512 bytes.
  std::map<std::string, std::string> AfterPowerCut(std::mt19937_64& random);

 private:
  struct Inode {
    std::string synced;
    std::vector<DiskOperation> pending;  // writes and truncations
  };
  using Directory = std::map<std::string, size_t>;  // indexes of inodes
  struct DirectoryChange {
    std::string file;
    std::optional<size_t> inode;  // empty: deleted
  };

  static void Change(Directory& directory, const DirectoryChange& change);
  void SyncDirectory();

  std::vector<Inode> inodes_;
  Directory synced_;
  Directory now_;
  std::vector<DirectoryChange> pending_;  // between the two, in order
};

}  // namespace dfsweep::coordinator

#endif  // DFSWEEP_COORDINATOR_STORE_RECORDING_VFS_H_
