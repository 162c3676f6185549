#include "model/train/random.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <numeric>
#include <set>

namespace dfsweep::model {
namespace {

// Random123's known-answer vectors (tests/kat_vectors, philox4x32 10).
TEST(Philox, GivesTheKnownAnswers) {
  EXPECT_EQ(Philox4x32({0, 0, 0, 0}, {0, 0}),
            (PhiloxBlock{0x6627e8d5, 0xe169c58d, 0xbc57ac4c, 0x9b00dbd8}));
  EXPECT_EQ(Philox4x32({0xffffffff, 0xffffffff, 0xffffffff, 0xffffffff},
                       {0xffffffff, 0xffffffff}),
            (PhiloxBlock{0x408f276d, 0x41c83b0e, 0xa20bc7c6, 0x6d5451fd}));
  EXPECT_EQ(Philox4x32({0x243f6a88, 0x85a308d3, 0x13198a2e, 0x03707344},
                       {0xa4093822, 0x299f31d0}),
            (PhiloxBlock{0xd16cfe09, 0x94fdcceb, 0x5001e420, 0x24126ea1}));
}

TEST(Stream, DependsOnEveryCoordinate) {
  std::set<uint64_t> firsts;
  for (auto stream :
       {Stream(1, Purpose::kSplit), Stream(2, Purpose::kSplit),
        Stream(1ull << 32, Purpose::kSplit), Stream(1, Purpose::kShuffle),
        Stream(1, Purpose::kSplit, 1), Stream(1, Purpose::kSplit, 0, 1),
        Stream(1, Purpose::kSplit, 0, 0, 1)}) {
    firsts.insert(stream.Next64());
  }
  EXPECT_EQ(firsts.size(), 7u);
}

TEST(Stream, RepeatsItself) {
  Stream a(7, Purpose::kDropout, 1, 2, 3), b(7, Purpose::kDropout, 1, 2, 3);
  for (int i = 0; i < 100; ++i) EXPECT_EQ(a.Next(), b.Next());
}

TEST(Stream, BlocksAreTheSequence) {
  Stream stream(3, Purpose::kDropout);
  for (uint64_t block = 0; block < 3; ++block) {
    PhiloxBlock numbers = Stream(3, Purpose::kDropout).Block(block);
    for (uint32_t number : numbers) EXPECT_EQ(stream.Next(), number);
  }
}

TEST(Stream, BelowIsUniform) {
  Stream stream(0, Purpose::kSplit);
  std::array<int, 5> counts{};
  for (int i = 0; i < 50000; ++i) ++counts[stream.Below(5)];
  for (int count : counts) EXPECT_NEAR(count, 10000, 400);  // 4.5 sigma
}

TEST(Stream, UniformLiesInTheUnitInterval) {
  Stream stream(0, Purpose::kSplit);
  double sum = 0;
  for (int i = 0; i < 10000; ++i) {
    double value = stream.Uniform();
    ASSERT_GE(value, 0);
    ASSERT_LT(value, 1);
    sum += value;
  }
  EXPECT_NEAR(sum / 10000, 0.5, 0.013);
}

TEST(Stream, ShufflePermutes) {
  std::vector<int64_t> values(100), sorted(100);
  std::iota(values.begin(), values.end(), 0);
  sorted = values;
  Stream(0, Purpose::kShuffle).Shuffle(values);
  EXPECT_NE(values, sorted);
  std::sort(values.begin(), values.end());
  EXPECT_EQ(values, sorted);
}

}  // namespace
}  // namespace dfsweep::model
