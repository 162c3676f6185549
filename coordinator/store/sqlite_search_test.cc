// What searches remember, and how stopped trials are shown.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "coordinator/store/store_testing.h"

namespace dfsweep::coordinator {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

class SearchStoreTest : public testing::Test {
 protected:
  SearchStoreTest() : store_(OpenStore(folder_.path())) {
    store_->Begin();
    store_->PutDataset(ADataset());
    SweepRow sweep = ASweep("sw-1");
    sweep.searches = true;
    store_->InsertSweep(sweep, {ATrial('a'), ATrial('b')}, {}, {});
    store_->InsertSweep(ASweep("sw-2"), {ATrial('a')}, {}, {});
  }
  ~SearchStoreTest() override { EXPECT_TRUE(store_->Commit().ok()); }

  void Reopen() {
    EXPECT_TRUE(store_->Commit().ok());
    store_.reset();
    store_ = OpenStore(folder_.path());
    store_->Begin();
  }
  void Cancel(char trial) {
    store_->SetTrialState({Id(trial), TrialState::kCancelled, 0, ""}, kNow);
  }
  int64_t Count(const std::string& sweep, TrialState state) {
    return store_->Progress(sweep, kNow)[state].trials;
  }

  TemporaryFolder folder_;
  std::unique_ptr<SqliteStore> store_;
};

TEST_F(SearchStoreTest, SearchingSweepsAreFoundUnlessCancelled) {
  Reopen();
  const std::vector<SweepRow> sweeps = store_->SearchingSweeps();
  ASSERT_EQ(sweeps.size(), 1);
  EXPECT_EQ(sweeps[0].sweep_id, "sw-1");
  EXPECT_TRUE(sweeps[0].searches);
  store_->SetSweepStatus("sw-1", SweepStatus::kCancelled);
  EXPECT_THAT(store_->SearchingSweeps(), IsEmpty());
}

TEST_F(SearchStoreTest, AddedTrialsComeLast) {
  store_->AddTrials(*store_->FindSweep("sw-1"), {ATrial('c'), ATrial('d')}, {},
                    {});
  Reopen();
  EXPECT_THAT(store_->TrialIds("sw-1"),
              ElementsAre(Id('a'), Id('b'), Id('c'), Id('d')));
  EXPECT_EQ(store_->FindTrial(Id('c'))->state, TrialState::kPending);
}

TEST_F(SearchStoreTest, ACancelledTrialIsPrunedForTheSweepThatStoppedIt) {
  store_->SetPruned("sw-1", Id('a'), true);
  EXPECT_EQ(store_->FindTrialOf("sw-1", Id('a'))->state, TrialState::kPending);
  Cancel('a');
  Reopen();
  EXPECT_EQ(store_->FindTrialOf("sw-1", Id('a'))->state, TrialState::kPruned);
  EXPECT_EQ(store_->ListTrials("sw-1", 0, 1)[0].state, TrialState::kPruned);
  EXPECT_EQ(ResultsIn(folder_.path(), *store_->FindSweep("sw-1"))[0].status,
            "pruned");
  EXPECT_EQ(Count("sw-1", TrialState::kPruned), 1);
  EXPECT_EQ(Count("sw-1", TrialState::kCancelled), 0);
  EXPECT_EQ(Count("sw-2", TrialState::kCancelled), 1);
  EXPECT_THAT(store_->TrialIdsInState("sw-1", {TrialState::kCancelled}),
              IsEmpty());
  EXPECT_THAT(store_->PrunedTrialIds("sw-1"), ElementsAre(Id('a')));
  EXPECT_THAT(store_->Restore().sweeps[0].dropped_trial_ids,
              ElementsAre(Id('a')));
  EXPECT_THAT(store_->Restore().sweeps[1].dropped_trial_ids, IsEmpty());
}

TEST_F(SearchStoreTest, EpochsOfAPrunedTrialAreThoseThatItTrained) {
  store_->SetPruned("sw-1", Id('a'), true);
  Cancel('a');
  EXPECT_EQ(store_->Progress("sw-1", kNow)[TrialState::kPruned].epochs_total,
            0);
}

TEST_F(SearchStoreTest, ReportsAreKeptOnceAndInOrder) {
  store_->AddSearchReport("sw-1", {Id('b'), 3, 0.5});
  store_->AddSearchReport("sw-1", {Id('a'), 1, 0.25});
  store_->AddSearchReport("sw-1", {Id('b'), 3, 0.75});
  store_->AddSearchReport("sw-2", {Id('a'), 1, 0.125});
  Reopen();
  const std::vector<SearchReport> reports = store_->SearchReports("sw-1");
  ASSERT_EQ(reports.size(), 2);
  EXPECT_EQ(reports[0].trial_id, Id('b'));
  EXPECT_EQ(reports[0].epochs, 3);
  EXPECT_EQ(reports[0].value, 0.5);
  EXPECT_EQ(reports[1].trial_id, Id('a'));
}

TEST_F(SearchStoreTest, ACurveIsThatOfTheResult) {
  const AttemptId attempt{Id('b'), 1};
  store_->OpenLease({"w", attempt}, "r", kNow);
  EXPECT_THAT(store_->Curve(Id('b'), "loss"), IsEmpty());
  TrialResultRow result = AResult();
  result.epochs = {{.task = 0, .epoch = 0, .metrics = {{"loss", 3}}},
                   {.task = 0, .epoch = 1, .metrics = {{"loss", 2}}},
                   {.task = 1, .epoch = 0, .metrics = {{"loss", 1}}}};
  store_->EndAttempt({attempt, AttemptEnded::How::kCompleted}, "", kNow);
  store_->SetTrialState({Id('b'), TrialState::kCompleted, 1, "w"}, kNow);
  store_->AcceptResult(attempt, result);
  EXPECT_THAT(store_->Curve(Id('b'), "loss"), ElementsAre(3, 2, 1));
}

}  // namespace
}  // namespace dfsweep::coordinator
