#include "worker/install.h"

#include <fmt/format.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <optional>
#include <system_error>
#include <vector>

#include "base/files.h"
#include "base/process.h"

namespace dfsweep::worker {
namespace {

namespace fs = std::filesystem;

constexpr char kUnit[] = "dfsweep-worker.service";
constexpr absl::Duration kPatience = absl::Seconds(30);

fs::path UnitFolder() {
  const char* folder = std::getenv("XDG_CONFIG_HOME");
  const char* home = std::getenv("HOME");
  const fs::path base =
      folder != nullptr && *folder != '\0'
          ? fs::path(folder)
          : fs::path(home != nullptr ? home : ".") / ".config";
  return base / "systemd" / "user";
}

// Quoted for a unit file, where % and $ mean something too.
std::string Quoted(const std::string& word) {
  std::string quoted = "\"";
  for (const char c : word) {
    if (c == '"' || c == '\\') quoted += '\\';
    if (c == '%' || c == '$') quoted += c;
    quoted += c;
  }
  return quoted + "\"";
}

absl::Status RunCommand(const std::vector<std::string>& words) {
  std::string text;
  for (const std::string& word : words)
    text += (text.empty() ? "" : " ") + word;
  std::fprintf(stderr, "  %s\n", text.c_str());
  Process::Options options{.program = "/usr/bin/env", .arguments = words};
  DFSWEEP_ASSIGN_OR_RETURN(Process process, Process::Start(options));
  process.CloseInput();
  const std::optional<Process::Exit> exit = process.Wait(kPatience);
  if (exit && exit->signal == 0 && exit->code == 0) return absl::OkStatus();
  return MakeError(absl::StatusCode::kFailedPrecondition, "this command failed",
                   text,
                   "the service needs systemd (on WSL2: [boot] systemd=true in "
                   "/etc/wsl.conf, then `wsl --shutdown`); without it, start "
                   "`dfsweep-worker` by hand: it has joined");
}

}  // namespace

std::string UnitText(const fs::path& program, const fs::path& configuration) {
  return fmt::format(
      "[Unit]\n"
      "Description=dfsweep worker\n"
      "After=network-online.target\n"
      "\n"
      "[Service]\n"
      "ExecStart={} --config {}\n"
      "Restart=on-failure\n"
      "RestartSec=10\n"
      "KillMode=mixed\n"
      "TimeoutStopSec=30\n"
      "Nice=5\n"
      "\n"
      "[Install]\n"
      "WantedBy=default.target\n",
      Quoted(program.string()), Quoted(configuration.string()));
}

absl::Status InstallService(const fs::path& program,
                            const fs::path& configuration) {
  const fs::path unit = UnitFolder() / kUnit;
  std::error_code error;
  fs::create_directories(unit.parent_path(), error);
  DFSWEEP_RETURN_IF_ERROR(
      WriteFileDurably(unit, UnitText(program, configuration)));
  std::fprintf(stderr, "  wrote %s\n", unit.c_str());
  DFSWEEP_RETURN_IF_ERROR(RunCommand({"systemctl", "--user", "daemon-reload"}));
  DFSWEEP_RETURN_IF_ERROR(
      RunCommand({"systemctl", "--user", "enable", "--now", kUnit}));
  // Runs on when the last session ends.
  return RunCommand({"loginctl", "enable-linger"});
}

}  // namespace dfsweep::worker
