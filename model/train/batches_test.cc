#include "model/train/batches.h"

#include <gtest/gtest.h>

#include "model/config/error.h"

namespace dfsweep::model {
namespace {

using Sizes = std::vector<int64_t>;

TEST(BatchSizes, KeepTheIncompleteLast) {
  EXPECT_EQ(BatchSizes(10, 4, false), Sizes({4, 4, 2}));
  EXPECT_EQ(BatchSizes(8, 4, false), Sizes({4, 4}));
  EXPECT_EQ(BatchSizes(3, 4, false), Sizes({3}));
}

TEST(BatchSizes, MergeALastOfOne) {
  EXPECT_EQ(BatchSizes(9, 4, false), Sizes({4, 5}));
}

TEST(BatchSizes, DropTheIncompleteLastIfAsked) {
  EXPECT_EQ(BatchSizes(10, 4, true), Sizes({4, 4}));
  EXPECT_EQ(BatchSizes(9, 4, true), Sizes({4, 4}));
}

TEST(BatchSizes, RefuseAnEmptyEpoch) {
  EXPECT_THROW(BatchSizes(3, 4, true), config::Error);
  EXPECT_THROW(BatchSizes(1, 4, false), config::Error);
}

}  // namespace
}  // namespace dfsweep::model
