#include "cli/child.h"

#include <fmt/format.h>
#include <signal.h>

#include <fstream>
#include <sstream>
#include <string_view>
#include <utility>

#include "base/display_text.h"
#include "base/files.h"
#include "cli/exit_status.h"

namespace dfsweep::cli {
namespace {

namespace fs = std::filesystem;

// A worker stops its trainers, a coordinator answers its callers.
constexpr absl::Duration kStopTimeout = absl::Seconds(10);
constexpr absl::Duration kTermTimeout = absl::Seconds(2);
// Of the log, in an error.
constexpr size_t kQuotedBytes = 1500;
constexpr uintmax_t kLogBytesKept = 8 << 20;

std::string HowItEnded(const std::optional<Process::Exit>& exit) {
  if (!exit.has_value()) return "still running";
  if (exit->signal != 0) {
    return fmt::format("killed by signal {}", exit->signal);
  }
  return fmt::format("exit status {}", exit->code);
}

// The end of `text`, from a line's start.
std::string LastLines(const std::string& text) {
  if (text.size() <= kQuotedBytes) return text;
  size_t start = text.find('\n', text.size() - kQuotedBytes);
  return start == std::string::npos ? text.substr(text.size() - kQuotedBytes)
                                    : text.substr(start + 1);
}

// A log grows with every command; the old part is not missed.
void DropIfLarge(const fs::path& log) {
  std::error_code error;
  if (fs::file_size(log, error) > kLogBytesKept && !error) {
    fs::rename(log, log.string() + ".old", error);
  }
}

}  // namespace

absl::StatusOr<fs::path> FindProgram(const std::string& name) {
  fs::path path = ProgramFolder() / name;
  std::error_code error;
  if (fs::exists(path, error)) return path;
  return MakeError(absl::StatusCode::kFailedPrecondition,
                   fmt::format("the program {} is missing", name),
                   path.string(),
                   "build or install it: all programs of dfsweep stand in one "
                   "folder");
}

std::optional<ErrorParts> FindError(const std::string& text) {
  constexpr std::string_view kWhat = "error: ";
  constexpr std::string_view kWhere = "  at ";
  constexpr std::string_view kFix = "  fix: ";
  std::optional<ErrorParts> found;
  std::istringstream lines(text);
  for (std::string line; std::getline(lines, line);) {
    if (line.starts_with(kWhat)) {
      found = ErrorParts{.what = line.substr(kWhat.size())};
    } else if (found.has_value() && line.starts_with(kWhere)) {
      found->where = line.substr(kWhere.size());
    } else if (found.has_value() && line.starts_with(kFix)) {
      found->remedy = line.substr(kFix.size());
    }
  }
  return found;
}

absl::StatusOr<Child> Child::Start(const std::string& program,
                                   std::vector<std::string> arguments,
                                   const fs::path& log) {
  DFSWEEP_ASSIGN_OR_RETURN(fs::path path, FindProgram(program));
  DropIfLarge(log);
  std::error_code no_log_yet;
  uintmax_t log_start = fs::file_size(log, no_log_yet);
  if (no_log_yet) log_start = 0;
  arguments.emplace_back("--exit-with-stdin");
  absl::StatusOr<Process> process = Process::Start(
      {.program = path, .arguments = std::move(arguments), .stderr_path = log});
  if (!process.ok()) return AsLocal(process.status());
  return Child(*std::move(process), program, log, log_start);
}

Child& Child::operator=(Child&& other) noexcept {
  if (this == &other) return *this;
  Stop();
  process_ = std::move(other.process_);
  other.process_.reset();
  program_ = std::move(other.program_);
  log_ = std::move(other.log_);
  log_start_ = other.log_start_;
  return *this;
}

Child::~Child() { Stop(); }

void Child::Stop() {
  if (!process_.has_value() || process_->Poll().has_value()) return;
  // The end of its input asks it to stop; a signal beside that would be a
  // second request, which means "at once".
  process_->CloseInput();
  if (process_->Wait(kStopTimeout).has_value()) return;
  process_->Signal(SIGTERM);
  if (process_->Wait(kTermTimeout).has_value()) return;
  process_->Signal(SIGKILL);
  process_->Wait(absl::InfiniteDuration());
}

std::string Child::Log() const {
  std::ifstream file(log_, std::ios::binary);
  file.seekg(static_cast<std::streamoff>(log_start_));
  std::stringstream text;
  text << file.rdbuf();
  return text.str();
}

absl::Status Child::Obituary(const std::string& what,
                             const std::string& remedy) {
  // It may be about to end.
  std::optional<Process::Exit> exit = process_->Wait(absl::Seconds(2));
  std::string log = Log();
  if (std::optional<ErrorParts> own = FindError(log)) {
    return MakeError(absl::StatusCode::kFailedPrecondition,
                     fmt::format("{}: {}", what, own->what), own->where,
                     own->remedy.empty() ? remedy : own->remedy);
  }
  std::string quoted = Printable(LastLines(log), /*keep_newlines=*/true);
  if (!quoted.empty()) {
    std::fputs(
        fmt::format("the end of {}:\n{}\n", log_.string(), quoted).c_str(),
        stderr);
  }
  return MakeError(absl::StatusCode::kFailedPrecondition,
                   fmt::format("{} ({}: {})", what, program_, HowItEnded(exit)),
                   log_.string(), remedy);
}

}  // namespace dfsweep::cli
