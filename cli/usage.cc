#include "cli/usage.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>

#include "model/config/parameters.h"

namespace dfsweep::cli {
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

std::string DidYouMean(const std::string& name,
                       const std::vector<std::string>& known,
                       const std::string& otherwise) {
  std::string nearest = config::Nearest(name, known);
  return nearest.empty() ? otherwise
                         : fmt::format("did you mean '{}'?", nearest);
}

absl::Status UsageError(const CLI::App& app, const CLI::ParseError& error) {
  const CLI::App& command = Innermost(app);
  for (const std::string& word : app.remaining(/*recurse=*/true)) {
    if (word.size() > 1 && word[0] == '-') return UnknownOption(command, word);
    if (!SubcommandNames(command).empty()) return UnknownCommand(command, word);
    return Wrong(fmt::format("'{}' is one argument too many", word), command,
                 fmt::format("see {} --help", FullName(command)));
  }
  std::string what = error.what();
  bool is_group = !SubcommandNames(command).empty();
  if (is_group && error.get_name() == "RequiredError") {
    return Wrong("no command was given", command,
                 fmt::format("use one of: {}",
                             fmt::join(SubcommandNames(command), ", ")));
  }
  std::replace(what.begin(), what.end(), '\n', ' ');
  return Wrong(what, command, fmt::format("see {} --help", FullName(command)));
}

std::string ShellQuoted(const std::vector<std::string>& arguments) {
  constexpr char kPlain[] =
      "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
      "0123456789._-+=:,/@%";
  std::string line;
  for (const std::string& argument : arguments) {
    if (!line.empty()) line += ' ';
    if (!argument.empty() &&
        argument.find_first_not_of(kPlain) == std::string::npos) {
      line += argument;
      continue;
    }
    line += '\'';
    for (char c : argument) line += c == '\'' ? "'\\''" : std::string(1, c);
    line += '\'';
  }
  return line;
}

}  // namespace dfsweep::cli
