#include "cli/lock_probe.h"

#include <fcntl.h>
#include <sys/file.h>
#include <unistd.h>

namespace dfsweep::cli {

bool IsLocked(const std::filesystem::path& lock) {
  int descriptor = ::open(lock.c_str(), O_RDONLY | O_CLOEXEC);
  if (descriptor < 0) return false;
  bool is_locked = ::flock(descriptor, LOCK_SH | LOCK_NB) != 0;
  ::close(descriptor);
  return is_locked;
}

}  // namespace dfsweep::cli
