#include "sweeps/search/parzen.h"

#include <algorithm>
#include <cmath>
#include <numbers>
#include <numeric>
#include <utility>

namespace dfsweep::sweeps {
namespace {

// The standard normal distribution function.
double Phi(double x) { return 0.5 * std::erfc(-x / std::numbers::sqrt2); }

double MassBetween(double low, double high, double mean, double deviation) {
  return Phi((high - mean) / deviation) - Phi((low - mean) / deviation);
}

// A kernel is as wide as the larger distance to its neighbours; the outermost
// ones look to their one neighbour, a lonely one to the ends of the line.
std::vector<double> Deviations(const Line& line,
                               const std::vector<double>& means) {
  std::vector<size_t> order(means.size());
  std::iota(order.begin(), order.end(), 0);
  std::stable_sort(order.begin(), order.end(),
                   [&](size_t a, size_t b) { return means[a] < means[b]; });
  const double width = line.high - line.low;
  const double narrowest =
      width / std::min(100.0, static_cast<double>(means.size()) + 2);
  std::vector<double> deviations(means.size());
  for (size_t i = 0; i < order.size(); ++i) {
    const double mean = means[order[i]];
    const bool is_first = i == 0;
    const bool is_last = i + 1 == order.size();
    const double left = mean - (is_first ? line.low : means[order[i - 1]]);
    const double right = (is_last ? line.high : means[order[i + 1]]) - mean;
    double distance = std::max(left, right);
    if (order.size() > 1 && is_first) distance = right;
    if (order.size() > 1 && is_last) distance = left;
    deviations[order[i]] = std::clamp(distance, narrowest, width);
  }
  return deviations;
}

std::vector<Parzen::Factor> NormalFactors(const Line& line,
                                          std::vector<double> means) {
  std::vector<double> deviations = Deviations(line, means);
  means.push_back((line.low + line.high) / 2);  // the prior
  deviations.push_back(line.high - line.low);
  std::vector<Parzen::Factor> factors;
  for (size_t i = 0; i < means.size(); ++i) {
    factors.push_back(
        {means[i], deviations[i],
         MassBetween(line.low, line.high, means[i], deviations[i])});
  }
  return factors;
}

std::vector<Parzen::Factor> ChoiceFactors(const std::vector<double>& choices) {
  std::vector<Parzen::Factor> factors;
  for (double choice : choices) factors.push_back({.center = choice});
  factors.push_back({.center = -1});
  return factors;
}

// The nearest step, if the line has any.
double OnStep(const Line& line, double value) {
  if (line.step == 0) return value;
  const double first = line.low + line.step / 2;
  const double step = std::round((value - first) / line.step);
  return std::clamp(first + step * line.step, first, line.high - line.step / 2);
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

Parzen::Parzen(std::vector<Dimension> dimensions,
               const std::vector<Place>& seen)
    : dimensions_(std::move(dimensions)), weights_(KernelWeights(seen.size())) {
  for (size_t i = 0; i < dimensions_.size(); ++i) {
    std::vector<double> coordinates;
    for (const Place& place : seen) coordinates.push_back(place[i]);
    factors_.push_back(dimensions_[i].choices > 0
                           ? ChoiceFactors(coordinates)
                           : NormalFactors(dimensions_[i].line, coordinates));
  }
}

Place Parzen::Sample(Stream& stream) const {
  const size_t kernel = stream.Index(weights_);
  Place place;
  for (size_t i = 0; i < dimensions_.size(); ++i) {
    place.push_back(SampleFactor(i, factors_[i][kernel], stream));
  }
  return place;
}

double Parzen::LogDensity(const Place& place) const {
  double density = 0;
  for (size_t kernel = 0; kernel < weights_.size(); ++kernel) {
    double own = weights_[kernel];
    for (size_t i = 0; i < dimensions_.size(); ++i) {
      own *= Density(i, factors_[i][kernel], place[i]);
    }
    density += own;
  }
  return std::log(density);
}

double Parzen::Density(size_t dimension, const Factor& factor,
                       double value) const {
  const auto& [choices, line] = dimensions_[dimension];
  if (choices > 0) {
    const auto count = static_cast<double>(choices);
    if (factor.center < 0) return 1 / count;
    const double share = 1 / static_cast<double>(weights_.size());
    return (share + (value == factor.center ? 1 : 0)) / (share * count + 1);
  }
  if (line.step > 0) {
    return MassBetween(value - line.step / 2, value + line.step / 2,
                       factor.center, factor.deviation) /
           factor.mass;
  }
  const double z = (value - factor.center) / factor.deviation;
  return std::exp(-z * z / 2) /
         (factor.deviation * std::sqrt(2 * std::numbers::pi)) / factor.mass;
}

double Parzen::SampleFactor(size_t dimension, const Factor& factor,
                            Stream& stream) const {
  const auto& [choices, line] = dimensions_[dimension];
  if (choices > 0) {
    std::vector<double> probabilities;
    for (size_t i = 0; i < choices; ++i) {
      probabilities.push_back(
          Density(dimension, factor, static_cast<double>(i)));
    }
    return static_cast<double>(stream.Index(probabilities));
  }
  // It has its mean on the line and is no wider than it, so that at least a
  // third of its mass is there, and rejection soon ends.
  while (true) {
    const double value = factor.center + factor.deviation * stream.Normal();
    if (value >= line.low && value <= line.high) return OnStep(line, value);
  }
}

}  // namespace dfsweep::sweeps
