// Gzipped files through zlib, piece by piece, within limits.h.
#ifndef DFSWEEP_MODEL_DATA_GZIP_H_
#define DFSWEEP_MODEL_DATA_GZIP_H_

#include <zlib.h>

#include <cstdint>
#include <filesystem>
#include <memory>
#include <string>

namespace dfsweep::data {

// Reads a file's contents from front to back: unpacked if it is gzipped, as it
// is if not.
class GzipReader {
 public:
  // Throws config::Error if it can't be opened.
  explicit GzipReader(const std::filesystem::path& path);

  // Reads up to `bytes`; less only at the end of the file. Throws config::Error
  // if the file is damaged or cut short, or expands like a bomb.
  int64_t Read(void* out, int64_t bytes);

 private:
  struct Close {
    void operator()(gzFile file) const { gzclose(file); }
  };
  std::string path_;
  std::unique_ptr<gzFile_s, Close> file_;
  int64_t file_size_ = 0;
  int64_t bytes_read_ = 0;
};

// The whole contents.
std::string ReadMaybeGzip(const std::filesystem::path& path);

}  // namespace dfsweep::data

#endif  // DFSWEEP_MODEL_DATA_GZIP_H_
