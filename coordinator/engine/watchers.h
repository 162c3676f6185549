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
#include "coordinator/store/store.h"

namespace dfsweep::coordinator {

// What a message of WatchSweep is about. Who gets it reads the rows, and sums
// up the sweep, on another thread: leases would wait for a large one.
struct SweepNews {
  std::string sweep_id;
  std::vector<std::string> changed;  // trials
  bool server_stopping = false;
};

// What a stream begins with.
struct SweepTrials {
  std::unordered_set<std::string> all;
  std::vector<std::string> active;  // leased or running
};

// On any thread.
SweepTrials ReadSweepTrials(Store& store, const std::string& sweep_id);

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
  using SendSweep = std::function<void(SweepNews)>;
  using SendLog = std::function<void(LogUpdate)>;

  // The first message comes after SetTrials.
  void WatchSweep(CallId call, const std::string& sweep_id, SendSweep send);
  // `trials` were read after the COMMIT of the turn of WatchSweep; what has
  // changed since is known here.
  void SetTrials(CallId call, SweepTrials trials);
  void FollowLog(CallId call, const std::string& trial_id, SendLog send);
  // The stream has written its message and can take another.
  void Ready(CallId call);
  void Remove(CallId call);
  // A message had no room for these trials of its news.
  void PutBack(CallId call, const std::vector<std::string>& trial_ids);
  // Whether no change of a trial waits for a message.
  bool HasToldAll(CallId call) const;
  // The next message need not wait: the sweep has ended.
  void Hurry(CallId call);

  void TrialChanged(const std::string& trial_id);
  void SweepChanged(const std::string& sweep_id);
  // The sweep has further trials.
  void TrialsAdded(const std::string& sweep_id,
                   const std::vector<std::string>& trial_ids);
  void WorkersChanged();
  // After an undone transaction: everything may be news.
  void AllChanged();

  // Makes the messages that are due: of logs from the store now, of sweeps the
  // news. The functions returned send them: call them after COMMIT and before
  // anything else here, or, if it failed, AllChanged. A log's stream that got
  // its last one is forgotten; who finds that a sweep has ended calls Remove.
  std::vector<std::function<void()>> TakeDue(Store& store, absl::Duration now);
  // The last messages of all streams but those that are still writing: they
  // get theirs from the next call after Ready.
  std::vector<std::function<void()>> TakeStopping(Store& store,
                                                  absl::Duration now);

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
    bool has_trials = false;  // until then `changed` has other sweeps', too
    std::unordered_set<std::string> trial_ids;
    std::set<std::string> changed;
    SendSweep send;
    void Sent(const SweepNews&) {}
    static bool IsLast(const SweepNews& news) { return news.server_stopping; }
  };
  struct LogStream : Stream {
    std::string trial_id;
    // What was sent: the lines of `attempt` before `next_sequence`.
    int attempt = 0;
    int64_t next_sequence = 0;
    SendLog send;
    void Sent(const LogUpdate& update);
    static bool IsLast(const LogUpdate& update) { return update.is_last; }
  };

  static SweepNews MakeNews(SweepStream& stream, absl::Duration now);
  std::optional<LogUpdate> MakeUpdate(LogStream& stream, Store& store);
  template <typename Streams, typename Update>
  static std::function<void()> SendOf(Streams& streams, CallId call,
                                      Update update);

  std::map<CallId, SweepStream> sweeps_;
  std::map<CallId, LogStream> logs_;
};

}  // namespace dfsweep::coordinator

#endif  // DFSWEEP_COORDINATOR_ENGINE_WATCHERS_H_
