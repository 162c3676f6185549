// Keeping checkpoints, fetching them and sending them.
#include "worker/checkpoint_cache.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>
#include <thread>

#include "base/digest.h"
#include "base/files.h"
#include "base/temporary_folder.h"
#include "sweeps/stages.h"
#include "tests/fakes/fake_coordinator.h"
#include "worker/checkpoint_sender.h"

namespace dfsweep::worker {
namespace {

namespace fs = std::filesystem;
using State = testing::FakeCoordinator::State;
using ::testing::IsEmpty;
using ::testing::SizeIs;
using ::testing::UnorderedElementsAre;

class CheckpointTest : public ::testing::Test {
 protected:
  CheckpointTest()
      : lease_(testing::FakeCoordinator::MakeLease(Sha256Hex("data"), 1, 7)),
        stages_(sweeps::StageNames(
            nlohmann::json::parse(lease_.configuration_json()),
            lease_.dataset().digest(), lease_.seed())) {}

  CheckpointCache Cache(int64_t limit_bytes = 1 << 20, bool travel = true) {
    return CheckpointCache({.folder = folder_.path(),
                            .worker_id = "w",
                            .limit_bytes = limit_bytes,
                            .travel = travel},
                           room_, client_);
  }
  std::string Progress(int64_t steps) const {
    return lease_.trial_id() + "." + std::to_string(steps) + ".progress";
  }
  std::string Stage(size_t stage, int64_t epochs) const {
    return stages_.at(stage) + "." + std::to_string(epochs) + ".stage";
  }
  // A file of so many bytes that was used so long ago.
  void Keep(const std::string& name, size_t size = 10, int hours_ago = 0) {
    std::ofstream(folder_.path() / name) << std::string(size, 'k');
    fs::last_write_time(
        folder_.path() / name,
        fs::file_time_type::clock::now() - std::chrono::hours(hours_ago));
  }
  int64_t Size() const {
    int64_t size = 0;
    for (const auto& entry : fs::directory_iterator(folder_.path())) {
      size += static_cast<int64_t>(entry.file_size());
    }
    return size;
  }
  std::vector<std::string> Files() const {
    std::vector<std::string> names;
    for (const auto& entry : fs::directory_iterator(folder_.path())) {
      names.push_back(entry.path().filename().string());
    }
    return names;
  }

