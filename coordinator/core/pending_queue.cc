#include "coordinator/core/pending_queue.h"

#include <algorithm>
#include <limits>
#include <tuple>

#include "coordinator/core/records.h"

namespace dfsweep::coordinator {

bool operator<(const PendingQueue::Group& a, const PendingQueue::Group& b) {
  const auto key = [](const PendingQueue::Group& group) {
    return std::tie(group.requirements.device, group.requirements.memory_bytes,
                    group.failed_on, group.exhausted_bytes, group.sweep_order);
  };
  return key(a) < key(b);
}

void PendingQueue::Waiting::Add(const Place& place) {
  places_.insert(place);
  work_ += place.trial->work;
}

void PendingQueue::Waiting::Remove(const Place& place) {
  places_.erase(place);
  work_ -= place.trial->work;
}

TrialRecord* PendingQueue::Waiting::FirstUpTo(double work) const {
  Place least = first_place();
  least.negative_work = -std::max(work, shortest());
  least.index = std::numeric_limits<int>::min();
  return places_.lower_bound(least)->trial;
}

void PendingQueue::Add(TrialRecord& trial, Place place) {
  place.trial = &trial;
  const auto group =
      groups_
          .try_emplace(Group{trial.requirements, trial.failed_on,
                             trial.exhausted_bytes, place.sweep_order})
          .first;
  group->second.Add(place);
  trial.queue_position = {.group = &group->first, .place = place};
}

void PendingQueue::Remove(TrialRecord& trial) {
  if (trial.queue_position.group == nullptr) return;
  const auto group = groups_.find(*trial.queue_position.group);
  group->second.Remove(trial.queue_position.place);
  if (group->second.empty()) groups_.erase(group);
  trial.queue_position = {};
}

TrialRecord* PendingQueue::First(
    const std::function<TrialRecord*(const Group&, const Waiting&)>& choose,
    const std::function<int(int)>& held) const {
  auto is_before = [&held](const Place& a, const Place& b) {
    const bool compete = a.negative_priority == b.negative_priority &&
                         a.sweep_order != b.sweep_order;
    const int difference =
        compete ? held(a.sweep_order) - held(b.sweep_order) : 0;
    return difference == 0 ? a < b : difference < 0;
  };
  const Place* first = nullptr;
  TrialRecord* chosen = nullptr;
  for (const auto& [group, waiting] : groups_) {
    const Place& candidate = waiting.first_place();
    if (first != nullptr && is_before(*first, candidate)) continue;
    TrialRecord* trial = choose(group, waiting);
    if (trial == nullptr) continue;
    first = &candidate;
    chosen = trial;
  }
  return chosen;
}

size_t PendingQueue::Size() const {
  size_t size = 0;
  for (const auto& [group, waiting] : groups_) size += waiting.size();
  return size;
}

}  // namespace dfsweep::coordinator
