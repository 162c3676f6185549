#include "model/data/mapped_file.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <string>

#include "model/config/error.h"

namespace dfsweep::data {
namespace {

// Closes the descriptor at the end of the scope.
struct Descriptor {
  int value;
  ~Descriptor() {
    if (value >= 0) close(value);
  }
};

}  // namespace

MappedFile::MappedFile(const std::filesystem::path& path)
    : address_(MAP_FAILED) {
  const std::string where = path.string();
  Descriptor file{open(where.c_str(), O_RDONLY | O_CLOEXEC)};
  struct stat status;
  if (file.value < 0 || fstat(file.value, &status) != 0) {
    throw config::Error(
        std::string("can't open the file: ") + std::strerror(errno), where,
        "check the path and its permissions");
  }
  if (!S_ISREG(status.st_mode) || status.st_size == 0) {
    throw config::Error("the file is empty, or no regular file", where,
                        "copy or download the file again");
  }
  size_ = status.st_size;
  address_ = mmap(nullptr, size_, PROT_READ, MAP_PRIVATE, file.value, 0);
  if (address_ == MAP_FAILED) {
    throw config::Error(
        std::string("can't map the file: ") + std::strerror(errno), where,
        "free some memory, or raise 'ulimit -v'");
  }
  // It is read once, from front to back.
  madvise(address_, size_, MADV_SEQUENTIAL);
}

MappedFile::~MappedFile() { munmap(address_, size_); }

}  // namespace dfsweep::data
