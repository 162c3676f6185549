// Looks at the machine every few seconds: what it tells of itself, and whether
// it is to be left to its owner.
#ifndef DFSWEEP_WORKER_MACHINE_WATCH_H_
#define DFSWEEP_WORKER_MACHINE_WATCH_H_

#include <sys/types.h>

#include <cstdint>
#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/time.h"
#include "base/clock.h"
#include "dfsweep/v1/resources.pb.h"
#include "worker/disk_room.h"
#include "worker/manners.h"
#include "worker/nvml.h"

namespace dfsweep::worker {

// Look() is one thread's; the rest is thread-safe.
class MachineWatch {
 public:
  struct Options {
    MannersOptions manners;
    std::filesystem::path sys = "/sys";
    std::filesystem::path nvml_library;  // "": the driver's
    absl::Duration interval = absl::Seconds(5);
  };
  // `devices` are the worker's ("cpu", "cuda:1", …). `room` and `clock` outlive
  // it.
  MachineWatch(Options options, std::vector<std::string> devices,
               const DiskRoom& room, const Clock& clock);

  // Looks once. True if what speaks against work has changed.
  bool Look();

  absl::Duration interval() const { return options_.interval; }
  // As of the last Look().
  v1::MachineStatus Status() const;
  // Counts the Look()s that returned true.
  uint64_t changes() const;
  // Why to pause, in one phrase; "" to train. As of the last Look().
  std::string PauseReason() const;

  // Memory of a device that the next trial of `trainer`, which runs there (0:
  // none does), can have now: what is free and what the trainer keeps for it.
  // Empty where it can't be measured.
  std::optional<int64_t> MemoryFor(const std::string& device,
                                   pid_t trainer) const;

 private:
  std::vector<v1::DeviceStatus> LookAtGpus(Surroundings* seen);

  const Options options_;
  const std::vector<std::string> devices_;  // distinct, without "cpu"
  const DiskRoom& room_;
  const Clock& clock_;
  std::unique_ptr<Nvml> nvml_;  // null if no device needs it or it is not there
  Manners manners_;
  mutable absl::Mutex mutex_;
  v1::MachineStatus status_ ABSL_GUARDED_BY(mutex_);
  uint64_t changes_ ABSL_GUARDED_BY(mutex_) = 0;
};

// What CUDA calls cuda:`index`, as NVML calls it (see Nvml::Read): CUDA numbers
// the cards that `visible`, the value of CUDA_VISIBLE_DEVICES, leaves; null if
// it is not set.
std::string NvmlIdOf(int index, const char* visible);

// Memory of a card that is used by processes that `ancestor` has not started.
// A process that /proc does not show (of another container) is not counted.
int64_t ForeignBytes(const std::vector<GpuProcess>& processes, pid_t ancestor);

}  // namespace dfsweep::worker

#endif  // DFSWEEP_WORKER_MACHINE_WATCH_H_
