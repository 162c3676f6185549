#include "model/train/batches.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <set>

#include "model/config/error.h"

namespace dfsweep::model {
namespace {

using Rows = std::vector<int64_t>;
using Sizes = std::vector<int64_t>;

TEST(EpochOrder, IsAnotherForEachEpochAndHasEveryRowOnce) {
  Rows rows = {2, 3, 5, 7, 11, 13, 17, 19, 23, 29};
  std::set<Rows> orders = {rows};
  for (const Rows& order :
       {EpochOrder(rows, 0, 0, 0), EpochOrder(rows, 0, 0, 1),
        EpochOrder(rows, 0, 1, 0), EpochOrder(rows, 1, 0, 0)}) {
    EXPECT_TRUE(orders.insert(order).second);
    EXPECT_TRUE(std::is_permutation(order.begin(), order.end(), rows.begin()));
  }
  EXPECT_EQ(EpochOrder(rows, 3, 1, 2), EpochOrder(rows, 3, 1, 2));
}

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
