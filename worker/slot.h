// One trainer and the loop that feeds it: lease, check, dataset, train,
// deliver.
#ifndef DFSWEEP_WORKER_SLOT_H_
#define DFSWEEP_WORKER_SLOT_H_

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>

#include "dfsweep/v1/worker_service.pb.h"
#include "worker/attempt.h"
#include "worker/checkpoint_cache.h"
#include "worker/checkpoint_sender.h"
#include "worker/coordinator_client.h"
#include "worker/dataset_cache.h"
#include "worker/delivery.h"
#include "worker/disk_room.h"
#include "worker/link.h"
#include "worker/outcome.h"
#include "worker/progress.h"
#include "worker/trainer_process.h"

namespace dfsweep::worker {

// What the slots of a worker share; outlives them.
struct SlotContext {
  std::string worker_id;
  std::string incarnation;
  absl::Duration lease_wait;  // of one long poll for work
  Backoff::Limits backoff;
  CoordinatorClient& client;
  Link& link;
  AttemptTable& attempts;
  DatasetCache& datasets;
  const CheckpointCache& checkpoints;
  CheckpointSender& sender;
  const DiskRoom& room;
  ProgressReporter& progress;
  Delivery& delivery;
  // MachineWatch::MemoryFor.
  std::function<std::optional<int64_t>(const std::string& device,
                                       pid_t trainer)>
      memory_for;
};

// One thread.
class Slot {
 public:
  Slot(int number, std::string device, int threads, TrainerProcess trainer,
       SlotContext& context)
      : number_(number),
        device_(std::move(device)),
        threads_(threads),
        trainer_(std::move(trainer)),
        context_(context) {}

  // Until the worker stops; what it then holds is handed back.
  void Run();

 private:
  void AskAndTrain();
  v1::LeaseTrialsRequest NextRequest() const;
  // Asks until it is answered: the coordinator may have granted a lease
  // although its answer was lost, so the same request is repeated. Empty if
  // there is no work, or a handshake has made the request void.
  v1::LeaseTrialsResponse Lease();
  void RunLease(const v1::Lease& lease);
  Outcome Train(const v1::Lease& lease, const Attempt& attempt,
                std::shared_ptr<AttemptProgress> progress);
  void Conclude(const Attempt& attempt, Outcome outcome,
                AttemptProgress& progress);
  void HandBack(const AttemptId& id, const std::string& reason);

  const int number_;
  const std::string device_;
  const int threads_;
  TrainerProcess trainer_;
  SlotContext& context_;
  // How often a trial was disturbed from outside.
  std::map<std::string, int> disturbances_;
};

}  // namespace dfsweep::worker

#endif  // DFSWEEP_WORKER_SLOT_H_
