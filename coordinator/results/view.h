// Which rows and columns a table of results has, before it is text.
#ifndef DFSWEEP_COORDINATOR_RESULTS_VIEW_H_
#define DFSWEEP_COORDINATOR_RESULTS_VIEW_H_

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/status.h"
#include "coordinator/results/export.h"
#include "coordinator/results/rows.h"
#include "coordinator/results/statistics.h"

namespace dfsweep::coordinator {

// How many trials ended how.
struct Counts {
  int64_t completed = 0;
  int64_t diverged = 0;
  int64_t failed = 0;
  int64_t cancelled = 0;
  int64_t pruned = 0;  // stopped early by the search
  int64_t open = 0;

  void Add(const std::string& status);
  int64_t Total() const;
};

// One row of the table: a configuration over its seeds, or one trial. Points
// into the rows it was made from.
struct Group {
  std::vector<const Json*> parameters;  // as View::parameters; null: no effect
  std::vector<const ResultRow*> rows;
  std::vector<Summary> metrics;  // as View::metrics. Of the completed trials;
                                 // a group of one trial: of any.
  Counts counts;
  // It averages over trials that differ in more than the seed, so that its
  // deviation is not one of seeds and no interval is given.
  bool several_configurations = false;
  // Computed otherwise than most: see provenance.h.
  bool odd_provenance = false;
};

struct View {
  bool trials = false;  // one trial a row
  std::vector<std::string> parameters;
  std::vector<std::string> metrics;
  std::vector<Group> groups;
  std::vector<std::string> varying;  // parameters that vary between the trials
  Counts counts;
  // What is computed in several ways, and by how many trials: "device cpu (8
  // trials), cuda (2 trials)"; "" if nothing is.
  std::string mixed_provenance;
};

// The number of completed trials behind every row, if it is the same and each
// is of one configuration computed alike: then it can be said once.
std::optional<int64_t> CommonCount(const View& view);

// `rows` must outlive the view. kInvalidArgument for an unknown name.
absl::StatusOr<View> MakeView(const std::vector<ResultRow>& rows,
                              const ExportOptions& options);

}  // namespace dfsweep::coordinator

#endif  // DFSWEEP_COORDINATOR_RESULTS_VIEW_H_
