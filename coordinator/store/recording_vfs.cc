#include "coordinator/store/recording_vfs.h"

#include <sqlite3.h>

#include <algorithm>
#include <cerrno>
#include <filesystem>
#include <limits>
#include <utility>

namespace dfsweep::coordinator {
namespace {

using Kind = DiskOperation::Kind;

constexpr size_t kSector = 512;

// Of the one RecordingVfs.
struct Recording {
  sqlite3_vfs* real = nullptr;
  std::vector<DiskOperation> operations;
  size_t fail_from = std::numeric_limits<size_t>::max();

  // Whether the operation may be done.
  bool Note(DiskOperation operation) {
    operations.push_back(std::move(operation));
    if (operations.size() <= fail_from) return true;
    errno = EIO;
    return false;
  }
};

Recording* recording = nullptr;

// SQLite allocates it, with room for the real file behind it.
struct File {
  sqlite3_file base;
  std::string* name;

  sqlite3_file* real() { return reinterpret_cast<sqlite3_file*>(this + 1); }
  const sqlite3_io_methods& methods() { return *real()->pMethods; }
};

File* Of(sqlite3_file* file) { return reinterpret_cast<File*>(file); }

int Close(sqlite3_file* file) {
  delete Of(file)->name;
  return Of(file)->methods().xClose(Of(file)->real());
}

int Read(sqlite3_file* file, void* bytes, int size, sqlite3_int64 offset) {
  return Of(file)->methods().xRead(Of(file)->real(), bytes, size, offset);
}

int Write(sqlite3_file* file, const void* bytes, int size,
          sqlite3_int64 offset) {
  if (!recording->Note({Kind::kWrite, *Of(file)->name, offset,
                        std::string(static_cast<const char*>(bytes), size)})) {
    return SQLITE_IOERR_WRITE;
  }
  return Of(file)->methods().xWrite(Of(file)->real(), bytes, size, offset);
}

int Truncate(sqlite3_file* file, sqlite3_int64 size) {
  if (!recording->Note({Kind::kTruncate, *Of(file)->name, size, ""})) {
    return SQLITE_IOERR_TRUNCATE;
  }
  return Of(file)->methods().xTruncate(Of(file)->real(), size);
}

int Sync(sqlite3_file* file, int flags) {
  if (!recording->Note({Kind::kSync, *Of(file)->name, 0, ""})) {
    return SQLITE_IOERR_FSYNC;
  }
  return Of(file)->methods().xSync(Of(file)->real(), flags);
}

int FileSize(sqlite3_file* file, sqlite3_int64* size) {
  return Of(file)->methods().xFileSize(Of(file)->real(), size);
}

int Lock(sqlite3_file* file, int lock) {
  return Of(file)->methods().xLock(Of(file)->real(), lock);
}

int Unlock(sqlite3_file* file, int lock) {
  return Of(file)->methods().xUnlock(Of(file)->real(), lock);
}

int CheckReservedLock(sqlite3_file* file, int* reserved) {
  return Of(file)->methods().xCheckReservedLock(Of(file)->real(), reserved);
}

int FileControl(sqlite3_file* file, int what, void* argument) {
  return Of(file)->methods().xFileControl(Of(file)->real(), what, argument);
}

int SectorSize(sqlite3_file* file) {
  return Of(file)->methods().xSectorSize(Of(file)->real());
}

int DeviceCharacteristics(sqlite3_file* file) {
  return Of(file)->methods().xDeviceCharacteristics(Of(file)->real());
}

int ShmMap(sqlite3_file* file, int page, int size, int extend,
           void volatile** memory) {
  return Of(file)->methods().xShmMap(Of(file)->real(), page, size, extend,
                                     memory);
}

int ShmLock(sqlite3_file* file, int offset, int count, int flags) {
  return Of(file)->methods().xShmLock(Of(file)->real(), offset, count, flags);
}

void ShmBarrier(sqlite3_file* file) {
  Of(file)->methods().xShmBarrier(Of(file)->real());
}

int ShmUnmap(sqlite3_file* file, int remove) {
  return Of(file)->methods().xShmUnmap(Of(file)->real(), remove);
}

// Version 2: without memory-mapped files, whose writes nobody sees.
constexpr sqlite3_io_methods kMethods = {2,
                                         Close,
                                         Read,
                                         Write,
                                         Truncate,
                                         Sync,
                                         FileSize,
                                         Lock,
                                         Unlock,
                                         CheckReservedLock,
                                         FileControl,
                                         SectorSize,
                                         DeviceCharacteristics,
                                         ShmMap,
                                         ShmLock,
                                         ShmBarrier,
                                         ShmUnmap,
                                         nullptr,
                                         nullptr};

std::string NameOf(const char* path) {
  return std::filesystem::path(path == nullptr ? "" : path).filename();
}

int Open(sqlite3_vfs*, sqlite3_filename path, sqlite3_file* file, int flags,
         int* out_flags) {
  const bool is_new = path != nullptr && !std::filesystem::exists(path);
  file->pMethods = nullptr;
  const int code = recording->real->xOpen(recording->real, path,
                                          Of(file)->real(), flags, out_flags);
  if (Of(file)->real()->pMethods == nullptr) return code;
  Of(file)->name = new std::string(NameOf(path));
  file->pMethods = &kMethods;
  if (code == SQLITE_OK && is_new) {
    recording->Note({Kind::kCreate, NameOf(path), 0, ""});
  }
  return code;
}

int Delete(sqlite3_vfs*, const char* path, int sync_directory) {
  if (!recording->Note({Kind::kDelete, NameOf(path), 0, ""})) {
    return SQLITE_IOERR_DELETE;
  }
  return recording->real->xDelete(recording->real, path, sync_directory);
}

}  // namespace

struct RecordingVfs::Shim {
  Recording recording;
  sqlite3_vfs vfs;
};

RecordingVfs::RecordingVfs() : shim_(std::make_unique<Shim>()) {
  sqlite3_initialize();
  shim_->recording.real = sqlite3_vfs_find(nullptr);
  shim_->vfs = *shim_->recording.real;
  shim_->vfs.szOsFile += sizeof(File);
  shim_->vfs.zName = "recording";
  shim_->vfs.xOpen = Open;
  shim_->vfs.xDelete = Delete;
  recording = &shim_->recording;
  sqlite3_vfs_register(&shim_->vfs, /*makeDflt=*/1);
}

RecordingVfs::~RecordingVfs() {
  sqlite3_vfs_unregister(&shim_->vfs);
  sqlite3_vfs_register(shim_->recording.real, /*makeDflt=*/1);
  recording = nullptr;
}

const std::vector<DiskOperation>& RecordingVfs::operations() const {
  return shim_->recording.operations;
}

void RecordingVfs::FailFrom(size_t operation) {
  shim_->recording.fail_from = operation;
}

// ---- What a power cut leaves ------------------------------------------------

namespace {

void WriteAt(std::string& content, size_t offset, std::string_view bytes) {
  content.resize(std::max(content.size(), offset + bytes.size()));
  content.replace(offset, bytes.size(), bytes);
}

void ApplyTo(std::string& content, const DiskOperation& operation) {
  if (operation.kind == Kind::kTruncate) {
    content.resize(operation.offset);
  } else {
    WriteAt(content, operation.offset, operation.bytes);
  }
}

// Each sector of a write gets to the disk, or does not.
void ApplySomeTo(std::string& content, const DiskOperation& operation,
                 std::mt19937_64& random) {
  if (operation.kind == Kind::kTruncate) {
    if (random() % 2 == 0) ApplyTo(content, operation);
    return;
  }
  const std::string_view bytes = operation.bytes;
  for (size_t begin = 0; begin < bytes.size();) {
    const size_t place = operation.offset + begin;
    const size_t size = kSector - place % kSector;
    if (random() % 2 == 0) WriteAt(content, place, bytes.substr(begin, size));
    begin += size;
  }
}

}  // namespace

VolatileDisk::VolatileDisk(std::map<std::string, std::string> files) {
  for (auto& [name, content] : files) {
    now_[name] = inodes_.size();
    inodes_.push_back({std::move(content), {}});
  }
  synced_ = now_;
}

void VolatileDisk::Change(Directory& directory, const DirectoryChange& change) {
  if (change.inode) {
    directory[change.file] = *change.inode;
  } else {
    directory.erase(change.file);
  }
}

void VolatileDisk::SyncDirectory() {
  synced_ = now_;
  pending_.clear();
}

void VolatileDisk::Apply(const DiskOperation& operation) {
  switch (operation.kind) {
    case Kind::kCreate:
      pending_.push_back({operation.file, inodes_.size()});
      inodes_.emplace_back();
      return Change(now_, pending_.back());
    case Kind::kDelete:
      pending_.push_back({operation.file, std::nullopt});
      return Change(now_, pending_.back());
    case Kind::kWrite:
    case Kind::kTruncate:
      return inodes_.at(now_.at(operation.file)).pending.push_back(operation);
    case Kind::kSync: {
      const size_t index = now_.at(operation.file);
      Inode& inode = inodes_.at(index);
      for (const DiskOperation& write : inode.pending) {
        ApplyTo(inode.synced, write);
      }
      inode.pending.clear();
      // SQLite syncs the folder with the first sync of a file that it made.
      const auto found = synced_.find(operation.file);
      if (found == synced_.end() || found->second != index) SyncDirectory();
      return;
    }
  }
}

std::map<std::string, std::string> VolatileDisk::AfterPowerCut(
    std::mt19937_64& random) {
  Directory directory = synced_;
  const size_t changes = random() % (pending_.size() + 1);
  for (size_t i = 0; i < changes; ++i) Change(directory, pending_[i]);
  enum { kNothing, kAll, kSome, kChoices };
  const int kept = static_cast<int>(random() % kChoices);
  std::map<std::string, std::string> files;
  for (const auto& [name, index] : directory) {
    std::string content = inodes_[index].synced;
    for (const DiskOperation& write : inodes_[index].pending) {
      if (kept == kAll) ApplyTo(content, write);
      if (kept == kSome) ApplySomeTo(content, write, random);
    }
    files[name] = std::move(content);
  }
  return files;
}

}  // namespace dfsweep::coordinator