  testing::FakeCoordinator coordinator_;
  CoordinatorClient client_{{.address = coordinator_.address()}};
  TemporaryFolder folder_;
  // Beside what the files take.
  int64_t disk_ = DiskRoom::kReserveBytes << 10;
  const DiskRoom room_{[this] { return disk_ - Size(); }, Clock::Real()};
  const v1::Lease lease_;  // naive, 3 epochs a task
  const std::vector<std::string> stages_;
  std::atomic<bool> stop_ = false;
};

TEST_F(CheckpointTest, FurthestOfEachKindIsFetched) {
  coordinator_.AddCheckpoint(Progress(9), "nine");
  coordinator_.AddCheckpoint(Progress(10), "ten");
  coordinator_.AddCheckpoint(Stage(1, 1), "later stage");
  coordinator_.AddCheckpoint(Stage(0, 3), "first stage");
  Cache().Prepare(lease_, stop_);
  EXPECT_THAT(Files(), UnorderedElementsAre(Progress(10), Stage(1, 1)));
  EXPECT_EQ(ReadFile(folder_.path() / Progress(10)).value(), "ten");
}

TEST_F(CheckpointTest, WhatLeadsNoFurtherStaysThere) {
  Keep(Progress(10));
  Keep(Stage(0, 3));
  coordinator_.AddCheckpoint(Progress(10), "ten");
  coordinator_.AddCheckpoint(Stage(0, 2), "two epochs");
  Cache().Prepare(lease_, stop_);
  coordinator_.With(
      [](State& state) { EXPECT_THAT(state.download_offsets, IsEmpty()); });
}

TEST_F(CheckpointTest, StageBeyondTheTrialsEpochsIsNotOfUse) {
  coordinator_.AddCheckpoint(Stage(0, 4), "four of three epochs");
  Cache().Prepare(lease_, stop_);
  EXPECT_THAT(Files(), IsEmpty());
}

TEST_F(CheckpointTest, NamesThatAreNoneAreNotWritten) {
  const std::string trial = lease_.trial_id();
  for (const std::string& name :
       {"../" + Progress(1), trial + ".01.progress", trial + ".1.progress.x",
        trial + ".progress", std::string("a.1.stage"), std::string()}) {
    coordinator_.AddCheckpoint(name, "bytes of " + name);
  }
  Cache().Prepare(lease_, stop_);
  EXPECT_THAT(Files(), IsEmpty());
  EXPECT_FALSE(fs::exists(folder_.path().parent_path() / Progress(1)));
}

TEST_F(CheckpointTest, DamagedDownloadLeavesNothing) {
  coordinator_.AddCheckpoint(Progress(10), std::string(5000, 'p'));
  coordinator_.With([](State& state) { state.corrupt_downloads = 1; });
  Cache().Prepare(lease_, stop_);
  EXPECT_THAT(Files(), IsEmpty());
  coordinator_.With([](State& state) { state.cut_downloads = 1; });
  Cache().Prepare(lease_, stop_);
  EXPECT_THAT(Files(), IsEmpty());
  Cache().Prepare(lease_, stop_);
  EXPECT_THAT(Files(), UnorderedElementsAre(Progress(10)));
}

TEST_F(CheckpointTest, CacheThatStaysHereAsksNobody) {
  coordinator_.AddCheckpoint(Progress(10), "ten");
  Cache(1 << 20, /*travel=*/false).Prepare(lease_, stop_);
  EXPECT_THAT(Files(), IsEmpty());
}

TEST_F(CheckpointTest, WhatWasUsedLongestAgoMakesRoom) {
  Keep(Progress(1), 600, /*hours_ago=*/1);
  Keep(Stage(0, 1), 600, /*hours_ago=*/3);
  Keep(Stage(0, 2), 600, /*hours_ago=*/2);
  Cache(1200).Prepare(lease_, stop_);
  EXPECT_THAT(Files(), UnorderedElementsAre(Progress(1), Stage(0, 2)));
}

TEST_F(CheckpointTest, DiskThatIsNearlyFullGetsRoom) {
  Keep(Stage(0, 1), 100, /*hours_ago=*/2);
  Keep(Stage(0, 2), 100, /*hours_ago=*/1);
  disk_ = DiskRoom::kReserveBytes + 150;
  Cache().MakeRoom(0);
  EXPECT_THAT(Files(), UnorderedElementsAre(Stage(0, 2)));
  Cache().MakeRoom(50);
  EXPECT_THAT(Files(), SizeIs(1));
  Cache().MakeRoom(51);
  EXPECT_THAT(Files(), IsEmpty());
}

TEST_F(CheckpointTest, NothingIsRemovedIfEvenAllWouldNotBeEnough) {
  Keep(Stage(0, 1), 100);
  disk_ = DiskRoom::kReserveBytes;
  Cache().MakeRoom(1);
  EXPECT_THAT(Files(), SizeIs(1));
}

TEST_F(CheckpointTest, LeftOversOfKilledWritersAreRemoved) {
  Keep(Progress(1) + ".4242.part", 10, /*hours_ago=*/1);
  Keep(Progress(2) + ".4242.part", 10);  // may be on its way
  Cache().Prepare(lease_, stop_);
  EXPECT_THAT(Files(), UnorderedElementsAre(Progress(2) + ".4242.part"));
}

TEST_F(CheckpointTest, TrainerIsToldTheStagesUnlessNothingIsKept) {
  EXPECT_EQ(Cache().ForTrainer(lease_).at("stages"), nlohmann::json(stages_));
  EXPECT_THAT(Cache(0).ForTrainer(lease_), IsEmpty());
}

// A trial of a sweep in which another one needs what the first stage records.
TEST_F(CheckpointTest, TrainerRecordsSisPathWhereTheCoordinatorSaysSo) {
  EXPECT_EQ(Cache().ForTrainer(lease_).at("records_path"), false);
  const std::vector<std::string> recorded = sweeps::StageNames(
      nlohmann::json::parse(lease_.configuration_json()),
      lease_.dataset().digest(), lease_.seed(), /*records_path=*/true);
  v1::Lease lease = lease_;
  lease.set_first_stage(recorded.front());
  EXPECT_EQ(Cache().ForTrainer(lease).at("records_path"), true);
  EXPECT_EQ(Cache().ForTrainer(lease).at("stages"), nlohmann::json(recorded));
  EXPECT_EQ(CheckpointCache::FirstStageOf(lease).file,
            recorded.front() + ".3.stage");
}

// A sender with its thread.
class CheckpointSenderTest : public CheckpointTest {
 protected:
  ~CheckpointSenderTest() override {
    if (thread_.joinable()) Finish();
  }
  void Start() {
    thread_ = std::thread([this] { sender_.Run(); });
  }
  void Finish() {
    sender_.Finish(absl::Seconds(20));
    thread_.join();
  }
  std::vector<std::string> Sent() {
    std::vector<std::string> names;
    coordinator_.With([&](State& state) {
      for (const auto& upload : state.uploads) names.push_back(upload.name());
    });
    return names;
  }

