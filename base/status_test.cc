#include "base/status.h"

#include <gtest/gtest.h>

namespace dfsweep {
namespace {

TEST(Status, PartsSurviveTheMessage) {
  absl::Status status = MakeError(absl::StatusCode::kNotFound, "no such sweep",
                                  "sweep 'x'", "run 'dfsweep ls'");

  ErrorParts parts = PartsOf(MessageOf(status));

  EXPECT_EQ(parts.what, "no such sweep");
  EXPECT_EQ(parts.where, "sweep 'x'");
  EXPECT_EQ(parts.remedy, "run 'dfsweep ls'");
}

TEST(Status, NameOfSeveralLinesStaysOnePart) {
  absl::Status status = MakeError(absl::StatusCode::kNotFound, "no such sweep",
                                  "sweep 'a\nb\x1b[1m'", "run 'dfsweep ls'");

  EXPECT_EQ(MessageOf(status),
            "no such sweep\nsweep 'a b [1m'\nrun 'dfsweep ls'");
}

TEST(Status, ForeignMessageBecomesWhat) {
  EXPECT_EQ(FormatForPerson(absl::UnavailableError("connection refused")),
            "error: connection refused\n");
}

TEST(Status, PersonSeesThreeLines) {
  EXPECT_EQ(
      FormatForPerson(MakeError(absl::StatusCode::kNotFound, "a", "b", "c")),
      "error: a\n  at b\n  fix: c\n");
}

}  // namespace
}  // namespace dfsweep
