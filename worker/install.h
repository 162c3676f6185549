#ifndef DFSWEEP_WORKER_INSTALL_H_
#define DFSWEEP_WORKER_INSTALL_H_

#include <filesystem>
#include <string>

#include "base/status.h"

namespace dfsweep::worker {

// The systemd unit of a worker that reads its options from `configuration`.
std::string UnitText(const std::filesystem::path& program,
                     const std::filesystem::path& configuration);

// Makes the worker a service of this user that is started now, and at boot
// without anybody logging in. Says on standard error what it does.
// kFailedPrecondition where there is no systemd.
absl::Status InstallService(const std::filesystem::path& program,
                            const std::filesystem::path& configuration);

}  // namespace dfsweep::worker

#endif  // DFSWEEP_WORKER_INSTALL_H_
