#ifndef DFSWEEP_MODEL_DATA_MAPPED_FILE_H_
#define DFSWEEP_MODEL_DATA_MAPPED_FILE_H_

#include <cstdint>
#include <filesystem>
#include <string_view>

namespace dfsweep::data {

// A whole file, read where it lies. Immutable.
class MappedFile {
 public:
  // Throws config::Error if it can't be read, is empty or is no regular file.
  explicit MappedFile(const std::filesystem::path& path);
  ~MappedFile();
  MappedFile(const MappedFile&) = delete;
  MappedFile& operator=(const MappedFile&) = delete;

  std::string_view bytes() const {
    return {static_cast<const char*>(address_), size_};
  }

 private:
  void* address_;
  uint64_t size_ = 0;
};

}  // namespace dfsweep::data

#endif  // DFSWEEP_MODEL_DATA_MAPPED_FILE_H_
