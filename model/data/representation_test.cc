#include "model/data/representation.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <vector>

namespace dfsweep::data {
namespace {

using ::testing::ElementsAre;

// The last three cells of the row are padding; the first is at time 0.
const std::vector<int8_t> kDirections = {-1, 1, -1, -1, 1, 0, 0, 0};
const std::vector<float> kTimes = {0, .5, .75, 2, 2, 0, 0, 0};

std::vector<float> Of(Representation representation, size_t length) {
  std::vector<float> out(length, 99);
  Represent(representation, kDirections, kTimes, out);
  return out;
}

TEST(Represent, DirectionsAreTheCells) {
  EXPECT_THAT(Of(Representation::kDirection, 8),
              ElementsAre(-1, 1, -1, -1, 1, 0, 0, 0));
}

TEST(Represent, TimedIsTimeTimesDirection) {
  EXPECT_THAT(Of(Representation::kTimed, 8),
              ElementsAre(0, .5, -.75, -2, 2, 0, 0, 0));
}

TEST(Represent, CumulativeIsTheSumSoFarAndEndsWithTheTrace) {
  EXPECT_THAT(Of(Representation::kCumulative, 8),
              ElementsAre(-1, 0, -1, -2, -1, 0, 0, 0));
}

TEST(Represent, CutsAndPadsToTheLengthOfTheOutput) {
  EXPECT_THAT(Of(Representation::kDirection, 2), ElementsAre(-1, 1));
  EXPECT_THAT(Of(Representation::kTimed, 3), ElementsAre(0, .5, -.75));
  EXPECT_THAT(Of(Representation::kCumulative, 10),
              ElementsAre(-1, 0, -1, -2, -1, 0, 0, 0, 0, 0));
}

// The same trace in longer rows is the same input.
TEST(Represent, DoesNotDependOnThePaddingOfTheRow) {
  std::vector<int8_t> longer = kDirections;
  longer.resize(50);
  std::vector<float> out(10, 99),
      expected = Of(Representation::kCumulative, 10);
  Represent(Representation::kCumulative, longer, {}, out);
  EXPECT_EQ(out, expected);
}

TEST(Represent, AZeroBetweenCellsKeepsTheSum) {
  const std::vector<int8_t> gap = {1, 1, 0, 1};
  std::vector<float> out(4);
  Represent(Representation::kCumulative, gap, {}, out);
  EXPECT_THAT(out, ElementsAre(1, 2, 2, 3));
}

TEST(Represent, AnEmptyRowIsAllPadding) {
  std::vector<float> out(3, 99);
  Represent(Representation::kTimed, {}, {}, out);
  EXPECT_THAT(out, ElementsAre(0, 0, 0));
}

}  // namespace
}  // namespace dfsweep::data
