// Which of the trials that wait a worker takes: the longest, as in list
// scheduling by longest processing time (Graham, 1969), of those that it is
// expected to be done with by the time that the fleet is with the rest. Given
// to a slow worker, a longer one would be what all others wait for in the end,
// or what a faster one does a second time.
#include <algorithm>
#include <limits>
#include <numeric>

#include "coordinator/core/scheduler_impl.h"

namespace dfsweep::coordinator {

TrialRecord* Scheduler::Impl::Choose(
    const WorkerRecord& worker, const PendingQueue::Group& group,
    const PendingQueue::Waiting& waiting) const {
  if (waiting.longest() == waiting.shortest()) return waiting.First();
  const Speeds speeds(workers);
  const double speed = speeds.Of(worker);
  if (speed <= 0) return waiting.First();
  // Most times so much waits that there is no need to look at all workers.
  const double least = waiting.work() / speeds.OfAll();
  if (waiting.longest() <= speed * least) return waiting.First();
  return waiting.FirstUpTo(speed * TimeOfAll(group, waiting, speeds));
}

// No sooner than the work allows, evenly spread, nor than somebody is done with
// the longest.
double Scheduler::Impl::TimeOfAll(const PendingQueue::Group& group,
                                  const PendingQueue::Waiting& waiting,
                                  const Speeds& speeds) const {
  double work = waiting.work();
  double speed_of_all = 0;
  double longest = std::numeric_limits<double>::infinity();
  for (const auto& [id, worker] : workers) {
    const double speed = speeds.Of(*worker);
    const bool counts = speed > 0 && StateOf(*worker) == WorkerState::kOnline &&
                        MayRun(*worker, group);
    if (!counts) continue;
    const std::vector<double> left = WorkLeft(*worker, speeds);
    const bool is_free = static_cast<int>(left.size()) < worker->slots;
    const double before =
        is_free ? 0 : *std::min_element(left.begin(), left.end());
    longest = std::min(longest, (before + waiting.longest()) / speed);
    work = std::accumulate(left.begin(), left.end(), work);
    speed_of_all += speed * worker->slots;
  }
  return std::max(work / speed_of_all, longest);
}

std::vector<double> Scheduler::Impl::WorkLeft(const WorkerRecord& worker,
                                              const Speeds& speeds) const {
  std::vector<double> left;
  for (const auto& [id, trial] : worker.held) {
    const absl::Duration begun =
        trial->holder == &worker ? trial->granted_at : trial->copy->granted_at;
    const double done =
        speeds.in_seconds()
            ? speeds.Of(worker) * absl::ToDoubleSeconds(now - begun)
            : 0;
    left.push_back(std::max(0.0, trial->work - done));
  }
  return left;
}

}  // namespace dfsweep::coordinator
