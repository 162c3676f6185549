// A program of dfsweep's that runs as long as this command.
#ifndef DFSWEEP_CLI_CHILD_H_
#define DFSWEEP_CLI_CHILD_H_

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "base/process.h"
#include "base/status.h"

namespace dfsweep::cli {

// Started with --exit-with-stdin, so that it never outlives this process.
// Destruction stops it. One thread.
class Child {
 public:
  // `program` stands beside this one; `log` gets its standard error, after what
  // is there.
  static absl::StatusOr<Child> Start(const std::string& program,
                                     std::vector<std::string> arguments,
                                     const std::filesystem::path& log);
  Child(Child&&) noexcept = default;
  Child& operator=(Child&&) noexcept;
  ~Child();

  // Its next line on standard output.
  absl::StatusOr<std::string> ReadLine(absl::Duration timeout) {
    return process_->ReadLine(timeout);
  }

  bool HasEnded() { return process_->Poll().has_value(); }

  // Lets it finish in order, for a few seconds, then kills it. Idempotent.
  void Stop();

  // Why it ended or did not start: its own three-part error if it wrote one,
  // else `what`, how it ended, and the last lines of its log.
  absl::Status Obituary(const std::string& what, const std::string& remedy);

 private:
  Child(Process process, std::string program, std::filesystem::path log,
        uintmax_t log_start)
      : process_(std::move(process)),
        program_(std::move(program)),
        log_(std::move(log)),
        log_start_(log_start) {}
  // What it wrote to its log.
  std::string Log() const;

  std::optional<Process> process_;
  std::string program_;
  std::filesystem::path log_;
  uintmax_t log_start_ = 0;
};

// Path of a program beside this one; kFailedPrecondition if it is not there.
absl::StatusOr<std::filesystem::path> FindProgram(const std::string& name);

// The last error of the form "error: …\n  at …\n  fix: …" in `text`, if any.
std::optional<ErrorParts> FindError(const std::string& text);

}  // namespace dfsweep::cli

#endif  // DFSWEEP_CLI_CHILD_H_
