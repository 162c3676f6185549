#include "model/data/trace_files.h"

#include <zip.h>

#include <algorithm>
#include <charconv>
#include <cstring>
#include <fstream>
#include <memory>
#include <vector>

#include "model/config/error.h"
#include "model/data/gzip.h"
#include "model/data/limits.h"

namespace dfsweep::data {
namespace {

namespace fs = std::filesystem;

constexpr char kCopyAgain[] = "copy or download the archive again";

void CheckNumberOfFiles(int64_t files, const fs::path& source) {
  if (files <= kMaxTextFiles) return;
  throw config::Error(
      "there are more than " + std::to_string(kMaxTextFiles) + " files in it",
      source.string(), "import fewer traces at once");
}

void CheckFileSize(uint64_t bytes, const std::string& where) {
  if (bytes <= static_cast<uint64_t>(kMaxTextFileBytes)) return;
  throw config::Error("the trace has " + std::to_string(bytes) + " bytes",
                      where, "leave this file out");
}

// ---- Folders ----

std::string ReadFile(const fs::path& path) {
  std::ifstream stream(path, std::ios::binary);
  const auto size = fs::file_size(path);
  CheckFileSize(size, path.string());
  std::string text(size, '\0');
  stream.read(text.data(), static_cast<std::streamsize>(size));
  if (!stream || stream.gcount() != static_cast<std::streamsize>(size)) {
    throw config::Error("can't read the trace", path.string(),
                        "check its permissions");
  }
  return text;
}

void ForEachInFolder(const fs::path& folder, const FileVisitor& visitor) {
  std::vector<fs::path> paths;
  for (const fs::directory_entry& entry : fs::directory_iterator(folder)) {
    paths.push_back(entry.path());
    CheckNumberOfFiles(static_cast<int64_t>(paths.size()), folder);
  }
  std::sort(paths.begin(), paths.end());
  for (const fs::path& path : paths) {
    const std::string name = path.filename().string();
    // A folder is asked for too, so that it is named among what was not read.
    if (!fs::is_regular_file(path)) {
      visitor.wants(name + "/");
    } else if (visitor.wants(name)) {
      visitor.take(name, path.string(), ReadFile(path));
    }
  }
}

// ---- Zip ----

struct DiscardZip {
  void operator()(zip_t* zip) const { zip_discard(zip); }
};
struct CloseZipFile {
  void operator()(zip_file_t* file) const { zip_fclose(file); }
};

std::string ReadZipMember(zip_t* zip, const zip_stat_t& stat,
                          const std::string& where) {
  std::unique_ptr<zip_file_t, CloseZipFile> file(
      zip_fopen_index(zip, stat.index, 0));
  if (file == nullptr) {
    throw config::Error(
        std::string("can't read the member: ") + zip_strerror(zip), where,
        kCopyAgain);
  }
  std::string text(stat.size, '\0');
  zip_int64_t got = 1;
  size_t done = 0;
  while (done < text.size() && got > 0) {
    got = zip_fread(file.get(), text.data() + done, text.size() - done);
    done += got > 0 ? got : 0;
  }
  char more;
  // The checksum is compared when the end is read.
  if (done != text.size() || zip_fread(file.get(), &more, 1) != 0) {
    throw config::Error("the member is damaged", where, kCopyAgain);
  }
  return text;
}

void ForEachInZip(const fs::path& path, const FileVisitor& visitor) {
  int code = 0;
  std::unique_ptr<zip_t, DiscardZip> zip(
      zip_open(path.c_str(), ZIP_RDONLY | ZIP_CHECKCONS, &code));
  if (zip == nullptr) {
    throw config::Error("this is no intact .zip", path.string(), kCopyAgain);
  }
  const zip_int64_t members = zip_get_num_entries(zip.get(), 0);
  CheckNumberOfFiles(members, path);
  const auto packed = static_cast<int64_t>(fs::file_size(path));
  int64_t unpacked = 0;
  for (zip_int64_t i = 0; i < members; ++i) {
    zip_stat_t stat;
    if (zip_stat_index(zip.get(), i, ZIP_FL_ENC_GUESS, &stat) != 0 ||
        (stat.valid & (ZIP_STAT_NAME | ZIP_STAT_SIZE)) !=
            (ZIP_STAT_NAME | ZIP_STAT_SIZE)) {
      throw config::Error("the zip directory is damaged", path.string(),
                          kCopyAgain);
    }
    const std::string name = stat.name;
    const std::string where = path.string() + ": " + name;
    if (name.ends_with('/') || !visitor.wants(name)) continue;
    CheckFileSize(stat.size, where);
    unpacked += static_cast<int64_t>(stat.size);
    if (unpacked > kFreeTextBytes && unpacked / kMaxTextExpansion > packed) {
      throw config::Error("the archive expands too much to be traffic",
                          path.string(),
                          "if it is real, unpack it and import the folder");
    }
    visitor.take(name, where, ReadZipMember(zip.get(), stat, where));
  }
}

// ---- Tar: a header of 512 bytes, then the contents in blocks of 512 ----

constexpr int64_t kTarBlock = 512;

// Where the fields of a header are.
constexpr size_t kTarName = 0, kTarNameSize = 100;
constexpr size_t kTarSize = 124, kTarSizeSize = 12;
constexpr size_t kTarChecksum = 148, kTarChecksumSize = 8;
constexpr size_t kTarType = 156;

class TarReader {
 public:
  explicit TarReader(const fs::path& path)
      : path_(path.string()), reader_(path) {}

