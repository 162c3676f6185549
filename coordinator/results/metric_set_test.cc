#include "coordinator/results/metric_set.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace dfsweep::coordinator {
namespace {

std::vector<std::string> NamesOf(const MetricSet& metrics) {
  std::vector<std::string> names;
  for (const auto& [name, value] : metrics) names.push_back(*name);
  return names;
}

TEST(MetricSet, IsOrderedByNameHoweverItIsFilled) {
  MetricSet metrics = {{"forgetting", 0.25}, {"bwt", -0.5}};
  metrics.Set("average_accuracy", 0.75);
  EXPECT_THAT(NamesOf(metrics),
              testing::ElementsAre("average_accuracy", "bwt", "forgetting"));
  EXPECT_EQ(metrics.Find("average_accuracy"), 0.75);
  EXPECT_EQ(metrics.Find("forgetting"), 0.25);
}

TEST(MetricSet, FindsNothingThatIsNotThere) {
  const MetricSet metrics = {{"bwt", -0.5}};
  EXPECT_EQ(metrics.Find("avg"), std::nullopt);
  EXPECT_EQ(metrics.Find("fwt"), std::nullopt);
  EXPECT_EQ(MetricSet().Find("bwt"), std::nullopt);
}

TEST(MetricSet, SettingAgainReplaces) {
  MetricSet metrics = {{"bwt", -0.5}};
  metrics.Set("bwt", 0.5);
  EXPECT_EQ(metrics.size(), 1);
  EXPECT_EQ(metrics.Find("bwt"), 0.5);
}

TEST(MetricSet, SetsShareTheNamesThatAreAppended) {
  const auto name = std::make_shared<const std::string>("bwt");
  MetricSet first, second;
  first.Append(name, 1);
  second.Append(name, 2);
  EXPECT_EQ(first.begin()->name, second.begin()->name);
}

}  // namespace
}  // namespace dfsweep::coordinator
