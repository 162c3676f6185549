// Streams that follow a sweep or a trial's log.
#ifndef DFSWEEP_COORDINATOR_ENGINE_WATCHERS_H_
#define DFSWEEP_COORDINATOR_ENGINE_WATCHERS_H_

#include <functional>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <unordered_set>
#include <vector>

#include "absl/time/time.h"
#include "coordinator/engine/reply.h"
#include "coordinator/engine/views.h"
#include "coordinator/store/store.h"

namespace dfsweep::coordinator {

// A message of WatchSweep.
struct SweepUpdate {
  SweepView sweep;
  std::vector<TrialRow> changed;
  int workers_online = 0;
  bool server_stopping = false;
  bool is_last = false;  // the sweep has ended, or the server ends
};

// A message of StreamTrialLogs.
struct LogUpdate {
  TrialRow trial;
  int attempt = 0;  // whose lines these are
  std::vector<LogRow> lines;
  bool is_last = false;
};

// Collects what changed and makes messages of it. A stream gets the next
// message only after it has written the last one, so a slow reader costs
// nothing but sees fewer, fuller messages. Belongs to the engine's thread.
class Watchers {
 public:
  using SendSweep = std::function<void(SweepUpdate)>;
  using SendLog = std::function<void(LogUpdate)>;

  void WatchSweep(CallId call, const SweepRow& sweep, Store& store,
                  SendSweep send);
  void FollowLog(CallId call, const std::string& trial_id, SendLog send);
  // The stream has written its message and can take another.
  void Ready(CallId call);
  void Remove(CallId call);

  void TrialChanged(const std::string& trial_id);
  void SweepChanged(const std::string& sweep_id);
  // The sweep has further trials.
  void TrialsAdded(const std::string& sweep_id,
                   const std::vector<std::string>& trial_ids);
  void WorkersChanged();
  // After an undone transaction: everything may be news.
  void AllChanged();

  // Makes the messages that are due. They read the store now; the functions
  // returned send them: call them after COMMIT and before anything else here,
  // or, if it failed, AllChanged. A stream that got its last one is forgotten.
  std::vector<std::function<void()>> TakeDue(Store& store, absl::Duration now,
                                             absl::Time wall_time);
  // The last messages of all streams but those that are still writing: they
  // get theirs from the next call after Ready.
  std::vector<std::function<void()>> TakeStopping(Store& store,
                                                  absl::Time wall_time);

  // When the next message is due; empty if nothing changed.
  std::optional<absl::Duration> NextDeadline() const;

 private:
  struct Stream {
    bool is_dirty = true;
    bool is_writing = false;
    absl::Duration next_at = -absl::InfiniteDuration();
    bool IsDue(absl::Duration now) const {
      return is_dirty && !is_writing && next_at <= now;
    }
  };
  struct SweepStream : Stream {
    std::string sweep_id;
    std::unordered_set<std::string> trial_ids;
    std::set<std::string> changed;
    SendSweep send;
    void Sent(const SweepUpdate&) {}
  };
  struct LogStream : Stream {
    std::string trial_id;
    // What was sent: the lines of `attempt` before `next_sequence`.
    int attempt = 0;
    int64_t next_sequence = 0;
    SendLog send;
    void Sent(const LogUpdate& update);
  };

  SweepUpdate MakeUpdate(SweepStream& stream, Store& store,
                         absl::Time wall_time);
  std::optional<LogUpdate> MakeUpdate(LogStream& stream, Store& store);
  template <typename Streams, typename Update>
  static std::function<void()> SendOf(Streams& streams, CallId call,
                                      Update update);

  std::map<CallId, SweepStream> sweeps_;
  std::map<CallId, LogStream> logs_;
};

}  // namespace dfsweep::coordinator

#endif  // DFSWEEP_COORDINATOR_ENGINE_WATCHERS_H_
