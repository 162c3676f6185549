#include "model/config/stages.h"

#include <gtest/gtest.h>

namespace dfsweep::config {
namespace {

Json Prefix(const Json& configuration, int64_t stage,
            bool records_path = false) {
  return StagePrefix(Effective(configuration), stage, records_path);
}

TEST(StagePrefix, OfTheFirstTaskForgetsTheStrategy) {
  const Json naive = Prefix(Json{{"strategy", "naive"}}, 0);
  for (const Json& config :
       {Json{{"strategy", "ewc"}, {"ewc.lambda", 1e5}},
        Json{{"strategy", "er"}, {"buffer.fill", "class_balanced"}},
        Json{{"strategy", "lwf"}, {"reset_optimizer", true}},
        Json{{"strategy", "naive"}, {"bn", "freeze_after_first"}},
        Json{{"strategy", "naive"}, {"epochs", 7}}}) {
    EXPECT_EQ(Prefix(config, 0), naive) << config;
  }
  for (const char* strategy :
       {"joint", "er", "derpp", "icarl", "bic", "gdumb"}) {
    EXPECT_NE(Prefix(Json{{"strategy", strategy}}, 0), naive) << strategy;
  }
  EXPECT_NE(Prefix(Json{{"batch_size", 64}}, 0), naive);
}

TEST(StagePrefix, OfTheFirstTaskKnowsWhatIsRecordedOnTheWay) {
  const Json si = Prefix(Json{{"strategy", "si"}, {"si.c", 2}}, 0);
  EXPECT_EQ(si, Prefix(Json{{"strategy", "si"}, {"si.c", 9}}, 0));
  EXPECT_EQ(
      si,
      Prefix(Json{{"strategy", "ewc+si"}, {"ewc.lambda", 3}, {"si.c", 1}}, 0));
  EXPECT_NE(si, Prefix(Json{{"strategy", "naive"}}, 0));
  // Unless it records what si needs.
  EXPECT_EQ(si, Prefix(Json{{"strategy", "naive"}}, 0, true));
  EXPECT_EQ(si, Prefix(Json{{"strategy", "si"}, {"si.c", 2}}, 0, true));
  EXPECT_EQ(Prefix(Json{{"strategy", "derpp"}}, 0, true),
            Prefix(Json{{"strategy", "derpp"}}, 0));
}

TEST(StagePrefix, OfLaterTasksKnowsWhatCameBefore) {
  auto prefix = [](double lambda, std::vector<int> epochs) {
    return Prefix(Json{{"strategy", "ewc"},
                       {"ewc.lambda", lambda},
                       {"epochs", {{"per_task", epochs}}}},
                  1);
  };
  EXPECT_EQ(prefix(1, {3, 5}), prefix(1, {3, 9}));
  EXPECT_NE(prefix(1, {3, 5}), prefix(1, {4, 5}));
  EXPECT_NE(prefix(1, {3, 5}), prefix(2, {3, 5}));
  EXPECT_NE(prefix(1, {3, 5}), Prefix(Json{{"strategy", "naive"}}, 1));
}

TEST(StageCount, JointIsOneStage) {
  EXPECT_EQ(StageCount(Effective({{"strategy", "joint"}})), 1);
  EXPECT_EQ(StageCount(Effective({{"tasks.count", 5}})), 5);
  EXPECT_EQ(StageEpochs(Effective({{"epochs", 3}}), 4), 3);
  EXPECT_EQ(StageEpochs(Effective({{"epochs", {{"per_task", {3, 5}}}}}), 1), 5);
}

}  // namespace
}  // namespace dfsweep::config
