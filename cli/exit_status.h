// What the command's exit status means, and how an error is shown.
#ifndef DFSWEEP_CLI_EXIT_STATUS_H_
#define DFSWEEP_CLI_EXIT_STATUS_H_

#include "absl/status/status.h"

namespace dfsweep::cli {

enum ExitStatus : int {
  kExitDone = 0,
  kExitTrialFailed = 1,   // the command worked, some trial did not
  kExitWrong = 2,         // wrong usage, bad file, unknown sweep
  kExitUnreachable = 3,   // the coordinator does not answer
  kExitNotAllowed = 4,    // the coordinator does not let this caller
  kExitInterrupted = 130  // Ctrl-C; what is finished is kept
};

// The one table from error codes to exit statuses.
ExitStatus ExitStatusOf(absl::StatusCode code);

// An error of this machine's files or programs, which is never the coordinator
// being unreachable or forbidding something: kUnavailable and
// kPermissionDenied become kFailedPrecondition. Everything else is unchanged.
absl::Status AsLocal(const absl::Status& status);

}  // namespace dfsweep::cli

#endif  // DFSWEEP_CLI_EXIT_STATUS_H_
