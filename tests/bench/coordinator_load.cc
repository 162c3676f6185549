// Simulated workers that empty a coordinator's queue; coordinator_load.sh
// starts the coordinator and fills it. Prints one JSON object.
#include <CLI/CLI.hpp>
#include <cstdio>
#include <memory>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "absl/time/clock.h"
#include "proto/channel.h"
#include "tests/bench/simulated_worker.h"

namespace dfsweep::bench {
namespace {

// Calls of one connection are limited, and a worker has two at a time.
constexpr int kWorkersOfAChannel = 12;

double Quantile(const std::vector<absl::Duration>& sorted, double share) {
  if (sorted.empty()) return 0;
  const size_t last = sorted.size() - 1;
  return absl::ToDoubleMilliseconds(
      sorted[static_cast<size_t>(share * static_cast<double>(last))]);
}

nlohmann::json Summary(const std::vector<absl::Duration>& sorted) {
  return {{"p50_ms", Quantile(sorted, 0.5)},
          {"p99_ms", Quantile(sorted, 0.99)},
          {"max_ms", Quantile(sorted, 1)}};
}

std::vector<std::unique_ptr<SimulatedWorker>> MakeWorkers(
    const std::string& address, int count, absl::Duration training,
    Tally& tally) {
  std::vector<std::unique_ptr<SimulatedWorker>> workers;
  std::shared_ptr<grpc::Channel> channel;
  for (int i = 0; i < count; ++i) {
    if (i % kWorkersOfAChannel == 0) {
      grpc::ChannelArguments arguments = rpc::ClientChannelArguments();
      arguments.SetInt("dfsweep.channel", i);  // equal ones share a connection
      channel = rpc::Connect({.address = address}, arguments);
    }
    workers.push_back(
        std::make_unique<SimulatedWorker>(i, channel, training, tally));
  }
  return workers;
}

// How many have completed when there are `trials`, or no progress for long.
int64_t AwaitTrials(const Tally& tally, int64_t trials) {
  int64_t completed = 0;
  while (completed < trials) {
    const int64_t seen = completed;
    completed = tally.AwaitMore(seen, absl::Seconds(60));
    if (completed == seen) break;
  }
  return completed;
}

int Run(const std::string& address, int count, absl::Duration training,
        int64_t trials) {
  Tally tally;
  auto workers = MakeWorkers(address, count, training, tally);
  const absl::Time start = absl::Now();
  for (auto& worker : workers) worker->Start();
  const int64_t completed = AwaitTrials(tally, trials);
  const double seconds = absl::ToDoubleSeconds(absl::Now() - start);
  for (auto& worker : workers) worker->Stop();
  for (auto& worker : workers) worker->Wait();
  const nlohmann::json report = {
      {"workers", count},
      {"trials", completed},
      {"seconds", seconds},
      {"trials_per_second", static_cast<double>(completed) / seconds},
      {"lease", Summary(tally.Leases())},
      {"completion", Summary(tally.Completions())},
      {"errors", tally.errors()},
      {"first_error", tally.FirstError()}};
  std::puts(report.dump().c_str());
  return completed >= trials ? 0 : 1;
}

}  // namespace
}  // namespace dfsweep::bench

int main(int argc, char** argv) {
  CLI::App app("Simulated workers that empty a coordinator's queue");
  std::string address;
  int workers = 200;
  double training = 0;
  int64_t trials = 0;
  app.add_option("address", address, "HOST:PORT of the coordinator")
      ->required();
  app.add_option("--workers", workers)->check(CLI::PositiveNumber);
  app.add_option("--training", training, "Seconds that a trial takes");
  app.add_option("--trials", trials, "How many to wait for")->required();
  CLI11_PARSE(app, argc, argv);
  return dfsweep::bench::Run(address, workers, absl::Seconds(training), trials);
}
