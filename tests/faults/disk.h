// Disks that fill up and flip bits.
#ifndef DFSWEEP_TESTS_FAULTS_DISK_H_
#define DFSWEEP_TESTS_FAULTS_DISK_H_

#include <sys/mount.h>

#include <cerrno>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>

namespace dfsweep::testing {

// A small disk; it must be gone before the fleet deletes its folder.
class SmallDisk {
 public:
  SmallDisk(const std::filesystem::path& folder, const char* size)
      : folder_(folder) {
    std::filesystem::create_directories(folder);
    const std::string options = std::string("size=") + size;
    is_mounted_ =
        ::mount("tmpfs", folder.c_str(), "tmpfs", 0, options.c_str()) == 0;
    if (!is_mounted_) error_ = std::strerror(errno);
  }
  // Lazily: programs still have it open.
  ~SmallDisk() {
    if (is_mounted_) ::umount2(folder_.c_str(), MNT_DETACH);
  }
  SmallDisk(const SmallDisk&) = delete;
  SmallDisk& operator=(const SmallDisk&) = delete;

  bool is_mounted() const { return is_mounted_; }
  const std::string& error() const { return error_; }
  void Fill() const {
    for (int piece : {65536, 1}) {
      const std::string bytes(piece, 'x');
      std::ofstream file(Ballast(), std::ios::binary | std::ios::app);
      while (file.write(bytes.data(), piece).flush()) {
      }
    }
  }
  void Resize(const char* size) const {
    const std::string options = std::string("size=") + size;
    ::mount("tmpfs", folder_.c_str(), "tmpfs", MS_REMOUNT, options.c_str());
  }
  void Free() const { std::filesystem::remove(Ballast()); }

 private:
  std::filesystem::path Ballast() const { return folder_ / "ballast"; }
  std::filesystem::path folder_;
  bool is_mounted_ = false;
  std::string error_;
};

inline std::string Bytes(const std::filesystem::path& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}

// In place, as a disk does: the file is never shorter meanwhile.
inline void FlipABit(const std::filesystem::path& path, int64_t byte) {
  std::fstream file(path, std::ios::binary | std::ios::in | std::ios::out);
  file.seekg(byte);
  const char flipped = static_cast<char>(file.get() ^ 1);
  file.seekp(byte);
  file.put(flipped);
}
inline void FlipABit(const std::filesystem::path& path) {
  FlipABit(path, static_cast<int64_t>(std::filesystem::file_size(path)) / 2);
}

}  // namespace dfsweep::testing

#endif  // DFSWEEP_TESTS_FAULTS_DISK_H_
