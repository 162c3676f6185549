#include "coordinator/store/failpoint.h"

#include <signal.h>

#include <cstdlib>
#include <string>

namespace dfsweep::coordinator {

void Failpoint(std::string_view name) {
  static const char* const setting = std::getenv("DFSWEEP_FAILPOINT");
  if (setting == nullptr) return;
  static const std::string wanted = setting;
  static int left = std::atoi(wanted.c_str() + wanted.find(':') + 1);
  if (wanted.substr(0, wanted.find(':')) != name || --left > 0) return;
  ::raise(SIGKILL);
}

}  // namespace dfsweep::coordinator
