// dfsweep-coordinator: keeps sweeps and results, and gives trials to workers.
// --help has the usage. Prints "listening on HOST:PORT" when it serves.
#include <fmt/format.h>
#include <signal.h>
#include <spdlog/spdlog.h>
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <cstdio>
#include <string>

#include "absl/synchronization/mutex.h"
#include "base/build_id.h"
#include "base/clock.h"
#include "base/files.h"
#include "base/log.h"
#include "base/stop_signals.h"
#include "base/usage.h"
#include "base/version.h"
#include "coordinator/service/server.h"

namespace dfsweep::coordinator {
namespace {

constexpr int kExitFailed = 2;
// Of the time after which a worker is lost, how much makes it suspect.
constexpr double kSuspectShare = 0.25;

struct CommandLine {
  std::string listen = "127.0.0.1:7600";
  std::string advertise;
  std::string metrics;
  std::string store = ".dfsweep";
  double checkpoint_gib = 50;
  std::string parity = "warn";
  double lost_after = 120;
  bool exit_with_stdin = false;
};

void AddOptions(CLI::App& app, CommandLine& line) {
  app.add_option("--listen", line.listen,
                 "Where to listen; port 0 takes a free one. Other addresses "
                 "than loopback are served with TLS, to those with a token")
      ->type_name("HOST:PORT")
      ->capture_default_str();
  app.add_option("--advertise", line.advertise,
                 "How other machines reach it, for `dfsweep token create` "
                 "(default: this machine's first address)")
      ->type_name("HOST[:PORT]");
  app.add_option("--metrics", line.metrics,
                 "Serve http://HOST:PORT/metrics for Prometheus; on loopback "
                 "only")
      ->type_name("HOST:PORT");
  app.add_option("--store", line.store,
                 "Folder for sweeps, results and datasets; made if missing")
      ->type_name("DIR")
      ->capture_default_str();
  app.add_option("--checkpoint-gib", line.checkpoint_gib,
                 "Disk space for checkpoints, by which a trial whose worker "
                 "is gone goes on elsewhere")
      ->check(CLI::Range(0.0, 1e6))
      ->capture_default_str();
  app.add_option("--parity", line.parity,
                 "What becomes of a worker whose versions or probe differ from "
                 "the others': warn shows it, strict gives it no work, too")
      ->check(CLI::IsMember({"warn", "strict"}))
      ->capture_default_str();
  app.add_option("--lost-after", line.lost_after,
                 "After so many seconds without a word from a worker its "
                 "trials go on elsewhere")
      ->check(CLI::Range(2.0, 86400.0))
      ->capture_default_str();
  app.add_flag("--exit-with-stdin", line.exit_with_stdin,
               "Stop when standard input ends");
  app.set_version_flag("--version", std::string("dfsweep-coordinator ") +
                                        kVersion + " (" + BuildId() + ")");
}

// The disk is broken: nothing that was not acknowledged counts, and nothing
// more can be promised.
[[noreturn]] void DieOfBrokenStore(const absl::Status& status) {
  spdlog::critical("the store is broken, the coordinator ends: {}",
                   MessageOf(status));
  std::fputs(FormatForPerson(status).c_str(), stderr);
  ::_exit(kExitFailed);
}

absl::Status Serve(const CommandLine& line, StopSignals& signals) {
  Server::Options options{.listen = line.listen,
                          .advertise = line.advertise,
                          .metrics = line.metrics,
                          .store = line.store,
                          .checkpoint_bytes = static_cast<int64_t>(
                              line.checkpoint_gib * (1 << 30))};
  options.engine.on_fatal = DieOfBrokenStore;
  options.engine.parity =
      line.parity == "strict" ? Parity::kStrict : Parity::kWarn;
  options.engine.scheduler.lost_after = absl::Seconds(line.lost_after);
  options.engine.scheduler.suspect_after =
      kSuspectShare * options.engine.scheduler.lost_after;
  DFSWEEP_ASSIGN_OR_RETURN(auto server, Server::Start(options, Clock::Real()));
  spdlog::info("serves {} on {}", line.store, server->address());
  if (server->access() != nullptr) {
    spdlog::info("for others: {} with TLS, {}", server->access()->address,
                 server->access()->fingerprint);
  }
  if (server->metrics_port() != 0) {
    spdlog::info("metrics on http://127.0.0.1:{}/metrics",
                 server->metrics_port());
  }
  fmt::print("listening on {}\n", server->address());
  std::fflush(stdout);
  std::string why = signals.Await(line.exit_with_stdin);
  spdlog::info("stopping: {}", why);
  server->Stop();
  return absl::OkStatus();
}

// gRPC 1.51 accepts no connection any more after one that there was no file
// for.
void AllowAllWorkers() {
  constexpr int64_t kFilesOfAWorker = 3;  // its connections
  constexpr int64_t kOwnFiles = 100;      // the store, threads, people
  constexpr int64_t kManyWorkers = 500;
  const int64_t workers = (AllowAllFiles() - kOwnFiles) / kFilesOfAWorker;
  if (workers >= kManyWorkers) return;
  spdlog::warn(
      "may open too few files for more than {} workers, and hears nobody "
      "after it ran out of them: raise the hard limit (ulimit -Hn, "
      "LimitNOFILE= of systemd)",
      std::max<int64_t>(workers, 0));
}

int Main(int argc, char** argv) {
  // Debian builds Abseil to look for deadlocks at each lock.
  absl::SetMutexDeadlockDetectionMode(absl::OnDeadlockCycle::kIgnore);
  CLI::App app("Keeps sweeps and results, and gives trials to workers.",
               "dfsweep-coordinator");
  CommandLine line;
  AddOptions(app, line);
  if (auto ended = ParseOrExplain(app, argc, argv)) return *ended;
  StopSignals signals;  // before threads start: they inherit the mask
  StartLogging("coordinator");
  AllowAllWorkers();
  absl::Status status = Serve(line, signals);
  if (status.ok()) return 0;
  std::fputs(FormatForPerson(status).c_str(), stderr);
  return kExitFailed;
}

}  // namespace
}  // namespace dfsweep::coordinator

int main(int argc, char** argv) {
  return dfsweep::coordinator::Main(argc, argv);
}
