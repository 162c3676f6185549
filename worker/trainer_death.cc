#include "worker/trainer_death.h"

#include <fmt/format.h>
#include <signal.h>

#include <cstring>
#include <fstream>
#include <sstream>
#include <vector>

#include "model/protocol/protocol.h"
#include "worker/trainer_events.h"

namespace dfsweep::worker {
namespace {

constexpr int64_t kTailBytes = 4096;
constexpr size_t kTailLines = 12;

// A shell or container that wraps the trainer turns a signal into an exit code.
Process::Exit Unwrapped(Process::Exit exit) {
  if (exit.signal == 0 && exit.code > 128 && exit.code < 128 + NSIG &&
      exit.code != protocol::kExitInterrupted) {
    return {0, exit.code - 128};
  }
  return exit;
}

bool CameFromOutside(const Process::Exit& exit) {
  switch (exit.signal) {
    case SIGKILL:
    case SIGTERM:
    case SIGINT:
    case SIGHUP:
    case SIGQUIT:
      return true;
    default:
      return exit.signal == 0 && exit.code == protocol::kExitInterrupted;
  }
}

std::string Describe(const Process::Exit& exit) {
  if (exit.signal != 0) {
    return fmt::format("the trainer was killed by signal {} ({})", exit.signal,
                       ::strsignal(exit.signal));
  }
  return fmt::format("the trainer ended with exit code {}", exit.code);
}

struct Verdict {
  v1::FailureCause cause;
  std::string remedy;
};

Verdict JudgeExitCode(int code) {
  switch (code) {
    case protocol::kExitBadConfig:
    case protocol::kExitData:
      return {v1::BAD_CONFIG, "correct the configuration or the dataset"};
    case protocol::kExitOutOfMemory:
      return {v1::OUT_OF_MEMORY,
              "use a smaller batch_size, fewer slots or a larger device"};
    case protocol::kExitEnvironment:
    case protocol::kExitUsage:
      return {v1::ENVIRONMENT, "run `dfsweep doctor` on this machine"};
    default:
      return {v1::CRASH, "report this with the log of the trainer"};
  }
}

}  // namespace

int64_t OutOfMemoryKills() {
  std::ifstream file("/proc/vmstat");
  std::string name;
  int64_t value = 0;
  while (file >> name >> value) {
    if (name == "oom_kill") return value;
  }
  return 0;
}

int64_t FileSize(const std::filesystem::path& path) {
  std::error_code error;
  auto size = std::filesystem::file_size(path, error);
  return error ? 0 : static_cast<int64_t>(size);
}

std::string LogTail(const std::filesystem::path& path, int64_t begin) {
  int64_t size = FileSize(path);
  std::ifstream file(path, std::ios::binary);
  file.seekg(std::max(begin, size - kTailBytes));
  std::vector<std::string> lines;
  for (std::string line; std::getline(file, line);) {
    lines.push_back("\n  " + ForLog(line));
  }
  if (lines.size() > kTailLines) {
    lines.erase(lines.begin(), lines.end() - kTailLines);
  }
  std::string tail;
  for (const std::string& line : lines) tail += line;
  return tail.empty() ? "" : "\nlast lines of its log:" + tail;
}

Outcome JudgeDeath(const Process::Exit& raw_exit, bool memory_kills,
                   const std::filesystem::path& log, int64_t log_begin) {
  Process::Exit exit = Unwrapped(raw_exit);
  std::string what = Describe(exit);
  std::string tail = LogTail(log, log_begin);
  auto message = [&](const std::string& remedy) {
    return what + "\n" + log.string() + "\n" + remedy + tail;
  };
  if (exit.signal == SIGKILL && memory_kills) {
    what += "; the machine ran out of memory and the kernel killed it";
    return Failure(v1::OUT_OF_MEMORY,
                   message("use a smaller batch_size, fewer slots or a machine "
                           "with more memory"));
  }
  if (CameFromOutside(exit)) {
    return Disturbed{
        message("if nobody did this on purpose, a service that frees "
                "memory (earlyoom, systemd-oomd) may have: use fewer "
                "slots or a smaller batch_size")};
  }
  Verdict verdict =
      exit.signal != 0
          ? Verdict{v1::CRASH, "report this with the log of the trainer"}
          : JudgeExitCode(exit.code);
  return Failure(verdict.cause, message(verdict.remedy));
}

}  // namespace dfsweep::worker
