#ifndef DFSWEEP_CLI_LOCK_PROBE_H_
#define DFSWEEP_CLI_LOCK_PROBE_H_

#include <filesystem>

namespace dfsweep::cli {

// Whether a living process holds the FileLock `lock`. Probed with a shared lock
// that is given back at once; the file is not changed.
bool IsLocked(const std::filesystem::path& lock);

}  // namespace dfsweep::cli

#endif  // DFSWEEP_CLI_LOCK_PROBE_H_
