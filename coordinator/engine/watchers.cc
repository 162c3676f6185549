#include "coordinator/engine/watchers.h"

#include <utility>

namespace dfsweep::coordinator {
namespace {

// At most four messages a second; fewer of a large sweep, which is summed up
// for each: that takes a millisecond or two for a thousand trials.
constexpr absl::Duration kSpacing = absl::Milliseconds(250);
constexpr int64_t kTrialsOfASpacing = 5000;

absl::Duration SpacingOf(size_t trials) {
  return kSpacing * (1 + static_cast<int64_t>(trials) / kTrialsOfASpacing);
}

// Of a message; the rest comes with the next one.
constexpr int kMaxTrials = 500;
constexpr int kMaxLines = 500;

}  // namespace

SweepTrials ReadSweepTrials(Store& store, const std::string& sweep_id) {
  SweepTrials trials;
  for (std::string& id : store.TrialIds(sweep_id)) {
    trials.all.insert(std::move(id));
  }
  trials.active = store.TrialIdsInState(
      sweep_id, {TrialState::kLeased, TrialState::kRunning});
  return trials;
}

void Watchers::WatchSweep(CallId call, const std::string& sweep_id,
                          SendSweep send) {
  SweepStream stream;
  stream.sweep_id = sweep_id;
  stream.is_writing = true;  // until SetTrials
  stream.send = std::move(send);
  sweeps_.emplace(call, std::move(stream));
}

void Watchers::SetTrials(CallId call, SweepTrials trials) {
  auto found = sweeps_.find(call);
  if (found == sweeps_.end()) return;
  SweepStream& stream = found->second;
  trials.all.merge(stream.trial_ids);  // added meanwhile
  stream.trial_ids = std::move(trials.all);
  std::erase_if(stream.changed, [&stream](const std::string& id) {
    return !stream.trial_ids.contains(id);
  });
  stream.changed.insert(trials.active.begin(), trials.active.end());
  stream.has_trials = true;
  stream.is_writing = false;
}

void Watchers::FollowLog(CallId call, const std::string& trial_id,
                         SendLog send) {
  LogStream stream;
  stream.trial_id = trial_id;
  stream.send = std::move(send);
  logs_.emplace(call, std::move(stream));
}

void Watchers::Ready(CallId call) {
  if (auto found = sweeps_.find(call); found != sweeps_.end()) {
    found->second.is_writing = false;
  }
  if (auto found = logs_.find(call); found != logs_.end()) {
    found->second.is_writing = false;
  }
}

void Watchers::Remove(CallId call) {
  sweeps_.erase(call);
  logs_.erase(call);
}

void Watchers::PutBack(CallId call, const std::vector<std::string>& trial_ids) {
  auto found = sweeps_.find(call);
  if (found == sweeps_.end() || trial_ids.empty()) return;
  found->second.changed.insert(trial_ids.begin(), trial_ids.end());
  found->second.is_dirty = true;
}

bool Watchers::HasToldAll(CallId call) const {
  auto found = sweeps_.find(call);
  return found == sweeps_.end() || found->second.changed.empty();
}

void Watchers::Hurry(CallId call) {
  auto found = sweeps_.find(call);
  if (found != sweeps_.end()) found->second.next_at = -absl::InfiniteDuration();
}

void Watchers::TrialChanged(const std::string& trial_id) {
  for (auto& [call, stream] : sweeps_) {
    if (stream.has_trials && !stream.trial_ids.contains(trial_id)) continue;
    stream.changed.insert(trial_id);
    stream.is_dirty = true;
  }
  for (auto& [call, stream] : logs_) {
    if (stream.trial_id == trial_id) stream.is_dirty = true;
  }
}

void Watchers::SweepChanged(const std::string& sweep_id) {
  for (auto& [call, stream] : sweeps_) {
    if (stream.sweep_id == sweep_id) stream.is_dirty = true;
  }
}

void Watchers::TrialsAdded(const std::string& sweep_id,
                           const std::vector<std::string>& trial_ids) {
  for (auto& [call, stream] : sweeps_) {
    if (stream.sweep_id != sweep_id) continue;
    stream.trial_ids.insert(trial_ids.begin(), trial_ids.end());
    stream.changed.insert(trial_ids.begin(), trial_ids.end());
    stream.is_dirty = true;
  }
}

void Watchers::WorkersChanged() {
  for (auto& [call, stream] : sweeps_) stream.is_dirty = true;
}

void Watchers::AllChanged() {
  for (auto& [call, stream] : sweeps_) {
    stream.changed.insert(stream.trial_ids.begin(), stream.trial_ids.end());
    stream.is_dirty = true;
  }
  for (auto& [call, stream] : logs_) stream.is_dirty = true;
}

SweepNews Watchers::MakeNews(SweepStream& stream, absl::Duration now) {
  SweepNews news{.sweep_id = stream.sweep_id};
  while (!stream.changed.empty() && news.changed.size() < kMaxTrials) {
    auto id = stream.changed.extract(stream.changed.begin());
    news.changed.push_back(std::move(id.value()));
  }
  stream.next_at = now + SpacingOf(stream.trial_ids.size());
  stream.is_dirty = !stream.changed.empty();
  return news;
}

std::optional<LogUpdate> Watchers::MakeUpdate(LogStream& stream, Store& store) {
  stream.is_dirty = false;
  std::optional<TrialRow> trial = store.FindTrial(stream.trial_id);
  if (!trial.has_value()) return std::nullopt;
  LogUpdate update{.trial = *std::move(trial), .attempt = stream.attempt};
  update.lines = store.LogLines({stream.trial_id, stream.attempt},
                                stream.next_sequence, kMaxLines);
  // The last lines of a failed attempt come before the next one's: they say
  // why it failed.
  const int newest = update.trial.attempt;
  if (update.lines.empty() && stream.attempt != newest) {
    update.attempt = newest;
    update.lines = store.LogLines({stream.trial_id, newest}, 0, kMaxLines);
  }
  stream.is_dirty =
      update.attempt != newest || update.lines.size() == kMaxLines;
  update.is_last = IsTerminal(update.trial.state) && !stream.is_dirty;
  return update;
}

void Watchers::LogStream::Sent(const LogUpdate& update) {
  if (attempt != update.attempt) next_sequence = 0;
  attempt = update.attempt;
  if (!update.lines.empty()) next_sequence = update.lines.back().sequence + 1;
}

template <typename Streams, typename Update>
std::function<void()> Watchers::SendOf(Streams& streams, CallId call,
                                       Update update) {
  return [&streams, call, update = std::move(update)] {
    auto stream = streams.find(call);
    stream->second.is_writing = true;
    stream->second.Sent(update);
    auto send = stream->second.send;
    if (stream->second.IsLast(update)) streams.erase(stream);
    send(update);
  };
}

std::vector<std::function<void()>> Watchers::TakeDue(Store& store,
                                                     absl::Duration now) {
  std::vector<std::function<void()>> sends;
  for (auto& [call, stream] : sweeps_) {
    if (!stream.IsDue(now)) continue;
    sends.push_back(SendOf(sweeps_, call, MakeNews(stream, now)));
  }
  for (auto& [call, stream] : logs_) {
    if (!stream.IsDue(now)) continue;
    stream.next_at = now + kSpacing;
    if (std::optional<LogUpdate> update = MakeUpdate(stream, store)) {
      sends.push_back(SendOf(logs_, call, *std::move(update)));
    }
  }
  return sends;
}

std::vector<std::function<void()>> Watchers::TakeStopping(Store& store,
                                                          absl::Duration now) {
  std::vector<std::function<void()>> sends;
  for (auto& [call, stream] : sweeps_) {
    if (stream.is_writing) continue;
    SweepNews news = MakeNews(stream, now);
    news.server_stopping = true;
    sends.push_back(SendOf(sweeps_, call, std::move(news)));
  }
  for (auto& [call, stream] : logs_) {
    if (stream.is_writing) continue;
    LogUpdate update = MakeUpdate(stream, store).value_or(LogUpdate{});
    update.is_last = true;
    sends.push_back(SendOf(logs_, call, std::move(update)));
  }
  return sends;
}

std::optional<absl::Duration> Watchers::NextDeadline() const {
  std::optional<absl::Duration> next;
  auto consider = [&next](const Stream& stream) {
    if (!stream.is_dirty || stream.is_writing) return;
    if (!next || stream.next_at < *next) next = stream.next_at;
  };
  for (const auto& [call, stream] : sweeps_) consider(stream);
  for (const auto& [call, stream] : logs_) consider(stream);
  return next;
}

}  // namespace dfsweep::coordinator
