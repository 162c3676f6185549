#include "model/metrics/classification.h"

#include <gtest/gtest.h>

namespace dfsweep::model {
namespace {

double MacroF1Of(const std::vector<int64_t>& truth,
                 const std::vector<int64_t>& predicted) {
  return MacroF1(Confusion(truth, predicted));
}

TEST(MacroF1, CountsClassesOfTheTestSetOnly) {
  // Class 0: 1 of 2 found, nothing wrongly: 2/3. Class 1: found, and one more
  // said: 2/3. Class 2 occurs in predictions only.
  EXPECT_NEAR(MacroF1Of({0, 0, 1}, {0, 1, 1}), 2. / 3, 1e-12);
  EXPECT_NEAR(MacroF1Of({0, 0, 1}, {0, 2, 1}), (2. / 3 + 1) / 2, 1e-12);
  EXPECT_EQ(MacroF1Of({0}, {1}), 0);
}

TEST(Confusion, CountsPairs) {
  EXPECT_EQ(Confusion({0, 0, 1, 0}, {0, 2, 1, 2}),
            (ConfusionMatrix{{{0, 0}, 1}, {{0, 2}, 2}, {{1, 1}, 1}}));
}

TEST(ClassAccuracy, IsTheShareOfEachClassOfTheTruth) {
  EXPECT_EQ(ClassAccuracy(Confusion({0, 0, 1, 0}, {0, 2, 1, 2})),
            (std::map<int64_t, double>{{0, 1. / 3}, {1, 1.}}));
}

}  // namespace
}  // namespace dfsweep::model
