#include "model/data/gzip.h"

#include <algorithm>

#include "model/config/error.h"
#include "model/data/limits.h"

namespace dfsweep::data {

GzipReader::GzipReader(const std::filesystem::path& path)
    : path_(path.string()), file_(gzopen(path_.c_str(), "rbe")) {
  std::error_code error;
  file_size_ = static_cast<int64_t>(std::filesystem::file_size(path, error));
  if (file_ == nullptr || error) {
    throw config::Error("can't open the file", path_,
                        "check the path and its permissions");
  }
}

int64_t GzipReader::Read(void* out, int64_t bytes) {
  constexpr int64_t kMostAtOnce = 1 << 30;  // gzread takes an unsigned int
  char* at = static_cast<char*>(out);
  int64_t done = 0;
  while (done < bytes) {
    const int got =
        gzread(file_.get(), at + done,
               static_cast<unsigned>(std::min(bytes - done, kMostAtOnce)));
    if (got > 0) {
      done += got;
      continue;
    }
    int code = Z_OK;
    const std::string text = gzerror(file_.get(), &code);
    if (got == 0 && code == Z_OK) break;
    throw config::Error("the file is damaged or cut short: " + text, path_,
                        "copy or download the file again");
  }
  bytes_read_ += done;
  if (bytes_read_ > kFreeTextBytes &&
      bytes_read_ / kMaxTextExpansion > file_size_) {
    throw config::Error("the file expands too much to be traffic", path_,
                        "if it is real, unpack it and import the folder");
  }
  return done;
}

std::string ReadMaybeGzip(const std::filesystem::path& path) {
  constexpr int64_t kPieceBytes = 16 << 20;
  GzipReader reader(path);
  std::string bytes;
  int64_t got = kPieceBytes;
  while (got == kPieceBytes) {
    const size_t begin = bytes.size();
    bytes.resize(begin + kPieceBytes);
    got = reader.Read(bytes.data() + begin, kPieceBytes);
    bytes.resize(begin + got);
    if (static_cast<int64_t>(bytes.size()) > kMaxCells) {
      throw config::Error("the file is too large", path.string(),
                          "import fewer images");
    }
  }
  return bytes;
}

}  // namespace dfsweep::data
