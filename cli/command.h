// What all commands share: the global options, and how a command line becomes
// an action. One Add…Command function a command, each in its own file.
#ifndef DFSWEEP_CLI_COMMAND_H_
#define DFSWEEP_CLI_COMMAND_H_

#include <CLI/App.hpp>
#include <CLI/Config.hpp>
#include <CLI/Formatter.hpp>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "base/status.h"

namespace dfsweep::cli {

struct GlobalOptions {
  std::string coordinator;  // HOST:PORT; "": the local store
  std::string store = ".dfsweep";
  bool json = false;
  std::string color = "auto";
};

struct Context {
  GlobalOptions global;
  // As typed, quoted for a shell: to be shown as the command to go on with.
  std::string command_line;
};

// Returns the exit status.
using Action = std::function<absl::StatusOr<int>(const Context&)>;

// Collects the action of the subcommand that was given.
struct Program {
  CLI::App app;
  Context context;
  Action action;
};

// Adds a subcommand whose options are an `Options`: `declare` adds them to the
// parser, `run` gets them filled in.
template <typename Options>
CLI::App* AddCommand(Program& program, CLI::App& parent,
                     const std::string& name, const std::string& description,
                     void (*declare)(CLI::App&, Options&),
                     absl::StatusOr<int> (*run)(const Context&,
                                                const Options&)) {
  CLI::App* command = parent.add_subcommand(name, description);
  auto options = std::make_shared<Options>();
  declare(*command, *options);
  command->callback([&program, options, run, command] {
    // Called after the subcommand's own, which is what was meant.
    if (!command->get_subcommands().empty()) return;
    program.action = [options, run](const Context& context) {
      return run(context, *options);
    };
  });
  return command;
}

// For commands without options.
struct NoOptions {};
inline void DeclareNothing(CLI::App&, NoOptions&) {}

// "dfsweep --store DIR": how to call this program again for the same store or
// coordinator.
std::string ProgramText(const GlobalOptions& options);

// A positional that names a sweep.
CLI::Option* AddSweepArgument(CLI::App& command, std::string& sweep);

// "a,b" -> {"a", "b"}.
std::vector<std::string> SplitList(const std::string& text);

void AddSubmitCommands(Program& program);  // run submit add plan
void AddSweepCommands(Program& program);   // ls status pause resume …
void AddWatchCommands(Program& program);   // watch logs
void AddResultsCommand(Program& program);
void AddWorkerCommands(Program& program);  // workers … drain remove
void AddDataCommands(Program& program);
void AddParametersCommand(Program& program);
void AddDoctorCommand(Program& program);
void AddBackupCommands(Program& program);
void AddTokenCommands(Program& program);
void AddVersionCommand(Program& program);
void AddCompletionCommand(Program& program);
void AddLaterCommands(Program& program);  // report

}  // namespace dfsweep::cli

#endif  // DFSWEEP_CLI_COMMAND_H_
