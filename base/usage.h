// Mistakes on a program's command line, as three-part errors with the nearest
// name. A library by itself, so that only programs need CLI11.
#ifndef DFSWEEP_BASE_USAGE_H_
#define DFSWEEP_BASE_USAGE_H_

#include <CLI/App.hpp>
#include <optional>
#include <string>
#include <vector>

#include "base/status.h"

namespace dfsweep {

// Of every program, after a mistake on its command line.
inline constexpr int kExitUsage = 2;

// `error` was thrown while `app` parsed.
absl::Status UsageError(const CLI::App& app, const CLI::ParseError& error);

// The subcommands of `app` that people see.
std::vector<const CLI::App*> VisibleSubcommands(const CLI::App& app);

// "--json", "-f" … of `app` itself.
std::vector<std::string> OptionNames(const CLI::App& app);

// Parses the command line of a daemon. The exit status if it ends here: 0 when
// help or version was asked for and is printed, kExitUsage when a mistake was
// made and is explained on standard error.
std::optional<int> ParseOrExplain(CLI::App& app, int argc, char** argv);

}  // namespace dfsweep

#endif  // DFSWEEP_BASE_USAGE_H_
