#include "cli/completion.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <vector>

#include "base/nearest.h"
#include "base/usage.h"
#include "cli/command.h"
#include "cli/exit_status.h"
#include "cli/output.h"

namespace dfsweep::cli {
namespace {

// The words that can follow one command.
struct Words {
  std::string command;  // "", "run", "data", "data import"
  std::vector<std::string> subcommands;
  std::vector<std::string> options;
};

void Collect(const CLI::App& app, const std::string& command,
             std::vector<std::string> inherited, std::vector<Words>& all) {
  Words words{.command = command};
  words.options = OptionNames(app);
  words.options.insert(words.options.end(), inherited.begin(), inherited.end());
  for (const CLI::App* child : VisibleSubcommands(app)) {
    words.subcommands.push_back(child->get_name());
  }
  if (command.empty()) inherited = OptionNames(app);
  all.push_back(words);
  for (const CLI::App* child : VisibleSubcommands(app)) {
    Collect(
        *child,
        command.empty() ? child->get_name() : command + " " + child->get_name(),
        inherited, all);
  }
}

std::vector<Words> Table(const CLI::App& app) {
  std::vector<Words> all;
  Collect(app, "", {}, all);
  return all;
}

std::string CaseLines(const std::vector<Words>& table) {
  std::string lines;
  for (const Words& words : table) {
    lines += fmt::format("    '{}') words='{} {}' ;;\n", words.command,
                         fmt::join(words.subcommands, " "),
                         fmt::join(words.options, " "));
  }
  return lines;
}

// zsh runs it too, through bashcompinit.
std::string BashScript(const CLI::App& app) {
  std::vector<Words> table = Table(app);
  std::string known;
  for (const Words& words : table) {
    if (!words.command.empty()) {
      known += fmt::format("{}'{}'", known.empty() ? "" : "|", words.command);
    }
  }
  return fmt::format(R"(_dfsweep() {{
  local current=${{COMP_WORDS[COMP_CWORD]}} command='' word words i
  for ((i = 1; i < COMP_CWORD; ++i)); do
    word="${{command:+$command }}${{COMP_WORDS[i]}}"
    case "$word" in {}) command=$word ;; esac
  done
  case "$command" in
{}  esac
  COMPREPLY=($(compgen -W "$words" -- "$current"))
  [ ${{#COMPREPLY[@]}} -gt 0 ] || COMPREPLY=($(compgen -f -- "$current"))
}}
complete -o filenames -F _dfsweep dfsweep
)",
                     known, CaseLines(table));
}

std::string FishScript(const CLI::App& app) {
  std::string script;
  for (const CLI::App* command : VisibleSubcommands(app)) {
    script += fmt::format(
        "complete -c dfsweep -n __fish_use_subcommand -f -a {} -d '{}'\n",
        command->get_name(), command->get_description());
  }
  for (const Words& words : Table(app)) {
    std::string first = words.command.substr(0, words.command.find(' '));
    std::string condition =
        first.empty()
            ? ""
            : fmt::format(" -n '__fish_seen_subcommand_from {}'", first);
    for (const std::string& option : words.options) {
      bool is_long = option.starts_with("--");
      script +=
          fmt::format("complete -c dfsweep{} -{} {}\n", condition,
                      is_long ? "l" : "s", option.substr(is_long ? 2 : 1));
    }
    if (first != words.command || first.empty()) continue;
    for (const std::string& name : words.subcommands) {
      script +=
          fmt::format("complete -c dfsweep{} -f -a {}\n", condition, name);
    }
  }
  return script;
}

struct CompletionOptions {
  std::string shell;
};

}  // namespace

absl::StatusOr<std::string> CompletionScript(const CLI::App& app,
                                             const std::string& shell) {
  if (shell == "bash") return BashScript(app);
  if (shell == "zsh") {
    return "#compdef dfsweep\nautoload -U +X bashcompinit && bashcompinit\n" +
           BashScript(app);
  }
  if (shell == "fish") return FishScript(app);
  return MakeError(absl::StatusCode::kInvalidArgument,
                   fmt::format("there is no completion for '{}'", shell),
                   "dfsweep completion",
                   DidYouMean(shell, {"bash", "zsh", "fish"},
                              "use one of: bash, zsh, fish"));
}

void AddCompletionCommand(Program& program) {
  CLI::App* command = program.app.add_subcommand(
      "completion",
      "Print a completion script: source <(dfsweep completion bash)");
  auto options = std::make_shared<CompletionOptions>();
  command->add_option("SHELL", options->shell, "bash, zsh or fish")
      ->required()
      ->type_name("");
  command->callback([&program, options] {
    program.action = [&program,
                      options](const Context&) -> absl::StatusOr<int> {
      DFSWEEP_ASSIGN_OR_RETURN(std::string script,
                               CompletionScript(program.app, options->shell));
      Print(script);
      return kExitDone;
    };
  });
}

}  // namespace dfsweep::cli
