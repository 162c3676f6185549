#include "worker/dataset_cache.h"

#include <fmt/format.h>
#include <spdlog/spdlog.h>

#include <algorithm>
#include <fstream>
#include <utility>
#include <vector>

#include "base/digest.h"
#include "base/files.h"
#include "worker/trainer_death.h"

namespace dfsweep::worker {
namespace {

namespace fs = std::filesystem;

constexpr int kMaxFetches = 3;
// NOT_FOUND means first that the worker is unknown, then that the dataset is.
constexpr int kMaxUnknown = 3;
constexpr absl::Duration kStopSlice = absl::Milliseconds(100);

absl::Status WriteError(const fs::path& path) {
  return MakeError(absl::StatusCode::kInternal,
                   "a dataset can't be written to disk", path.string(),
                   "free disk space on this worker and check the folder");
}

}  // namespace

fs::path DatasetCache::PathOf(const std::string& digest) const {
  return options_.folder / (digest + ".npz");
}

fs::path DatasetCache::PartialPathOf(const std::string& digest) const {
  return options_.folder / (digest + ".partial");
}

absl::StatusOr<DatasetCache::Pin> DatasetCache::Get(
    const std::string& digest, int64_t size_bytes,
    const std::atomic<bool>& stop) {
  {
    absl::MutexLock lock(&mutex_);
    auto is_free = [&]() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_) {
      return !busy_.contains(digest);
    };
    while (!mutex_.AwaitWithTimeout(absl::Condition(&is_free), kStopSlice)) {
      if (stop) return absl::CancelledError("told to stop");
    }
    busy_.insert(digest);
    ++pins_[digest];
  }
  Pin pin(this, digest);
  absl::Status status = Provide(digest, size_bytes, stop);
  {
    absl::MutexLock lock(&mutex_);
    busy_.erase(digest);
    if (status.ok()) verified_.insert(digest);
  }
  if (!status.ok()) return status;
  // The time of last use, for eviction.
  std::error_code ignored;
  fs::last_write_time(PathOf(digest), fs::file_time_type::clock::now(),
                      ignored);
  Evict([this](int64_t total) { return total <= options_.limit_bytes; });
  return pin;
}

bool DatasetCache::IsStillSound(const std::string& digest) {
  const auto found = Sha256OfFile(PathOf(digest));
  if (found.ok() && *found == digest) return true;
  absl::MutexLock lock(&mutex_);
  verified_.erase(digest);
  return false;
}

void DatasetCache::Unpin(const std::string& digest) {
  absl::MutexLock lock(&mutex_);
  if (--pins_[digest] == 0) pins_.erase(digest);
}

absl::Status DatasetCache::Provide(const std::string& digest,
                                   int64_t size_bytes,
                                   const std::atomic<bool>& stop) {
  fs::path path = PathOf(digest);
  if (fs::exists(path)) {
    {
      absl::MutexLock lock(&mutex_);
      if (verified_.contains(digest)) return absl::OkStatus();
    }
    auto found = Sha256OfFile(path);
    if (found.ok() && *found == digest) return absl::OkStatus();
    spdlog::warn("dataset {:.8} is damaged on this disk: fetched again",
                 digest);
    std::error_code ignored;
    fs::remove(path, ignored);
  }
  return Fetch(digest, size_bytes, stop);
}

absl::Status DatasetCache::Fetch(const std::string& digest, int64_t size_bytes,
                                 const std::atomic<bool>& stop) {
  fs::path partial = PartialPathOf(digest);
  spdlog::info("fetching dataset {:.8} ({} bytes)", digest, size_bytes);
  for (int fetch = 0; fetch < kMaxFetches; ++fetch) {
    DFSWEEP_RETURN_IF_ERROR(CheckSpace(digest, size_bytes));
    DFSWEEP_RETURN_IF_ERROR(FetchRest(digest, size_bytes, stop));
    DFSWEEP_ASSIGN_OR_RETURN(std::string found, Sha256OfFile(partial));
    if (found == digest) {
      DFSWEEP_RETURN_IF_ERROR(SyncPath(partial));
      std::error_code error;
      fs::rename(partial, PathOf(digest), error);
      return error ? WriteError(PathOf(digest)) : absl::OkStatus();
    }
    spdlog::warn("dataset {:.8} arrived damaged", digest);
    std::error_code ignored;
    fs::remove(partial, ignored);
  }
  return MakeError(
      absl::StatusCode::kDataLoss,
      fmt::format("dataset {:.8} arrived damaged {} times", digest,
                  kMaxFetches),
      client_.address(),
      "check the coordinator's store with `dfsweep data show`, and this "
      "machine's memory and network");
}

