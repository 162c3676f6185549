#include "cli/exit_status.h"

#include "base/status.h"

namespace dfsweep::cli {

ExitStatus ExitStatusOf(absl::StatusCode code) {
  switch (code) {
    case absl::StatusCode::kOk:
      return kExitDone;
    case absl::StatusCode::kUnavailable:
    case absl::StatusCode::kDeadlineExceeded:
      return kExitUnreachable;
    case absl::StatusCode::kPermissionDenied:
    case absl::StatusCode::kUnauthenticated:
      return kExitNotAllowed;
    case absl::StatusCode::kCancelled:
      return kExitInterrupted;
    default:
      return kExitWrong;
  }
}

absl::Status AsLocal(const absl::Status& status) {
  if (!absl::IsUnavailable(status) && !absl::IsPermissionDenied(status)) {
    return status;
  }
  return absl::Status(absl::StatusCode::kFailedPrecondition, status.message());
}

}  // namespace dfsweep::cli
