#ifndef DFSWEEP_WORKER_CHECKPOINT_CACHE_H_
#define DFSWEEP_WORKER_CHECKPOINT_CACHE_H_

#include <atomic>
#include <cstdint>
#include <filesystem>
#include <nlohmann/json.hpp>
#include <string>

#include "absl/time/time.h"
#include "base/status.h"
#include "dfsweep/v1/worker_service.pb.h"
#include "worker/coordinator_client.h"
#include "worker/disk_room.h"

namespace dfsweep::worker {

// The folder in which this machine's trainers keep their trainings, so that one
// that was stopped goes on, and stages that trials share are trained once.
// Thread-safe.
class CheckpointCache {
 public:
  struct Options {
    std::filesystem::path folder;  // must exist
    std::string worker_id;
    // What was used longest ago is removed beyond this; 0 keeps nothing.
    int64_t limit_bytes = int64_t{20} << 30;
    absl::Duration interval = absl::Minutes(5);  // of saving within a stage
    // Whether checkpoints are exchanged with other machines.
    bool travel = true;
  };
  // `room` is that of the folder.
  CheckpointCache(Options options, const DiskRoom& room,
                  CoordinatorClient& client)
      : options_(std::move(options)), room_(room), client_(client) {}

  bool is_used() const { return options_.limit_bytes > 0; }
  bool travels() const { return is_used() && options_.travel; }
  absl::Duration interval() const { return options_.interval; }

  // Gets ready for a checked lease: makes room, and fetches what the
  // coordinator has that leads further than what is here. Whatever goes wrong
  // costs time and nothing else, and is only logged.
  void Prepare(const v1::Lease& lease, const std::atomic<bool>& stop) const;

  // Removes what was used longest ago beyond the limit, and, if that helps,
  // until the disk has room for `bytes` more: all of it can be had again.
  void MakeRoom(int64_t bytes) const;

  // `checkpoints` of the trainer's `run` command for a checked lease.
  nlohmann::json ForTrainer(const v1::Lease& lease) const;

  // The first stage of a checked lease: how long it is, and the name of the
  // file that is there at its end.
  struct FirstStage {
    int64_t epochs = 0;
    std::string file;
  };
  static FirstStage FirstStageOf(const v1::Lease& lease);

  // Where a file that the trainer names is; empty if it is not the name of a
  // file in the folder.
  std::filesystem::path PathOf(const std::string& file) const;

 private:
  void Fetch(const v1::Lease& lease, const std::atomic<bool>& stop) const;
  absl::Status Download(const v1::CheckpointRef& ref,
                        const std::atomic<bool>& stop) const;

  const Options options_;
  const DiskRoom& room_;
  CoordinatorClient& client_;
};

}  // namespace dfsweep::worker

#endif  // DFSWEEP_WORKER_CHECKPOINT_CACHE_H_
