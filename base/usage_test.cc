#include "base/usage.h"

#include <gtest/gtest.h>

#include <CLI/CLI.hpp>
#include <fstream>

#include "base/nearest.h"
#include "base/temporary_folder.h"

namespace dfsweep {
namespace {

// A program with an option, a command and a file of options.
class UsageTest : public testing::Test {
 protected:
  UsageTest() : app_("", "program") {
    app_.add_option("--slots", slots_)->check(CLI::Range(1, 64));
    app_.add_subcommand("join")->fallthrough();
    app_.set_config("--config");
    app_.allow_config_extras(CLI::config_extras_mode::error);
  }

  // What a person gets for a wrong command line.
  ErrorParts Mistake(std::vector<std::string> arguments) {
    // CLI11 takes them from the back.
    std::reverse(arguments.begin(), arguments.end());
    try {
      app_.parse(arguments);
    } catch (const CLI::ParseError& error) {
      return PartsOf(MessageOf(UsageError(app_, error)));
    }
    ADD_FAILURE() << "there was no mistake";
    return {};
  }

  CLI::App app_;
  int slots_ = 1;
};

TEST_F(UsageTest, AnOptionWithoutItsValue) {
  ErrorParts parts = Mistake({"--slots"});
  EXPECT_EQ(parts.what, "--slots needs a value");
  EXPECT_EQ(parts.where, "program");
  EXPECT_EQ(parts.remedy, "see program --help");
}

TEST_F(UsageTest, AValueOutOfRangeNamesTheRange) {
  EXPECT_EQ(Mistake({"--slots", "0"}).what,
            "--slots: Value 0 not in range 1 to 64");
}

TEST_F(UsageTest, AnUnknownOptionOfACommand) {
  ErrorParts parts = Mistake({"join", "--slot", "2"});
  EXPECT_EQ(parts.what, "there is no option '--slot'");
  EXPECT_EQ(parts.where, "program join");
  EXPECT_EQ(parts.remedy, "did you mean '--slots'?");
}

TEST_F(UsageTest, AnUnknownNameInTheFileIsAtThatFile) {
  TemporaryFolder folder;
  std::string path = folder.path() / "program.toml";
  std::ofstream(path) << "slot = \"2\"\n";
  ErrorParts parts = Mistake({"--config", path});
  EXPECT_EQ(parts.what, "there is no option 'slot'");
  EXPECT_EQ(parts.where, path);
  EXPECT_EQ(parts.remedy, "did you mean 'slots'?");
}

TEST_F(UsageTest, ParsedWithoutAMistakeTheProgramGoesOn) {
  char name[] = "program", option[] = "--slots=3";
  char* arguments[] = {name, option, nullptr};
  EXPECT_EQ(ParseOrExplain(app_, 2, arguments), std::nullopt);
  EXPECT_EQ(slots_, 3);
}

TEST(Nearest, IsNearEnoughToBeMeant) {
  EXPECT_EQ(Nearest("lambda", {"epochs", "ewc.lambda"}), "ewc.lambda");
  EXPECT_EQ(Nearest("zzzzzz", {"epochs", "ewc.lambda"}), "");
  EXPECT_EQ(Nearest(std::string(1000, 'x'), {std::string(1001, 'x')}), "");
  EXPECT_EQ(DidYouMean("epoch", {"epochs"}, "see the list"),
            "did you mean 'epochs'?");
  EXPECT_EQ(DidYouMean("zzz", {"epochs"}, "see the list"), "see the list");
}

}  // namespace
}  // namespace dfsweep
