#include "coordinator/service/sweep_messages.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "coordinator/store/store_testing.h"

namespace dfsweep::coordinator {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

class SweepMessagesTest : public testing::Test {
 protected:
  SweepMessagesTest() : store_(OpenStore(folder_.path())) {
    store_->Begin();
    store_->PutDataset(ADataset());
    store_->InsertSweep(ASweep("sw-1"), {ATrial('a'), ATrial('b')}, {}, {});
    store_->InsertSweep(ASweep("sw-2", "other"), {ATrial('c')}, {}, {});
    for (char digit : {'a', 'b', 'c'}) {
      store_->OpenLease({"w", {Id(digit), 1}}, "r", kNow);
    }
  }
  ~SweepMessagesTest() override { EXPECT_TRUE(store_->Commit().ok()); }

  void Move(char digit, TrialState state) {
    store_->SetTrialState({Id(digit), state, 1, "w"}, kNow);
  }
  SweepMessage Make(SweepNews news) {
    news.sweep_id = "sw-1";
    absl::StatusOr<SweepMessage> message =
        MakeSweepMessage(*store_, news, kNow);
    EXPECT_TRUE(message.ok()) << message.status();
    return *std::move(message);
  }

  TemporaryFolder folder_;
  std::unique_ptr<SqliteStore> store_;
};

TEST_F(SweepMessagesTest, HasTheChangedTrialsOfTheSweep) {
  store_->PutWorker(AWorker("w"), kNow);
  Move('b', TrialState::kRunning);

  const SweepMessage message = Make({.changed = {Id('b'), Id('c'), Id('0')}});

  const v1::WatchSweepResponse& response = message.response;
  EXPECT_EQ(response.sweep().sweep_id(), "sw-1");
  ASSERT_EQ(response.changed_trials_size(), 1);
  EXPECT_EQ(response.changed_trials(0).trial_id(), Id('b'));
  EXPECT_EQ(response.changed_trials(0).state(), v1::RUNNING);
  EXPECT_EQ(response.workers_online(), 1);
  EXPECT_FALSE(response.server_stopping());
  EXPECT_FALSE(message.has_ended);
  EXPECT_THAT(message.left, IsEmpty());
}

TEST_F(SweepMessagesTest, TellsThatTheSweepHasEnded) {
  Move('a', TrialState::kCompleted);
  EXPECT_FALSE(Make({}).has_ended);
  Move('b', TrialState::kFailed);

  const SweepMessage last = Make({});

  EXPECT_TRUE(last.has_ended);
  EXPECT_EQ(last.response.sweep().state(), v1::Sweep::FINISHED);
}

TEST_F(SweepMessagesTest, TellsThatTheServerStops) {
  EXPECT_TRUE(Make({.server_stopping = true}).response.server_stopping());
}

TEST_F(SweepMessagesTest, IsNeverTooLargeForAClientAndLeavesTheRest) {
  std::vector<NewTrial> trials;
  SweepNews news;
  for (int i = 0; i < 20; ++i) {
    NewTrial trial = ATrial('a');
    trial.trial_id = Sha256Hex(std::to_string(i));
    trial.configuration_json = "\"" + std::string(100'000, 'x') + "\"";
    news.changed.push_back(trial.trial_id);
    trials.push_back(std::move(trial));
  }
  store_->AddTrials(*store_->FindSweep("sw-1"), trials, {}, {});

  SweepMessage message = Make(news);

  EXPECT_EQ(message.response.changed_trials_size(), 11);
  EXPECT_EQ(message.left.size(), 9u);
  news.changed = message.left;
  message = Make(news);
  EXPECT_EQ(message.response.changed_trials_size(), 9);
  EXPECT_THAT(message.left, IsEmpty());
}

TEST_F(SweepMessagesTest, UnknownSweepIsAnError) {
  const SweepNews news{.sweep_id = "sw-9"};

  EXPECT_TRUE(absl::IsNotFound(MakeSweepMessage(*store_, news, kNow).status()));
}

}  // namespace
}  // namespace dfsweep::coordinator
