#include "coordinator/results/statistics.h"

#include <cmath>

namespace dfsweep::coordinator {
namespace {

// Continued fraction of the incomplete beta function by Lentz's method
// (Abramowitz & Stegun 26.5.8); converges fast for x < (a + 1) / (a + b + 2).
double BetaFraction(double a, double b, double x) {
  constexpr double kTiny = 1e-300;
  constexpr double kEnough = 1e-15;
  auto away_from_zero = [](double value) {
    return std::abs(value) < kTiny ? kTiny : value;
  };
  double c = 1;
  double d = 1 / away_from_zero(1 - (a + b) * x / (a + 1));
  double fraction = d;
  for (int m = 1; m <= 1000; ++m) {
    for (bool even : {true, false}) {
      double term =
          even ? m * (b - m) * x / ((a + 2 * m - 1) * (a + 2 * m))
               : -(a + m) * (a + b + m) * x / ((a + 2 * m) * (a + 2 * m + 1));
      d = 1 / away_from_zero(1 + term * d);
      c = away_from_zero(1 + term / c);
      fraction *= c * d;
    }
    if (std::abs(c * d - 1) < kEnough) break;
  }
  return fraction;
}

// The regularised incomplete beta function I_x(a, b).
double IncompleteBeta(double a, double b, double x) {
  double front = std::exp(std::lgamma(a + b) - std::lgamma(a) - std::lgamma(b) +
                          a * std::log(x) + b * std::log1p(-x));
  return x < (a + 1) / (a + b + 2) ? front * BetaFraction(a, b, x) / a
                                   : 1 - front * BetaFraction(b, a, 1 - x) / b;
}

// P(|T| > t) of Student's t.
double TwoSidedTail(double t, double degrees) {
  double x = degrees / (degrees + t * t);
  return IncompleteBeta(degrees / 2, 0.5, x);
}

double FindQuantile(double degrees) {
  double low = 1.9;  // below the normal distribution's 1.96
  double high = 13;  // above one degree's 12.7
  for (int i = 0; i < 60; ++i) {
    double middle = (low + high) / 2;
    (TwoSidedTail(middle, degrees) > 0.05 ? low : high) = middle;
  }
  return (low + high) / 2;
}

std::vector<double> FirstQuantiles() {
  std::vector<double> quantiles = {0};
  for (int degrees = 1; degrees <= 100; ++degrees) {
    quantiles.push_back(FindQuantile(degrees));
  }
  return quantiles;
}

}  // namespace

double StudentT975(int64_t degrees) {
  static const auto& first = *new std::vector<double>(FirstQuantiles());
  return degrees < static_cast<int64_t>(first.size())
             ? first[degrees]
             : FindQuantile(static_cast<double>(degrees));
}

Summary Summarize(const std::vector<double>& values) {
  Summary summary;
  summary.n = static_cast<int64_t>(values.size());
  if (values.empty()) return summary;
  auto n = static_cast<double>(summary.n);
  double sum = 0;
  for (double value : values) sum += value;
  summary.mean = sum / n;
  if (summary.n < 2) return summary;
  double squares = 0;
  for (double value : values) {
    squares += (value - summary.mean) * (value - summary.mean);
  }
  summary.sd = std::sqrt(squares / (n - 1));
  summary.half_width = StudentT975(summary.n - 1) * *summary.sd / std::sqrt(n);
  return summary;
}

}  // namespace dfsweep::coordinator
