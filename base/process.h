#ifndef DFSWEEP_BASE_PROCESS_H_
#define DFSWEEP_BASE_PROCESS_H_

#include <sys/types.h>

#include <filesystem>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "absl/time/time.h"
#include "base/status.h"

namespace dfsweep {

// A child process in its own process group with pipes on standard input and
// output; standard error goes to `stderr_path`, or to ours when it is empty.
// Started with posix_spawn, so it is safe beside gRPC's threads. The child sees
// end of file on its standard input when this process dies, however it dies:
// that is how our programs notice. Destruction sends SIGKILL and reaps.
// One thread may read while another writes or signals.
class Process {
 public:
  struct Options {
    std::filesystem::path program;
    std::vector<std::string> arguments;          // without argv[0]
    std::vector<std::string> extra_environment;  // "NAME=value"
    std::filesystem::path stderr_path;
  };
  static absl::StatusOr<Process> Start(const Options& options);

  Process(Process&& other) noexcept;
  Process& operator=(Process&& other) noexcept;
  ~Process();

  pid_t pid() const { return pid_; }

  // Writes a line (adds '\n'). kUnavailable when the child is gone.
  absl::Status WriteLine(std::string_view line);
  void CloseInput();

  // The next line of its standard output without '\n'. Waits at most `timeout`
  // (kDeadlineExceeded); kOutOfRange at end of file; kResourceExhausted for a
  // line longer than `kMaxLineBytes`.
  absl::StatusOr<std::string> ReadLine(absl::Duration timeout);
  static constexpr size_t kMaxLineBytes = 4u << 20;

  void Signal(int signal);  // to the child's whole process group

  // How it ended; empty while it runs.
  struct Exit {
    int code = 0;    // valid if signal == 0
    int signal = 0;  // the signal that killed it
  };
  std::optional<Exit> Poll();

  // Waits for its end, at most `timeout`.
  std::optional<Exit> Wait(absl::Duration timeout);

 private:
  Process() = default;
  pid_t pid_ = -1;
  int input_ = -1;   // we write
  int output_ = -1;  // we read
  std::string buffer_;
  std::optional<Exit> exit_;
};

}  // namespace dfsweep

#endif  // DFSWEEP_BASE_PROCESS_H_
