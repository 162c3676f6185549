// The machines of a sweep fail: they stop for a while, their disks fill up, and
// bits flip on them.
#include <signal.h>
#include <sys/resource.h>

#include "absl/time/clock.h"
#include "tests/faults/disk.h"
#include "tests/faults/faults.h"

namespace dfsweep::testing {
namespace {

using MachineFaultsTest = FaultsTest;

TEST_F(MachineFaultsTest, WorkerStoppedForLongerThanItsLeaseIsFenced) {
  Start(SoonLost());
  fleet_.StartWorker("asleep", 1, EpochsOf(500));
  Submit(1);
  ASSERT_TRUE(AwaitCount("running", 1));

  // Its trainer goes on, so that there is a result when it wakes up.
  ::kill(fleet_.WorkerPid("asleep"), SIGSTOP);
  ASSERT_TRUE(AwaitState("asleep", "LOST"));
  fleet_.StartWorker("other");
  ASSERT_TRUE(AwaitCount("completed", 1));
  ::kill(fleet_.WorkerPid("asleep"), SIGCONT);

  ASSERT_TRUE(AwaitState("asleep", "ONLINE"));
  ASSERT_TRUE(AwaitEmptySpool("asleep"));
  EXPECT_EQ(OneRowEach(1)[0]["worker"], "other");
}

TEST_F(MachineFaultsTest, StoppedCoordinatorLosesNoWorkerWhenItGoesOn) {
  Start(SoonLost());
  fleet_.StartWorker("a", 1, EpochsOf(700));
  Submit(2);
  ASSERT_TRUE(AwaitCount("running", 1));

  const absl::Time stopped = absl::Now();
  ::kill(fleet_.CoordinatorPid(), SIGSTOP);
  Eventually([&] { return absl::Now() - stopped > absl::Seconds(8); });
  ::kill(fleet_.CoordinatorPid(), SIGCONT);

  ASSERT_TRUE(AwaitCount("completed", 2));
  for (const json& row : OneRowEach(2)) EXPECT_EQ(row["attempt"], 1);
}

TEST_F(MachineFaultsTest, ShellThatAllowsFewFilesLimitsNoWorkers) {
  rlimit before{};
  ASSERT_EQ(::getrlimit(RLIMIT_NOFILE, &before), 0);
  const rlimit few{256, before.rlim_max};
  ASSERT_EQ(::setrlimit(RLIMIT_NOFILE, &few), 0);
  Start();
  ::setrlimit(RLIMIT_NOFILE, &before);

  rlimit has{};
  ASSERT_EQ(::prlimit(fleet_.CoordinatorPid(), RLIMIT_NOFILE, nullptr, &has),
            0);

  EXPECT_EQ(has.rlim_cur, before.rlim_max);
}

// ---- full disks -------------------------------------------------------------

#define SKIP_WITHOUT(disk)                                              \
  if (!(disk).is_mounted()) {                                           \
    GTEST_SKIP() << "SKIPPED: can't mount a tmpfs: " << (disk).error(); \
  }

TEST_F(MachineFaultsTest, CoordinatorsFullDiskKeepsWhatWasAcknowledged) {
  SmallDisk disk(fleet_.store(), "4m");
  SKIP_WITHOUT(disk);
  Start();
  fleet_.StartWorker("a", 1, EpochsOf(150));
  Submit(8);
  ASSERT_TRUE(AwaitCount("completed", 2));

  disk.Fill();
  const CommandResult refused = fleet_.Run({"submit", Sweep(2000, "more")});
  EXPECT_EQ(refused.code, 2);
  for (const char* part : {"error: ", "full", "\n  at ", "\n  fix: free"}) {
    EXPECT_THAT(refused.err, ::testing::HasSubstr(part));
  }
  const std::vector<json> before = fleet_.Rows("faults");
  ASSERT_LT(Count("completed"), 8) << "it ended too early to count";
  fleet_.KillCoordinator();
  disk.Free();
  fleet_.StartCoordinator();

  ASSERT_TRUE(AwaitCount("completed", 8));
  const std::vector<json> after = OneRowEach(8);
  for (const json& row : before) {
    if (row["status"] != "completed") continue;
    EXPECT_THAT(after, ::testing::Contains(row));
  }
}

TEST_F(MachineFaultsTest, WorkersFullDiskLosesNoResult) {
  // Room for a dataset and the 256 MiB that a worker leaves to others.
  SmallDisk disk(fleet_.StateOf("a"), "260m");
  SKIP_WITHOUT(disk);
  Start();
  fleet_.StartWorker("a", 1, EpochsOf(300));
  Submit(4);
  ASSERT_TRUE(AwaitCount("running", 1));

  disk.Fill();

  // What it trains goes on, and nothing else is begun.
  ASSERT_TRUE(AwaitState("a", "DRAINING"));
  ASSERT_TRUE(Eventually([&] { return Count("running") == 0; }));
  ASSERT_LT(Count("completed"), 4) << "it ended too early to tell";
  disk.Free();
  ASSERT_TRUE(AwaitCount("completed", 4));
  for (const json& row : OneRowEach(4)) EXPECT_EQ(row["attempt"], 1);
}

TEST_F(MachineFaultsTest, LoneWorkerWithoutRoomForTheDatasetFailsNoTrial) {
  SmallDisk disk(fleet_.StateOf("full"), "1m");
  SKIP_WITHOUT(disk);
  Start();
  fleet_.StartWorker("full");
  Submit(1);
  ASSERT_TRUE(AwaitState("full", "DRAINING"));
  EXPECT_EQ(Count("completed") + Count("failed"), 0);

  disk.Resize("300m");

  ASSERT_TRUE(AwaitCount("completed", 1));
  OneRowEach(1);
}

// ---- flipped bits -----------------------------------------------------------

std::filesystem::path OnlyFileIn(const std::filesystem::path& folder) {
  std::vector<std::filesystem::path> files;
  for (const auto& entry : std::filesystem::directory_iterator(folder)) {
    files.push_back(entry.path());
  }
  EXPECT_EQ(files.size(), 1u) << folder;
  return files.at(0);
}

TEST_F(MachineFaultsTest, FlippedBitInAWorkersDatasetIsFetchedAgain) {
  Start();
  fleet_.StartWorker("a");
  Submit(1);
  ASSERT_TRUE(AwaitCount("completed", 1));
  fleet_.StopWorker("a");
  const auto file = OnlyFileIn(fleet_.StateOf("a") / "datasets");
  const std::string sound = Bytes(file);
  FlipABit(file);

  fleet_.StartWorker("a");
  Submit(2);

  ASSERT_TRUE(AwaitCount("completed", 2));
  EXPECT_EQ(Bytes(file), sound);
}

TEST_F(MachineFaultsTest, FlippedBitInTheCoordinatorsDatasetIsNotTrainedOn) {
  Start();
  const auto file = OnlyFileIn(fleet_.store() / "datasets");
  FlipABit(file);
  Submit(3);
  fleet_.StartWorker("a");
  ASSERT_TRUE(AwaitState("a", "QUARANTINED"));
  EXPECT_EQ(Count("completed"), 0);
  EXPECT_TRUE(std::filesystem::is_empty(fleet_.StateOf("a") / "datasets"));

  FlipABit(file);  // back, as from a backup
  fleet_.StartWorker("b");
  ASSERT_TRUE(AwaitCount("completed", 3));
}

}  // namespace
}  // namespace dfsweep::testing
