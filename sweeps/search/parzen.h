// Adaptive Parzen estimators: densities around points that were seen (Bergstra,
// Bardenet, Bengio, Kégl 2011, "Algorithms for Hyper-Parameter Optimization",
// section 4; for several parameters together: Falkner, Klein, Hutter 2018,
// "BOHB", section 3.2), with the weights, bandwidths and prior that Optuna 5's
// TPESampler has by default. Pure and thread-safe, except Sample's stream.
#ifndef DFSWEEP_SWEEPS_SEARCH_PARZEN_H_
#define DFSWEEP_SWEEPS_SEARCH_PARZEN_H_

#include <cstddef>
#include <vector>

#include "sweeps/range.h"
#include "sweeps/search/stream.h"

namespace dfsweep::sweeps {

// Weights of the kernels of `count` observations, oldest first, and of the
// prior, which is last; their sum is 1. The newest 25 observations count fully,
// older ones on a ramp from 1/count to 1 (Bergstra, Yamins, Cox 2013,
// "linear forgetting").
std::vector<double> KernelWeights(size_t count);

// What a coordinate of a point is.
struct Dimension {
  size_t choices = 0;  // it is one of 0 … choices - 1; if 0, a place on `line`
  Line line;
};
using Place = std::vector<double>;  // a coordinate a dimension

// A mixture of kernels, one a point seen, and a wide one: the prior. A kernel
// is a product: normal distributions cut off at the ends of a line, and for
// choices its own one 1 more likely than a share of the others.
class Parzen {
 public:
  // `seen` oldest first.
  Parzen(std::vector<Dimension> dimensions, const std::vector<Place>& seen);

  Place Sample(Stream& stream) const;
  // Logarithm of the density; of the probability, where coordinates have steps
  // or are choices.
  double LogDensity(const Place& place) const;

  // What a kernel is in one dimension.
  struct Factor {
    double center = 0;     // mean, or its own choice; prior of choices: -1
    double deviation = 0;  // of the normal distribution
    double mass = 1;       // of it, that is on the line
  };
  // Of a dimension, a kernel each, the prior last.
  const std::vector<Factor>& factors(size_t dimension) const {
    return factors_[dimension];
  }

 private:
  double Density(size_t dimension, const Factor& factor, double value) const;
  double SampleFactor(size_t dimension, const Factor& factor,
                      Stream& stream) const;

  std::vector<Dimension> dimensions_;
  std::vector<double> weights_;  // a kernel each
  std::vector<std::vector<Factor>> factors_;
};

}  // namespace dfsweep::sweeps

#endif  // DFSWEEP_SWEEPS_SEARCH_PARZEN_H_
