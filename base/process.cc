#include "base/process.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <utility>

#include "base/clock.h"

extern char** environ;

namespace dfsweep {
namespace {

absl::Status StartError(const std::filesystem::path& program, int error) {
  return MakeError(
      absl::StatusCode::kUnavailable,
      fmt::format("a program can't be started: {}", std::strerror(error)),
      program.string(), "build it, or check that it is executable");
}

std::vector<char*> Pointers(const std::vector<std::string>& strings) {
  std::vector<char*> pointers;
  for (const std::string& text : strings) {
    pointers.push_back(const_cast<char*>(text.c_str()));
  }
  pointers.push_back(nullptr);
  return pointers;
}

std::vector<std::string> EnvironmentWith(
    const std::vector<std::string>& extra) {
  std::vector<std::string> environment(extra);
  for (char** entry = environ; *entry != nullptr; ++entry) {
    environment.emplace_back(*entry);
  }
  return environment;
}

struct Pipe {
  int read = -1;
  int write = -1;
  ~Pipe() {
    if (read >= 0) ::close(read);
    if (write >= 0) ::close(write);
  }
  bool Open() {
    int ends[2];
    if (::pipe2(ends, O_CLOEXEC) != 0) return false;
    read = ends[0];
    write = ends[1];
    return true;
  }
};

}  // namespace

absl::StatusOr<Process> Process::Start(const Options& options) {
  // A dead child must be an error of write(), not our end.
  static const bool ignored = (::signal(SIGPIPE, SIG_IGN), true);
  (void)ignored;

  Pipe to_child;
  Pipe from_child;
  if (!to_child.Open() || !from_child.Open()) {
    return StartError(options.program, errno);
  }
  posix_spawn_file_actions_t actions;
  posix_spawn_file_actions_init(&actions);
  posix_spawn_file_actions_adddup2(&actions, to_child.read, 0);
  posix_spawn_file_actions_adddup2(&actions, from_child.write, 1);
  if (!options.stderr_path.empty()) {
    posix_spawn_file_actions_addopen(&actions, 2, options.stderr_path.c_str(),
                                     O_WRONLY | O_CREAT | O_APPEND, 0644);
  }
  posix_spawnattr_t attributes;
  posix_spawnattr_init(&attributes);
  sigset_t none;
  sigset_t defaults;
  sigemptyset(&none);
  sigemptyset(&defaults);
  sigaddset(&defaults, SIGPIPE);
  sigaddset(&defaults, SIGINT);
  sigaddset(&defaults, SIGTERM);
  posix_spawnattr_setsigmask(&attributes, &none);
  posix_spawnattr_setsigdefault(&attributes, &defaults);
  posix_spawnattr_setpgroup(&attributes, 0);
  posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETPGROUP |
                                            POSIX_SPAWN_SETSIGMASK |
                                            POSIX_SPAWN_SETSIGDEF);

  std::vector<std::string> arguments = {options.program.string()};
  arguments.insert(arguments.end(), options.arguments.begin(),
                   options.arguments.end());
  std::vector<std::string> environment =
      EnvironmentWith(options.extra_environment);
  Process process;
  int error = ::posix_spawn(&process.pid_, options.program.c_str(), &actions,
                            &attributes, Pointers(arguments).data(),
                            Pointers(environment).data());
  posix_spawn_file_actions_destroy(&actions);
  posix_spawnattr_destroy(&attributes);
  if (error != 0) {
    process.pid_ = -1;
    return StartError(options.program, error);
  }
  process.input_ = std::exchange(to_child.write, -1);
  process.output_ = std::exchange(from_child.read, -1);
  return process;
}

Process::Process(Process&& other) noexcept { *this = std::move(other); }

Process& Process::operator=(Process&& other) noexcept {
  std::swap(pid_, other.pid_);
  std::swap(input_, other.input_);
  std::swap(output_, other.output_);
  std::swap(buffer_, other.buffer_);
  std::swap(exit_, other.exit_);
  return *this;
}

Process::~Process() {
  if (pid_ > 0 && !Poll().has_value()) {
    Signal(SIGKILL);
    Wait(absl::InfiniteDuration());
  }
  if (input_ >= 0) ::close(input_);
  if (output_ >= 0) ::close(output_);
}

absl::Status Process::WriteLine(std::string_view line) {
  std::string bytes = std::string(line) + "\n";
  std::string_view rest = bytes;
  while (!rest.empty()) {
    ssize_t written = ::write(input_, rest.data(), rest.size());
    if (written < 0 && errno == EINTR) continue;
    if (written < 0) {
      return absl::UnavailableError("the child process has closed its input");
    }
    rest.remove_prefix(written);
  }
  return absl::OkStatus();
}

void Process::CloseInput() {
  if (input_ >= 0) ::close(std::exchange(input_, -1));
}

absl::StatusOr<std::string> Process::ReadLine(absl::Duration timeout) {
  // Not the wall clock: a jump of it must not stretch the wait.
  absl::Duration deadline = Clock::Real().Elapsed() + timeout;
  while (true) {
    if (size_t end = buffer_.find('\n'); end != std::string::npos) {
      std::string line = buffer_.substr(0, end);
      buffer_.erase(0, end + 1);
      return line;
    }
    if (buffer_.size() > kMaxLineBytes) {
      return absl::ResourceExhaustedError("the child sent too long a line");
    }
    pollfd waiter = {output_, POLLIN, 0};
    int64_t left_ms =
        timeout == absl::InfiniteDuration()
            ? -1
            : absl::ToInt64Milliseconds(deadline - Clock::Real().Elapsed());
    if (left_ms < -1) left_ms = 0;
    int ready = ::poll(&waiter, 1, static_cast<int>(left_ms));
    if (ready < 0 && errno == EINTR) continue;
    if (ready == 0) return absl::DeadlineExceededError("no line yet");
    char bytes[65536];
    ssize_t count = ::read(output_, bytes, sizeof bytes);
    if (count < 0 && errno == EINTR) continue;
    if (count <= 0) return absl::OutOfRangeError("end of the child's output");
    buffer_.append(bytes, count);
  }
}

void Process::Signal(int signal) {
  if (pid_ > 0 && !exit_.has_value()) ::kill(-pid_, signal);
}

std::optional<Process::Exit> Process::Poll() {
  return Wait(absl::ZeroDuration());
}

std::optional<Process::Exit> Process::Wait(absl::Duration timeout) {
  if (exit_.has_value() || pid_ <= 0) return exit_;
  // A pidfd becomes readable when the child ends: no polling loop.
  int descriptor = static_cast<int>(::syscall(SYS_pidfd_open, pid_, 0));
  pollfd waiter = {descriptor, POLLIN, 0};
  int64_t wait_ms = timeout == absl::InfiniteDuration()
                        ? -1
                        : absl::ToInt64Milliseconds(timeout);
  int ready;
  do {
    ready = ::poll(&waiter, 1, static_cast<int>(wait_ms));
  } while (ready < 0 && errno == EINTR);
  ::close(descriptor);
  int status = 0;
  if (ready <= 0 || ::waitpid(pid_, &status, 0) != pid_) return std::nullopt;
  exit_ = Exit{WIFEXITED(status) ? WEXITSTATUS(status) : 0,
               WIFSIGNALED(status) ? WTERMSIG(status) : 0};
  return exit_;
}

}  // namespace dfsweep
