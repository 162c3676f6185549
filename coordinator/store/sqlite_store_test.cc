// What the store keeps, and in which form it gives it back. Opening, failing
// and crashing: sqlite_open_test.cc.
#include "coordinator/store/sqlite_store.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "coordinator/store/store_testing.h"

namespace dfsweep::coordinator {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;
using testing::Pair;
using testing::SizeIs;
using testing::UnorderedElementsAre;

class StoreTest : public testing::Test {
 protected:
  StoreTest() : store_(OpenStore(folder_.path())) {
    store_->Begin();
    store_->PutDataset(ADataset());
  }
  ~StoreTest() override { Commit(); }

  // Ends the transaction and begins the next.
  void Commit() {
    absl::Status status = store_->Commit();
    EXPECT_TRUE(status.ok()) << status;
    store_->Begin();
  }
  // Everything below is read from the file after this.
  void Reopen() {
    Commit();
    store_.reset();
    store_ = OpenStore(folder_.path());
    store_->Begin();
  }

  void Insert(const SweepRow& sweep, const std::vector<NewTrial>& trials) {
    store_->InsertSweep(sweep, trials, {}, {});
  }
  void Lease(const AttemptId& attempt, const std::string& worker = "w",
             const std::string& request = "r", absl::Time now = kNow) {
    store_->OpenLease({worker, attempt}, request, now);
    Move(attempt, TrialState::kLeased, worker, now);
  }
  void Move(const AttemptId& attempt, TrialState state,
            const std::string& worker = "w", absl::Time now = kNow) {
    store_->SetTrialState({attempt.trial_id, state, attempt.attempt, worker},
                          now);
  }
  void Fail(const AttemptId& attempt, Cause cause, bool counted = true,
            absl::Time now = kNow, const std::string& message = "it broke") {
    store_->EndAttempt({attempt, AttemptEnded::How::kFailed, cause, counted},
                       message, now);
  }
  void Complete(const AttemptId& attempt,
                const TrialResultRow& result = AResult(),
                const std::string& worker = "w", absl::Time now = kNow) {
    store_->EndAttempt(
        {attempt, result.diverged ? AttemptEnded::How::kDiverged
                                  : AttemptEnded::How::kCompleted},
        "", now);
    Move(attempt,
         result.diverged ? TrialState::kDiverged : TrialState::kCompleted,
         worker, now);
    store_->AcceptResult(attempt, result);
  }
  std::vector<ResultRow> Results(const std::string& sweep) {
    Commit();
    return ResultsIn(folder_.path(), store_->FindSweep(sweep).value());
  }
  TrialRow Trial(char digit) { return store_->FindTrial(Id(digit)).value(); }
  RestoredTrial Restored(char digit) {
    for (const RestoredTrial& trial : store_->Restore().trials) {
      if (trial.trial_id == Id(digit)) return trial;
    }
    ADD_FAILURE() << "no trial " << digit;
    return {};
  }

