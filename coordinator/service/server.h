#ifndef DFSWEEP_COORDINATOR_SERVICE_SERVER_H_
#define DFSWEEP_COORDINATOR_SERVICE_SERVER_H_

#include <grpcpp/server.h>

#include <filesystem>
#include <memory>
#include <string>

#include "base/status.h"
#include "coordinator/engine/engine.h"
#include "coordinator/service/sweep_service.h"
#include "coordinator/service/task_threads.h"
#include "coordinator/service/worker_service.h"
#include "coordinator/store/checkpoint_files.h"
#include "coordinator/store/dataset_files.h"

namespace dfsweep::coordinator {

// A coordinator that serves. Everything is made by Start and gone after Stop.
class Server {
 public:
  struct Options {
    // HOST:PORT; port 0 takes a free one. Loopback only: any other address
    // needs TLS and tokens, which come with a later version.
    std::string listen;
    std::filesystem::path store;
    Engine::Options engine;
    // Checkpoints beyond it are removed.
    int64_t checkpoint_bytes = int64_t{50} << 30;
  };

  // Name of the file in the store's folder that says where it is served: one
  // line "HOST:PORT". It is there while the server runs; after a SIGKILL it
  // lies.
  static constexpr char kAddressFile[] = "coordinator.address";

  // `clock` outlives the server. kInvalidArgument for an address that is not
  // allowed; kFailedPrecondition or kDataLoss as SqliteStore::Open;
  // kUnavailable if the port is taken.
  static absl::StatusOr<std::unique_ptr<Server>> Start(const Options& options,
                                                       const Clock& clock);
  // Stops.
  ~Server();

  // HOST:PORT with the port in use.
  const std::string& address() const { return address_; }

  // Answers what waits, refuses what comes, closes the store. Idempotent.
  void Stop();

 private:
  Server(std::filesystem::path store, DatasetFiles datasets,
         std::unique_ptr<CheckpointFiles> checkpoints,
         std::unique_ptr<Engine> engine, const SchedulerOptions& limits);
  absl::Status Listen(const std::string& host, const std::string& listen);

  const std::filesystem::path store_;
  const DatasetFiles datasets_;
  const std::unique_ptr<CheckpointFiles> checkpoints_;
  TaskThreads tasks_;
  const std::unique_ptr<Engine> engine_;
  WorkerService worker_service_;
  SweepService sweep_service_;
  std::unique_ptr<grpc::Server> server_;
  std::string address_;
};

}  // namespace dfsweep::coordinator

#endif  // DFSWEEP_COORDINATOR_SERVICE_SERVER_H_
