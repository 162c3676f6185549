// Shows a sweep's progress on standard error: a block that is redrawn in place
// on a terminal, now and then a line elsewhere.
#ifndef DFSWEEP_CLI_PROGRESS_DISPLAY_H_
#define DFSWEEP_CLI_PROGRESS_DISPLAY_H_

#include <string>
#include <vector>

#include "absl/time/time.h"
#include "cli/progress.h"

namespace dfsweep::cli {

// One thread.
class ProgressDisplay {
 public:
  ProgressDisplay();
  // Leaves the last state standing.
  ~ProgressDisplay() = default;

  // To be called after each change and about once a second.
  void Update(const Progress& progress);

  // A line that stays, above the block.
  void Say(const std::string& text);

 private:
  void EraseBlock();
  void DrawBlock(const Progress& progress);
  void PlainLine(const Progress& progress);

  const bool is_live_;
  std::vector<std::string> block_;  // on the screen now
  absl::Duration next_line_;        // plain: when the next is due anyway
  absl::Duration earliest_line_;
  int64_t ended_shown_ = -1;
};

}  // namespace dfsweep::cli

#endif  // DFSWEEP_CLI_PROGRESS_DISPLAY_H_
