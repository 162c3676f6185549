#include "coordinator/results/statistics.h"

#include <gtest/gtest.h>

#include <cmath>

namespace dfsweep::coordinator {
namespace {

TEST(StudentT975, AgreesWithScipy) {
  // scipy.stats.t.ppf(0.975, degrees) of SciPy 1.17.
  const std::pair<int64_t, double> expected[] = {
      {1, 12.706204736174694},    {2, 4.302652729749462},
      {3, 3.1824463052837078},    {4, 2.7764451051977934},
      {5, 2.5705818356363146},    {9, 2.262157162798205},
      {10, 2.228138851986274},    {29, 2.045229642132703},
      {30, 2.0422724563012378},   {31, 2.039513446396408},
      {100, 1.9839715185235518},  {1000, 1.9623390808264083},
      {99999, 1.9599877077718442}};
  for (const auto& [degrees, quantile] : expected) {
    EXPECT_NEAR(StudentT975(degrees) / quantile, 1, 1e-9) << degrees;
  }
}

TEST(Summarize, DividesByNMinusOneAndGivesTheStudentInterval) {
  Summary summary = Summarize({0.70, 0.72, 0.77});

  EXPECT_EQ(summary.n, 3);
  EXPECT_NEAR(summary.mean, 0.73, 1e-15);
  EXPECT_NEAR(*summary.sd, 0.036055512754639890, 1e-15);
  // scipy: t.interval(.95, 2, .73, sem([.70, .72, .77]))[1] - .73
  EXPECT_NEAR(*summary.half_width, 0.089566858950302, 1e-12);
}

TEST(Summarize, OneSeedHasNoDeviation) {
  Summary summary = Summarize({0.5});

  EXPECT_EQ(summary.n, 1);
  EXPECT_EQ(summary.mean, 0.5);
  EXPECT_FALSE(summary.sd.has_value());
  EXPECT_FALSE(summary.half_width.has_value());
}

TEST(Summarize, EqualSeedsHaveNoWidth) {
  Summary summary = Summarize({0.25, 0.25});

  EXPECT_EQ(summary.sd, 0);
  EXPECT_EQ(summary.half_width, 0);
}

TEST(Summarize, NothingIsNothing) { EXPECT_EQ(Summarize({}).n, 0); }

}  // namespace
}  // namespace dfsweep::coordinator
