#include "model/event_writer.h"

#include <unistd.h>

#include <cstdio>
#include <mutex>
#include <utility>

#include "model/protocol/protocol.h"

namespace dfsweep::model {

using config::Json;

void WriteEvent(const char* type, Json fields) {
  fields["type"] = type;
  // Messages may quote a file's name in any encoding.
  std::string line =
      fields.dump(-1, ' ', false, Json::error_handler_t::replace) + "\n";
  static std::mutex mutex;
  std::lock_guard lock(mutex);
  if (std::fwrite(line.data(), 1, line.size(), stdout) != line.size() ||
      std::fflush(stdout) != 0) {
    _exit(protocol::kExitInterrupted);
  }
}

void WriteLog(const char* level, const std::string& message) {
  WriteEvent(protocol::event::kLog, {{"level", level}, {"message", message}});
}

}  // namespace dfsweep::model
