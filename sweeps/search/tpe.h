// The tree-structured Parzen estimator (Bergstra, Bardenet, Bengio, Kégl 2011,
// "Algorithms for Hyper-Parameter Optimization", section 4): two densities, l
// of the good points and g of the others, and the candidate drawn from l with
// the largest l/g, which has the largest expected improvement (equation 3
// there). Pure and thread-safe, except the streams.
#ifndef DFSWEEP_SWEEPS_SEARCH_TPE_H_
#define DFSWEEP_SWEEPS_SEARCH_TPE_H_

#include <cstddef>
#include <memory>
#include <vector>

#include "sweeps/search/stream.h"
#include "sweeps/sweep_file.h"

namespace dfsweep::sweeps {

// Points that are drawn at random before the estimator knows enough.
inline constexpr int64_t kStartupPoints = 10;

// What is known of a configuration that was tried or is being tried.
struct Observation {
  enum class Outcome {
    kOpen,       // no seed has ended yet
    kCompleted,  // some seed has a result
    kPruned,     // stopped early, no seed has a result
    kDiverged,   // NaN
  };
  std::shared_ptr<const Json> configuration;  // effective; never null
  Outcome outcome = Outcome::kOpen;
  double loss = 0;      // smaller is better; mean over the seeds
  double progress = 0;  // of a pruned one: 0 … 1, how far it got
};

// The points below the quantile of the losses, and all others. Both keep the
// order of the observations.
struct Split {
  std::vector<const Json*> below;
  std::vector<const Json*> above;
};

// The best tenth, rounded up and at most 25, is below. Completed points rank by
// loss, then pruned ones by how far they got, then diverged ones. Open ones are
// above ("constant liar", Ginsbourger et al. 2010), so that workers that ask at
// the same time are not sent to the same place.
Split SplitByLoss(const std::vector<Observation>& observations);

// How many observations have an outcome to learn from.
int64_t Ended(const std::vector<Observation>& observations);

// Whether every point says something of the axis, so that it can be suggested
// together with others.
bool IsDecidedEverywhere(const Axis& axis, const Split& split);

// The best candidate for these axes together, as a partial point. Points that
// leave one of them undecided say nothing.
Json Suggest(const std::vector<const Axis*>& axes, const Split& split,
             Stream& stream);

}  // namespace dfsweep::sweeps

#endif  // DFSWEEP_SWEEPS_SEARCH_TPE_H_
