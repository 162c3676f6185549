#include "coordinator/results/parameter_set.h"

#include <gtest/gtest.h>

#include <deque>
#include <memory>

namespace dfsweep::coordinator {
namespace {

using Json = nlohmann::json;

TEST(ParameterSet, FindsWhatItHas) {
  const ParameterSet set = {{"epochs", 8}, {"strategy", "ewc"}};

  ASSERT_NE(set.Find("epochs"), nullptr);
  EXPECT_EQ(*set.Find("epochs"), Json(8));
  EXPECT_EQ(set.Find("epoch"), nullptr);
  EXPECT_EQ(ParameterSet().Find("epochs"), nullptr);
}

TEST(ParameterSet, TextOfAnythingElseIsEmpty) {
  const ParameterSet set = {{"epochs", 8}, {"strategy", "ewc"}};

  EXPECT_EQ(set.Text("strategy"), "ewc");
  EXPECT_EQ(set.Text("epochs"), "");
  EXPECT_EQ(set.Text("scenario"), "");
}

TEST(ParameterSet, EqualValuesAreEqualSetsWhereverTheyLive) {
  const ParameterSet set = {{"epochs", 8}, {"strategy", "ewc"}};

  EXPECT_EQ(set, ParameterSet({{"epochs", 8}, {"strategy", "ewc"}}));
  EXPECT_FALSE(set == ParameterSet({{"epochs", 9}, {"strategy", "ewc"}}));
  EXPECT_FALSE(set == ParameterSet({{"epoch", 8}, {"strategy", "ewc"}}));
  EXPECT_FALSE(set == ParameterSet({{"epochs", 8}}));
  EXPECT_FALSE(ParameterSet({{"epochs", 8}}) == set);
}

TEST(ParameterSet, OnlyCopiesAreTheSame) {
  const ParameterSet set = {{"epochs", 8}};
  const ParameterSet copy = set;

  EXPECT_TRUE(copy.IsSame(set));
  EXPECT_FALSE(ParameterSet({{"epochs", 8}}).IsSame(set));
}

TEST(ParameterSet, KeepsWhatItsMembersLiveIn) {
  auto owner = std::make_shared<std::deque<ParameterSet::Member>>();
  owner->push_back({"epochs", 8});
  const std::weak_ptr<const void> alive = owner;

  auto set = std::make_unique<ParameterSet>(
      ParameterSet::Members{&owner->front()}, owner);
  owner.reset();
  EXPECT_FALSE(alive.expired());
  EXPECT_EQ(*set->Find("epochs"), Json(8));

  set.reset();
  EXPECT_TRUE(alive.expired());
}

}  // namespace
}  // namespace dfsweep::coordinator
