#include "worker/probe.h"

#include <cmath>
#include <nlohmann/json.hpp>

#include "base/clock.h"
#include "base/digest.h"
#include "base/process.h"

namespace dfsweep::worker {
namespace {

using nlohmann::json;

constexpr absl::Duration kSlice = absl::Milliseconds(100);

absl::Status NoProbe(const std::string& what,
                     const TrainerProcess::Options& trainer) {
  return MakeError(absl::StatusCode::kFailedPrecondition, what,
                   trainer.program.string() + " --probe",
                   "run `dfsweep doctor`; its log is " + trainer.log.string());
}

// The one line that the program prints.
absl::StatusOr<std::string> ReadAnswer(Process& process,
                                       const TrainerProcess::Options& trainer,
                                       const std::atomic<bool>& stop) {
  const absl::Duration deadline = Clock::Real().Elapsed() + trainer.start_limit;
  while (Clock::Real().Elapsed() < deadline) {
    auto line = process.ReadLine(kSlice);
    if (line.ok()) return line;
    if (stop) return absl::CancelledError("told to stop");
    if (!absl::IsDeadlineExceeded(line.status())) {
      return NoProbe("the probe ended without an answer", trainer);
    }
  }
  return NoProbe("the probe did not end in time", trainer);
}

}  // namespace

absl::StatusOr<v1::Probe> RunProbe(const TrainerProcess::Options& trainer,
                                   const std::string& device, int threads,
                                   const std::atomic<bool>& stop) {
  DFSWEEP_ASSIGN_OR_RETURN(
      Process process,
      Process::Start({.program = trainer.program,
                      .arguments = {"--probe", "--device", device, "--threads",
                                    std::to_string(threads)},
                      .extra_environment = trainer.extra_environment,
                      .stderr_path = trainer.log}));
  DFSWEEP_ASSIGN_OR_RETURN(std::string line,
                           ReadAnswer(process, trainer, stop));
  const json answer = json::parse(line, nullptr, /*allow_exceptions=*/false);
  const json weights =
      answer.is_object() ? answer.value("weights", json()) : json();
  const json speed =
      answer.is_object() ? answer.value("samples_per_second", json()) : json();
  if (!weights.is_string() || !speed.is_number()) {
    return NoProbe("the probe's answer is not as it should be", trainer);
  }
  v1::Probe probe;
  probe.set_digest(Sha256Hex(weights.get<std::string>()));
  probe.set_samples_per_second(speed.get<double>());
  return probe;
}

}  // namespace dfsweep::worker
