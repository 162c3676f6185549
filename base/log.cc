#include "base/log.h"

#include <fmt/format.h>
#include <spdlog/pattern_formatter.h>
#include <spdlog/sinks/stdout_sinks.h>

#include <cstdlib>
#include <nlohmann/json.hpp>
#include <vector>

namespace dfsweep {
namespace {

using Fields = std::vector<std::pair<std::string, std::string>>;

Fields& FieldsOfThread() {
  static thread_local Fields fields;
  return fields;
}

constexpr char kTime[] = "%Y-%m-%dT%H:%M:%SZ";

// What spdlog's formatter makes of the pattern, without a line end.
std::unique_ptr<spdlog::pattern_formatter> Pattern(const std::string& pattern) {
  return std::make_unique<spdlog::pattern_formatter>(
      pattern, spdlog::pattern_time_type::utc, "");
}

std::string Formatted(spdlog::formatter& formatter,
                      const spdlog::details::log_msg& record) {
  spdlog::memory_buf_t buffer;
  formatter.format(record, buffer);
  return fmt::to_string(buffer);
}

class JsonFormatter : public spdlog::formatter {
 public:
  void format(const spdlog::details::log_msg& record,
              spdlog::memory_buf_t& out) override {
    nlohmann::ordered_json line = {
        {"time", Formatted(*time_, record)},
        {"level", Formatted(*level_, record)},
        {"program",
         std::string(record.logger_name.data(), record.logger_name.size())},
        {"message", std::string(record.payload.data(), record.payload.size())}};
    for (const auto& [name, value] : FieldsOfThread()) line[name] = value;
    const std::string text =
        line.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace) +
        '\n';
    out.append(text.data(), text.data() + text.size());
  }
  std::unique_ptr<spdlog::formatter> clone() const override {
    return std::make_unique<JsonFormatter>();
  }

 private:
  std::unique_ptr<spdlog::formatter> time_ = Pattern(kTime);
  std::unique_ptr<spdlog::formatter> level_ = Pattern("%l");
};

bool WantsJson() {
  const char* format = std::getenv("DFSWEEP_LOG_FORMAT");
  return format != nullptr && std::string_view(format) == "json";
}

}  // namespace

std::unique_ptr<spdlog::formatter> JsonLogFormatter() {
  return std::make_unique<JsonFormatter>();
}

void StartLogging(std::string_view program,
                  spdlog::level::level_enum default_level) {
  auto logger = std::make_shared<spdlog::logger>(
      std::string(program), std::make_shared<spdlog::sinks::stderr_sink_mt>());
  if (WantsJson()) {
    logger->set_formatter(JsonLogFormatter());
  } else {
    logger->set_formatter(std::make_unique<spdlog::pattern_formatter>(
        std::string(kTime) + " %-7l [%n] %v", spdlog::pattern_time_type::utc));
  }
  const char* level = std::getenv("DFSWEEP_LOG");
  logger->set_level(level != nullptr ? spdlog::level::from_str(level)
                                     : default_level);
  logger->flush_on(spdlog::level::info);
  spdlog::set_default_logger(logger);
}

LogFields::LogFields(
    std::initializer_list<std::pair<std::string, std::string>> fields)
    : before_(FieldsOfThread().size()) {
  FieldsOfThread().insert(FieldsOfThread().end(), fields);
}

LogFields::~LogFields() { FieldsOfThread().resize(before_); }

}  // namespace dfsweep
