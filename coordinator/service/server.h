#ifndef DFSWEEP_COORDINATOR_SERVICE_SERVER_H_
#define DFSWEEP_COORDINATOR_SERVICE_SERVER_H_

#include <grpcpp/security/server_credentials.h>
#include <grpcpp/server.h>

#include <filesystem>
#include <memory>
#include <string>

#include "base/status.h"
#include "coordinator/engine/engine.h"
#include "coordinator/service/access.h"
#include "coordinator/service/metrics_server.h"
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
    // HOST:PORT; port 0 takes a free one. Any address but loopback is served
    // with TLS to those who have a token.
    std::string listen;
    // HOST:PORT or HOST by which other machines reach it, for the commands that
    // let them in; "": found out.
    std::string advertise;
    // HOST:PORT on loopback for Prometheus; "": none.
    std::string metrics;
    std::filesystem::path store;
    Engine::Options engine;
    // Checkpoints beyond it are removed.
    int64_t checkpoint_bytes = int64_t{50} << 30;
  };

  // Name of the file in the store's folder that says where it is served, for
  // this machine: a line "HOST:PORT" and, with TLS, a line "tls". It is there
  // while the server runs; after a SIGKILL it lies.
  static constexpr char kAddressFile[] = "coordinator.address";
  // With TLS: an admin's token for programs of this machine (mode 0600), beside
  // the authority's certificate (AuthorityFile).
  static constexpr char kAdminFile[] = "admin.token";

  // `clock` outlives the server. kInvalidArgument for an address that is not
  // allowed; kFailedPrecondition or kDataLoss as SqliteStore::Open;
  // kUnavailable if the port is taken.
  static absl::StatusOr<std::unique_ptr<Server>> Start(const Options& options,
                                                       const Clock& clock);
  // Stops.
  ~Server();

  // HOST:PORT with the port in use.
  const std::string& address() const { return address_; }
  // Null on loopback.
  const Access* access() const { return access_.get(); }
  // 0: metrics are not served.
  int metrics_port() const { return metrics_ ? metrics_->port() : 0; }

  // Answers what waits, refuses what comes, closes the store. Idempotent.
  void Stop();

 private:
  Server(std::filesystem::path store, DatasetFiles datasets,
         std::unique_ptr<CheckpointFiles> checkpoints,
         std::unique_ptr<Engine> engine, std::unique_ptr<Access> access,
         const SchedulerOptions& limits);
  absl::Status Listen(const Options& options, const Clock& clock);
  // What lets clients in, from the store.
  absl::StatusOr<std::shared_ptr<grpc::ServerCredentials>> OpenDoor(
      const Clock& clock);
  absl::Status LoadTokens(absl::Time now);
  absl::Status ServeMetrics(const std::string& listen);
  // Waits for the engine's thread.
  absl::StatusOr<Figures> GatherFigures();

  const std::filesystem::path store_;
  const DatasetFiles datasets_;
  const std::unique_ptr<CheckpointFiles> checkpoints_;
  const std::unique_ptr<Access> access_;
  const std::unique_ptr<Engine> engine_;
  TaskThreads tasks_;  // ends first: some post to the engine
  WorkerService worker_service_;
  SweepService sweep_service_;
  std::unique_ptr<grpc::Server> server_;
  std::unique_ptr<MetricsServer> metrics_;
  std::string address_;
};

}  // namespace dfsweep::coordinator

#endif  // DFSWEEP_COORDINATOR_SERVICE_SERVER_H_