  TemporaryFolder folder_;
  std::unique_ptr<SqliteStore> store_;
};

// ---- Datasets ---------------------------------------------------------------

TEST_F(StoreTest, DatasetIsFoundByDigest) {
  Reopen();

  DatasetRow row = store_->FindDataset(Id('d')).value();
  EXPECT_EQ(row.name, "data");
  EXPECT_EQ(row.size_bytes, 1000);
  EXPECT_EQ(row.manifest_json, "{}");
  EXPECT_EQ(row.create_time, kNow);
  EXPECT_FALSE(store_->FindDataset(Id('e')).has_value());
}

TEST_F(StoreTest, NameMovesToNewContentAndTheOldContentStays) {
  DatasetRow newer = ADataset();
  newer.digest = Id('e');
  newer.create_time = kNow + absl::Hours(1);

  store_->PutDataset(newer);

  EXPECT_EQ(store_->ListDatasets()[0].digest, Id('e'));
  EXPECT_EQ(store_->FindDataset(Id('d'))->name, "");
}

TEST_F(StoreTest, ListsOneDatasetANameNewestFirst) {
  DatasetRow other = ADataset("other");
  other.create_time = kNow + absl::Hours(1);
  store_->PutDataset(other);

  std::vector<DatasetRow> rows = store_->ListDatasets();

  ASSERT_THAT(rows, SizeIs(2));
  EXPECT_EQ(rows[0].name, "other");
  EXPECT_EQ(rows[1].name, "data");
}

// ---- Sweeps -----------------------------------------------------------------

TEST_F(StoreTest, SweepKeepsAllItsFields) {
  SweepRow sweep = ASweep("sw-1", "name");
  sweep.status = SweepStatus::kPaused;
  sweep.priority = -3;
  sweep.metric_maximize = false;
  sweep.file_text = "name: name\n# \"öß\"\n";
  sweep.file_name = "a b.yaml";
  sweep.overrides = {"seeds=2", "strategy=\"ewc\""};
  sweep.varying = {"ewc.lambda", "strategy"};
  Insert(sweep, {});
  Reopen();

  SweepRow row = store_->FindSweep("sw-1").value();

  EXPECT_EQ(row.name, "name");
  EXPECT_EQ(row.meaning, sweep.meaning);
  EXPECT_EQ(row.status, SweepStatus::kPaused);
  EXPECT_EQ(row.priority, -3);
  EXPECT_EQ(row.dataset_name, "data");
  EXPECT_EQ(row.dataset_digest, Id('d'));
  EXPECT_EQ(row.metric_name, "average_accuracy");
  EXPECT_FALSE(row.metric_maximize);
  EXPECT_EQ(row.file_text, sweep.file_text);
  EXPECT_EQ(row.file_name, sweep.file_name);
  EXPECT_EQ(row.overrides, sweep.overrides);
  EXPECT_EQ(row.varying, sweep.varying);
  EXPECT_EQ(row.create_time, kNow);
}

TEST_F(StoreTest, SweepIsFoundByIdOrAsTheNewestOfItsName) {
  Insert(ASweep("sw-1", "name"), {});
  Insert(ASweep("sw-2", "name"), {});
  Insert(ASweep("sw-3", "sw-1"), {});

  EXPECT_EQ(store_->FindSweep("name")->sweep_id, "sw-2");
  EXPECT_EQ(store_->FindSweep("sw-1")->sweep_id, "sw-1");
  EXPECT_FALSE(store_->FindSweep("nobody").has_value());
}

TEST_F(StoreTest, CancelledSweepIsNotGoneOnWith) {
  Insert(ASweep("sw-1"), {});
  EXPECT_EQ(store_->FindSweepByMeaning("meaning of sw-1")->sweep_id, "sw-1");

  store_->SetSweepStatus("sw-1", SweepStatus::kCancelled);

  EXPECT_FALSE(store_->FindSweepByMeaning("meaning of sw-1").has_value());
}

TEST_F(StoreTest, SweepsAreListedInPagesNewestFirst) {
  for (const char* id : {"sw-1", "sw-2", "sw-3"}) Insert(ASweep(id), {});

  std::vector<SweepRow> first = store_->ListSweeps(INT64_MAX, 2);
  ASSERT_THAT(first, SizeIs(2));
  std::vector<SweepRow> second = store_->ListSweeps(first[1].number, 2);

  EXPECT_EQ(first[0].sweep_id, "sw-3");
  EXPECT_EQ(first[1].sweep_id, "sw-2");
  ASSERT_THAT(second, SizeIs(1));
  EXPECT_EQ(second[0].sweep_id, "sw-1");
}

TEST_F(StoreTest, SharedTrialKeepsItsStateAndTakesTheNewBudget) {
  Insert(ASweep("sw-1"), {ATrial('a')});
  Lease({Id('a'), 1});
  Complete({Id('a'), 1});

  store_->InsertSweep(
      ASweep("sw-2"), {ATrial('b'), ATrial('a')},
      {.device = "cuda", .memory_bytes = 5},
      {.out_of_memory = 6, .crash = 7, .timeout = 8, .environment = 9});

  EXPECT_EQ(Trial('a').state, TrialState::kCompleted);
  EXPECT_THAT(store_->TrialIds("sw-2"), ElementsAre(Id('b'), Id('a')));
  EXPECT_THAT(store_->TrialIds("sw-1"), ElementsAre(Id('a')));
  RestoredTrial trial = Restored('a');
  EXPECT_EQ(trial.requirements, (Requirements{"cuda", 5}));
  EXPECT_EQ(trial.budget.out_of_memory, 6);
  EXPECT_EQ(trial.budget.crash, 7);
  EXPECT_EQ(trial.budget.timeout, 8);
  EXPECT_EQ(trial.budget.environment, 9);
}

TEST_F(StoreTest, TrialsAreListedInPagesInTheFilesOrder) {
  Insert(ASweep("sw-1"), {ATrial('c', 7), ATrial('a'), ATrial('b')});

  std::vector<TrialRow> page = store_->ListTrials("sw-1", 0, 2);
  std::vector<TrialRow> rest = store_->ListTrials("sw-1", 2, 2);

  ASSERT_THAT(page, SizeIs(2));
  EXPECT_EQ(page[0].trial_id, Id('c'));
  EXPECT_EQ(page[0].seed, 7);
  EXPECT_EQ(page[0].dataset_digest, Id('d'));
  EXPECT_EQ(page[0].epochs_total, 10);
  EXPECT_EQ(page[1].trial_id, Id('a'));
  ASSERT_THAT(rest, SizeIs(1));
  EXPECT_EQ(rest[0].trial_id, Id('b'));
}

TEST_F(StoreTest, AReaderSeesWhatWasCommittedAndWritesNothing) {
  Insert(ASweep("sw-1"), {ATrial('a'), ATrial('b')});
  Commit();
  auto reader = SqliteStore::OpenReader(folder_.path());
  ASSERT_TRUE(reader.ok()) << reader.status();
  Insert(ASweep("sw-2"), {ATrial('c')});

  (*reader)->Begin();
  EXPECT_THAT((*reader)->ListTrials("sw-1", 0, 9), SizeIs(2));
  EXPECT_FALSE((*reader)->FindSweep("sw-2").has_value());
  EXPECT_TRUE((*reader)->Commit().ok());
  (*reader)->Begin();
  (*reader)->SetSweepStatus("sw-1", SweepStatus::kPaused);
  EXPECT_FALSE((*reader)->Commit().ok());
}

TEST_F(StoreTest, TrialIdsAreFoundByStateAndByPrefix) {
  Insert(ASweep("sw-1"), {ATrial('a'), ATrial('b'), ATrial('c')});
  Insert(ASweep("sw-2"), {ATrial('f')});
  Move({Id('b'), 0}, TrialState::kFailed);
  Move({Id('c'), 0}, TrialState::kCancelled);

  EXPECT_THAT(store_->TrialIdsInState(
                  "sw-1", {TrialState::kFailed, TrialState::kCancelled}),
              ElementsAre(Id('b'), Id('c')));
  EXPECT_THAT(store_->TrialIdsInState("sw-2", {TrialState::kFailed}),
              IsEmpty());
  EXPECT_THAT(store_->TrialIdsWithPrefix("ff", 2), ElementsAre(Id('f')));
  EXPECT_THAT(store_->TrialIdsWithPrefix(Id('a'), 2), ElementsAre(Id('a')));
  EXPECT_THAT(store_->TrialIdsWithPrefix("", 2), SizeIs(2));
  EXPECT_THAT(store_->TrialIdsWithPrefix("ab", 2), IsEmpty());
}

// ---- Sums over a sweep ------------------------------------------------------

TEST_F(StoreTest, ProgressSumsWorkByState) {
  Insert(ASweep("sw-1"), {ATrial('a'), ATrial('b'), ATrial('c'), ATrial('e')});
  Lease({Id('a'), 1});
  Complete({Id('a'), 1});
  for (char digit : {'b', 'c'}) {
    Lease({Id(digit), 1});
    Move({Id(digit), 1}, TrialState::kRunning);
  }
  store_->AddEpochs({Id('b'), 1}, {{0, 3, {}, 4, 10}});

  SweepProgress progress = store_->Progress("sw-1", kNow + absl::Seconds(30));

  ASSERT_THAT(progress, SizeIs(3));
  EXPECT_EQ(progress[TrialState::kCompleted].trials, 1);
  EXPECT_EQ(progress[TrialState::kCompleted].train_seconds, 20);
  EXPECT_EQ(progress[TrialState::kCompleted].work_done, 100);
  StateSums running = progress[TrialState::kRunning];
  EXPECT_EQ(running.trials, 2);
  EXPECT_EQ(running.epochs_total, 20);
  EXPECT_EQ(running.epochs_done, 4);
  EXPECT_EQ(running.work, 200);
  EXPECT_EQ(running.work_done, 40);
  EXPECT_EQ(running.elapsed_seconds, 60);
  EXPECT_EQ(running.largest_work_left, 100);
  EXPECT_EQ(progress[TrialState::kPending].trials, 1);
}

TEST_F(StoreTest, TrialThatIsPendingAgainHasNothingDone) {
  Insert(ASweep("sw-1"), {ATrial('a')});
  Lease({Id('a'), 1});
  Move({Id('a'), 1}, TrialState::kRunning);
  store_->AddEpochs({Id('a'), 1}, {{0, 3, {}, 4, 10}});
  EXPECT_EQ(Trial('a').epochs_done, 4);

  Fail({Id('a'), 1}, Cause::kCrash);
  Move({Id('a'), 1}, TrialState::kPending);

  EXPECT_EQ(Trial('a').epochs_done, 0);
  EXPECT_FALSE(Trial('a').start_time.has_value());
  EXPECT_EQ(Trial('a').cause, Cause::kCrash);  // why it is pending again
  EXPECT_EQ(Trial('a').message, "it broke");
}

TEST_F(StoreTest, BestTrialIsByTheMetricsDirectionAndCompleted) {
  SweepRow sweep = ASweep("sw-1");
  Insert(sweep, {ATrial('a'), ATrial('b'), ATrial('c', 3), ATrial('e')});
  sweep = store_->FindSweep("sw-1").value();
  EXPECT_FALSE(store_->BestTrial(sweep).has_value());
  double accuracy = 0.1;
  for (char digit : {'a', 'b', 'c'}) {
    Lease({Id(digit), 1});
    Complete({Id(digit), 1}, AResult(accuracy += 0.1));
  }
  Lease({Id('e'), 1});
  TrialResultRow diverged = AResult(0.99);
  diverged.diverged = true;
  Complete({Id('e'), 1}, diverged);

  BestRow best = store_->BestTrial(sweep).value();
  sweep.metric_maximize = false;
  BestRow least = store_->BestTrial(sweep).value();
  sweep.metric_name = "bwt";

  EXPECT_EQ(best.trial_id, Id('c'));
  EXPECT_DOUBLE_EQ(best.value, 0.4);
  EXPECT_EQ(best.seed, 3);
  EXPECT_EQ(best.configuration_json, ATrial('c').configuration_json);
  EXPECT_EQ(least.trial_id, Id('a'));
  EXPECT_FALSE(store_->BestTrial(sweep).has_value());
}

TEST_F(StoreTest, SpeedIsKnownFromCompletedTrialsOfTheDataset) {
  Insert(ASweep("sw-1"), {ATrial('a'), ATrial('b')});
  EXPECT_FALSE(store_->SecondsPerWork(Id('d')).has_value());
  Lease({Id('a'), 1});
  Complete({Id('a'), 1});

  EXPECT_DOUBLE_EQ(store_->SecondsPerWork(Id('d')).value(), 0.2);
  EXPECT_FALSE(store_->SecondsPerWork(Id('e')).has_value());
}

// ---- Lives of trials --------------------------------------------------------

TEST_F(StoreTest, LeaseBelongsToItsRequestAndWorkerWhileItLives) {
  Insert(ASweep("sw-1"), {ATrial('a'), ATrial('b')});
  Lease({Id('a'), 1}, "w", "r-1");
  Lease({Id('b'), 1}, "w", "r-1");
  Reopen();

  EXPECT_THAT(
      store_->LeasesOfRequest("w", "r-1"),
      UnorderedElementsAre(AttemptId{Id('a'), 1}, AttemptId{Id('b'), 1}));
  EXPECT_THAT(store_->LeasesOfRequest("v", "r-1"), IsEmpty());
  EXPECT_THAT(store_->LeasesOfRequest("w", "r-2"), IsEmpty());
  EXPECT_EQ(store_->WorkerOfAttempt({Id('a'), 1}), "w");
  EXPECT_FALSE(store_->WorkerOfAttempt({Id('a'), 2}).has_value());

  Fail({Id('a'), 1}, Cause::kCrash);

  EXPECT_THAT(store_->LeasesOfRequest("w", "r-1"),
              ElementsAre(AttemptId{Id('b'), 1}));
  EXPECT_EQ(store_->WorkerOfAttempt({Id('a'), 1}), "w");
}

TEST_F(StoreTest, LeaseNamesASweepThatStillWantsTheTrial) {
  Insert(ASweep("sw-1", "old"), {ATrial('a', 5)});
  Insert(ASweep("sw-2", "new"), {ATrial('a', 5)});

  LeaseRow lease = store_->DescribeLease({Id('a'), 3}).value();
  store_->SetSweepStatus("sw-2", SweepStatus::kCancelled);
  LeaseRow later = store_->DescribeLease({Id('a'), 3}).value();

  EXPECT_EQ(lease.attempt, (AttemptId{Id('a'), 3}));
  EXPECT_EQ(lease.dataset_name, "data");
  EXPECT_EQ(lease.first_stage, ATrial('a', 5).first_stage.name);
  EXPECT_EQ(lease.dataset_digest, Id('d'));
  EXPECT_EQ(lease.dataset_size_bytes, 1000);
  EXPECT_EQ(lease.configuration_json, ATrial('a').configuration_json);
  EXPECT_EQ(lease.seed, 5);
  EXPECT_EQ(lease.sweep_name, "new");
  EXPECT_EQ(later.sweep_name, "old");
  EXPECT_FALSE(store_->DescribeLease({Id('b'), 1}).has_value());
}

TEST_F(StoreTest, LostAttemptThatLivesAgainIsAsIfItWasNeverLost) {
  Insert(ASweep("sw-1"), {ATrial('a')});
  Lease({Id('a'), 1});
  Move({Id('a'), 1}, TrialState::kRunning);
  store_->EndAttempt(
      {{Id('a'), 1}, AttemptEnded::How::kLost, Cause::kWorkerLost},
      "the worker was lost", kNow + absl::Minutes(2));
  Move({Id('a'), 1}, TrialState::kPending);

  Move({Id('a'), 1}, TrialState::kRunning, "w", kNow + absl::Minutes(3));

  EXPECT_EQ(Trial('a').state, TrialState::kRunning);
  EXPECT_EQ(Trial('a').message, "");
  EXPECT_FALSE(Trial('a').cause.has_value());
  EXPECT_EQ(Trial('a').start_time, kNow);
  Complete({Id('a'), 1});
  EXPECT_TRUE(store_->IsAccepted({Id('a'), 1}));
}

TEST_F(StoreTest, NewAttemptStartsOverButOldLogsStay) {
  Insert(ASweep("sw-1"), {ATrial('a')});
  Lease({Id('a'), 1});
  store_->AddEpochs({Id('a'), 1}, {{0, 0, {{"loss", 3}}, 1, 10}});
  store_->AddEvaluations({Id('a'), 1}, {{0, 0, "test", 0.5, 10}});
  store_->AddLogLines({Id('a'), 1}, {{1, "error", "boom", absl::Seconds(1)}});
  Fail({Id('a'), 1}, Cause::kCrash);
  Move({Id('a'), 1}, TrialState::kPending);

  Lease({Id('a'), 2});

  EXPECT_THAT(Trial('a').metrics, IsEmpty());
  EXPECT_EQ(Trial('a').message, "");
  EXPECT_EQ(Trial('a').attempt, 2);
  EXPECT_THAT(store_->LogLines({Id('a'), 1}, 0, 10), SizeIs(1));
  EXPECT_THAT(store_->LogLines({Id('a'), 2}, 0, 10), IsEmpty());
}

TEST_F(StoreTest, TimesOfATrialAreThoseOfItsLife) {
  Insert(ASweep("sw-1"), {ATrial('a')});
  Lease({Id('a'), 1});
  EXPECT_FALSE(Trial('a').start_time.has_value());
  Move({Id('a'), 1}, TrialState::kRunning, "w", kNow + absl::Seconds(1));
  Move({Id('a'), 1}, TrialState::kRunning, "w", kNow + absl::Seconds(2));

  Complete({Id('a'), 1}, AResult(), "w", kNow + absl::Seconds(9));

  EXPECT_EQ(Trial('a').start_time, kNow + absl::Seconds(1));
  EXPECT_EQ(Trial('a').end_time, kNow + absl::Seconds(9));
}

TEST_F(StoreTest, WorkerIsShownByNameAndElseById) {
  Insert(ASweep("sw-1"), {ATrial('a'), ATrial('b')});
  store_->PutWorker(AWorker("w", "laptop"), kNow);
  Lease({Id('a'), 1}, "w");
  Lease({Id('b'), 1}, "gone");

  EXPECT_EQ(Trial('a').worker, "laptop");
  EXPECT_EQ(Trial('b').worker, "gone");
}

// ---- What attempts find -----------------------------------------------------

TEST_F(StoreTest, ReportingAnEpochTwiceChangesNothing) {
  Insert(ASweep("sw-1"), {ATrial('a')});
  Lease({Id('a'), 1});
  const std::vector<EpochRow> epochs = {{0, 0, {{"loss", 3}}, 1, 10},
                                        {0, 1, {{"loss", 2}}, 2, 10}};

  store_->AddEpochs({Id('a'), 1}, epochs);
  store_->AddEpochs({Id('a'), 1}, epochs);
  store_->AddEpochs({Id('a'), 1}, {epochs[0]});

  EXPECT_THAT(Trial('a').metrics, ElementsAre(Pair("loss", 2.0)));
  EXPECT_EQ(Trial('a').epochs_done, 2);
  std::vector<ResultRow> rows = Results("sw-1");
  EXPECT_THAT(Json::parse(rows[0].learning_curve), SizeIs(2));
}

TEST_F(StoreTest, ResultsAreReadBesideATransactionAsTheyWereBeforeIt) {
  Insert(ASweep("sw-1"), {ATrial('a')});
  Commit();
  const SweepRow sweep = store_->FindSweep("sw-1").value();
  Lease({Id('a'), 1});
  Complete({Id('a'), 1});

  EXPECT_EQ(ResultsIn(folder_.path(), sweep)[0].status, "pending");
  EXPECT_THAT(ResultsIn(folder_.path(), sweep)[0].metrics, IsEmpty());
  Commit();
  EXPECT_EQ(ResultsIn(folder_.path(), sweep)[0].status, "completed");
}

TEST_F(StoreTest, NoMoreEpochsAreDoneThanThereAre) {
  Insert(ASweep("sw-1"), {ATrial('a')});
  Lease({Id('a'), 1});

  store_->AddEpochs({Id('a'), 1}, {{0, 0, {}, 1000, 10}});

  EXPECT_EQ(Trial('a').epochs_done, 10);
}

TEST_F(StoreTest, LogLinesComeOnceInOrderFromWherever) {
  Insert(ASweep("sw-1"), {ATrial('a')});
  Lease({Id('a'), 1});
  store_->AddLogLines({Id('a'), 1},
                      {{2, "info", "two", absl::Milliseconds(1500)}});
  store_->AddLogLines({Id('a'), 1}, {{1, "warn", "one", absl::Seconds(1)},
                                     {2, "info", "again", absl::Seconds(9)}});

  std::vector<LogRow> lines = store_->LogLines({Id('a'), 1}, 0, 10);

  ASSERT_THAT(lines, SizeIs(2));
  EXPECT_EQ(lines[0].message, "one");
  EXPECT_EQ(lines[0].level, "warn");
  EXPECT_EQ(lines[1].message, "two");
  EXPECT_EQ(lines[1].since_start, absl::Milliseconds(1500));
  EXPECT_THAT(store_->LogLines({Id('a'), 1}, 2, 10), SizeIs(1));
  EXPECT_THAT(store_->LogLines({Id('a'), 1}, 0, 1), SizeIs(1));
}

TEST_F(StoreTest, OnlyTheNewestLogLinesAreKept) {
  Insert(ASweep("sw-1"), {ATrial('a')});
  Lease({Id('a'), 1});
  std::vector<LogRow> lines;
  for (int64_t i = 0; i < Store::kMaxLogLines + 10; ++i) {
    lines.push_back({i, "info", "line", absl::ZeroDuration()});
  }

  store_->AddLogLines({Id('a'), 1}, lines);

  EXPECT_EQ(store_->LogLines({Id('a'), 1}, 0, 1)[0].sequence, 10);
  EXPECT_THAT(store_->LogLines({Id('a'), 1}, 0, 1 << 20),
              SizeIs(Store::kMaxLogLines));
}

TEST_F(StoreTest, ResultReplacesWhatWasReportedLive) {
  Insert(ASweep("sw-1"), {ATrial('a')});
  Lease({Id('a'), 1});
  store_->AddEpochs({Id('a'), 1}, {{0, 7, {{"loss", 9}}, 1, 10}});
  EXPECT_FALSE(store_->HasResult(Id('a')));

  Complete({Id('a'), 1}, AResult(0.5));
  Reopen();

  EXPECT_TRUE(store_->HasResult(Id('a')));
  EXPECT_TRUE(store_->IsAccepted({Id('a'), 1}));
  EXPECT_FALSE(store_->IsAccepted({Id('a'), 2}));
  EXPECT_THAT(Trial('a').metrics,
              UnorderedElementsAre(Pair("average_accuracy", 0.5),
                                   Pair("forgetting", 0.25)));
  EXPECT_EQ(Trial('a').epochs_done, 10);
  EXPECT_EQ(Trial('a').train_seconds, 20);
  EXPECT_THAT(Json::parse(Results("sw-1").at(0).learning_curve), SizeIs(2));
}

TEST_F(StoreTest, ATrialHasOneResultForEver) {
  Insert(ASweep("sw-1"), {ATrial('a')});
  Lease({Id('a'), 1});
  Fail({Id('a'), 1}, Cause::kCrash);
  Lease({Id('a'), 2});
  Complete({Id('a'), 2}, AResult(0.5));
  Commit();

  // Nothing but its being accepted clashes with the first.
  store_->AcceptResult({Id('a'), 1}, TrialResultRow{});

  EXPECT_FALSE(store_->Commit().ok());
  store_->Begin();
  EXPECT_TRUE(store_->IsAccepted({Id('a'), 2}));
  EXPECT_FALSE(store_->IsAccepted({Id('a'), 1}));
  EXPECT_EQ(Trial('a').metrics["average_accuracy"], 0.5);
}

TEST_F(StoreTest, LateResultOfAnOlderAttemptIsTheTrials) {
  Insert(ASweep("sw-1"), {ATrial('a')});
  store_->PutWorker(AWorker("old", "first"), kNow);
  store_->PutWorker(AWorker("new", "second"), kNow);
  Lease({Id('a'), 1}, "old");
  Move({Id('a'), 1}, TrialState::kRunning, "old");
  store_->EndAttempt({{Id('a'), 1}, AttemptEnded::How::kLost}, "lost", kNow);
  Move({Id('a'), 1}, TrialState::kPending, "old");
  Lease({Id('a'), 2}, "new");
  store_->AddEpochs({Id('a'), 2}, {{0, 9, {{"loss", 9}}, 1, 10}});

  store_->EndAttempt({{Id('a'), 2}, AttemptEnded::How::kSuperseded}, "", kNow);
  store_->EndAttempt({{Id('a'), 1}, AttemptEnded::How::kCompleted}, "", kNow);
  Move({Id('a'), 2}, TrialState::kCompleted, "old");
  store_->AcceptResult({Id('a'), 1}, AResult());

  std::vector<ResultRow> rows = Results("sw-1");
  EXPECT_EQ(rows[0].status, "completed");
  EXPECT_EQ(rows[0].attempt, 1);
  EXPECT_EQ(rows[0].worker, "first");
  EXPECT_THAT(Json::parse(rows[0].learning_curve),
              SizeIs(2));  // none of attempt 2's
  EXPECT_EQ(Trial('a').message, "");
}

TEST_F(StoreTest, DivergedTrialKeepsItsMetricsAndReason) {
  Insert(ASweep("sw-1"), {ATrial('a')});
  Lease({Id('a'), 1});
  TrialResultRow result = AResult();
  result.diverged = true;
  result.message = "the loss is NaN";
  result.epochs.back().epochs_done = 4;

  Complete({Id('a'), 1}, result);

  EXPECT_EQ(Trial('a').state, TrialState::kDiverged);
  EXPECT_TRUE(store_->HasResult(Id('a')));
  EXPECT_EQ(Trial('a').message, "the loss is NaN");
  EXPECT_EQ(Trial('a').epochs_done, 4);
  EXPECT_EQ(Trial('a').metrics["forgetting"], 0.25);
}

TEST_F(StoreTest, ResultRowsHaveEverythingForATable) {
  Insert(ASweep("sw-1", "name"), {ATrial('a', 4)});
  store_->PutWorker(AWorker("w"), kNow);
  Lease({Id('a'), 1});
  Move({Id('a'), 1}, TrialState::kRunning);
  Complete({Id('a'), 1}, AResult(), "w", kNow + absl::Milliseconds(20'500));
  Reopen();

  std::vector<ResultRow> rows = Results("sw-1");

  ASSERT_THAT(rows, SizeIs(1));
  const ResultRow& row = rows[0];
  EXPECT_EQ(row.trial_id, Id('a'));
  EXPECT_EQ(row.sweep, "name");
  EXPECT_EQ(row.status, "completed");
  EXPECT_EQ(row.seed, 4);
  EXPECT_EQ(row.attempt, 1);
  EXPECT_EQ(row.parameters, ParameterSet({{"strategy", "naive"}}));
  EXPECT_EQ(row.metrics.Find("average_accuracy"), 0.5);
  EXPECT_THAT(row.accuracy_matrix,
              ElementsAre(ElementsAre(0.75), ElementsAre(0.25, 0.75)));
  EXPECT_EQ(row.parts.at("open_world"), R"({"points":[]})");
  EXPECT_EQ(row.learning_curve, R"([{"epoch":0,"loss":2.0,"task":0},)"
                                R"({"epoch":1,"loss":1.0,"task":0}])");
  EXPECT_EQ(row.worker, "laptop");
  EXPECT_EQ((*row.environment)["torch"], "2.4.1");
  EXPECT_EQ((*row.environment)["build"], "abc");
  EXPECT_EQ((*row.environment)["device"], "cpu");
  EXPECT_EQ((*row.environment)["bf16"], false);
  EXPECT_EQ(row.dataset.name, "data");
  EXPECT_EQ(row.dataset.digest, Id('d'));
  EXPECT_EQ(row.started_at, "2023-11-14T22:13:20.000Z");
  EXPECT_EQ(row.finished_at, "2023-11-14T22:13:40.500Z");
  EXPECT_EQ(row.train_seconds, 20);
}

TEST_F(StoreTest, ResultsAreInTheFilesOrderAndDropNothing) {
  Insert(ASweep("sw-1"), {ATrial('c'), ATrial('b'), ATrial('a')});
  Lease({Id('c'), 1});
  Fail({Id('c'), 1}, Cause::kBadConfig);
  Move({Id('c'), 1}, TrialState::kFailed);
  Lease({Id('a'), 1});
  Complete({Id('a'), 1});

  std::vector<ResultRow> rows = Results("sw-1");

  ASSERT_THAT(rows, SizeIs(3));
  EXPECT_EQ(rows[0].status, "failed");
  EXPECT_EQ(rows[0].message, "it broke");
  EXPECT_THAT(rows[0].metrics, IsEmpty());
  EXPECT_EQ(rows[1].status, "pending");
  EXPECT_EQ(rows[1].started_at, "");
  EXPECT_EQ(rows[2].status, "completed");
}

TEST_F(StoreTest, ResultFillsTheRowsOfEverySweepThatNeedsIt) {
  Insert(ASweep("sw-1"), {ATrial('a')});
  Lease({Id('a'), 1});
  Complete({Id('a'), 1});

  Insert(ASweep("sw-2"), {ATrial('b'), ATrial('a')});

  std::vector<ResultRow> rows = Results("sw-2");
  EXPECT_EQ(rows[1].metrics.Find("average_accuracy"), 0.5);
}

// ---- Workers ----------------------------------------------------------------

TEST_F(StoreTest, WorkerKeepsAllItsFieldsAndCountsItsTrials) {
  WorkerRow worker = AWorker("w");
  worker.state = WorkerState::kDraining;
  worker.reason = "it was drained";
  worker.order = WorkerOrder::kDrain;
  worker.parity_warning = "torch differs";
  worker.probe_digest = "d1";
  worker.samples_per_second = 1234.5;
  worker.environment.bf16 = true;
  worker.environment.cudnn_version = "9";
  store_->PutWorker(worker, kNow);
  Insert(ASweep("sw-1"), {ATrial('a'), ATrial('b')});
  Lease({Id('a'), 1});
  Complete({Id('a'), 1});
  Lease({Id('b'), 1});
  Fail({Id('b'), 1}, Cause::kCrash);
  Reopen();

  WorkerRow row = store_->FindWorker("w").value();

  EXPECT_EQ(row.name, "laptop");
  EXPECT_EQ(row.incarnation, "1");
  EXPECT_EQ(row.state, WorkerState::kDraining);
  EXPECT_EQ(row.reason, "it was drained");
  EXPECT_EQ(row.order, WorkerOrder::kDrain);
  EXPECT_EQ(row.parity_warning, "torch differs");
  EXPECT_EQ(row.probe_digest, "d1");
  EXPECT_EQ(row.samples_per_second, 1234.5);
  EXPECT_EQ(row.slots, 2);
  EXPECT_EQ(row.environment.device_name, "Xeon");
  EXPECT_EQ(row.environment.threads, 4);
  EXPECT_EQ(row.environment.cudnn_version, "9");
  EXPECT_EQ(row.environment.device_memory_bytes, 1 << 30);
  EXPECT_TRUE(row.environment.bf16);
  EXPECT_EQ(row.environment.os, "Linux");
  EXPECT_EQ(row.completed_trials, 1);
  EXPECT_EQ(row.failed_attempts, 1);
}

TEST_F(StoreTest, OrdersAndSpeedsAreRestoredWithTheirWorkers) {
  WorkerRow worker = AWorker("w");
  worker.samples_per_second = 1000;
  store_->PutWorker(worker, kNow);
  store_->SetWorkerState(
      {"w", WorkerState::kPaused, "on battery", WorkerOrder::kPause});
  store_->SetParityWarning("w", "torch differs");
  Reopen();

  EXPECT_EQ(store_->FindWorker("w")->state, WorkerState::kPaused);
  EXPECT_EQ(store_->FindWorker("w")->parity_warning, "torch differs");
  RestoredState state = store_->Restore();
  ASSERT_EQ(state.workers.size(), 1u);
  EXPECT_EQ(state.workers[0].order, WorkerOrder::kPause);
  EXPECT_EQ(state.workers[0].samples_per_second, 1000);
}

TEST_F(StoreTest, WorkersNameIsTheOneThatIsThere) {
  WorkerRow gone = AWorker("gone");
  gone.state = WorkerState::kLost;
  store_->PutWorker(AWorker("here"), kNow);
  store_->PutWorker(gone, kNow + absl::Hours(1));

  EXPECT_EQ(store_->FindWorker("laptop")->worker_id, "here");
  EXPECT_EQ(store_->FindWorker("gone")->worker_id, "gone");
  store_->SetWorkerState({"here", WorkerState::kLeft, "removed"});
  EXPECT_EQ(store_->FindWorker("laptop")->worker_id, "gone");
  EXPECT_EQ(store_->FindWorker("here")->reason, "removed");
  EXPECT_FALSE(store_->FindWorker("nobody").has_value());
  EXPECT_THAT(store_->ListWorkers(), SizeIs(2));
}

TEST_F(StoreTest, FleetIsTheWorkersThatAreOnline) {
  EXPECT_EQ(store_->OnlineFleet().workers, 0);
  EXPECT_EQ(store_->OnlineFleet().slots, 0);
  for (const char* id : {"a", "b", "c"}) store_->PutWorker(AWorker(id), kNow);
  store_->SetWorkerState({"c", WorkerState::kSuspect, "silent"});

  EXPECT_EQ(store_->OnlineFleet().workers, 2);
  EXPECT_EQ(store_->OnlineFleet().slots, 4);
}

// ---- Requests ---------------------------------------------------------------

TEST_F(StoreTest, AnswerOfARequestIsRememberedForItsMethod) {
  store_->PutRequest("r", "CreateSweep", R"({"a":1})", kNow);
  Reopen();

  EXPECT_EQ(*store_->FindRequest("r", "CreateSweep"), R"({"a":1})");
  EXPECT_EQ(*store_->FindRequest("other", "CreateSweep"), std::nullopt);
  absl::Status misused = store_->FindRequest("r", "RetryTrials").status();
  EXPECT_EQ(misused.code(), absl::StatusCode::kInvalidArgument);
  ExpectThreeParts(misused);
}

TEST_F(StoreTest, PruneForgetsOldRequestsOnly) {
  store_->PutRequest("old", "M", "{}", kNow - absl::Seconds(1));
  store_->PutRequest("new", "M", "{}", kNow);

  store_->Prune(kNow);

  EXPECT_EQ(*store_->FindRequest("old", "M"), std::nullopt);
  EXPECT_EQ(*store_->FindRequest("new", "M"), "{}");
}

TEST_F(StoreTest, PruneKeepsTheNewestEvents) {
  constexpr int kKept = 100'000;
  for (int i = 0; i < kKept + 5; ++i) store_->AddEvent("kind", "text", kNow);

  store_->Prune(kNow);
  Reopen();
  auto database = Database::Open(folder_.path() / SqliteStore::kFileName);

  Query query(**database, "SELECT count(*), min(number) FROM events");
  ASSERT_TRUE(query.Next());
  EXPECT_EQ(query.Int(0), kKept);
  EXPECT_EQ(query.Int(1), 6);
}

// ---- Restart ----------------------------------------------------------------

TEST_F(StoreTest, RestoreGivesSweepsInOrderOfSubmission) {
  SweepRow paused = ASweep("sw-1");
  paused.priority = 4;
  Insert(paused, {ATrial('b'), ATrial('a')});
  Insert(ASweep("sw-0"), {ATrial('a')});
  store_->SetSweepStatus("sw-1", SweepStatus::kPaused);
  store_->SetSweepStatus("sw-0", SweepStatus::kCancelled);
  Reopen();

  RestoredState state = store_->Restore();

  ASSERT_THAT(state.sweeps, SizeIs(2));
  EXPECT_EQ(state.sweeps[0].sweep_id, "sw-1");
  EXPECT_EQ(state.sweeps[0].priority, 4);
  EXPECT_TRUE(state.sweeps[0].paused);
  EXPECT_FALSE(state.sweeps[0].cancelled);
  EXPECT_THAT(state.sweeps[0].trial_ids, ElementsAre(Id('b'), Id('a')));
  EXPECT_TRUE(state.sweeps[1].cancelled);
  EXPECT_THAT(state.sweeps[1].trial_ids, ElementsAre(Id('a')));
}

TEST_F(StoreTest, RestoreGivesAttemptsAndCountedFailures) {
  Insert(ASweep("sw-1"), {ATrial('a'), ATrial('b')});
  Lease({Id('a'), 1}, "w");
  Fail({Id('a'), 1}, Cause::kCrash);
  Lease({Id('a'), 2}, "w");
  Fail({Id('a'), 2}, Cause::kOutOfMemory);
  Lease({Id('a'), 3}, "v");
  Fail({Id('a'), 3}, Cause::kCrash, /*counted=*/false);
  Lease({Id('a'), 4}, "v");
  Fail({Id('a'), 4}, Cause::kCrash);
  store_->Forgive({Id('a'), 4});
  Lease({Id('a'), 5}, "u");
  Move({Id('a'), 5}, TrialState::kRunning, "u");
  Reopen();

  RestoredTrial trial = Restored('a');

  EXPECT_EQ(trial.state, TrialState::kRunning);
  EXPECT_EQ(trial.attempt, 5);
  EXPECT_EQ(trial.worker_id, "u");
  EXPECT_THAT(trial.counted_failures,
              UnorderedElementsAre(Pair(Cause::kCrash, 1),
                                   Pair(Cause::kOutOfMemory, 1)));
  EXPECT_THAT(trial.failed_on_workers, ElementsAre("w"));
  EXPECT_EQ(Restored('b').state, TrialState::kPending);
}

TEST_F(StoreTest, RestoreGivesWhatSpeaksAgainstAWorkerSinceItsLastCompletion) {
  store_->PutWorker(AWorker("w"), kNow);
  Insert(ASweep("sw-1"),
         {ATrial('a'), ATrial('b'), ATrial('c'), ATrial('e'), ATrial('f')});
  auto at = [](int second) { return kNow + absl::Seconds(second); };
  Lease({Id('a'), 1});
  Fail({Id('a'), 1}, Cause::kCrash, true, at(1));
  Lease({Id('b'), 1});
  Complete({Id('b'), 1}, AResult(), "w", at(2));
  Lease({Id('c'), 1});
  Fail({Id('c'), 1}, Cause::kTimeout, true, at(4));
  Lease({Id('a'), 2});
  Fail({Id('a'), 2}, Cause::kCrash, true, at(3));
  Lease({Id('e'), 1});
  Fail({Id('e'), 1}, Cause::kCrash, /*counted=*/false, at(5));
  Lease({Id('f'), 1});
  Fail({Id('f'), 1}, Cause::kBadConfig, true, at(6));
  Reopen();

  RestoredState state = store_->Restore();

  ASSERT_THAT(state.workers, SizeIs(1));
  EXPECT_EQ(state.workers[0].worker_id, "w");
  EXPECT_EQ(state.workers[0].incarnation, "1");
  EXPECT_EQ(state.workers[0].device, "cpu");
  EXPECT_EQ(state.workers[0].memory_bytes, 1 << 30);
  EXPECT_EQ(state.workers[0].slots, 2);
  const auto& streak = state.workers[0].failure_streak;
  ASSERT_THAT(streak, SizeIs(2));
  EXPECT_EQ(streak[0].attempt, (AttemptId{Id('a'), 2}));
  EXPECT_EQ(streak[0].cause, Cause::kCrash);
  EXPECT_EQ(streak[1].attempt, (AttemptId{Id('c'), 1}));
  EXPECT_EQ(streak[1].cause, Cause::kTimeout);
}

}  // namespace
}  // namespace dfsweep::coordinator
