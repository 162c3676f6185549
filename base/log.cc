#include "base/log.h"

#include <spdlog/pattern_formatter.h>
#include <spdlog/sinks/stdout_sinks.h>

#include <cstdlib>
#include <memory>
#include <string>

namespace dfsweep {

void StartLogging(std::string_view program,
                  spdlog::level::level_enum default_level) {
  auto logger = std::make_shared<spdlog::logger>(
      std::string(program), std::make_shared<spdlog::sinks::stderr_sink_mt>());
  logger->set_formatter(std::make_unique<spdlog::pattern_formatter>(
      "%Y-%m-%dT%H:%M:%SZ %-7l [%n] %v", spdlog::pattern_time_type::utc));
  const char* level = std::getenv("DFSWEEP_LOG");
  logger->set_level(level != nullptr ? spdlog::level::from_str(level)
                                     : default_level);
  logger->flush_on(spdlog::level::info);
  spdlog::set_default_logger(logger);
}

}  // namespace dfsweep
