#include "base/log.h"

#include <gtest/gtest.h>
#include <spdlog/sinks/ostream_sink.h>

#include <nlohmann/json.hpp>
#include <sstream>

namespace dfsweep {
namespace {

class LogTest : public ::testing::Test {
 protected:
  void Write(std::unique_ptr<spdlog::formatter> formatter) {
    spdlog::logger logger(
        "worker", std::make_shared<spdlog::sinks::ostream_sink_st>(stream_));
    logger.set_formatter(std::move(formatter));
    const LogFields attempt{{"trial", "ab12"}, {"attempt", "2"}};
    {
      const LogFields inner{{"file", "x"}};
      logger.warn("said \"{}\"\nand more", "no");
    }
    logger.info("done");
  }

  std::ostringstream stream_;
};

TEST_F(LogTest, TextEndsWithTheFields) {
  Write(TextLogFormatter());
  const std::string text = stream_.str();
  EXPECT_NE(text.find("Z warning [worker] said \"no\"\nand more trial=ab12 "
                      "attempt=2 file=x\n"),
            std::string::npos)
      << text;
  EXPECT_TRUE(text.ends_with("Z info    [worker] done trial=ab12 attempt=2\n"))
      << text;
}

TEST_F(LogTest, JsonHasAnObjectALine) {
  Write(JsonLogFormatter());
  std::istringstream lines(stream_.str());
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
