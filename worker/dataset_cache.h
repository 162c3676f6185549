#ifndef DFSWEEP_WORKER_DATASET_CACHE_H_
#define DFSWEEP_WORKER_DATASET_CACHE_H_

#include <atomic>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <map>
#include <set>
#include <string>

#include "absl/base/thread_annotations.h"
#include "absl/synchronization/mutex.h"
#include "base/status.h"
#include "dfsweep/v1/worker_service.pb.h"
#include "worker/coordinator_client.h"
#include "worker/disk_room.h"
#include "worker/link.h"

namespace dfsweep::worker {

// Datasets on this machine, <folder>/<digest>.npz, fetched from the coordinator
// when first needed. A file is used only after its SHA-256 was verified by this
// process. Thread-safe; slots that need the same file wait for one download.
class DatasetCache {
 public:
  struct Options {
    std::filesystem::path folder;  // must exist
    std::string worker_id;
    // Files that nobody uses are evicted, oldest use first, beyond this.
    int64_t limit_bytes = int64_t{20} << 30;
    Backoff::Limits backoff;
    // Frees what it can of so many bytes by other files than datasets, which
    // are larger to get again.
    std::function<void(int64_t bytes)> make_room_elsewhere = [](int64_t) {};
  };
  // `room` is that of `folder`.
  DatasetCache(Options options, DiskRoom& room, CoordinatorClient& client,
               Link& link)
      : options_(std::move(options)),
        room_(room),
        client_(client),
        link_(link) {}

  // A verified file that stays while this lives. Move-only.
  class Pin {
   public:
    Pin(DatasetCache* cache, std::string digest)
        : cache_(cache), digest_(std::move(digest)) {}
    Pin(Pin&& other) noexcept
        : cache_(std::exchange(other.cache_, nullptr)),
          digest_(std::move(other.digest_)) {}
    Pin& operator=(Pin&& other) noexcept {
      std::swap(cache_, other.cache_);
      std::swap(digest_, other.digest_);
      return *this;
    }
    ~Pin() {
      if (cache_ != nullptr) cache_->Unpin(digest_);
    }
    std::filesystem::path path() const { return cache_->PathOf(digest_); }

   private:
    DatasetCache* cache_;
    std::string digest_;
  };

  // Waits for the coordinator as long as it takes. Errors mean that this
  // machine can't have the file: no space (kResourceExhausted, noted in the
  // room), a dataset that the coordinator does not have, or wrong bytes three
  // times in a row. kCancelled if `stop` was set. `digest` must be a SHA-256.
  absl::StatusOr<Pin> Get(const std::string& digest, int64_t size_bytes,
                          const std::atomic<bool>& stop);

  // Reads the file again, after a trial that used it has failed: whether it is
  // still what was verified. If not, the next Get fetches it again.
  bool IsStillSound(const std::string& digest);

  // Makes room elsewhere, and evicts files that nobody uses, oldest use first,
  // until the disk has room for `bytes` more; whether it has.
  bool MakeRoom(int64_t bytes);

 private:
  std::filesystem::path PathOf(const std::string& digest) const;
  std::filesystem::path PartialPathOf(const std::string& digest) const;
  void Unpin(const std::string& digest);
  // Makes the file there and verified; the caller alone works on this digest.
  absl::Status Provide(const std::string& digest, int64_t size_bytes,
                       const std::atomic<bool>& stop);
  absl::Status Fetch(const std::string& digest, int64_t size_bytes,
                     const std::atomic<bool>& stop);
  absl::Status FetchRest(const std::string& digest, int64_t size_bytes,
                         const std::atomic<bool>& stop);
  // Makes room for what is missing of the file.
  absl::Status CheckSpace(const std::string& digest, int64_t size_bytes);
  // As MakeRoom, until `enough` is true of the bytes of the files that are
  // left.
  void Evict(const std::function<bool(int64_t total_bytes)>& enough);

  const Options options_;
  DiskRoom& room_;
  CoordinatorClient& client_;
  Link& link_;
  absl::Mutex mutex_;
  std::set<std::string> verified_ ABSL_GUARDED_BY(mutex_);
  std::set<std::string> busy_ ABSL_GUARDED_BY(mutex_);  // being provided
  std::map<std::string, int> pins_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace dfsweep::worker

#endif  // DFSWEEP_WORKER_DATASET_CACHE_H_
