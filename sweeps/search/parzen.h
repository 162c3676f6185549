// Adaptive Parzen estimators: densities around values that were seen (Bergstra,
// Bardenet, Bengio, Kégl 2011, "Algorithms for Hyper-Parameter Optimization",
// section 4), with the choices that Optuna's TPESampler makes by default for
// weights, bandwidths and the prior. Pure and thread-safe, except Sample's
// stream.
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

// A mixture of normal distributions cut off at the ends of a line, one a value
// seen, and a wide one in the middle: the prior.
class NumericParzen {
 public:
  // `values` on the line, oldest first.
  NumericParzen(const Line& line, const std::vector<double>& values);

  double Sample(Stream& stream) const;
  // Logarithm of the density; of the probability, if the line has steps.
  double LogDensity(double value) const;

  struct Kernel {
    double weight;
    double mean;
    double deviation;
    double mass;  // of the whole normal distribution that is on the line
  };
  const std::vector<Kernel>& kernels() const { return kernels_; }

 private:
  Line line_;
  std::vector<Kernel> kernels_;
};

// Probabilities of `count` choices after `choices` were seen, oldest first: a
// mixture of kernels that each give their own choice the weight 1 more.
std::vector<double> CategoricalParzen(size_t count,
                                      const std::vector<size_t>& choices);

}  // namespace dfsweep::sweeps

#endif  // DFSWEEP_SWEEPS_SEARCH_PARZEN_H_
