#include "cli/program.h"

#include <algorithm>
#include <cstdlib>
#include <exception>
#include <vector>

#include "base/build_id.h"
#include "base/usage.h"
#include "base/version.h"
#include "cli/connection.h"
#include "cli/exit_status.h"
#include "cli/output.h"
#include "cli/terminal.h"
#include "cli/text.h"

namespace dfsweep::cli {
namespace {

constexpr char kDescription[] =
    "Runs hyperparameter sweeps of the DF network under continual learning.\n"
    "dfsweep run FILE does everything on this machine; with a coordinator,\n"
    "submit, watch and results share the work of several.";

// As a shell that died of SIGPIPE would say: the reader of our output left.
constexpr int kExitReaderLeft = 141;
constexpr int kHelpColumn = 28;

void DeclareGlobalOptions(CLI::App& app, GlobalOptions& options) {
  CLI::Option* coordinator = app.add_option(
      "--coordinator", options.coordinator,
      "Of a team (or DFSWEEP_COORDINATOR, or that of `dfsweep login`); else "
      "the local store is used");
  coordinator->type_name("HOST:PORT");
  app.add_option("--store", options.store, "Folder of the local store")
      ->type_name("DIR")
      ->excludes(coordinator)
      ->capture_default_str();
  app.add_flag("--json", options.json, "Print JSON");
  app.add_option("--color", options.color, "auto, always or never")
      ->type_name("WHEN")
      ->check(CLI::IsMember({"auto", "always", "never"}))
      ->capture_default_str();
  app.set_version_flag(
      "--version", std::string("dfsweep ") + kVersion + " (" + BuildId() + ")");
}

// What is on the command line counts more than the environment, and that more
// than a login: --store means the local store.
void TakeEnvironment(Program& program) {
  GlobalOptions& options = program.context.global;
  const char* coordinator = std::getenv("DFSWEEP_COORDINATOR");
  bool names_store = program.app.get_option("--store")->count() > 0;
  if (coordinator != nullptr && options.coordinator.empty() && !names_store) {
    options.coordinator = coordinator;
  }
  if (!options.coordinator.empty() || names_store) return;
  absl::StatusOr<rpc::Endpoint> login = rpc::ReadEndpoint(LoginFile());
  if (login.ok()) options.coordinator = login->address;
}

absl::StatusOr<int> ParseAndRun(Program& program, int argc, char** argv) {
  try {
    program.app.parse(argc, argv);
  } catch (const CLI::Success& help_or_version) {
    return program.app.exit(help_or_version);
  } catch (const CLI::ParseError& error) {
    return UsageError(program.app, error);
  }
  TakeEnvironment(program);
  return program.action(program.context);
}

// Exceptions of the libraries below are caught where they are used; what
// arrives here is a bug, and still no reason to abort.
absl::StatusOr<int> Guarded(Program& program, int argc, char** argv) {
  try {
    return ParseAndRun(program, argc, argv);
  } catch (const std::exception& error) {
    return MakeError(absl::StatusCode::kInternal,
                     std::string("this is a bug of dfsweep: ") + error.what(),
                     program.context.command_line,
                     "report it with this command; what is finished is kept");
  }
}

bool AsksForJson(int argc, char** argv) {
  // Known even where parsing fails.
  for (int i = 1; i < argc; ++i) {
    if (std::string(argv[i]) == "--json") return true;
  }
  return false;
}

}  // namespace

CLI::Option* AddSweepArgument(CLI::App& command, std::string& sweep) {
  return command.add_option("SWEEP", sweep, "Name (the newest is meant) or id")
      ->type_name("");
}

std::string ProgramText(const GlobalOptions& options) {
  std::vector<std::string> words = {"dfsweep"};
  if (!options.coordinator.empty()) {
    words.insert(words.end(), {"--coordinator", options.coordinator});
  } else if (options.store != GlobalOptions().store) {
    words.insert(words.end(), {"--store", options.store});
  }
  return ShellQuoted(words);
}

std::vector<std::string> SplitList(const std::string& text) {
  std::vector<std::string> items;
  size_t start = 0;
  while (start <= text.size()) {
    size_t end = std::min(text.find(',', start), text.size());
    if (end > start) items.push_back(text.substr(start, end - start));
    start = end + 1;
  }
  return items;
}

void Declare(Program& program) {
  CLI::App& app = program.app;
  app.name("dfsweep");
  app.description(kDescription);
  app.get_formatter()->column_width(kHelpColumn);
  // Global options may stand after the command too.
  app.fallthrough();
  app.require_subcommand(1);
  DeclareGlobalOptions(app, program.context.global);
  AddSubmitCommands(program);
  AddWatchCommands(program);
  AddResultsCommand(program);
  AddSweepCommands(program);
  AddWorkerCommands(program);
  AddDataCommands(program);
  AddParametersCommand(program);
  AddDoctorCommand(program);
  AddBackupCommands(program);
  AddTokenCommands(program);
  AddVersionCommand(program);
  AddCompletionCommand(program);
  AddLaterCommands(program);
}

int RunProgram(int argc, char** argv) {
  Program program;
  Declare(program);
  program.context.command_line =
      ShellQuoted(std::vector<std::string>(argv, argv + argc));
  absl::StatusOr<int> status = Guarded(program, argc, argv);
  int exit_status =
      status.ok() ? *status : ExitStatusOf(status.status().code());
  if (!status.ok()) SayError(status.status(), AsksForJson(argc, argv));
  bool reader_left = false;
  if (absl::Status written = FinishOutput(&reader_left); !written.ok()) {
    SayError(written, /*json=*/false);
    return kExitWrong;
  }
  return reader_left ? kExitReaderLeft : exit_status;
}

}  // namespace dfsweep::cli
