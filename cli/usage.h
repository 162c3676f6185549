// Mistakes on the command line, as three-part errors with the nearest name.
#ifndef DFSWEEP_CLI_USAGE_H_
#define DFSWEEP_CLI_USAGE_H_

#include <CLI/App.hpp>
#include <string>
#include <vector>

#include "base/status.h"

namespace dfsweep::cli {

// `error` was thrown while `app` parsed.
absl::Status UsageError(const CLI::App& app, const CLI::ParseError& error);

// "did you mean …", or else `otherwise`.
std::string DidYouMean(const std::string& name,
                       const std::vector<std::string>& known,
                       const std::string& otherwise);

// `arguments` as a shell would take them, with quotes where needed.
std::string ShellQuoted(const std::vector<std::string>& arguments);

// The subcommands of `app` that people see.
std::vector<const CLI::App*> VisibleSubcommands(const CLI::App& app);

// "--json", "-f" … of `app` itself.
std::vector<std::string> OptionNames(const CLI::App& app);

}  // namespace dfsweep::cli

#endif  // DFSWEEP_CLI_USAGE_H_
