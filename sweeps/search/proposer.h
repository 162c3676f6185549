// The next point of a search: what random and tpe have instead of a grid.
#ifndef DFSWEEP_SWEEPS_SEARCH_PROPOSER_H_
#define DFSWEEP_SWEEPS_SEARCH_PROPOSER_H_

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_set>
#include <vector>

#include "base/status.h"
#include "sweeps/search/tpe.h"
#include "sweeps/sweep_file.h"

namespace dfsweep::sweeps {

// A function of the sweep, the number of the point and what is observed: it
// has no state of its own, so that whoever is restarted goes on alike.
// Thread-safe. The sweep outlives it.
class Proposer {
 public:
  // kInvalidArgument for `when`s in a circle.
  static absl::StatusOr<Proposer> Make(const Sweep& sweep);

  // The effective configuration of the point `index` (from 0) that `exclude`
  // leaves and whose canonical JSON is not in `seen`; empty if a thousand
  // draws found none: the space has hardly any left. `observations` are in the
  // order of the points; random has no use for them. kInvalidArgument for a
  // point that is no valid configuration.
  absl::StatusOr<std::optional<Json>> Propose(
      int64_t index, const std::vector<Observation>& observations,
      const std::unordered_set<std::string>& seen) const;

 private:
  Proposer(const Sweep& sweep, std::vector<size_t> order)
      : sweep_(&sweep), order_(std::move(order)) {}

  Stream StreamOf(int64_t index, int attempt, std::string_view name) const;
  // One point, right or not: at random, or from what is known. Parameters that
  // every point has are suggested together, others one after another.
  Json Draw(int64_t index, int attempt) const;
  Json SuggestPoint(int64_t index, int attempt, const Split& split) const;
  Json DrawAxis(const Axis& axis, Stream& stream) const;

  const Sweep* sweep_;
  std::vector<size_t> order_;  // of the axes
};

}  // namespace dfsweep::sweeps

#endif  // DFSWEEP_SWEEPS_SEARCH_PROPOSER_H_