  const AttemptId attempt_{lease_.trial_id(), 1};
  std::atomic<int> done_calls_ = 0;
  const std::function<void()> done_ = [this] { ++done_calls_; };
  CheckpointCache cache_ = Cache();
  Link link_{Clock::Real()};
  CheckpointSender sender_{"w",
                           {absl::Milliseconds(1), absl::Milliseconds(5)},
                           cache_,
                           client_,
                           link_};
  std::thread thread_;
};

TEST_F(CheckpointSenderTest, FileArrivesWithItsDigest) {
  Keep(Stage(0, 3), 3'000'000);
  sender_.Add(attempt_, {Stage(0, 3), 31}, done_);
  Start();
  Finish();
  coordinator_.With([&](State& state) {
    ASSERT_THAT(state.uploads, SizeIs(1));
    const v1::UploadArtifactRequest& upload = state.uploads[0];
    EXPECT_EQ(upload.name(), Stage(0, 3));
    EXPECT_EQ(upload.attempt().trial_id(), lease_.trial_id());
    EXPECT_EQ(upload.digest(), Sha256Hex(upload.chunk()));
    EXPECT_EQ(upload.size_bytes(), 3'000'000);
    EXPECT_EQ(upload.chunk().size(), 3'000'000u);
  });
}

TEST_F(CheckpointSenderTest, TrainingOfSecondsIsNotSent) {
  Keep(Progress(10));
  sender_.Add(attempt_, {Progress(10), 29}, done_);
  EXPECT_EQ(done_calls_, 1);  // nobody has to wait for it
  Start();
  Finish();
  EXPECT_THAT(Sent(), IsEmpty());
}

TEST_F(CheckpointSenderTest, OnlyTheNewestProgressOfATrialIsSent) {
  for (int steps : {1, 2, 3}) {
    Keep(Progress(steps));
    sender_.Add(attempt_, {Progress(steps), 60.0 * steps}, done_);
  }
  Start();
  Finish();
  EXPECT_THAT(Sent(), UnorderedElementsAre(Progress(3)));
}

TEST_F(CheckpointSenderTest, CoordinatorThatIsAwayIsTriedAgain) {
  coordinator_.With([](State& state) {
    state.upload_errors.assign(3, {grpc::StatusCode::UNAVAILABLE, "a\nb\nc"});
  });
  Keep(Progress(10));
  sender_.Add(attempt_, {Progress(10), 60}, done_);
  Start();
  Finish();
  EXPECT_THAT(Sent(), UnorderedElementsAre(Progress(10)));
}

TEST_F(CheckpointSenderTest, RefusedOrReplacedFileIsGivenUp) {
  coordinator_.With([](State& state) {
    state.upload_errors.assign(
        1, {grpc::StatusCode::FAILED_PRECONDITION, "a\nb\nc"});
  });
  Keep(Stage(0, 3));
  Keep(Progress(10));
  sender_.Add(attempt_, {Stage(0, 3), 60}, done_);
  sender_.Add(attempt_, {Stage(0, 2), 60}, done_);  // is not there
  sender_.Add(attempt_, {Progress(10), 60}, done_);
  Start();
  Finish();
  EXPECT_THAT(Sent(), UnorderedElementsAre(Progress(10)));
  EXPECT_EQ(done_calls_, 3);
}

}  // namespace
}  // namespace dfsweep::worker
