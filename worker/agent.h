// The worker daemon: registers, trains what it is leased, delivers what it
// found, and hands back the rest when it stops.
#ifndef DFSWEEP_WORKER_AGENT_H_
#define DFSWEEP_WORKER_AGENT_H_

#include <atomic>
#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "absl/time/time.h"
#include "base/clock.h"
#include "base/status.h"
#include "worker/attempt.h"
#include "worker/checkpoint_cache.h"
#include "worker/checkpoint_sender.h"
#include "worker/coordinator_client.h"
#include "worker/dataset_cache.h"
#include "worker/delivery.h"
#include "worker/disk_room.h"
#include "worker/heartbeat.h"
#include "worker/link.h"
#include "worker/machine_watch.h"
#include "worker/progress.h"
#include "worker/slot.h"
#include "worker/spool.h"
#include "worker/state_folder.h"

namespace dfsweep::worker {

struct AgentOptions {
  rpc::Endpoint coordinator;
  std::string name;         // for people
  std::string devices;      // as --devices; "": all CUDA devices, else the CPU
  int slots = 0;            // 0: one a device
  int trainer_threads = 0;  // 0: cores divided by slots
  TrainerProcess::Options trainer;  // without log and stop limits of its own
  CheckpointCache::Options checkpoints;  // without folder and worker id
  MachineWatch::Options machine;
  DiskRoom::FreeBytes free_disk;  // null: of the state's disk
  bool makes_probe = true;        // when it starts, unless it pauses
  Backoff::Limits backoff;
  absl::Duration lease_wait = absl::Seconds(30);
  absl::Duration progress_interval = absl::Milliseconds(500);
  // For stopping trainers and for delivery when the worker is told to stop.
  absl::Duration farewell = absl::Seconds(5);
};

// Run() is one thread's; the rest is thread-safe.
class Agent {
 public:
  // Uses `state` alone. `clock` outlives it.
  Agent(AgentOptions options, StateFolder state, const Clock& clock);
  ~Agent();
  Agent(const Agent&) = delete;
  Agent& operator=(const Agent&) = delete;

  // Works until Stop(). An error if the trainer can't be used at all, the
  // devices are not there, or the coordinator refuses this worker.
  absl::Status Run();

  // Makes Run() hand back what is unfinished and return.
  void Stop();

  // The machine slept: asks the coordinator at once what is still its own.
  void Resumed();

 private:
  absl::Status MakeSlots();
  absl::Status Work();
  // What the probe finds on the first slot's device; empty if there is none.
  std::optional<v1::Probe> MakeProbe(const TrainerProcess::Options& trainer,
                                     const std::string& device);
  // Looks at the machine until the worker stops, and pauses it and lets it go
  // on.
  void WatchMachine();
  void LookAtMachine();

  const AgentOptions options_;
  StateFolder state_;
  const Clock& clock_;
  const std::string incarnation_;
  std::atomic<bool> stop_ = false;
  AttemptTable attempts_;
  Link link_;
  CoordinatorClient client_;
  Spool spool_;
  Delivery delivery_;
  ProgressReporter progress_;
  DiskRoom room_;
  DatasetCache datasets_;
  CheckpointCache checkpoints_;
  CheckpointSender sender_;
  SlotContext context_;
  v1::Environment environment_;
  std::unique_ptr<MachineWatch> machine_;  // from MakeSlots on
  std::optional<v1::Probe> probe_;
  std::vector<std::unique_ptr<Slot>> slots_;
};

}  // namespace dfsweep::worker

#endif  // DFSWEEP_WORKER_AGENT_H_
