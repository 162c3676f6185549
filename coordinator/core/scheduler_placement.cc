// Which of the trials that wait a worker takes: the longest, as in list
// scheduling by longest processing time (Graham, 1969), of those that it is
// expected to be done with by the time that the fleet is with the rest. Given
// to a slow worker, a longer one would be what all others wait for in the end,
// or what a faster one does a second time.
#include <algorithm>
#include <limits>

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
    const WorkLeft left = LeftOn(*worker, speed, speeds);
    longest = std::min(longest, (left.least + waiting.longest()) / speed);
    work += left.all;
    speed_of_all += speed * worker->slots;
  }
  return std::max(work / speed_of_all, longest);
}

Scheduler::Impl::WorkLeft Scheduler::Impl::LeftOn(const WorkerRecord& worker,
                                                  double speed,
                                                  const Speeds& speeds) const {
  WorkLeft left;
  double least = std::numeric_limits<double>::infinity();
  for (const auto& [id, trial] : worker.held) {
    const absl::Duration begun =
        trial->holder == &worker ? trial->granted_at : trial->copy->granted_at;
    const double done =
        speeds.in_seconds() ? speed * absl::ToDoubleSeconds(now - begun) : 0;
    const double of_trial = std::max(0.0, trial->work - done);
    left.all += of_trial;
    least = std::min(least, of_trial);
  }
  const bool is_free = static_cast<int>(worker.held.size()) < worker.slots;
  if (!is_free) left.least = least;
  return left;
}

}  // namespace dfsweep::coordinator
