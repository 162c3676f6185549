// Whether the disk of the worker's state has room to work.
#ifndef DFSWEEP_WORKER_DISK_ROOM_H_
#define DFSWEEP_WORKER_DISK_ROOM_H_

#include <cstdint>
#include <filesystem>
#include <functional>
#include <optional>
#include <string>

#include "absl/base/thread_annotations.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/time.h"
#include "base/clock.h"

namespace dfsweep::worker {

// Thread-safe.
class DiskRoom {
 public:
  // Left to results, checkpoints and the owner of the machine.
  static constexpr int64_t kReserveBytes = int64_t{256} << 20;
  // A dataset that had no room is tried again after so long: by then its sweep
  // may have ended elsewhere, and others' datasets may fit.
  static constexpr absl::Duration kRemembersFor = absl::Minutes(5);

  // Tells what is free; empty if that can't be measured.
  using FreeBytes = std::function<std::optional<int64_t>()>;

  // `clock` outlives it.
  DiskRoom(FreeBytes free_bytes, const Clock& clock);

  // Whether `bytes` more leave the reserve; true if it can't be measured.
  bool Has(int64_t bytes) const;

  // That `what` ("dataset 0123abcd") found no room for `bytes`.
  void NoteShortage(const std::string& what, int64_t bytes);

  // Why nothing new can be begun, in a phrase without changing numbers; "" if
  // it can.
  std::string Shortage() const;

 private:
  struct Noted {
    std::string what;
    int64_t bytes = 0;
    absl::Duration until;
  };

  const FreeBytes free_bytes_;
  const Clock& clock_;
  mutable absl::Mutex mutex_;
  std::optional<Noted> noted_ ABSL_GUARDED_BY(mutex_);  // the latest
};

// Of the file system that holds `folder`.
DiskRoom::FreeBytes FreeBytesOf(std::filesystem::path folder);

}  // namespace dfsweep::worker

#endif  // DFSWEEP_WORKER_DISK_ROOM_H_
