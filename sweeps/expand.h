// A Sweep -> the ordered list of its trials. Pure and thread-safe.
#ifndef DFSWEEP_SWEEPS_EXPAND_H_
#define DFSWEEP_SWEEPS_EXPAND_H_

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/status.h"
#include "sweeps/sweep_file.h"

namespace dfsweep::sweeps {

inline constexpr int64_t kMaxTrials = 1'000'000;
// A configuration takes about 4 KB in memory, a trial about 150 bytes.
inline constexpr int64_t kMaxConfigurations = 100'000;

struct Trial {
  std::string id;  // see TrialId in sweeps/identity.h
  // Effective (see config::Effective). Shared by the trials that differ in
  // nothing but the seed; never null, never changed.
  std::shared_ptr<const Json> configuration;
  int64_t seed = 0;
  int64_t index = 0;  // position in the sweep, from 0
};

struct Expansion {
  // Included points first, then the grid with the first axis slowest, or the
  // points that are drawn ahead of results; seeds innermost. Every id is there
  // once.
  std::vector<Trial> trials;

  // Points, that is, seeds not counted.
  double grid_size = 0;    // product of all axes, as if no `when` were there
  int64_t after_when = 0;  // points of the grid that the `when`s leave
  int64_t excluded = 0;    // of these, removed by `exclude`
  int64_t included = 0;    // extra points of `include`
  int64_t drawn = 0;       // points of a search, of these
  int64_t configurations = 0;  // distinct ones

  std::vector<int64_t> when_hits;     // per axis: points where `when` held
  std::vector<int64_t> exclude_hits;  // per entry of `exclude`
};

// `dataset_digest` is the SHA-256 of the dataset that `sweep.dataset` names.
// kInvalidArgument for a point that is no valid configuration (the error names
// it), for `when`s in a circle, and above the limits.
absl::StatusOr<Expansion> Expand(const Sweep& sweep,
                                 std::string_view dataset_digest);

// The same, but with points drawn at random for those that tpe will draw from
// results, and with all seeds: the most that the sweep may come to.
absl::StatusOr<Expansion> ExpandOutlook(const Sweep& sweep,
                                        std::string_view dataset_digest);

// Whether results decide about further trials of the sweep.
bool IsDecidedByResults(const Sweep& sweep);

// Whether its expansion may not have all of its trials.
bool MayGrow(const Sweep& sweep);

// The seeds that every configuration is trained with.
std::vector<int64_t> FirstSeeds(const Sweep& sweep);

// How many points of a search are known before any result: all of random, and
// those that tpe starts with.
int64_t PointsDrawnAhead(const Search& search);

// Appends the configuration's trials, one a seed. `canonical` is its canonical
// JSON.
void AppendTrials(const std::shared_ptr<const Json>& configuration,
                  std::string_view canonical, std::string_view dataset_digest,
                  const std::vector<int64_t>& seeds,
                  std::vector<Trial>& trials);

// A content hash of everything the sweep asks for: its name, trials, metric,
// report, requirements, retry budgets and priority. Comments, notation and
// order don't count. Two submissions with the same digest are the same sweep,
// so the second goes on with the first.
std::string SweepDigest(const Sweep& sweep, const Expansion& expansion);

}  // namespace dfsweep::sweeps

#endif  // DFSWEEP_SWEEPS_EXPAND_H_
