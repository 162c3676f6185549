#include "coordinator/engine/watchers.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "coordinator/store/store_testing.h"

namespace dfsweep::coordinator {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;
using testing::SizeIs;

constexpr CallId kCall = 7;

std::vector<std::string> LinesIn(const LogUpdate& update) {
  std::vector<std::string> lines;
  for (const LogRow& line : update.lines) lines.push_back(line.message);
  return lines;
}

class WatchersTest : public testing::Test {
 protected:
  WatchersTest() : store_(OpenStore(folder_.path())) {
    store_->Begin();
    store_->PutDataset(ADataset());
    store_->InsertSweep(ASweep("sw-1"), {ATrial('a'), ATrial('b')}, {}, {});
    store_->InsertSweep(ASweep("sw-2"), {ATrial('c')}, {}, {});
    for (char digit : {'a', 'b', 'c'}) {
      store_->OpenLease({"w", {Id(digit), 1}}, "r", kNow);
    }
  }
  ~WatchersTest() override { EXPECT_TRUE(store_->Commit().ok()); }

  void Watch() {
    BeginWatching();
    watchers_.SetTrials(kCall, ReadSweepTrials(*store_, "sw-1"));
  }
  void BeginWatching() {
    watchers_.WatchSweep(kCall, "sw-1", [this](SweepNews news) {
      sent_.push_back(std::move(news));
    });
  }
  // The watched sweep has further trials, all of them news.
  void AddTrials(int count) {
    std::vector<std::string> more;
    for (int i = 0; i < count; ++i) more.push_back(std::to_string(i));
    watchers_.TrialsAdded("sw-1", more);
  }
  void Follow() {
    watchers_.FollowLog(kCall, Id('a'), [this](LogUpdate update) {
      logs_.push_back(std::move(update));
    });
  }
  // A turn whose COMMIT succeeds, or fails.
  void Turn(bool committed = true) {
    auto sends = watchers_.TakeDue(*store_, now_);
    if (!committed) return watchers_.AllChanged();
    for (const auto& send : sends) send();
  }
  // The stream has written, and a second has passed.
  void Written() {
    watchers_.Ready(kCall);
    now_ += absl::Seconds(1);
  }
  void Move(char digit, TrialState state, int attempt = 1) {
    store_->SetTrialState({Id(digit), state, attempt, "w"}, kNow);
    watchers_.TrialChanged(Id(digit));
  }
  void NextAttempt() {
    store_->EndAttempt({{Id('a'), 1}, AttemptEnded::How::kFailed}, "", kNow);
    store_->OpenLease({"w", {Id('a'), 2}}, "r", kNow);
    Move('a', TrialState::kLeased, 2);
  }
  void Log(int attempt, int64_t sequence, const std::string& text) {
    store_->AddLogLines({Id('a'), attempt},
                        {{sequence, "info", text, absl::ZeroDuration()}});
    watchers_.TrialChanged(Id('a'));
  }

