// Shell completion, made from the command table.
#ifndef DFSWEEP_CLI_COMPLETION_H_
#define DFSWEEP_CLI_COMPLETION_H_

#include <CLI/App.hpp>
#include <string>

#include "base/status.h"

namespace dfsweep::cli {

// A script for `shell` (bash, zsh or fish) that completes the commands and
// options of `app`, and files elsewhere.
absl::StatusOr<std::string> CompletionScript(const CLI::App& app,
                                             const std::string& shell);

}  // namespace dfsweep::cli

#endif  // DFSWEEP_CLI_COMPLETION_H_
