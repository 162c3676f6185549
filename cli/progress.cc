#include "cli/progress.h"

#include <fmt/format.h>

#include <algorithm>
#include <exception>
#include <optional>
#include <sstream>

#include "base/display_text.h"
#include "base/text_table.h"
#include "cli/text.h"
#include "model/config/parameters.h"
#include "sweeps/varying.h"

namespace dfsweep::cli {
namespace {

constexpr int kNarrow = 60;
constexpr int kShortBar = 10;
constexpr int kLongBar = 20;

bool IsActive(const v1::Trial& trial) {
  return trial.state() == v1::LEASED || trial.state() == v1::RUNNING;
}

// Epochs where they are known, since a trial may take hours; else trials.
double DoneShare(const v1::Sweep& sweep) {
  int64_t all = AllTrials(sweep.counts());
  if (all == 0) return 0;
  if (HasEnded(sweep)) return 1;
  double share = sweep.epochs_total() > 0
                     ? static_cast<double>(sweep.epochs_done()) /
                           static_cast<double>(sweep.epochs_total())
                     : static_cast<double>(EndedTrials(sweep.counts())) /
                           static_cast<double>(all);
  return std::clamp(share, 0.0, 1.0);
}

std::string Bar(double share, int cells) {
  int full = static_cast<int>(share * cells);
  return "[" + std::string(full, '#') + std::string(cells - full, '-') + "]";
}

std::string BestText(const Progress& progress, bool with_parameters) {
  const v1::Sweep& sweep = progress.sweep;
  if (!sweep.has_best()) return "";
  std::string text = fmt::format("best {} {}", Printable(sweep.metric_name()),
                                 NumberText(sweep.best().value()));
  if (!with_parameters) return text;
  std::string parameters = ParametersText(
      ParseObject(sweep.best().varying_json()), progress.varying);
  return parameters.empty() ? text : fmt::format("{} ({})", text, parameters);
}

std::string EtaText(const v1::Sweep& sweep) {
  switch (sweep.state()) {
    case v1::Sweep::FINISHED:
      return "finished";
    case v1::Sweep::CANCELLED:
      return "cancelled";
    case v1::Sweep::PAUSED:
      return "paused";
    default:
      return sweep.has_time_left()
                 ? "ETA " + DurationText(FromProto(sweep.time_left()))
                 : "ETA unknown";
  }
}

void Append(std::string& line, const std::string& part) {
  if (part.empty()) return;
  if (!line.empty()) line += "  ";
  line += part;
}

std::string DivergedText(const v1::TrialCounts& counts) {
  return counts.diverged() > 0 ? fmt::format("{} diverged", counts.diverged())
                               : "";
}

// "5/10  2 running  0 failed", the least important left out if `is_short`.
std::string CountsText(const v1::TrialCounts& counts, bool is_short) {
  std::string text =
      fmt::format("{}/{}", EndedTrials(counts), AllTrials(counts));
  int64_t running = counts.running() + counts.leased();
  if (!is_short || running > 0) {
    Append(text, fmt::format("{} running", running));
  }
  if (!is_short || counts.failed() > 0) {
    Append(text, fmt::format("{} failed", counts.failed()));
  }
  Append(text, DivergedText(counts));
  if (counts.pruned() > 0) {
    Append(text, fmt::format("{} pruned", counts.pruned()));
  }
  return text;
}

// The first line, and a second one where the first has no room for the best.
std::vector<std::string> Headline(const Progress& progress, int width) {
  const v1::Sweep& sweep = progress.sweep;
  std::string line =
      Bar(DoneShare(sweep), width < kNarrow ? kShortBar : kLongBar);
  std::string full = line;
  Append(full, CountsText(sweep.counts(), /*is_short=*/false));
  Append(full, BestText(progress, /*with_parameters=*/true));
  Append(full, EtaText(sweep));
  if (DisplayWidth(full) <= width) return {full};

  std::string shorter = line;
  Append(shorter, CountsText(sweep.counts(), /*is_short=*/true));
  Append(shorter, EtaText(sweep));
  if (DisplayWidth(shorter) > width) {
    shorter = CountsText(sweep.counts(), /*is_short=*/true);
    Append(shorter, EtaText(sweep));
  }
  std::vector<std::string> lines = {CutToWidth(shorter, width)};
  std::string best = BestText(progress, /*with_parameters=*/true);
  if (!best.empty()) lines.push_back(CutToWidth(best, width));
  return lines;
}

std::string NoteText(const Progress& progress) {
  const v1::Sweep& sweep = progress.sweep;
  if (!progress.note.empty() || HasEnded(sweep)) return progress.note;
  if (sweep.state() == v1::Sweep::PAUSED) {
    return fmt::format("paused; go on with: dfsweep resume {}",
                       Printable(sweep.name()));
  }
  if (progress.workers_online == 0) return "no worker is online yet";
  return "";
}

std::string Metric(const v1::Trial& trial, const std::string& name) {
  auto found = trial.metrics().find(name);
  return found == trial.metrics().end() ? "" : NumberText(found->second);
}

// Validation accuracy says more than training accuracy, where it is measured.
std::string AccuracyOf(const v1::Trial& trial) {
  std::string accuracy = Metric(trial, "validation_accuracy");
  return accuracy.empty() ? Metric(trial, "train_accuracy") : accuracy;
}

TextTable ActiveTrials(const Progress& progress) {
  TextTable table;
  table.columns = {{.header = "trial", .priority = 3},
                   {.header = "parameters"},
                   {.header = "seed", .align_right = true, .priority = 5},
                   {.header = "progress"},
                   {.header = "loss", .align_right = true, .priority = 4},
                   {.header = "accuracy", .align_right = true, .priority = 6},
                   {.header = "worker", .priority = 2}};
  for (const auto& [id, trial] : progress.active) {
    std::string epochs =
        trial.state() == v1::LEASED ? "starting" : EpochText(trial);
    table.rows.push_back(
        {{ShortId(id)},
         {ParametersText(ParseObject(trial.configuration_json()),
                         progress.varying)},
         {std::to_string(trial.seed())},
         {epochs},
         {Metric(trial, "train_loss")},
         {AccuracyOf(trial)},
         {Printable(trial.worker())}});
  }
  return table;
}

}  // namespace

void Progress::Apply(const v1::WatchSweepResponse& update) {
  sweep = update.sweep();
  workers_online = update.workers_online();
  for (const v1::Trial& trial : update.changed_trials()) {
    if (IsActive(trial)) {
      active[trial.trial_id()] = trial;
    } else {
      active.erase(trial.trial_id());
    }
  }
}

bool HasEnded(const v1::Sweep& sweep) {
  return sweep.state() == v1::Sweep::FINISHED ||
         sweep.state() == v1::Sweep::CANCELLED;
}

int64_t EndedTrials(const v1::TrialCounts& counts) {
  return counts.completed() + counts.diverged() + counts.failed() +
         counts.cancelled() + counts.pruned();
}

int64_t AllTrials(const v1::TrialCounts& counts) {
  return EndedTrials(counts) + counts.pending() + counts.leased() +
         counts.running();
}

std::vector<std::string> VaryingNames(const v1::Sweep& sweep) {
  if (sweep.varying_size() > 0) {
    return {sweep.varying().begin(), sweep.varying().end()};
  }
  std::vector<std::string> overrides(sweep.overrides().begin(),
                                     sweep.overrides().end());
  absl::StatusOr<sweeps::Sweep> parsed =
      sweeps::ParseSweep(sweep.file_text(), sweep.name(), overrides);
  if (!parsed.ok()) return {};
  absl::StatusOr<sweeps::Expansion> expansion =
      sweeps::Expand(*parsed, sweep.dataset().digest());
  if (!expansion.ok()) return {};
  return sweeps::VaryingParameters(*expansion);
}

std::string EpochText(const v1::Trial& trial) {
  try {
    config::Configuration configuration(
        ParseObject(trial.configuration_json()));
    int64_t tasks = configuration.Choice("strategy") == "joint"
                        ? 1
                        : config::TaskCount(configuration.json());
    int64_t done = trial.epochs_done();
    int64_t task = 0;
    while (task + 1 < tasks && done >= configuration.Epochs(task)) {
      done -= configuration.Epochs(task++);
    }
    std::string text =
        fmt::format("epoch {}/{}", done, configuration.Epochs(task));
    return tasks == 1 ? text
                      : fmt::format("task {}/{} {}", task + 1, tasks, text);
  } catch (const std::exception&) {
    // A configuration of another version.
    return fmt::format("{}/{}", trial.epochs_done(), trial.epochs_total());
  }
}

std::vector<std::string> RenderProgress(const Progress& progress, int width,
                                        int height) {
  std::vector<std::string> lines = Headline(progress, width);
  if (std::string note = NoteText(progress); !note.empty()) {
    lines.push_back(CutToWidth(note, width));
  }
  if (!progress.active.empty()) {
    std::istringstream rows(
        Render(ActiveTrials(progress), width, /*color=*/false).text);
    for (std::string row; std::getline(rows, row);) {
      lines.push_back(CutToWidth(row, width));
    }
  }
  if (static_cast<int>(lines.size()) > height) {
    size_t hidden = lines.size() - height + 1;
    lines.resize(std::max(height - 1, 0));
    lines.push_back(CutToWidth(fmt::format("… {} more", hidden), width));
  }
  return lines;
}

std::string PlainProgress(const Progress& progress) {
  std::string line = CountsText(progress.sweep.counts(), /*is_short=*/false);
  Append(line, BestText(progress, /*with_parameters=*/true));
  Append(line, EtaText(progress.sweep));
  Append(line, NoteText(progress));
  return line;
}

}  // namespace dfsweep::cli
