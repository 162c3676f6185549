#include "base/usage.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <cstdio>

#include "base/nearest.h"

namespace dfsweep {
namespace {

// The innermost subcommand that was named.
const CLI::App& Innermost(const CLI::App& app) {
  auto chosen = app.get_subcommands();
  return chosen.empty() ? app : Innermost(*chosen[0]);
}

std::string FullName(const CLI::App& app) {
  if (app.get_parent() == nullptr) return app.get_name();
  return FullName(*app.get_parent()) + " " + app.get_name();
}

std::vector<std::string> SubcommandNames(const CLI::App& app) {
  std::vector<std::string> names;
  for (const CLI::App* command : VisibleSubcommands(app)) {
    names.push_back(command->get_name());
  }
  return names;
}

absl::Status Wrong(const std::string& what, const CLI::App& command,
                   const std::string& remedy) {
  return MakeError(absl::StatusCode::kInvalidArgument, what, FullName(command),
                   remedy);
}

absl::Status UnknownOption(const CLI::App& command, const std::string& word) {
  std::string name = word.substr(0, word.find('='));
  std::vector<std::string> known;
  for (const CLI::App* app = &command; app != nullptr;
       app = app->get_parent()) {
    std::vector<std::string> more = OptionNames(*app);
    known.insert(known.end(), more.begin(), more.end());
  }
  return Wrong(
      fmt::format("there is no option '{}'", name), command,
      DidYouMean(name, known, fmt::format("see {} --help", FullName(command))));
}

absl::Status UnknownCommand(const CLI::App& command, const std::string& word) {
  std::vector<std::string> known = SubcommandNames(command);
  return Wrong(
      fmt::format("there is no command '{}'", word), command,
      DidYouMean(word, known,
                 fmt::format("use one of: {}", fmt::join(known, ", "))));
}

// Of the file that --config names, which has the options without dashes.
absl::Status UnknownSetting(const CLI::App& app, const std::string& name) {
  std::vector<std::string> known;
  for (const CLI::Option* option : app.get_options()) {
    if (option->get_configurable()) known.push_back(option->get_single_name());
  }
  return MakeError(
      absl::StatusCode::kInvalidArgument,
      fmt::format("there is no option '{}'", name),
      app.get_config_ptr()->as<std::string>(),
      DidYouMean(name, known,
                 fmt::format("remove it there; see {} --help", FullName(app))));
}

// CLI11's words, but where they speak of types instead of what to do.
std::string WhatHappened(const CLI::ParseError& error) {
  std::string what = error.what();
  std::replace(what.begin(), what.end(), '\n', ' ');
  if (error.get_name() == "ArgumentMismatch" && what.ends_with(" missing")) {
    return what.substr(0, what.find(": ")) + " needs a value";
  }
  return what;
}

}  // namespace

std::vector<const CLI::App*> VisibleSubcommands(const CLI::App& app) {
  // An empty group hides a command.
  return app.get_subcommands(
      [](const CLI::App* command) { return !command->get_group().empty(); });
}

std::vector<std::string> OptionNames(const CLI::App& app) {
  std::vector<std::string> names;
  for (const CLI::Option* option : app.get_options()) {
    for (const std::string& name : option->get_lnames()) {
      names.push_back("--" + name);
    }
    for (const std::string& name : option->get_snames()) {
      names.push_back("-" + name);
    }
  }
  return names;
}

absl::Status UsageError(const CLI::App& app, const CLI::ParseError& error) {
  const CLI::App& command = Innermost(app);
  for (const std::string& word : app.remaining(/*recurse=*/true)) {
    if (word.size() > 1 && word[0] == '-') return UnknownOption(command, word);
    if (!SubcommandNames(command).empty()) return UnknownCommand(command, word);
    return Wrong(fmt::format("'{}' is one argument too many", word), command,
                 fmt::format("see {} --help", FullName(command)));
  }
  constexpr std::string_view kUnknownSetting = "INI was not able to parse ";
  std::string what = WhatHappened(error);
  if (error.get_name() == "ConfigError" && what.starts_with(kUnknownSetting)) {
    return UnknownSetting(app, what.substr(kUnknownSetting.size()));
  }
  bool is_group = !SubcommandNames(command).empty();
  if (is_group && error.get_name() == "RequiredError") {
    return Wrong("no command was given", command,
                 fmt::format("use one of: {}",
                             fmt::join(SubcommandNames(command), ", ")));
  }
  return Wrong(what, command, fmt::format("see {} --help", FullName(command)));
}

std::optional<int> ParseOrExplain(CLI::App& app, int argc, char** argv) {
  try {
    app.parse(argc, argv);
  } catch (const CLI::Success& help_or_version) {
    return app.exit(help_or_version);
  } catch (const CLI::ParseError& error) {
    std::fputs(FormatForPerson(UsageError(app, error)).c_str(), stderr);
    return kExitUsage;
  }
  return std::nullopt;
}

}  // namespace dfsweep
