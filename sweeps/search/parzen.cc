#include "sweeps/search/parzen.h"

#include <algorithm>
#include <cmath>
#include <numbers>
#include <numeric>

namespace dfsweep::sweeps {
namespace {

// The standard normal distribution function.
double Phi(double x) { return 0.5 * std::erfc(-x / std::numbers::sqrt2); }

double MassBetween(double low, double high, double mean, double deviation) {
  return Phi((high - mean) / deviation) - Phi((low - mean) / deviation);
}

// A kernel is as wide as the larger distance to its neighbours, the prior's
// mean among them; the outermost ones look to their one neighbour.
std::vector<double> Deviations(const Line& line,
                               const std::vector<double>& values) {
  std::vector<double> means = values;
  means.push_back((line.low + line.high) / 2);
  std::vector<size_t> order(means.size());
  std::iota(order.begin(), order.end(), 0);
  std::stable_sort(order.begin(), order.end(),
                   [&](size_t a, size_t b) { return means[a] < means[b]; });
  const double width = line.high - line.low;
  const double narrowest =
      width / std::min(100.0, static_cast<double>(values.size()) + 2);
  std::vector<double> deviations(means.size());
  for (size_t i = 0; i < order.size(); ++i) {
    const double mean = means[order[i]];
    const bool is_first = i == 0;
    const bool is_last = i + 1 == order.size();
    const double left = is_first ? line.low : means[order[i - 1]];
    const double right = is_last ? line.high : means[order[i + 1]];
    double distance = std::max(mean - left, right - mean);
    if (order.size() > 1 && is_first) distance = right - mean;
    if (order.size() > 1 && is_last) distance = mean - left;
    deviations[order[i]] = std::clamp(distance, narrowest, width);
  }
  deviations.back() = width;  // the prior's own
  return deviations;
}

}  // namespace

std::vector<double> KernelWeights(size_t count) {
  constexpr size_t kFull = 25;
  std::vector<double> weights(count + 1, 1.0);
  if (count > kFull) {
    const size_t ramp = count - kFull;
    const double first = 1.0 / static_cast<double>(count);
    for (size_t i = 0; i < ramp; ++i) {
      const double part =
          ramp == 1 ? 0
                    : static_cast<double>(i) / static_cast<double>(ramp - 1);
      weights[i] = first + part * (1 - first);
    }
  }
  const double sum = std::accumulate(weights.begin(), weights.end(), 0.0);
  for (double& weight : weights) weight /= sum;
  return weights;
}

NumericParzen::NumericParzen(const Line& line,
                             const std::vector<double>& values)
    : line_(line) {
  const std::vector<double> weights = KernelWeights(values.size());
  const std::vector<double> deviations = Deviations(line, values);
  for (size_t i = 0; i <= values.size(); ++i) {
    const double mean =
        i < values.size() ? values[i] : (line.low + line.high) / 2;
    kernels_.push_back({weights[i], mean, deviations[i],
                        MassBetween(line.low, line.high, mean, deviations[i])});
  }
}

// A kernel has its mean on the line and is no wider than it, so that at least a
// third of its mass is there, and rejection soon ends.
double NumericParzen::Sample(Stream& stream) const {
  std::vector<double> weights;
  for (const Kernel& kernel : kernels_) weights.push_back(kernel.weight);
  const Kernel& kernel = kernels_[stream.Index(weights)];
  while (true) {
    const double value = kernel.mean + kernel.deviation * stream.Normal();
    if (value >= line_.low && value <= line_.high) return value;
  }
}

double NumericParzen::LogDensity(double value) const {
  double density = 0;
  for (const Kernel& kernel : kernels_) {
    double own = 0;
    if (line_.step > 0) {
      own = MassBetween(value - line_.step / 2, value + line_.step / 2,
                        kernel.mean, kernel.deviation);
    } else {
      const double z = (value - kernel.mean) / kernel.deviation;
      own = std::exp(-z * z / 2) /
            (kernel.deviation * std::sqrt(2 * std::numbers::pi));
    }
    density += kernel.weight * own / kernel.mass;
  }
  return std::log(density);
}

std::vector<double> CategoricalParzen(size_t count,
                                      const std::vector<size_t>& choices) {
  const std::vector<double> weights = KernelWeights(choices.size());
  const double kernels = static_cast<double>(weights.size());
  // Each kernel: 1/kernels for every choice, and 1 more for its own.
  const double uniform = 1 / kernels;
  const double sum = uniform * static_cast<double>(count) + 1;
  std::vector<double> probabilities(
      count, weights.back() / static_cast<double>(count));
  for (size_t i = 0; i < choices.size(); ++i) {
    for (double& probability : probabilities) {
      probability += weights[i] * uniform / sum;
    }
    probabilities[choices[i]] += weights[i] / sum;
  }
  return probabilities;
}

}  // namespace dfsweep::sweeps
