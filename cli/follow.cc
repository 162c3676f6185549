#include "cli/follow.h"

#include <fmt/format.h>

#include <utility>

#include "base/clock.h"
#include "base/display_text.h"
#include "cli/exit_status.h"
#include "cli/interrupt.h"
#include "cli/json.h"
#include "cli/output.h"
#include "cli/progress_display.h"
#include "cli/sweep_watcher.h"
#include "cli/text.h"

namespace dfsweep::cli {
namespace {

constexpr absl::Duration kTick = absl::Seconds(1);
// A restarted coordinator is back long before.
constexpr absl::Duration kPatience = absl::Minutes(5);
// Trials whose end gets a line of its own.
constexpr int kMaxEndLines = 20;

// One following, from the first update to the last.
class Follower {
 public:
  Follower(const v1::Sweep& sweep, const FollowHooks& hooks, bool json_updates)
      : hooks_(hooks), json_updates_(json_updates) {
    progress_.sweep = sweep;
    progress_.workers_online = 1;  // until the first update says otherwise
    progress_.varying = VaryingNames(sweep);
  }

  absl::StatusOr<Followed> Run(SweepWatcher& watcher,
                               const InterruptScope& interrupt) {
    while (!interrupt.interrupted()) {
      std::optional<SweepWatcher::Event> event = watcher.Next(kTick);
      if (event.has_value()) {
        if (auto* ended = std::get_if<SweepWatcher::Ended>(&*event)) {
          DFSWEEP_RETURN_IF_ERROR(ended->status);
          return Followed{.sweep = progress_.sweep};
        }
        DFSWEEP_RETURN_IF_ERROR(Handle(*event));
      }
      DFSWEEP_RETURN_IF_ERROR(Check());
      display_.Update(progress_);
    }
    return Followed{.sweep = progress_.sweep, .interrupted = true};
  }

 private:
  absl::Status Handle(const SweepWatcher::Event& event) {
    if (auto* update = std::get_if<v1::WatchSweepResponse>(&event)) {
      is_lost_ = false;
      for (const v1::Trial& trial : update->changed_trials()) SayIfBad(trial);
      progress_.Apply(*update);
      if (json_updates_) PrintUpdate(*update);
      return absl::OkStatus();
    }
    is_lost_ = true;
    progress_.active.clear();
    return hooks_.lost ? hooks_.lost() : absl::OkStatus();
  }

  absl::Status Check() {
    progress_.note =
        is_lost_ ? "the coordinator does not answer; trying again" : "";
    absl::Duration now = Clock::Real().Elapsed();
    if (is_lost_ || !hooks_.check || now < next_check_) {
      if (!is_lost_) progress_.note = note_;
      return absl::OkStatus();
    }
    next_check_ = now + kTick;
    note_.clear();
    DFSWEEP_RETURN_IF_ERROR(hooks_.check(&note_));
    progress_.note = note_;
    return absl::OkStatus();
  }

  void SayIfBad(const v1::Trial& trial) {
    if (trial.state() != v1::FAILED && trial.state() != v1::DIVERGED) return;
    if (++end_lines_ > kMaxEndLines) return;
    bool failed = trial.state() == v1::FAILED;
    std::string parameters = ParametersText(
        ParseObject(trial.configuration_json()), progress_.varying);
    display_.Say(fmt::format(
        "trial {} {}{}{} seed {}: {}", ShortId(trial.trial_id()),
        failed ? "failed" : "diverged", parameters.empty() ? "" : " at ",
        parameters, trial.seed(), FirstLine(trial.message())));
    if (end_lines_ == kMaxEndLines) {
      display_.Say(fmt::format("(further ones: dfsweep status {})",
                               Printable(progress_.sweep.name())));
    }
  }

  static void PrintUpdate(const v1::WatchSweepResponse& update) {
    PrintJson(ToJson(update), /*compact=*/true);
    std::fflush(stdout);
  }

  const FollowHooks& hooks_;
  const bool json_updates_;
  Progress progress_;
  ProgressDisplay display_;
  bool is_lost_ = false;
  std::string note_;
  absl::Duration next_check_;
  int end_lines_ = 0;
};

}  // namespace

absl::StatusOr<Followed> Follow(const std::shared_ptr<Client>& client,
                                const v1::Sweep& sweep,
                                const FollowHooks& hooks, bool json_updates) {
  Follower follower(sweep, hooks, json_updates);
  SweepWatcher watcher(client, sweep.sweep_id(), kPatience);
  InterruptScope interrupt([&watcher] { watcher.Wake(); });
  return follower.Run(watcher, interrupt);
}

int ExitStatusOf(const v1::Sweep& sweep) {
  return sweep.counts().failed() + sweep.counts().cancelled() > 0
             ? kExitTrialFailed
             : kExitDone;
}

}  // namespace dfsweep::cli
