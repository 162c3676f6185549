#include "coordinator/search/stopper.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <iterator>
#include <limits>
#include <map>
#include <random>
#include <set>
#include <string>
#include <utility>

#include "coordinator/search/asha.h"
#include "coordinator/search/median.h"

namespace dfsweep::coordinator {
namespace {

TEST(AshaTest, ATrialIsJudgedWhenItReachesARungForTheFirstTime) {
  Asha asha(/*min_iter=*/2, /*eta=*/3);
  EXPECT_FALSE(asha.Report("a", 1, 0));
  EXPECT_TRUE(asha.Report("a", 2, 0));
  EXPECT_FALSE(asha.Report("a", 2, 0));  // its attempt was lost
  EXPECT_FALSE(asha.Report("a", 3, 0));
  EXPECT_TRUE(asha.Report("a", 6, 0));
  EXPECT_TRUE(asha.Report("a", 18, 0));
}

TEST(AshaTest, AReportThatWasLostIsMadeUpForByTheNext) {
  Asha asha(2, 3);
  EXPECT_TRUE(asha.Report("a", 3, 0));
}

// As an old store may have it: 63 rungs, and an end.
TEST(AshaTest, AReportOfMoreEpochsThanThereCanBeEnds) {
  Asha asha(1, 2);
  EXPECT_TRUE(asha.Report("a", std::numeric_limits<int64_t>::max(), 0));
  EXPECT_FALSE(asha.Report("a", int64_t{1} << 62, 0));
}

TEST(AshaTest, TheFirstOfARungAreStoppedUntilThereAreEta) {
  Asha asha(1, 3);
  asha.Report("a", 1, 0.5);
  EXPECT_FALSE(asha.Keeps("a"));
  asha.Report("b", 1, 0.4);
  EXPECT_FALSE(asha.Keeps("b"));
  asha.Report("c", 1, 0.6);
  EXPECT_TRUE(asha.Keeps("b"));  // now: the best of three
  EXPECT_FALSE(asha.Keeps("a"));
  EXPECT_FALSE(asha.Keeps("c"));
}

// Nine trials: three go on from the first rung, one of them from the second.
TEST(AshaTest, OneOfEtaGoesOnFromEachRung) {
  Asha asha(1, 3);
  for (int i = 0; i < 9; ++i) asha.Report(std::to_string(i), 1, i);
  int kept = 0;
  for (int i = 0; i < 9; ++i) kept += asha.Keeps(std::to_string(i)) ? 1 : 0;
  EXPECT_EQ(kept, 3);
  for (int i = 0; i < 3; ++i) asha.Report(std::to_string(i), 3, -i);
  EXPECT_TRUE(asha.Keeps("2"));  // its loss on the second rung is the smallest
  EXPECT_FALSE(asha.Keeps("0"));
  EXPECT_FALSE(asha.Keeps("1"));
}

TEST(AshaTest, EqualLossesAreDecidedAlikeEachTime) {
  Asha asha(1, 3);
  for (const char* id : {"c", "a", "b"}) asha.Report(id, 1, 0.5);
  EXPECT_TRUE(asha.Keeps("a"));
  EXPECT_FALSE(asha.Keeps("b"));
  EXPECT_FALSE(asha.Keeps("c"));
}

// Random reports of 60 trials beside the definition, for each rung: the trial
// is in the best 1/eta of those that have reached it, by loss and name.
TEST(AshaTest, KeepsWhatTheDefinitionKeeps) {
  constexpr int kEta = 3;
  std::mt19937 random(7);
  Asha asha(1, kEta);
  std::map<int, std::set<std::pair<double, std::string>>> rungs;
  std::map<std::string, int> highest;
  const auto is_kept = [&](const std::string& id) {
    const auto& rung = rungs[highest.at(id)];
    const auto own =
        std::find_if(rung.begin(), rung.end(),
                     [&](const auto& entry) { return entry.second == id; });
    return std::distance(rung.begin(), own) < std::ssize(rung) / kEta;
  };
  std::map<std::string, bool> was_kept;
  for (int i = 0; i < 2'000; ++i) {
    const std::string id = std::to_string(random() % 60);
    const int rung = highest.contains(id) ? highest[id] + 1 : 0;
    if (rung > 4) continue;
    const double loss = random() % 20;  // some are equal
    asha.Report(id, static_cast<int64_t>(std::pow(kEta, rung)), loss);
    rungs[rung].emplace(loss, id);
    highest[id] = rung;
    const std::set<std::string> risen = asha.TakeRisen();
    for (const auto& [other, ignored] : highest) {
      const bool kept = is_kept(other);
      ASSERT_EQ(asha.Keeps(other), kept) << other << " after " << i;
      if (kept && !was_kept[other]) {
        EXPECT_TRUE(risen.contains(other)) << other << " after " << i;
      }
      was_kept[other] = kept;
    }
  }
  EXPECT_GE(rungs.size(), 4);
}

TEST(AshaTest, ATrialThatLaterOnesMadeTheBestHasRisen) {
  Asha asha(1, 3);
  asha.Report("a", 1, 0.4);
  asha.Report("b", 1, 0.5);
  EXPECT_TRUE(asha.TakeRisen().empty());
  asha.Report("c", 1, 0.6);
  EXPECT_EQ(asha.TakeRisen(), std::set<std::string>{"a"});
  EXPECT_TRUE(asha.TakeRisen().empty());
}

TEST(AshaTest, TheForemostIsTheBestOfTheHighestRung) {
  Asha asha(1, 3);
  asha.Report("low", 1, -9);
  asha.Report("worse", 3, 0.5);
  asha.Report("better", 3, 0.4);
  EXPECT_EQ(asha.Foremost({"low", "worse", "better"}), "better");
}

class MedianStopperTest : public testing::Test {
 protected:
  // Five completed trials whose losses are 1 … 5 in every of four epochs.
  void CompleteFive() {
    for (int i = 1; i <= 5; ++i) {
      const std::string id = "c" + std::to_string(i);
      for (int epoch = 1; epoch <= 4; ++epoch) median_.Report(id, epoch, i);
      median_.Complete(id);
    }
  }
  MedianStopper median_{/*min_iter=*/2};
};

TEST_F(MedianStopperTest, WorseThanTheMedianIsStopped) {
  CompleteFive();
  EXPECT_TRUE(median_.Report("x", 2, 3.1));
  EXPECT_FALSE(median_.Keeps("x"));
  median_.Report("y", 2, 3.0);
  EXPECT_TRUE(median_.Keeps("y"));
}

TEST_F(MedianStopperTest, ItsBestSoFarCounts) {
  CompleteFive();
  median_.Report("x", 1, 2);
  median_.Report("x", 2, 9);
  EXPECT_TRUE(median_.Keeps("x"));
}

// Losses 10, then 0: after two epochs the running average is 5, not 0.
TEST_F(MedianStopperTest, TheOthersRunningAveragesCount) {
  for (int i = 1; i <= 5; ++i) {
    const std::string id = "c" + std::to_string(i);
    median_.Report(id, 1, 10);
    median_.Report(id, 2, 0);
    median_.Complete(id);
  }
  median_.Report("x", 2, 4);
  EXPECT_TRUE(median_.Keeps("x"));
  median_.Report("y", 2, 6);
  EXPECT_FALSE(median_.Keeps("y"));
}

TEST_F(MedianStopperTest, NotBeforeItsTime) {
  CompleteFive();
  EXPECT_FALSE(median_.Report("x", 1, 100));
  EXPECT_TRUE(median_.Keeps("x"));
}

TEST_F(MedianStopperTest, NotBeforeFiveAreCompleted) {
  for (int i = 1; i <= 4; ++i) {
    median_.Report("c" + std::to_string(i), 2, i);
    median_.Complete("c" + std::to_string(i));
  }
  median_.Report("open", 2, 1);
  median_.Report("x", 2, 100);
  EXPECT_TRUE(median_.Keeps("x"));
}

TEST_F(MedianStopperTest, ThoseThatCompleteLaterCountToo) {
  CompleteFive();
  median_.Report("x", 2, 3.4);
  EXPECT_FALSE(median_.Keeps("x"));
  median_.Report("c6", 1, 4);
  median_.Report("c6", 2, 4);
  median_.Complete("c6");
  EXPECT_TRUE(median_.Keeps("x"));  // the median of six is 3.5
}

TEST_F(MedianStopperTest, ALateReportOfACompletedTrialCounts) {
  CompleteFive();
  median_.Report("x", 5, 3.2);
  EXPECT_FALSE(median_.Keeps("x"));
  median_.Report("c3", 5, 8);  // it is 4 on average now
  EXPECT_TRUE(median_.Keeps("x"));
}

// Its own first training is not one of the others.
TEST_F(MedianStopperTest, ATrialThatIsTrainedOnceMoreIsNotComparedWithItself) {
  CompleteFive();
  EXPECT_TRUE(median_.Keeps("c5"));  // of four others
  median_.Report("c6", 2, 0);
  median_.Complete("c6");
  EXPECT_FALSE(median_.Keeps("c4"));  // 0 1 2 3 5
  EXPECT_TRUE(median_.Keeps("c2"));   // 0 1 3 4 5
}

TEST_F(MedianStopperTest, StopsForGood) {
  CompleteFive();
  EXPECT_TRUE(median_.TakeRisen().empty());
}

TEST(MakeStopperTest, FollowsTheRule) {
  using Type = sweeps::EarlyTerminate::Type;
  EXPECT_EQ(MakeStopper({.type = Type::kNone}), nullptr);
  EXPECT_NE(dynamic_cast<Asha*>(MakeStopper({.type = Type::kAsha}).get()),
            nullptr);
  EXPECT_NE(
      dynamic_cast<MedianStopper*>(MakeStopper({.type = Type::kMedian}).get()),
      nullptr);
}

}  // namespace
}  // namespace dfsweep::coordinator
