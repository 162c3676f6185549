#ifndef DFSWEEP_WORKER_NOOP_TRAINER_H_
#define DFSWEEP_WORKER_NOOP_TRAINER_H_

#include <filesystem>

namespace dfsweep::worker {

// For tests: the trainer that trains nothing; tests/fakes/noop_trainer.cc.
inline std::filesystem::path NoopTrainer() {
  return std::filesystem::read_symlink("/proc/self/exe").parent_path() /
         "dfsweep-noop-trainer";
}

}  // namespace dfsweep::worker

#endif  // DFSWEEP_WORKER_NOOP_TRAINER_H_