  TemporaryFolder folder_;
  std::unique_ptr<SqliteStore> store_;
  Watchers watchers_;
  absl::Duration now_;
  std::vector<SweepNews> sent_;
  std::vector<LogUpdate> logs_;
};

// ---- Sweeps -----------------------------------------------------------------

TEST_F(WatchersTest, FirstMessageComesAtOnceWithWhatIsRunning) {
  Move('b', TrialState::kRunning);

  Watch();
  Turn();

  ASSERT_THAT(sent_, SizeIs(1));
  EXPECT_EQ(sent_[0].sweep_id, "sw-1");
  EXPECT_THAT(sent_[0].changed, ElementsAre(Id('b')));
  EXPECT_FALSE(sent_[0].server_stopping);
}

TEST_F(WatchersTest, ChangesAreCollectedIntoOneMessage) {
  Watch();
  Turn();
  Written();
  Move('a', TrialState::kLeased);
  Move('a', TrialState::kRunning);
  Move('b', TrialState::kLeased);
  Move('c', TrialState::kLeased);  // another sweep's

  Turn();

  ASSERT_THAT(sent_, SizeIs(2));
  EXPECT_THAT(sent_[1].changed, ElementsAre(Id('a'), Id('b')));
}

TEST_F(WatchersTest, AtMostFourMessagesASecond) {
  Watch();
  for (int ms = 0; ms < 1000; ms += 10) {
    now_ = absl::Milliseconds(ms);
    Move('a', TrialState::kRunning);
    Turn();
    watchers_.Ready(kCall);
  }

  EXPECT_THAT(sent_, SizeIs(4));
  EXPECT_EQ(watchers_.NextDeadline(), absl::Seconds(1));
}

TEST_F(WatchersTest, LargeSweepIsSummedUpLessOftenUntilItHasEnded) {
  Watch();
  AddTrials(20'000);
  Turn();
  watchers_.Ready(kCall);

  EXPECT_EQ(watchers_.NextDeadline(), 5 * absl::Milliseconds(250));
  watchers_.Hurry(kCall);
  Turn();
  EXPECT_THAT(sent_, SizeIs(2));
}

TEST_F(WatchersTest, WhatChangesBeforeTheTrialsAreReadIsNotMissed) {
  const SweepTrials read = ReadSweepTrials(*store_, "sw-1");
  BeginWatching();
  Move('a', TrialState::kLeased);
  Move('c', TrialState::kLeased);  // another sweep's
  watchers_.TrialsAdded("sw-1", {Id('9')});
  Turn();
  EXPECT_THAT(sent_, IsEmpty());

  watchers_.SetTrials(kCall, read);
  Turn();

  ASSERT_THAT(sent_, SizeIs(1));
  EXPECT_THAT(sent_[0].changed, ElementsAre(Id('9'), Id('a')));
  Written();
  Move('c', TrialState::kRunning);
  watchers_.TrialChanged(Id('9'));
  Turn();
  ASSERT_THAT(sent_, SizeIs(2));
  EXPECT_THAT(sent_[1].changed, ElementsAre(Id('9')));
}

TEST_F(WatchersTest, NothingNewMeansNoMessageAndNoDeadline) {
  Watch();
  Turn();
  Written();

  Turn();

  EXPECT_THAT(sent_, SizeIs(1));
  EXPECT_FALSE(watchers_.NextDeadline().has_value());
}

TEST_F(WatchersTest, SlowReaderGetsFewerFullerMessages) {
  Watch();
  Turn();
  now_ += absl::Seconds(10);
  Move('a', TrialState::kRunning);
  Turn();
  Move('b', TrialState::kRunning);
  Turn();
  EXPECT_THAT(sent_, SizeIs(1));
  EXPECT_FALSE(watchers_.NextDeadline().has_value());

  Written();
  Turn();

  ASSERT_THAT(sent_, SizeIs(2));
  EXPECT_THAT(sent_[1].changed, ElementsAre(Id('a'), Id('b')));
}

TEST_F(WatchersTest, SweepAndFleetChangesAreNewsToo) {
  Watch();
  Turn();
  Written();
  watchers_.SweepChanged("sw-2");
  Turn();
  EXPECT_THAT(sent_, SizeIs(1));

  store_->SetSweepStatus("sw-1", SweepStatus::kPaused);
  watchers_.SweepChanged("sw-1");
  Turn();
  Written();
  watchers_.WorkersChanged();
  Turn();

  ASSERT_THAT(sent_, SizeIs(3));
}

TEST_F(WatchersTest, LargeChangeIsSplit) {
  Watch();
  AddTrials(1200);
  for (int i = 0; i < 4; ++i) {
    Turn();
    Written();
  }

  ASSERT_THAT(sent_, SizeIs(3));
  EXPECT_THAT(sent_[0].changed, SizeIs(500));
  EXPECT_THAT(sent_[2].changed, SizeIs(200));
}

TEST_F(WatchersTest, WhatAMessageHadNoRoomForComesWithTheNextOne) {
  Watch();
  Turn();
  watchers_.PutBack(kCall, {Id('b')});
  Written();
  Turn();

  ASSERT_THAT(sent_, SizeIs(2));
  EXPECT_THAT(sent_[1].changed, ElementsAre(Id('b')));
}

TEST_F(WatchersTest, AllIsToldUntilSomethingChangesOrIsPutBack) {
  Watch();
  Turn();
  EXPECT_TRUE(watchers_.HasToldAll(kCall));
  Move('b', TrialState::kCompleted);  // while a message is on its way
  EXPECT_FALSE(watchers_.HasToldAll(kCall));

  Written();
  Turn();
  EXPECT_TRUE(watchers_.HasToldAll(kCall));
  watchers_.PutBack(kCall, {Id('b')});
  EXPECT_FALSE(watchers_.HasToldAll(kCall));
}

TEST_F(WatchersTest, NothingPutBackIsNoNews) {
  Watch();
  Turn();
  watchers_.PutBack(kCall, {});
  Written();
  Turn();

  EXPECT_THAT(sent_, SizeIs(1));
}

TEST_F(WatchersTest, RemovedStreamHearsNothing) {
  Watch();
  Turn();
  watchers_.Remove(kCall);
  Written();
  Move('a', TrialState::kRunning);
  Turn();

  EXPECT_THAT(sent_, SizeIs(1));
}

TEST_F(WatchersTest, UndoneMessageIsMadeAnew) {
  Watch();
  Turn();
  Written();
  Move('a', TrialState::kRunning);
  Turn(/*committed=*/false);
  EXPECT_THAT(sent_, SizeIs(1));

  now_ += absl::Seconds(1);
  Turn();

  ASSERT_THAT(sent_, SizeIs(2));
  EXPECT_THAT(sent_[1].changed, ElementsAre(Id('a'), Id('b')));
}

TEST_F(WatchersTest, UndoneTurnDoesNotDisturbAMessageThatIsBeingWritten) {
  Watch();
  Turn();
  now_ += absl::Seconds(1);
  Turn(/*committed=*/false);

  now_ += absl::Seconds(1);
  Turn();

  EXPECT_THAT(sent_, SizeIs(1));
}

// ---- Logs -------------------------------------------------------------------

TEST_F(WatchersTest, LogIsFollowedLineByLine) {
  Move('a', TrialState::kLeased);
  Log(1, 0, "one");
  Follow();
  Turn();
  Written();
  Log(1, 1, "two");
  Log(1, 2, "three");
  Turn();

  ASSERT_THAT(logs_, SizeIs(2));
  EXPECT_THAT(LinesIn(logs_[0]), ElementsAre("one"));
  EXPECT_THAT(LinesIn(logs_[1]), ElementsAre("two", "three"));
  EXPECT_EQ(logs_[1].attempt, 1);
  EXPECT_FALSE(logs_[1].is_last);
}

TEST_F(WatchersTest, NextAttemptsLogFollowsTheWholeOfTheLastOne) {
  Move('a', TrialState::kLeased);
  Log(1, 0, "one");
  Follow();
  Turn();
  Written();
  Log(1, 1, "why it failed");
  NextAttempt();  // in the same turn
  Log(2, 0, "again");
  Turn();
  Written();
  Turn();

  ASSERT_THAT(logs_, SizeIs(3));
  EXPECT_EQ(logs_[1].attempt, 1);
  EXPECT_THAT(LinesIn(logs_[1]), ElementsAre("why it failed"));
  EXPECT_EQ(logs_[2].attempt, 2);
  EXPECT_THAT(LinesIn(logs_[2]), ElementsAre("again"));
}

TEST_F(WatchersTest, LongLogIsSplit) {
  Move('a', TrialState::kLeased);
  for (int i = 0; i < 600; ++i) Log(1, i, "line");
  Follow();
  Turn();
  Written();
  Turn();

  ASSERT_THAT(logs_, SizeIs(2));
  EXPECT_THAT(logs_[0].lines, SizeIs(500));
  EXPECT_THAT(logs_[1].lines, SizeIs(100));
}

TEST_F(WatchersTest, LogEndsWithItsTrialAfterTheLastLine) {
  Move('a', TrialState::kLeased);
  for (int i = 0; i < 500; ++i) Log(1, i, "line");
  Move('a', TrialState::kCompleted);
  Follow();
  Turn();
  EXPECT_FALSE(logs_[0].is_last);
  Written();
  Turn();

  ASSERT_THAT(logs_, SizeIs(2));
  EXPECT_TRUE(logs_[1].is_last);
  EXPECT_EQ(logs_[1].trial.state, TrialState::kCompleted);
}

TEST_F(WatchersTest, UndoneLogMessageLosesAndRepeatsNoLine) {
  Move('a', TrialState::kLeased);
  Log(1, 0, "one");
  Follow();
  Turn();
  Written();
  Log(1, 1, "two");
  Turn(/*committed=*/false);
  now_ += absl::Seconds(1);

  Turn();

  ASSERT_THAT(logs_, SizeIs(2));
  EXPECT_THAT(LinesIn(logs_[1]), ElementsAre("two"));
}

TEST_F(WatchersTest, LogOfAnUnknownTrialSaysNothing) {
  watchers_.FollowLog(kCall, Id('0'), [this](LogUpdate update) {
    logs_.push_back(std::move(update));
  });

  Turn();

  EXPECT_THAT(logs_, IsEmpty());
  EXPECT_FALSE(watchers_.NextDeadline().has_value());
}

// ---- The end ----------------------------------------------------------------

TEST_F(WatchersTest, StoppingEndsStreamsThatAreNotWriting) {
  Move('a', TrialState::kLeased);
  Log(1, 0, "one");
  watchers_.FollowLog(1, Id('a'), [this](LogUpdate update) {
    logs_.push_back(std::move(update));
  });
  Watch();
  Turn();
  watchers_.Ready(kCall);
  Log(1, 1, "two");

  for (const auto& send : watchers_.TakeStopping(*store_, now_)) send();

  ASSERT_THAT(sent_, SizeIs(2));
  EXPECT_TRUE(sent_[1].server_stopping);
  ASSERT_THAT(logs_, SizeIs(1));  // still writing
  watchers_.Ready(1);
  for (const auto& send : watchers_.TakeStopping(*store_, now_)) send();
  ASSERT_THAT(logs_, SizeIs(2));
  EXPECT_TRUE(logs_[1].is_last);
  EXPECT_THAT(LinesIn(logs_[1]), ElementsAre("two"));
  EXPECT_THAT(watchers_.TakeStopping(*store_, now_), IsEmpty());
}

}  // namespace
}  // namespace dfsweep::coordinator
