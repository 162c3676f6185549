#include "cli/program.h"

#include <gtest/gtest.h>

#include "base/usage.h"
#include "cli/completion.h"
#include "cli/text.h"

namespace dfsweep::cli {
namespace {

// What a person gets for a wrong command line.
ErrorParts Mistake(const std::vector<std::string>& arguments) {
  Program program;
  Declare(program);
  // CLI11 takes them from the back.
  std::vector<std::string> reversed(arguments.rbegin(), arguments.rend());
  try {
    program.app.parse(reversed);
  } catch (const CLI::ParseError& error) {
    return PartsOf(MessageOf(UsageError(program.app, error)));
  }
  ADD_FAILURE() << "no mistake in " << ShellQuoted(arguments);
  return {};
}

TEST(UsageError, UnknownCommandGetsTheNearest) {
  ErrorParts parts = Mistake({"resluts"});
  EXPECT_EQ(parts.what, "there is no command 'resluts'");
  EXPECT_EQ(parts.where, "dfsweep");
  EXPECT_EQ(parts.remedy, "did you mean 'results'?");
}

TEST(UsageError, CommandThatIsNearNothingGetsTheList) {
  EXPECT_NE(Mistake({"frobnicate"}).remedy.find("submit"), std::string::npos);
}

TEST(UsageError, UnknownSubcommandOfAGroup) {
  ErrorParts parts = Mistake({"data", "imprt", "x.npz"});
  EXPECT_EQ(parts.where, "dfsweep data");
  EXPECT_EQ(parts.remedy, "did you mean 'import'?");
}

TEST(UsageError, UnknownOptionGetsTheNearestOfCommandAndGlobals) {
  EXPECT_EQ(Mistake({"run", "x.yaml", "--slot", "2"}).remedy,
            "did you mean '--slots'?");
  EXPECT_EQ(Mistake({"ls", "--coordinater=x:1"}).remedy,
            "did you mean '--coordinator'?");
}

TEST(UsageError, NoCommandGetsTheList) {
  EXPECT_EQ(Mistake({}).what, "no command was given");
  EXPECT_EQ(Mistake({"data"}).where, "dfsweep data");
}

TEST(UsageError, MissingAndSuperfluousArguments) {
  EXPECT_NE(Mistake({"cancel"}).what.find("SWEEP"), std::string::npos);
  EXPECT_EQ(Mistake({"cancel", "a", "b"}).what, "'b' is one argument too many");
}

TEST(Declare, GlobalOptionsStandBeforeAndAfterTheCommand) {
  Program program;
  Declare(program);
  program.app.parse("--json ls --coordinator 127.0.0.1:7", false);
  EXPECT_TRUE(program.context.global.json);
  EXPECT_EQ(program.context.global.coordinator, "127.0.0.1:7");
}

TEST(Declare, ASweepMayBeCalledLikeACommand) {
  Program program;
  Declare(program);
  program.app.parse("pause status", false);
  EXPECT_EQ(program.app.get_subcommands()[0]->get_name(), "pause");
}

TEST(Declare, ASortMayBeginWithAMinus) {
  Program program;
  Declare(program);
  program.app.parse("results x --sort -average_accuracy", false);
  EXPECT_TRUE(static_cast<bool>(program.action));
}

TEST(ProgramText, LeadsToTheSameStoreOrCoordinator) {
  EXPECT_EQ(ProgramText({}), "dfsweep");
  EXPECT_EQ(ProgramText({.store = "my store"}), "dfsweep --store 'my store'");
  EXPECT_EQ(ProgramText({.coordinator = "h:1", .store = "x"}),
            "dfsweep --coordinator h:1");
}

TEST(SplitList, EmptyItemsAreLeftOut) {
  EXPECT_EQ(SplitList("a,b,,c,"), (std::vector<std::string>{"a", "b", "c"}));
  EXPECT_TRUE(SplitList("").empty());
}

TEST(CompletionScript, KnowsEveryCommandAndItsOptions) {
  Program program;
  Declare(program);
  for (const char* shell : {"bash", "zsh", "fish"}) {
    std::string script = CompletionScript(program.app, shell).value();
    for (const char* word : {"results", "import", "group-by", "coordinator"}) {
      EXPECT_NE(script.find(word), std::string::npos) << shell << " " << word;
    }
  }
  EXPECT_TRUE(
      absl::IsInvalidArgument(CompletionScript(program.app, "tcsh").status()));
}

}  // namespace
}  // namespace dfsweep::cli
