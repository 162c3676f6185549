#include <fcntl.h>
#include <fmt/format.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <sstream>

#include "absl/time/clock.h"
#include "base/clock.h"
#include "base/display_text.h"
#include "base/files.h"
#include "base/power.h"
#include "cli/doctor.h"
#include "cli/text.h"

namespace dfsweep::cli {
namespace {

namespace fs = std::filesystem;

constexpr absl::Duration kSmiTimeout = absl::Seconds(30);
constexpr int64_t kGibibyte = int64_t{1} << 30;

bool Exists(const fs::path& path) {
  std::error_code error;
  return fs::exists(path, error);
}

// ---- GPU --------------------------------------------------------------------

// Where nvidia-smi is; "" if nowhere. WSL2 keeps it off the PATH.
fs::path FindNvidiaSmi() {
  const char* path = std::getenv("PATH");
  std::istringstream folders(std::string(path != nullptr ? path : "") +
                             ":/usr/lib/wsl/lib");
  for (std::string folder; std::getline(folders, folder, ':');) {
    fs::path program = fs::path(folder) / "nvidia-smi";
    if (!folder.empty() && ::access(program.c_str(), X_OK) == 0) return program;
  }
  return {};
}

// A line "NVIDIA …, 580.82.07, 8188 MiB, 7900 MiB" of nvidia-smi: name, driver,
// memory, and what is free of it.
Finding OfGpu(const std::string& line) {
  constexpr int kLittleMib = 2048;
  // Of CUDA 13, which the wheel that deploy/setup.sh installs is built with.
  constexpr int kOldestDriver = 580;
  const std::string text = Printable(line) + " free";
  const size_t name_end = line.find(", ");
  int driver = 0;
  if (name_end != std::string::npos &&
      std::sscanf(line.c_str() + name_end, ", %d.", &driver) == 1 &&
      driver < kOldestDriver) {
    return Warn(
        "GPU",
        fmt::format("{}; LibTorch needs driver {} or later", text,
                    kOldestDriver),
        IsWsl() ? "update the NVIDIA driver of Windows, then `wsl --shutdown`"
                : "update the NVIDIA driver, then restart");
  }
  int free_mib = 0;
  const size_t last = line.rfind(", ");
  bool is_known = last != std::string::npos &&
                  std::sscanf(line.c_str() + last, ", %d MiB", &free_mib) == 1;
  if (!is_known || free_mib >= kLittleMib) return Ok("GPU", text);
  return Warn("GPU", text,
              "close the programs that use its memory (nvidia-smi lists them); "
              "a trial needs about 2 GB");
}

std::vector<Finding> CheckGpu(bool* has_gpu) {
  bool has_device = Exists("/dev/nvidia0") || Exists("/dev/dxg");
  *has_gpu = false;
  fs::path smi = FindNvidiaSmi();
  if (smi.empty()) {
    if (!has_device) return {Ok("GPU", "none found; trials train on the CPU")};
    return {Fail("GPU", "there is a GPU, but nvidia-smi is missing",
                 IsWsl() ? "update the NVIDIA driver of Windows; install none "
                           "inside WSL"
                         : "install the NVIDIA driver, then restart")};
  }
  absl::StatusOr<Ran> ran =
      RunToEnd(smi,
               {"--query-gpu=name,driver_version,memory.total,memory.free",
                "--format=csv,noheader"},
               kSmiTimeout);
  if (!ran.ok() || ran->code != 0 || ran->out.empty()) {
    return {Fail(
        "GPU",
        "nvidia-smi does not see a GPU: " +
            FirstLine(ran.ok() ? ran->out + ran->err : MessageOf(ran.status())),
        "restart; if that does not help, install the driver again")};
  }
  *has_gpu = true;
  std::vector<Finding> findings;
  std::istringstream lines(ran->out);
  for (std::string line; std::getline(lines, line);) {
    findings.push_back(OfGpu(line));
  }
  return findings;
}

// ---- Memory, disk, clock ----------------------------------------------------

Finding CheckMemory() {
  std::ifstream file("/proc/meminfo");
  std::string key;
  std::string unit;
  int64_t kibibytes = 0;
  while (file >> key >> kibibytes >> unit && key != "MemAvailable:") {
  }
  int64_t available = kibibytes * 1024;
  std::string text = BytesText(available) + " available";
  if (available >= 2 * kGibibyte) return Ok("memory", text);
  return Warn("memory", text,
              IsWsl() ? "close programs, or raise memory= under [wsl2] in "
                        ".wslconfig"
                      : "close programs; a trial needs about 2 GB");
}

// The nearest folder that is there: where the store is or will be.
fs::path NearestFolder(const fs::path& store) {
  std::error_code error;
  fs::path folder = fs::absolute(store, error);
  while (!fs::is_directory(folder, error) && folder.has_relative_path()) {
    folder = folder.parent_path();
  }
  return folder;
}

Finding CheckDisk(const fs::path& folder) {
  struct statvfs disk = {};
  if (::statvfs(folder.c_str(), &disk) != 0) {
    return Warn("disk", "can't be asked: " + folder.string(),
                "check that the folder is there");
  }
  auto free =
      static_cast<int64_t>(disk.f_bavail) * static_cast<int64_t>(disk.f_frsize);
  std::string text =
      fmt::format("{} free in {}", BytesText(free), folder.string());
  if (free < kGibibyte) return Fail("disk", text, "free some space");
  if (free < 5 * kGibibyte) return Warn("disk", text, "free some space");
  return Ok("disk", text);
}

// Median time of making 4 KiB durable; zero if it can't be done.
absl::Duration SyncTime(const fs::path& folder) {
  constexpr int kTries = 5;
  fs::path file = folder / fmt::format(".dfsweep-doctor-{}", ::getpid());
  int descriptor =
      ::open(file.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
  if (descriptor < 0) return absl::ZeroDuration();
  std::string block(4096, 'x');
  std::vector<absl::Duration> times;
  for (int i = 0; i < kTries; ++i) {
    absl::Duration start = Clock::Real().Elapsed();
    bool done = ::write(descriptor, block.data(), block.size()) ==
                    static_cast<ssize_t>(block.size()) &&
                ::fsync(descriptor) == 0;
    if (done) times.push_back(Clock::Real().Elapsed() - start);
  }
  ::close(descriptor);
  ::unlink(file.c_str());
  if (times.empty()) return absl::ZeroDuration();
  std::sort(times.begin(), times.end());
  return times[times.size() / 2];
}

Finding CheckSync(const fs::path& folder) {
  absl::Duration time = SyncTime(folder);
  if (time == absl::ZeroDuration()) {
    return Fail("fsync", "nothing can be written in " + folder.string(),
                "check its permissions, or name another place with --store");
  }
  std::string text =
      fmt::format("{:.1f} ms a write", absl::ToDoubleMilliseconds(time));
  if (time < absl::Milliseconds(100)) return Ok("fsync", text);
  return Warn("fsync", text, "keep the store on a local disk");
}

// A clock far before the day this program was built is wrong. Leases don't
// care, but certificates, logs and tables do.
Finding CheckClock() {
  std::error_code error;
  auto built =
      fs::last_write_time(fs::read_symlink("/proc/self/exe", error), error);
  absl::Time build_time = absl::FromChrono(
      std::chrono::time_point_cast<std::chrono::system_clock::duration>(
          std::chrono::file_clock::to_sys(built)));
  absl::Time now = absl::Now();
  std::string text =
      absl::FormatTime("%Y-%m-%d %H:%M:%S UTC", now, absl::UTCTimeZone());
  if (error || now > build_time - absl::Hours(24)) return Ok("clock", text);
  return Warn("clock", text + " is before this program was built",
              SetTheClock());
}

}  // namespace

Finding CheckPower(const fs::path& sys) {
  const Power power = ReadPower(sys);
  if (!power.on_battery) return Ok("power", "no battery");
  if (!*power.on_battery) return Ok("power", "plugged in");
  return Warn("power",
              fmt::format("on battery, {} % left", power.percent.value_or(0)),
              "plug it in: a worker pauses on battery, unless it has "
              "--allow-battery");
}

std::string SetTheClock() {
  return IsWsl() ? "run `sudo hwclock -s`, or `wsl --shutdown` in Windows"
                 : "set the clock, e.g. sudo timedatectl set-ntp true";
}

std::vector<Finding> CheckMachine(const fs::path& store, bool* has_gpu) {
  std::vector<Finding> findings = CheckGpu(has_gpu);
  for (Finding& finding : CheckWsl("/", store)) {
    findings.push_back(std::move(finding));
  }
  fs::path folder = NearestFolder(store);
  findings.push_back(CheckPower("/sys"));
  findings.push_back(CheckMemory());
  findings.push_back(CheckDisk(folder));
  findings.push_back(CheckSync(folder));
  findings.push_back(CheckClock());
  return findings;
}

}  // namespace dfsweep::cli
