// The sweep file: YAML text plus command-line overrides -> a checked Sweep.
// docs/sweep-file.md is the guide for people. All functions are pure and
// thread-safe: the same text and overrides give the same Sweep everywhere.
#ifndef DFSWEEP_SWEEPS_SWEEP_FILE_H_
#define DFSWEEP_SWEEPS_SWEEP_FILE_H_

#include <cstdint>
#include <map>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/status.h"
#include "sweeps/range.h"

namespace dfsweep::sweeps {

using Json = nlohmann::json;

inline constexpr size_t kMaxFileBytes = 1 << 20;

// `parameter` has one of `values` (normal forms, see config::Normalize).
struct Condition {
  std::string parameter;
  std::vector<Json> values;
  std::string where;  // file:line:column, or the override
};

// Holds when every condition does.
using Match = std::vector<Condition>;

// Parameters that vary together: one parameter's list, a zip, or a list of
// mappings. A fixed value is an axis of one choice.
struct Axis {
  // Partial points, e.g. {"ewc.lambda": 1e6}. Of a range: its two ends.
  std::vector<Json> choices;
  std::optional<Range> range;  // random and tpe only: draw from it instead
  Match when;                  // elsewhere in the grid the axis is left out
  std::string where;
};

// A point of `include`: a partial configuration.
struct IncludedPoint {
  Json point;
  std::string where;
};

struct ExcludedPoints {
  Match match;
  std::string where;
};

struct Metric {
  std::string name = "validation_average_accuracy";
  bool maximize = true;
  std::string where;
};

// How the results table looks unless the command line says otherwise.
struct Report {
  std::vector<std::string> group_by;  // parameters
  std::vector<std::string> columns;   // metrics and parameters; may be empty
  std::vector<std::string> sort;      // columns; "-" before one: descending
  Json baseline = Json::object();     // partial configuration; empty: none
};

struct Requirements {
  std::string device = "any";  // cpu | cuda | any
  double memory_gib = 0;       // of the device; 0: not stated
};

// Which points of the space are tried.
enum class Method {
  kGrid,    // all
  kRandom,  // drawn independently (Bergstra, Bengio 2012)
  kTpe,     // drawn where earlier results were good (Bergstra et al. 2011)
};

struct Search {
  Method method = Method::kGrid;
  int64_t trials = 0;  // distinct points to draw; 0 for grid
  int64_t seed = 0;    // of the draws; the trials have seeds of their own
};

// How trials that look worse than others are stopped before their end.
struct EarlyTerminate {
  enum class Type {
    kNone,
    kMedian,  // Golovin et al. 2017, section 3.2.2
    kAsha,    // Li et al. 2020
  };
  Type type = Type::kNone;
  int64_t min_iter = 1;  // epochs, all tasks together, that every trial gets
  int64_t eta = 3;       // asha: one of so many goes on to eta times the epochs
  std::string metric = "validation_accuracy";  // that each epoch reports
  bool maximize = true;
};

struct Sweep {
  std::string name;
  std::string dataset;  // as written: a name, name@digest or path
  Search search;
  EarlyTerminate early_terminate;
  Metric metric;
  std::vector<int64_t> seeds;  // distinct, in the order given
  // The first seed decides which configurations are worth the others.
  bool survivors_only = false;
  std::vector<Axis> axes;  // in file order; zips last
  std::vector<IncludedPoint> include;
  std::vector<ExcludedPoints> exclude;
  Report report;
  Requirements requires_;            // `requires` is a C++ keyword
  std::map<std::string, int> retry;  // cause -> budget; only those given
  int64_t priority = 0;

  // What it was parsed from. Kept so that the coordinator can parse it again.
  std::string text;
  std::string file_name;
  std::vector<std::string> overrides;
};

// Checks everything that can be checked without the dataset. `file_name` is
// used in messages, and its stem is the sweep's name if the file gives none.
// `overrides` are `key=value,value` and `key+=value`, applied in order.
// Errors (three parts, with file:line:column or the override as the place):
// kInvalidArgument.
absl::StatusOr<Sweep> ParseSweep(std::string_view text,
                                 std::string_view file_name,
                                 std::vector<std::string> overrides);

}  // namespace dfsweep::sweeps

#endif  // DFSWEEP_SWEEPS_SWEEP_FILE_H_
