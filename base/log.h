#ifndef DFSWEEP_BASE_LOG_H_
#define DFSWEEP_BASE_LOG_H_

#include <spdlog/spdlog.h>

#include <cstddef>
#include <initializer_list>
#include <memory>
#include <string>
#include <string_view>
#include <utility>

namespace dfsweep {

// Sends spdlog's default logger to standard error as
// "2026-01-31T12:00:00Z info  [program] message". Level from DFSWEEP_LOG
// (trace|debug|info|warning|error|off; `default_level` if unset).
// With DFSWEEP_LOG_FORMAT=json each line is an object with the keys time,
// level, program and message, and those of LogFields. Call once.
void StartLogging(
    std::string_view program,
    spdlog::level::level_enum default_level = spdlog::level::info);

// How StartLogging has such lines written.
std::unique_ptr<spdlog::formatter> JsonLogFormatter();

// For its lifetime, adds these fields to whatever its thread logs as JSON,
// beside those of others around it. To be destroyed by that thread, the newest
// first.
class LogFields {
 public:
  // E.g. LogFields fields{{"trial", id}, {"attempt", "1"}};
  LogFields(std::initializer_list<std::pair<std::string, std::string>> fields);
  ~LogFields();
  LogFields(const LogFields&) = delete;
  LogFields& operator=(const LogFields&) = delete;

 private:
  const size_t before_;
};

}  // namespace dfsweep

#endif  // DFSWEEP_BASE_LOG_H_
