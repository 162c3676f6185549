#ifndef DFSWEEP_BASE_LOG_H_
#define DFSWEEP_BASE_LOG_H_

#include <spdlog/spdlog.h>

#include <string_view>

namespace dfsweep {

// Sends spdlog's default logger to standard error as
// "2026-01-31T12:00:00Z info  [program] message". Level from DFSWEEP_LOG
// (trace|debug|info|warning|error|off; `default_level` if unset). Call once.
void StartLogging(
    std::string_view program,
    spdlog::level::level_enum default_level = spdlog::level::info);

}  // namespace dfsweep

#endif  // DFSWEEP_BASE_LOG_H_
