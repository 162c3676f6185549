// What `dfsweep doctor` finds: the things that cost an afternoon when they are
// wrong, each with its remedy.
#ifndef DFSWEEP_CLI_DOCTOR_H_
#define DFSWEEP_CLI_DOCTOR_H_

#include <filesystem>
#include <string>
#include <vector>

#include "absl/time/time.h"
#include "base/status.h"
#include "cli/command.h"
#include "cli/output.h"

namespace dfsweep::cli {

struct Finding {
  enum class Level { kOk, kWarn, kFail };
  Level level = Level::kOk;
  std::string check;    // "driver"
  std::string message;  // what was found
  std::string remedy;   // "" if kOk
};

Finding Ok(std::string check, std::string message);
Finding Warn(std::string check, std::string message, std::string remedy);
Finding Fail(std::string check, std::string message, std::string remedy);
Finding Fail(std::string check, const absl::Status& status);

// How a program that was run to its end did.
struct Ran {
  int code = 0;  // 128 + signal if it was killed
  std::string out;
  std::string err;
};
absl::StatusOr<Ran> RunToEnd(const std::filesystem::path& program,
                             const std::vector<std::string>& arguments,
                             absl::Duration timeout);

// A folder that is gone with the object.
class ScratchFolder {
 public:
  ScratchFolder();
  ~ScratchFolder();
  ScratchFolder(const ScratchFolder&) = delete;
  ScratchFolder& operator=(const ScratchFolder&) = delete;
  const std::filesystem::path& path() const { return path_; }

 private:
  std::filesystem::path path_;
};

// Whether this Linux runs inside Windows. `root` is / but for tests.
bool IsWsl(const std::filesystem::path& root = "/");

// Nothing where it does not.
std::vector<Finding> CheckWsl(const std::filesystem::path& root,
                              const std::filesystem::path& store);

// What feeds this machine; `sys` is /sys but for tests.
Finding CheckPower(const std::filesystem::path& sys);

// How a wrong clock is mended.
std::string SetTheClock();

// Of this machine: GPU and driver, WSL2, power, memory, disk, clock.
std::vector<Finding> CheckMachine(const std::filesystem::path& store,
                                  bool* has_gpu);

// The four programs, and real training on each device.
std::vector<Finding> CheckPrograms();
std::vector<Finding> CheckTraining(bool has_gpu);

// The way to a coordinator, and whether it is there.
std::vector<Finding> CheckConnection(const std::string& address);

// Of the coordinator's time of day, and this machine's.
Finding CheckSkew(absl::Time there, absl::Time now);

// Names of the variables that name a proxy.
std::vector<std::string> ProxyVariables();

// The store, or the coordinator if one was named; whether what lets people in is
// kept from others; and of a store that serves others, when it was backed up.
std::vector<Finding> CheckStore(const GlobalOptions& options);

}  // namespace dfsweep::cli

#endif  // DFSWEEP_CLI_DOCTOR_H_
