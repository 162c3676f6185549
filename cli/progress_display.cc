#include "cli/progress_display.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstdio>

#include "base/clock.h"
#include "base/display_text.h"
#include "cli/output.h"
#include "cli/terminal.h"

namespace dfsweep::cli {
namespace {

// Off a terminal: a line at least this often, and after each trial's end, but
// no more often than that.
constexpr absl::Duration kLineEvery = absl::Seconds(10);
constexpr absl::Duration kLineSpacing = absl::Seconds(1);

constexpr char kEraseBelow[] = "\x1b[J";
constexpr char kEraseToEndOfLine[] = "\x1b[K";

// Lines that `text` takes on a terminal that has become narrower.
int Height(const std::string& text, int width) {
  return std::max(1, (DisplayWidth(text) + width - 1) / width);
}

}  // namespace

ProgressDisplay::ProgressDisplay() : is_live_(IsTerminal(stderr)) {}

void ProgressDisplay::Update(const Progress& progress) {
  if (is_live_) {
    DrawBlock(progress);
  } else {
    PlainLine(progress);
  }
}

void ProgressDisplay::Say(const std::string& text) {
  EraseBlock();
  cli::Say(text);
}

void ProgressDisplay::EraseBlock() {
  if (block_.empty()) return;
  int width = WidthOf(stderr);
  int height = 0;
  for (const std::string& line : block_) height += Height(line, width);
  std::fputs(fmt::format("\x1b[{}A\r{}", height, kEraseBelow).c_str(), stderr);
  block_.clear();
}

void ProgressDisplay::DrawBlock(const Progress& progress) {
  // A line of the full width would leave the cursor in doubt.
  std::vector<std::string> lines = RenderProgress(
      progress, std::max(WidthOf(stderr) - 1, 1), HeightOf(stderr) - 1);
  if (lines == block_) return;
  EraseBlock();
  std::string text;
  for (const std::string& line : lines) {
    text += line + kEraseToEndOfLine + "\n";
  }
  std::fputs(text.c_str(), stderr);
  std::fflush(stderr);
  block_ = std::move(lines);
}

void ProgressDisplay::PlainLine(const Progress& progress) {
  absl::Duration now = Clock::Real().Elapsed();
  int64_t ended = EndedTrials(progress.sweep.counts());
  bool is_news = ended != ended_shown_ || HasEnded(progress.sweep);
  if (now < (is_news ? earliest_line_ : next_line_) &&
      !HasEnded(progress.sweep)) {
    return;
  }
  if (HasEnded(progress.sweep) && ended == ended_shown_) return;
  std::fputs((PlainProgress(progress) + "\n").c_str(), stderr);
  ended_shown_ = ended;
  earliest_line_ = now + kLineSpacing;
  next_line_ = now + kLineEvery;
}

}  // namespace dfsweep::cli
