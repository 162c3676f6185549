// What is different where Linux runs inside Windows.
#include <algorithm>
#include <fstream>

#include "cli/doctor.h"

namespace dfsweep::cli {
namespace {

namespace fs = std::filesystem;

bool Exists(const fs::path& path) {
  std::error_code error;
  return fs::exists(path, error);
}

Finding CheckGpuOfWindows(const fs::path& root) {
  if (!Exists(root / "usr/lib/wsl/lib/libcuda.so.1")) {
    return Warn("WSL2", "Windows shows no GPU to WSL",
                "update the NVIDIA driver of Windows, then run `wsl --update` "
                "and `wsl --shutdown` there");
  }
  if (Exists(root / "usr/lib/x86_64-linux-gnu/libcuda.so.1")) {
    return Warn("WSL2",
                "a Linux driver is installed inside WSL; it hides the one of "
                "Windows",
                "remove it: sudo apt purge 'libnvidia-*' 'nvidia-*'");
  }
  return Ok("WSL2", "the GPU of Windows is there");
}

bool IsOnWindowsDisk(const fs::path& folder) {
  const std::string text = folder.string();
  return text.starts_with("/mnt/") && text.size() > 6 && text[6] == '/';
}

// The settings of WSL, of everybody who has an account in Windows: which of
// them is this person only Windows knows.
std::vector<fs::path> WindowsSettings(const fs::path& root) {
  std::vector<fs::path> files;
  std::error_code error;
  for (const auto& user : fs::directory_iterator(root / "mnt/c/Users", error)) {
    if (Exists(user.path() / ".wslconfig")) {
      files.push_back(user.path() / ".wslconfig");
    }
  }
  return files;
}

// Whether the file has a line "NAME=-1", however it is spaced.
bool SwitchesOff(const fs::path& file, const std::string& name) {
  std::ifstream lines(file);
  for (std::string line; std::getline(lines, line);) {
    std::erase_if(line, [](unsigned char c) { return std::isspace(c) != 0; });
    if (line == name + "=-1") return true;
  }
  return false;
}

bool AnySwitchesOff(const std::vector<fs::path>& files,
                    const std::string& name) {
  return std::any_of(files.begin(), files.end(), [&name](const auto& file) {
    return SwitchesOff(file, name);
  });
}

// Windows ends a distribution without a session, whatever services it has, and
// then the virtual machine.
Finding CheckIdling(const fs::path& root) {
  const std::vector<fs::path> files = WindowsSettings(root);
  if (AnySwitchesOff(files, "instanceIdleTimeout")) {
    return Ok("WSL2", "it is set to stay when nobody uses it");
  }
  if (AnySwitchesOff(files, "vmIdleTimeout")) {
    return Ok("WSL2",
              "it stays when nobody uses it, as long as one process is kept "
              "alive (docs/workers.md)");
  }
  return Warn("WSL2",
              "Windows ends WSL when nobody uses it, and a worker with it",
              "put instanceIdleTimeout=-1 under [general] in "
              "%UserProfile%\\.wslconfig; docs/workers.md says what an older "
              "WSL needs");
}

}  // namespace

bool IsWsl(const fs::path& root) {
  std::ifstream file(root / "proc/version");
  std::string version;
  std::getline(file, version);
  return version.find("icrosoft") != std::string::npos ||
         Exists(root / "dev/dxg");
}

std::vector<Finding> CheckWsl(const fs::path& root, const fs::path& store) {
  if (!IsWsl(root)) return {};
  std::vector<Finding> findings = {CheckGpuOfWindows(root), CheckIdling(root)};
  if (!Exists(root / "run/systemd/system")) {
    findings.push_back(
        Warn("WSL2", "systemd does not run, so no service starts a worker",
             "put systemd=true under [boot] in /etc/wsl.conf, then run `wsl "
             "--shutdown` in Windows"));
  }
  std::error_code error;
  const fs::path place = fs::weakly_canonical(store, error);
  if (IsOnWindowsDisk(place)) {
    findings.push_back(
        Warn("WSL2",
             "the store is on a Windows disk, which is slow and locks files "
             "differently: " +
                 place.string(),
             "keep the work under your Linux home folder, or use --store"));
  }
  return findings;
}

}  // namespace dfsweep::cli
