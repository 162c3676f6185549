#include "cli/exit_status.h"

#include <gtest/gtest.h>

#include "base/status.h"
#include "cli/output.h"

namespace dfsweep::cli {
namespace {

TEST(ExitStatus, SaysWhatTheCallerCanDo) {
  using Code = absl::StatusCode;
  const std::pair<Code, int> kTable[] = {{Code::kOk, 0},
                                         {Code::kInvalidArgument, 2},
                                         {Code::kNotFound, 2},
                                         {Code::kFailedPrecondition, 2},
                                         {Code::kResourceExhausted, 2},
                                         {Code::kUnimplemented, 2},
                                         {Code::kInternal, 2},
                                         {Code::kUnavailable, 3},
                                         {Code::kDeadlineExceeded, 3},
                                         {Code::kPermissionDenied, 4},
                                         {Code::kUnauthenticated, 4},
                                         {Code::kCancelled, 130}};
  for (const auto& [code, status] : kTable) {
    EXPECT_EQ(ExitStatusOf(code), status) << absl::StatusCodeToString(code);
  }
}

TEST(AsLocal, AFileThatCannotBeReadIsNoUnreachableCoordinator) {
  absl::Status status = MakeError(absl::StatusCode::kUnavailable,
                                  "reading failed", "x.yaml", "check it");

  EXPECT_EQ(ExitStatusOf(AsLocal(status).code()), 2);
  EXPECT_EQ(AsLocal(status).message(), status.message());
  EXPECT_EQ(ExitStatusOf(AsLocal(absl::PermissionDeniedError("x")).code()), 2);
  EXPECT_TRUE(absl::IsNotFound(AsLocal(absl::NotFoundError("x"))));
}

TEST(ErrorJson, HasTheThreeParts) {
  Json json = ErrorJson(MakeError(absl::StatusCode::kNotFound, "no sweep 'x'",
                                  "sweep x", "dfsweep ls"));

  EXPECT_EQ(json["code"], "NOT_FOUND");
  EXPECT_EQ(json["message"], "no sweep 'x'");
  EXPECT_EQ(json["where"], "sweep x");
  EXPECT_EQ(json["fix"], "dfsweep ls");
}

}  // namespace
}  // namespace dfsweep::cli
