// Shows a sweep's progress until it ends or somebody presses Ctrl-C.
#ifndef DFSWEEP_CLI_FOLLOW_H_
#define DFSWEEP_CLI_FOLLOW_H_

#include <functional>
#include <memory>
#include <string>

#include "base/status.h"
#include "cli/client.h"
#include "cli/command.h"
#include "cli/progress.h"

namespace dfsweep::cli {

// What happens beside the sweep, e.g. to a local worker. All functions may be
// empty.
struct FollowHooks {
  // Once a second. An error ends the following; else what `note` says is shown
  // with the progress.
  std::function<absl::Status(std::string* note)> check;
  // The coordinator stopped answering. An error ends the following.
  std::function<absl::Status()> lost;
};

struct Followed {
  v1::Sweep sweep;  // the last that was seen
  bool interrupted = false;
};

// With --json one line of JSON per update goes to standard output if
// `json_updates`.
absl::StatusOr<Followed> Follow(const std::shared_ptr<Client>& client,
                                const v1::Sweep& sweep,
                                const FollowHooks& hooks, bool json_updates);

// 0, or 1 if some trial failed or was cancelled.
int ExitStatusOf(const v1::Sweep& sweep);

}  // namespace dfsweep::cli

#endif  // DFSWEEP_CLI_FOLLOW_H_
