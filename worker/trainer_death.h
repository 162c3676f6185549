// What the end of a trainer process means for the trial that it was training.
#ifndef DFSWEEP_WORKER_TRAINER_DEATH_H_
#define DFSWEEP_WORKER_TRAINER_DEATH_H_

#include <cstdint>
#include <filesystem>
#include <string>

#include "base/process.h"
#include "worker/outcome.h"

namespace dfsweep::worker {

// How many processes the kernel has killed for want of memory since the machine
// started; 0 where it doesn't say.
int64_t OutOfMemoryKills();

// Size of a file in bytes, 0 if there is none.
int64_t FileSize(const std::filesystem::path& path);

// The last lines of `path` from byte `begin` on under a heading, to be appended
// to a message; "" if there are none.
std::string LogTail(const std::filesystem::path& path, int64_t begin);

// Judges an end that no event announced, by the exit code or the signal.
// `memory_kills` tells whether OutOfMemoryKills() rose while it trained.
// `log` and `log_begin` name its standard error, whose end goes into the
// message.
Outcome JudgeDeath(const Process::Exit& exit, bool memory_kills,
                   const std::filesystem::path& log, int64_t log_begin);

}  // namespace dfsweep::worker

#endif  // DFSWEEP_WORKER_TRAINER_DEATH_H_