  void ForEach(const FileVisitor& visitor) {
    int64_t files = 0;
    while (NextHeader()) {
      CheckNumberOfFiles(++files, path_);
      const char type = header_[kTarType];
      if (type == 'L' || type == 'x') {  // the name of the next entry
        long_name_ = NameIn(Contents(path_), type == 'x');
        continue;
      }
      const std::string name =
          long_name_.empty() ? Field(kTarName, kTarNameSize) : long_name_;
      long_name_.clear();
      const std::string where = path_ + ": " + name;
      const bool regular = type == '0' || type == '\0';
      if (regular && visitor.wants(name)) {
        visitor.take(name, where, Contents(where));
      } else {
        Skip();
      }
    }
    ReadToEnd();
  }

 private:
  [[noreturn]] void Damaged(const std::string& what) const {
    throw config::Error("the archive is damaged: " + what, path_, kCopyAgain);
  }

  std::string Field(size_t offset, size_t size) const {
    std::string_view field(header_ + offset, size);
    return std::string(field.substr(0, field.find('\0')));
  }

  int64_t Octal(size_t offset, size_t size) const {
    std::string text = Field(offset, size);
    text.erase(0, text.find_first_not_of(' '));
    text.erase(std::min(text.find_last_not_of(' ') + 1, text.size()));
    int64_t value = 0;
    const char* end = text.data() + text.size();
    auto result = std::from_chars(text.data(), end, value, 8);
    if (result.ec != std::errc() || result.ptr != end || value < 0) {
      Damaged("a header has no number where one belongs");
    }
    return value;
  }

  // False at the end of the archive: a block of zeros.
  bool NextHeader() {
    const int64_t got = reader_.Read(header_, kTarBlock);
    if (got == 0) return false;
    if (got != kTarBlock) Damaged("it ends inside a header");
    if (std::all_of(header_, header_ + kTarBlock,
                    [](char c) { return c == 0; })) {
      return false;
    }
    int64_t sum = 0;
    for (size_t i = 0; i < static_cast<size_t>(kTarBlock); ++i) {
      const bool blank =
          i >= kTarChecksum && i < kTarChecksum + kTarChecksumSize;
      sum += blank ? ' ' : static_cast<uint8_t>(header_[i]);
    }
    if (sum != Octal(kTarChecksum, kTarChecksumSize)) {
      Damaged("the checksum of a header differs, or this is no tar archive");
    }
    size_ = Octal(kTarSize, kTarSizeSize);
    return true;
  }

  static int64_t Padding(int64_t size) {
    return (kTarBlock - size % kTarBlock) % kTarBlock;
  }

  std::string Contents(const std::string& where) {
    CheckFileSize(size_, where);
    std::string text(size_, '\0');
    char padding[kTarBlock];
    if (reader_.Read(text.data(), size_) != size_ ||
        reader_.Read(padding, Padding(size_)) != Padding(size_)) {
      Damaged("it ends inside a file");
    }
    return text;
  }

  void Skip() {
    std::vector<char> buffer(1 << 20);
    int64_t left = size_;
    if (__builtin_add_overflow(left, Padding(left), &left)) {
      Damaged("a file's size has no meaning");
    }
    while (left > 0) {
      const int64_t piece = std::min<int64_t>(left, buffer.size());
      if (reader_.Read(buffer.data(), piece) != piece) {
        Damaged("it ends inside a file");
      }
      left -= piece;
    }
  }

  // So that gzip's checksum is compared.
  void ReadToEnd() {
    std::vector<char> buffer(1 << 20);
    while (reader_.Read(buffer.data(), buffer.size()) > 0) {
    }
  }

  // GNU tar writes the name alone; pax writes lines "27 path=name".
  static std::string NameIn(std::string text, bool is_pax) {
    if (!is_pax) return text.substr(0, text.find('\0'));
    constexpr std::string_view kPath = " path=";
    const size_t at = text.find(kPath);
    if (at == std::string::npos) return "";
    text.erase(0, at + kPath.size());
    return text.substr(0, text.find('\n'));
  }

  std::string path_;
  GzipReader reader_;
  char header_[kTarBlock];
  int64_t size_ = 0;  // of the entry's contents
  std::string long_name_;
};

}  // namespace

bool IsArchive(const fs::path& path) {
  const std::string name = path.filename().string();
  return name.ends_with(".zip") || name.ends_with(".tar") ||
         name.ends_with(".tar.gz") || name.ends_with(".tgz");
}

void ForEachFile(const fs::path& source, const FileVisitor& visitor) {
  if (fs::is_directory(source)) {
    ForEachInFolder(source, visitor);
  } else if (source.extension() == ".zip") {
    ForEachInZip(source, visitor);
  } else {
    TarReader(source).ForEach(visitor);
  }
}

std::string BaseName(const std::string& path) {
  const size_t slash = path.find_last_of("/\\");
  return slash == std::string::npos ? path : path.substr(slash + 1);
}

}  // namespace dfsweep::data
