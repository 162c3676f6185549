#include "coordinator/core/speeds.h"

namespace dfsweep::coordinator {
namespace {

// What a completion weighs when the next one comes.
constexpr double kFading = 0.7;

bool IsMeasured(const WorkerRecord& worker) {
  return worker.work_done > 0 && worker.work_time > absl::ZeroDuration();
}

double Measured(const WorkerRecord& worker) {
  return worker.work_done / absl::ToDoubleSeconds(worker.work_time);
}

// The probe has the device to itself.
double ProbedPerSlot(const WorkerRecord& worker) {
  return worker.samples_per_second / worker.slots;
}

}  // namespace

Speeds::Speeds(
    const std::map<std::string, std::unique_ptr<WorkerRecord>>& workers) {
  double measured = 0;
  double probed = 0;
  for (const auto& [id, worker] : workers) {
    if (!IsMeasured(*worker)) continue;
    in_seconds_ = true;
    if (worker->samples_per_second <= 0) continue;
    measured += Measured(*worker);
    probed += ProbedPerSlot(*worker);
  }
  if (in_seconds_) work_per_sample_ = probed > 0 ? measured / probed : 0;
  for (const auto& [id, worker] : workers) {
    of_all_ += Of(*worker) * worker->slots;
  }
}

double Speeds::Of(const WorkerRecord& worker) const {
  return IsMeasured(worker) ? Measured(worker)
                            : ProbedPerSlot(worker) * work_per_sample_;
}

std::optional<absl::Duration> Speeds::TimeFor(const WorkerRecord& worker,
                                              double work) const {
  const double speed = Of(worker);
  if (!in_seconds_ || speed <= 0 || work <= 0) return std::nullopt;
  return absl::Seconds(work / speed);
}

// First attempts alone, from grant to end: a later one may have begun from a
// checkpoint, and would make its worker look faster than it is.
void AddToSpeed(const TrialRecord& trial, absl::Duration now) {
  if (trial.attempt > 1 || trial.is_restored) return;
  WorkerRecord& worker = *trial.holder;
  worker.work_done = kFading * worker.work_done + trial.work;
  worker.work_time = kFading * worker.work_time + (now - trial.granted_at);
}

}  // namespace dfsweep::coordinator
