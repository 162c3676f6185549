// The index of the trials that wait for a worker. Internal to coordinator/core.
#ifndef DFSWEEP_COORDINATOR_CORE_PENDING_QUEUE_H_
#define DFSWEEP_COORDINATOR_CORE_PENDING_QUEUE_H_

#include <compare>
#include <functional>
#include <map>
#include <set>
#include <string>

#include "coordinator/core/scheduler.h"

namespace dfsweep::coordinator {

struct TrialRecord;

// Groups trials by all that decides which worker may run them, and by sweep, so
// that the next trial for a worker is found by asking once a group, never by
// walking over trials: O(groups + log(trials)). Groups are few: the sweeps that
// are open, times the distinct requirements, times the sets of workers that
// trials have failed on and the memory that they ran out of.
class PendingQueue {
 public:
  // Which trial comes first: the smaller one.
  struct Place {
    int negative_priority = 0;
    int sweep_order = 0;
    double negative_work = 0;
    int index = 0;                 // in the sweep
    TrialRecord* trial = nullptr;  // filled in by Add
    // Work is finite, so that all places are ordered.
    friend auto operator<=>(const Place&, const Place&) = default;
  };
  struct Group {
    Requirements requirements;
    std::set<std::string> failed_on;
    int64_t exhausted_bytes = 0;  // it ran out of so much memory
    int sweep_order = 0;
    friend bool operator<(const Group& a, const Group& b);
  };
  // The trials of a group, at least one.
  class Waiting {
   public:
    void Add(const Place& place);
    void Remove(const Place& place);
    bool empty() const { return places_.empty(); }
    size_t size() const { return places_.size(); }
    const Place& first_place() const { return *places_.begin(); }
    TrialRecord* First() const { return first_place().trial; }
    // The first whose place's work is at most so much; if all have more, the
    // first of those that have least.
    TrialRecord* FirstUpTo(double work) const;
    double longest() const { return -places_.begin()->negative_work; }
    double shortest() const { return -places_.rbegin()->negative_work; }
    double work() const { return work_; }  // of all

   private:
    std::set<Place> places_;
    double work_ = 0;
  };
  // Where a trial stands; kept in the trial, written only by the queue.
  struct Position {
    const Group* group = nullptr;  // null: not queued
    Place place;
  };

  // Puts a trial in by its requirements and failures, at `place`. It must not
  // be queued.
  void Add(TrialRecord& trial, Place place);

  // Takes a trial out; does nothing if it is not queued.
  void Remove(TrialRecord& trial);

  // What `choose` takes of the first group of which it takes any (it returns
  // null if not); null if there is none. Of sweeps of the same priority, the
  // one goes first that `held` says fewer trials of are in training (by its
  // order of submission).
  TrialRecord* First(
      const std::function<TrialRecord*(const Group&, const Waiting&)>& choose,
      const std::function<int(int)>& held) const;

  // Number of queued trials. O(groups).
  size_t Size() const;

 private:
  std::map<Group, Waiting> groups_;  // none empty
};

}  // namespace dfsweep::coordinator

#endif  // DFSWEEP_COORDINATOR_CORE_PENDING_QUEUE_H_
