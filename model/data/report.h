// What an import found: for people, for --json, and for the manifest that
// stands next to a native file.
#ifndef DFSWEEP_MODEL_DATA_REPORT_H_
#define DFSWEEP_MODEL_DATA_REPORT_H_

#include <array>
#include <cstdint>
#include <map>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <vector>

#include "model/data/dataset.h"

namespace dfsweep::data {

struct Report {
  Kind kind = Kind::kTraces;
  std::string format;              // "npz of directions (int8)"
  std::vector<std::string> files;  // that were read, if several
  std::string padding;  // "0 at the end", "none", "-1, repaired", …
  int64_t traces = 0;
  int64_t length = 0;  // cells or pixels a row

  int64_t classes = 0;
  int64_t smallest_label = 0, largest_label = 0;
  int64_t label_gaps = 0;  // numbers between those two that no trace has
  std::map<int64_t, std::string> class_names;  // where classes have names
  // Traces of a class.
  int64_t fewest_instances = 0, most_instances = 0;
  double median_instances = 0;

  // Cells of a trace, padding not counted, at kQuantiles.
  static constexpr std::array<double, 7> kQuantiles = {0,   .05, .25, .5,
                                                       .75, .95, 1};
  std::array<int64_t, 7> length_quantiles{};
  // Traces of the longest length, if so many have it that the recording must
  // have stopped there (or the row did); else 0.
  int64_t capped_traces = 0;
  int64_t short_traces = 0;  // fewer than kShortTrace cells
  static constexpr int64_t kShortTrace = 50;

  int64_t starts_outgoing = 0;       // traces whose first cell is +1
  int64_t starts_incoming = 0;       // … -1
  int64_t empty_dropped = 0;         // traces without any cell, left out
  int64_t interior_zero_traces = 0;  // have a 0 before their last cell

  bool timed = false;
  int64_t starts_later = 0;      // timed traces whose first cell is not at 0 s
  int64_t times_going_back = 0;  // … that have a time before the last one
  double longest_seconds = 0;

  // The source's own split, if it has one: traces on each side.
  bool has_split = false;
  int64_t train = 0, validation = 0, test = 0;
  // Traces for testing that equal one for training.
  int64_t repeated_across_split = 0;

  // The label that means "none of the known pages", and its traces.
  std::optional<int64_t> unmonitored_label;
  int64_t unmonitored = 0;

  int64_t groups = 0;  // distinct groups; 0 if the source has none
  // Traces equal in every cell to an earlier one.
  int64_t repeated_traces = 0;
  // Traces that have an equal one in another group.
  int64_t repeated_across_groups = 0;
  // Sets of equal traces that carry more than one label.
  int64_t ambiguous_sets = 0;

  std::vector<std::string> warnings;  // "what; remedy"
};

// Fills every field that depends on the traces alone, and adds the warnings
// that follow from them. The traces must be clean: cells in {-1, 0, 1}, no
// trace empty, times only at cells.
void Describe(const Traces& traces, Report* report);

nlohmann::json ToJson(const Report& report);

// Several lines for a terminal, ending in a newline.
std::string FormatReport(const Report& report);

// The manifest of a native file: what to keep beside it. `digest` is the
// SHA-256 of NativeBytes; `licence` is free text, "" if not given.
nlohmann::json Manifest(const Report& report, const std::string& name,
                        const std::string& digest, const std::string& licence);

}  // namespace dfsweep::data

#endif  // DFSWEEP_MODEL_DATA_REPORT_H_
