#include "worker/disk_room.h"

#include <fmt/format.h>

#include <utility>

namespace dfsweep::worker {

DiskRoom::DiskRoom(FreeBytes free_bytes, const Clock& clock)
    : free_bytes_(std::move(free_bytes)), clock_(clock) {}

bool DiskRoom::Has(int64_t bytes) const {
  const std::optional<int64_t> free = free_bytes_();
  return !free || *free - kReserveBytes >= bytes;
}

void DiskRoom::NoteShortage(const std::string& what, int64_t bytes) {
  absl::MutexLock lock(&mutex_);
  noted_ = {what, bytes, clock_.Elapsed() + kRemembersFor};
}

std::string DiskRoom::Shortage() const {
  if (!Has(0)) {
    return fmt::format("less than {} MiB of its disk are free",
                       kReserveBytes >> 20);
  }
  absl::MutexLock lock(&mutex_);
  if (!noted_ || clock_.Elapsed() >= noted_->until || Has(noted_->bytes)) {
    return "";
  }
  return fmt::format("its disk has no room for {} ({} MiB)", noted_->what,
                     noted_->bytes >> 20);
}

DiskRoom::FreeBytes FreeBytesOf(std::filesystem::path folder) {
  return [folder = std::move(folder)]() -> std::optional<int64_t> {
    std::error_code error;
    const std::filesystem::space_info space =
        std::filesystem::space(folder, error);
    if (error) return std::nullopt;
    return static_cast<int64_t>(space.available);
  };
}

}  // namespace dfsweep::worker
