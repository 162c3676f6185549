// doctor: is everything there that a sweep needs?
#include <fmt/format.h>
#include <signal.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <fstream>
#include <utility>

#include "base/clock.h"
#include "base/digest.h"
#include "base/display_text.h"
#include "base/process.h"
#include "cli/connection.h"
#include "cli/doctor.h"
#include "cli/exit_status.h"
#include "cli/facts.h"
#include "cli/terminal.h"
#include "cli/text.h"

namespace dfsweep::cli {
namespace {

namespace fs = std::filesystem;

constexpr int kLevelWidth = 6;  // "WARN  "

const char* NameOf(Finding::Level level) {
  switch (level) {
    case Finding::Level::kOk:
      return "OK";
    case Finding::Level::kWarn:
      return "WARN";
    case Finding::Level::kFail:
      return "FAIL";
  }
  return "";
}

const char* ColorOf(Finding::Level level) {
  switch (level) {
    case Finding::Level::kOk:
      return "\x1b[32m";
    case Finding::Level::kWarn:
      return "\x1b[33m";
    case Finding::Level::kFail:
      return "\x1b[31m";
  }
  return "";
}

void PrintFinding(const Finding& finding, bool color) {
  std::string text = RenderFacts(
      {{NameOf(finding.level),
        fmt::format("{}: {}", finding.check, finding.message)},
       {"", finding.remedy.empty() ? "" : "fix: " + finding.remedy}},
      WidthOf(stdout), kLevelWidth);
  std::string name = NameOf(finding.level);
  if (color && text.starts_with(name)) {
    text = ColorOf(finding.level) + name + "\x1b[0m" + text.substr(name.size());
  }
  Print(text);
}

Json ToJson(const Finding& finding) {
  return {{"level", NameOf(finding.level)},
          {"check", finding.check},
          {"message", finding.message},
          {"fix", finding.remedy}};
}

Finding CheckLocalStore(const fs::path& store) {
  std::error_code error;
  if (!IsStore(store)) {
    return Ok(
        "store",
        fmt::format("none yet in {}; `dfsweep run` makes one",
                    fs::absolute(store, error).lexically_normal().string()));
  }
  if (::access(store.c_str(), R_OK | W_OK | X_OK) != 0) {
    return Fail("store", "no permission to write in " + store.string(),
                "chown it to yourself, or use another one with --store");
  }
  if (std::optional<rpc::Endpoint> endpoint = ServedEndpoint(store)) {
    return Ok("store", fmt::format("{} is served at {}", store.string(),
                                   endpoint->address));
  }
  return Ok("store", store.string() + " is there; nobody serves it now");
}

// What lets its reader in: this person's login, and the store's keys.
std::vector<fs::path> Secrets(const fs::path& store) {
  return {LoginFile(), store / "admin.token", store / "tls"};
}

// A coordinator off loopback makes itself an authority.
bool ServesOthers(const fs::path& store) {
  std::error_code error;
  return fs::exists(store / "tls", error);
}

Finding CheckBackup(const fs::path& store) {
  constexpr int kManyDays = 7;
  constexpr char kRemedy[] =
      "dfsweep backup FOLDER, best on another disk and every day (cron)";
  const fs::path note = store / "last-backup";  // the coordinator's
  std::error_code error;
  const fs::file_time_type last = fs::last_write_time(note, error);
  if (error) return Warn("backup", "this store was never backed up", kRemedy);
  const auto age = fs::file_time_type::clock::now() - last;
  const auto days = std::chrono::floor<std::chrono::days>(age).count();
  std::ifstream file(note);
  std::string folder;
  std::getline(file, folder);
  const std::string text =
      fmt::format("the last one is {} days old ({})", days, Printable(folder));
  return days < kManyDays ? Ok("backup", text) : Warn("backup", text, kRemedy);
}

bool IsOthersToRead(const fs::path& file) {
  std::error_code error;
  const fs::file_status status = fs::status(file, error);
  constexpr fs::perms kOthers = fs::perms::group_all | fs::perms::others_all;
  return fs::exists(status) &&
         (status.permissions() & kOthers) != fs::perms::none;
}

absl::StatusOr<int> Doctor(const Context& context, const NoOptions&) {
  bool color = UsesColor(context.global.color, stdout);
  std::vector<Finding> all;
  auto show = [&](std::vector<Finding> findings) {
    for (Finding& finding : findings) {
      if (!context.global.json) PrintFinding(finding, color);
      all.push_back(std::move(finding));
    }
    std::fflush(stdout);
  };
  bool has_gpu = false;
  show(CheckMachine(context.global.store, &has_gpu));
  show(CheckStore(context.global));
  show(CheckPrograms());
  show(CheckTraining(has_gpu));

  bool has_failure =
      std::any_of(all.begin(), all.end(), [](const Finding& finding) {
        return finding.level == Finding::Level::kFail;
      });
  if (context.global.json) {
    Json array = Json::array();
    for (const Finding& finding : all) array.push_back(ToJson(finding));
    PrintJson({{"checks", array}, {"healthy", !has_failure}});
  }
  return has_failure ? kExitTrialFailed : kExitDone;
}

}  // namespace

Finding Ok(std::string check, std::string message) {
  return {.level = Finding::Level::kOk,
          .check = std::move(check),
          .message = std::move(message)};
}

Finding Warn(std::string check, std::string message, std::string remedy) {
  return {.level = Finding::Level::kWarn,
          .check = std::move(check),
          .message = std::move(message),
          .remedy = std::move(remedy)};
}

Finding Fail(std::string check, std::string message, std::string remedy) {
  return {.level = Finding::Level::kFail,
          .check = std::move(check),
          .message = std::move(message),
          .remedy = std::move(remedy)};
}

Finding Fail(std::string check, const absl::Status& status) {
  ErrorParts parts = PartsOf(MessageOf(status));
  std::string what = Printable(parts.what);
  if (!parts.where.empty()) what += " (" + Printable(parts.where) + ")";
  return Fail(std::move(check), what, Printable(parts.remedy));
}

absl::StatusOr<Ran> RunToEnd(const fs::path& program,
                             const std::vector<std::string>& arguments,
                             absl::Duration timeout) {
  ScratchFolder folder;
  fs::path err = folder.path() / "stderr";
  DFSWEEP_ASSIGN_OR_RETURN(
      Process process,
      Process::Start(
          {.program = program, .arguments = arguments, .stderr_path = err}));
  process.CloseInput();
  Ran ran;
  absl::Duration deadline = Clock::Real().Elapsed() + timeout;
  while (true) {
    auto line = process.ReadLine(deadline - Clock::Real().Elapsed());
    if (!line.ok()) break;
    ran.out += *line + "\n";
  }
  std::optional<Process::Exit> exit = process.Wait(
      std::max(deadline - Clock::Real().Elapsed(), absl::Milliseconds(100)));
  if (!exit.has_value()) {
    process.Signal(SIGKILL);
    return MakeError(
        absl::StatusCode::kFailedPrecondition,
        fmt::format("does not end within {}", absl::FormatDuration(timeout)),
        program.string(),
        "run it by hand to see what it waits "
        "for");
  }
  ran.code = exit->signal != 0 ? 128 + exit->signal : exit->code;
  std::ifstream file(err);
  ran.err.assign(std::istreambuf_iterator<char>(file), {});
  return ran;
}

ScratchFolder::ScratchFolder()
    : path_(fs::temp_directory_path() / ("dfsweep-" + RandomHex(8))) {
  std::error_code error;
  fs::create_directories(path_, error);
}

ScratchFolder::~ScratchFolder() {
  std::error_code error;
  fs::remove_all(path_, error);
}

std::vector<Finding> CheckStore(const GlobalOptions& options) {
  std::vector<Finding> findings = {CheckLocalStore(options.store)};
  if (!options.coordinator.empty()) {
    findings = CheckConnection(options.coordinator);
  }
  for (const fs::path& file : Secrets(options.store)) {
    if (!IsOthersToRead(file)) continue;
    findings.push_back(Warn("secrets", file.string() + " is others' to read",
                            "chmod go= " + ShellQuoted({file.string()})));
  }
  if (ServesOthers(options.store)) {
    findings.push_back(CheckBackup(options.store));
  }
  return findings;
}

void AddDoctorCommand(Program& program) {
  AddCommand<NoOptions>(
      program, program.app, "doctor",
      "Check driver, LibTorch, training, disk, store, connection",
      DeclareNothing, Doctor);
}

}  // namespace dfsweep::cli
