#include "coordinator/engine/parity.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>
#include <vector>

namespace dfsweep::coordinator {
namespace {

std::string OrNone(const std::string& text) {
  return text.empty() ? "none" : text;
}

// Whether the same numbers can be expected of the probe: cards of different
// names, and CPUs, differ in their last bits.
bool IsSameHardware(const EnvironmentRow& a, const EnvironmentRow& b) {
  if (a.device_name != b.device_name) return false;
  return a.device != "cpu" || (a.cpu == b.cpu && a.threads == b.threads);
}

bool ProbesDiffer(const WorkerRow& a, const WorkerRow& b) {
  return !a.probe_digest.empty() && !b.probe_digest.empty() &&
         IsSameHardware(a.environment, b.environment) &&
         a.probe_digest != b.probe_digest;
}

bool IsAway(const Scheduler::WorkerView& view) {
  return view.state == WorkerState::kLost || view.state == WorkerState::kLeft;
}

bool Counts(const Scheduler::WorkerView& view, absl::Duration now,
            absl::Duration since) {
  constexpr absl::Duration kRemembered = absl::Hours(1);
  if (!IsAway(view)) return true;
  return view.order != WorkerOrder::kRemove && view.last_heard > since &&
         now - view.last_heard < kRemembered;
}

struct Judged {
  WorkerRow row;
  bool is_away;
};

std::vector<Judged> WorkersToJudge(Turn& turn, absl::Duration since) {
  std::vector<Judged> judged;
  for (WorkerRow& row : turn.store().ListWorkers()) {
    auto view = turn.scheduler().Worker(row.worker_id);
    if (!view || !Counts(*view, turn.now(), since)) continue;
    judged.push_back({std::move(row), IsAway(*view)});
  }
  std::stable_sort(
      judged.begin(), judged.end(), [](const Judged& a, const Judged& b) {
        return a.row.parity_warning.empty() > b.row.parity_warning.empty();
      });
  return judged;
}

// Whether another one like it is there: it need not be compared with too.
bool IsAmong(const WorkerRow& row, const std::vector<WorkerRow>& others) {
  return std::any_of(others.begin(), others.end(),
                     [&row](const WorkerRow& other) {
                       return other.environment == row.environment &&
                              other.probe_digest == row.probe_digest;
                     });
}

std::string WarningOf(const WorkerRow& row,
                      const std::vector<WorkerRow>& agreed) {
  for (const WorkerRow& other : agreed) {
    const std::string differences = DifferencesOf(row, other);
    if (!differences.empty()) {
      return "its numbers may differ from other workers': " + differences;
    }
  }
  return "";
}

}  // namespace

std::string DifferencesOf(const WorkerRow& mine, const WorkerRow& other) {
  const EnvironmentRow& here = mine.environment;
  const EnvironmentRow& there = other.environment;
  if (here.device != there.device) return "";
  std::string differences;
  auto compare = [&](const char* what, const std::string& a,
                     const std::string& b) {
    if (a == b) return;
    differences +=
        fmt::format("{}{} {} (on {}: {})", differences.empty() ? "" : ", ",
                    what, OrNone(a), other.name, OrNone(b));
  };
  compare("torch", here.torch_version, there.torch_version);
  compare("CUDA", here.cuda_version, there.cuda_version);
  compare("cuDNN", here.cudnn_version, there.cudnn_version);
  compare("bf16", here.bf16 ? "yes" : "no", there.bf16 ? "yes" : "no");
  compare("build", here.build, there.build);
  if (ProbesDiffer(mine, other)) {
    compare("probe", mine.probe_digest.substr(0, 8),
            other.probe_digest.substr(0, 8));
  }
  return differences;
}

void JudgeParity(Turn& turn, Parity parity, absl::Duration since) {
  std::vector<WorkerRow> agreed;
  for (auto& [row, is_away] : WorkersToJudge(turn, since)) {
    const std::string warning = WarningOf(row, agreed);
    if (!is_away) {
      if (warning != row.parity_warning) {
        turn.store().SetParityWarning(row.worker_id, warning);
      }
      // It is known: it was just listed.
      turn.Step(ParityJudged{row.worker_id,
                             parity == Parity::kStrict ? warning : ""})
          .IgnoreError();
    }
    if (warning.empty() && !IsAmong(row, agreed)) {
      agreed.push_back(std::move(row));
    }
  }
}

}  // namespace dfsweep::coordinator