// Downloads what the partial file lacks, over as many connections as it takes.
absl::Status DatasetCache::FetchRest(const std::string& digest,
                                     int64_t size_bytes,
                                     const std::atomic<bool>& stop) {
  fs::path partial = PartialPathOf(digest);
  Backoff backoff(options_.backoff);
  int unknown = 0;
  while (!stop) {
    int64_t offset = FileSize(partial);
    if (offset >= size_bytes) return absl::OkStatus();
    v1::DownloadArtifactRequest request;
    request.set_worker_id(options_.worker_id);
    request.set_digest(digest);
    request.set_offset_bytes(offset);
    std::ofstream file(partial, std::ios::binary | std::ios::app);
    int64_t received = 0;
    bool is_written = true;
    absl::Status status =
        client_.Download(request, [&](std::string_view chunk) -> absl::Status {
          if (stop) return absl::CancelledError("told to stop");
          received += static_cast<int64_t>(chunk.size());
          // More than promised is as wrong as less: the digest will tell.
          bool fits = offset + received <= size_bytes;
          is_written = fits && file.write(chunk.data(), chunk.size());
          return is_written ? absl::OkStatus() : WriteError(partial);
        });
    file.close();
    if (status.ok() && file.good() && received > 0) continue;
    if (!is_written || absl::IsResourceExhausted(status) || !file.good()) {
      DFSWEEP_RETURN_IF_ERROR(CheckSpace(digest, size_bytes));
      return WriteError(partial);
    }
    if (absl::IsNotFound(status)) {
      if (++unknown > kMaxUnknown) return status;
      link_.RegisterAgain();
      client_.InterruptHeartbeat();
    } else if (absl::IsInvalidArgument(status) ||
               absl::IsPermissionDenied(status)) {
      return status;
    }
    if (received > 0) backoff.Reset();
    link_.AwaitRetry(std::min(backoff.Next(), absl::Seconds(1)));
  }
  return absl::CancelledError("told to stop");
}

absl::Status DatasetCache::CheckSpace(const std::string& digest,
                                      int64_t size_bytes) {
  const int64_t missing = size_bytes - FileSize(PartialPathOf(digest));
  if (MakeRoom(missing)) return absl::OkStatus();
  room_.NoteShortage(fmt::format("dataset {:.8}", digest), missing);
  return MakeError(
      absl::StatusCode::kResourceExhausted,
      fmt::format("dataset {:.8} needs {} MiB of disk beside {} MiB of reserve",
                  digest, missing >> 20, DiskRoom::kReserveBytes >> 20),
      options_.folder.string(), "free disk space on this worker");
}

bool DatasetCache::MakeRoom(int64_t bytes) {
  if (!room_.Has(bytes)) options_.make_room_elsewhere(bytes);
  if (!room_.Has(bytes)) {
    Evict([&](int64_t) { return room_.Has(bytes); });
  }
  return room_.Has(bytes);
}

void DatasetCache::Evict(
    const std::function<bool(int64_t total_bytes)>& enough) {
  struct File {
    fs::file_time_type used;
    fs::path path;
    int64_t size;
  };
  std::vector<File> files;
  int64_t total = 0;
  absl::MutexLock lock(&mutex_);
  std::error_code error;
  for (const auto& entry : fs::directory_iterator(options_.folder, error)) {
    int64_t size = FileSize(entry.path());
    total += size;
    if (pins_.contains(entry.path().stem().string())) continue;
    files.push_back(
        {fs::last_write_time(entry.path(), error), entry.path(), size});
  }
  std::sort(files.begin(), files.end(),
            [](const File& a, const File& b) { return a.used < b.used; });
  for (const File& file : files) {
    if (enough(total)) return;
    spdlog::info("evicts {} from the dataset cache",
                 file.path.filename().string());
    fs::remove(file.path, error);
    verified_.erase(file.path.stem().string());
    total -= file.size;
  }
}

}  // namespace dfsweep::worker
