#include "cli/terminal.h"

#include <gtest/gtest.h>

#include <cstdlib>

#include "base/display_text.h"
#include "cli/facts.h"

namespace dfsweep::cli {
namespace {

// A file is no terminal.
class TerminalTest : public ::testing::Test {
 protected:
  void SetUp() override {
    for (const char* name :
         {"COLUMNS", "LINES", "NO_COLOR", "CLICOLOR_FORCE"}) {
      ::unsetenv(name);
    }
    ASSERT_NE(file_, nullptr);
  }
  void TearDown() override { std::fclose(file_); }
  std::FILE* file_ = std::tmpfile();
};

TEST_F(TerminalTest, WidthComesFromColumnsThenIs80) {
  EXPECT_EQ(WidthOf(file_), 80);
  ::setenv("COLUMNS", "120", 1);
  EXPECT_EQ(WidthOf(file_), 120);
}

TEST_F(TerminalTest, ColumnsThatMakeNoSenseAreIgnored) {
  for (const char* columns : {"", "0", "-5", "many", "80x", "99999999999"}) {
    ::setenv("COLUMNS", columns, 1);
    EXPECT_EQ(WidthOf(file_), 80) << columns;
  }
}

TEST_F(TerminalTest, NoColorOffATerminalUnlessForced) {
  EXPECT_FALSE(UsesColor("auto", file_));
  EXPECT_TRUE(UsesColor("always", file_));
  EXPECT_FALSE(UsesColor("never", file_));
  ::setenv("CLICOLOR_FORCE", "1", 1);
  EXPECT_TRUE(UsesColor("auto", file_));
  EXPECT_FALSE(UsesColor("never", file_));
  ::setenv("NO_COLOR", "1", 1);
  EXPECT_FALSE(UsesColor("auto", file_));
  EXPECT_TRUE(UsesColor("always", file_));
}

TEST(Facts, TextStaysInItsColumn) {
  std::string text = RenderFacts(
      {{"name", "one two three four five six"}, {"empty", ""}, {"x", "y"}}, 30);

  EXPECT_EQ(text.find("name       one"), 0u) << text;
  EXPECT_EQ(text.find("empty"), std::string::npos);
  EXPECT_NE(text.find("\n           "), std::string::npos) << text;
  EXPECT_NE(text.find("\nx          y\n"), std::string::npos) << text;
}

}  // namespace
}  // namespace dfsweep::cli
