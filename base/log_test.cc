#include "base/log.h"

#include <gtest/gtest.h>
#include <spdlog/sinks/ostream_sink.h>

#include <nlohmann/json.hpp>
#include <sstream>

namespace dfsweep {
namespace {

TEST(JsonLog, HasAnObjectALineWithTheFieldsAroundIt) {
  std::ostringstream stream;
  spdlog::logger logger(
      "worker", std::make_shared<spdlog::sinks::ostream_sink_st>(stream));
  logger.set_formatter(JsonLogFormatter());
  const LogFields attempt{{"trial", "ab12"}, {"attempt", "2"}};
  {
    const LogFields inner{{"file", "x"}};
    logger.warn("said \"no\"\nand more");
  }
  logger.info("done");

  std::istringstream lines(stream.str());
  std::string line;
  ASSERT_TRUE(std::getline(lines, line));
  nlohmann::json warning = nlohmann::json::parse(line);
  EXPECT_EQ(warning["time"].get<std::string>().size(), 20u);
  warning.erase("time");
  EXPECT_EQ(warning, nlohmann::json({{"level", "warning"},
                                     {"program", "worker"},
                                     {"message", "said \"no\"\nand more"},
                                     {"trial", "ab12"},
                                     {"attempt", "2"},
                                     {"file", "x"}}));
  ASSERT_TRUE(std::getline(lines, line));
  EXPECT_FALSE(nlohmann::json::parse(line).contains("file"));
  EXPECT_FALSE(std::getline(lines, line));
}

}  // namespace
}  // namespace dfsweep
