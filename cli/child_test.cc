#include "cli/child.h"

#include <gtest/gtest.h>

namespace dfsweep::cli {
namespace {

TEST(FindError, TakesTheLastErrorOfALog) {
  std::optional<ErrorParts> parts = FindError(
      "2026-01-01T00:00:00Z info starting\n"
      "error: the first\n  at a\n  fix: b\n"
      "error: the store is locked\n  at /x\n  fix: stop it\n");

  ASSERT_TRUE(parts.has_value());
  EXPECT_EQ(parts->what, "the store is locked");
  EXPECT_EQ(parts->where, "/x");
  EXPECT_EQ(parts->remedy, "stop it");
}

TEST(FindError, ALogWithoutErrorHasNone) {
  EXPECT_FALSE(FindError("info: all is well\n").has_value());
  EXPECT_FALSE(FindError("").has_value());
}

TEST(FindProgram, MissingOneIsExplained) {
  absl::Status status = FindProgram("dfsweep-nothing").status();
  EXPECT_TRUE(absl::IsFailedPrecondition(status));
  EXPECT_NE(MessageOf(status).find("dfsweep-nothing"), std::string::npos);
}

}  // namespace
}  // namespace dfsweep::cli
