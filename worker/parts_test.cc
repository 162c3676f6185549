// The small parts: devices, patience, suspend watch, back-off, lease check,
// state folder, attempts.
#include <gtest/gtest.h>
#include <sys/stat.h>

#include "base/digest.h"
#include "base/temporary_folder.h"
#include "tests/fakes/fake_coordinator.h"
#include "worker/attempt.h"
#include "worker/devices.h"
#include "worker/lease_check.h"
#include "worker/link.h"
#include "worker/patience.h"
#include "worker/state_folder.h"
#include "worker/suspend_watch.h"

namespace dfsweep::worker {
namespace {

using Devices = std::vector<std::string>;

TEST(Devices, KindsAndIndicesAreRead) {
  EXPECT_EQ(ParseDevices("cpu", 0).value(), (Devices{"cpu"}));
  EXPECT_EQ(ParseDevices("cuda", 2).value(), (Devices{"cuda:0", "cuda:1"}));
  EXPECT_EQ(ParseDevices("cuda:1,0", 2).value(), (Devices{"cuda:1", "cuda:0"}));
}

TEST(Devices, WhatIsNotThereIsAnError) {
  for (const char* text : {"", "gpu", "cuda:", "cuda:x", "cuda:2", "cuda:-1",
                           "cuda:0,0", "cpu:0"}) {
    EXPECT_EQ(ParseDevices(text, 2).status().code(),
              absl::StatusCode::kInvalidArgument)
        << text;
  }
  EXPECT_FALSE(ParseDevices("cuda", 0).ok());
}

TEST(Devices, SlotsAreDealtInTurn) {
  Devices devices = {"cuda:0", "cuda:1"};
  EXPECT_EQ(DealSlots(devices, 0), devices);
  EXPECT_EQ(DealSlots(devices, 3), (Devices{"cuda:0", "cuda:1", "cuda:0"}));
  EXPECT_EQ(DealSlots(devices, 1), (Devices{"cuda:0"}));
}

TEST(Patience, GrowsWithTheEpochsOfTheTrial) {
  Patience patience(absl::Minutes(5));
  EXPECT_EQ(patience.Limit(), absl::Hours(1));
  patience.AddEpoch(absl::Minutes(2));
  patience.AddEpoch(absl::Minutes(2));
  EXPECT_EQ(patience.Limit(), absl::Minutes(20));
}

TEST(Patience, IsNeverLessThanTheMinimum) {
  Patience patience(absl::Minutes(5));
  for (int i = 0; i < 9; ++i) patience.AddEpoch(absl::Milliseconds(3));
  EXPECT_EQ(patience.Limit(), absl::Minutes(5));
}

TEST(SuspendWatch, SeesSleepButNotWaiting) {
  absl::Duration boot, monotonic;
  SuspendWatch watch([&] { return boot; }, [&] { return monotonic; });
  boot += absl::Minutes(1);
  monotonic += absl::Minutes(1);
  EXPECT_EQ(watch.SleptSinceLastCall(), absl::ZeroDuration());
  boot += absl::Hours(8);
  EXPECT_EQ(watch.SleptSinceLastCall(), absl::Hours(8));
  EXPECT_EQ(watch.SleptSinceLastCall(), absl::ZeroDuration());
}

TEST(Backoff, IsDrawnBelowALimitThatDoublesUpToTheLongest) {
  Backoff backoff({.first = absl::Seconds(1), .longest = absl::Seconds(4)});
  for (int limit : {1, 2, 4, 4, 4}) {
    absl::Duration wait = backoff.Next();
    EXPECT_GE(wait, absl::ZeroDuration());
    EXPECT_LE(wait, absl::Seconds(limit));
  }
}

TEST(AttemptTable, StoppedAttemptIsNoLongerHeld) {
  AttemptTable table;
  AttemptId id{"t", 1};
  auto attempt = table.Begin(id);
  EXPECT_EQ(table.Begin(id), nullptr);
  EXPECT_EQ(table.Held().size(), 1u);
  table.Stop(id);
  EXPECT_TRUE(attempt->stop);
  EXPECT_TRUE(table.Held().empty());
  table.End(id);
  EXPECT_NE(table.Begin(id), nullptr);
}

class LeaseCheckTest : public ::testing::Test {
 protected:
  v1::Lease lease_ =
      testing::FakeCoordinator::MakeLease(Sha256Hex("data"), 100, 7);
};

TEST_F(LeaseCheckTest, ValidLeaseIsTaken) {
  EXPECT_TRUE(CheckLease(lease_).ok()) << CheckLease(lease_);
}

TEST_F(LeaseCheckTest, TrialIdMustBeThatOfItsConfiguration) {
  lease_.set_seed(8);
  EXPECT_FALSE(CheckLease(lease_).ok());
}

TEST_F(LeaseCheckTest, ConfigurationMustBeCanonicalAndEffective) {
  std::string good = lease_.configuration_json();
  for (const std::string& bad :
       {std::string("{}"), std::string("nonsense"), std::string(), good + " ",
        "{\"aaa\":1," + good.substr(1), std::string(70'000, ' ')}) {
    lease_.set_configuration_json(bad);
    EXPECT_EQ(CheckLease(lease_).code(), absl::StatusCode::kInvalidArgument)
        << bad.substr(0, 100);
  }
}

TEST_F(LeaseCheckTest, IdsMustHaveTheirForm) {
  v1::Lease path = lease_;
  path.mutable_dataset()->set_digest("../../etc/passwd");
  EXPECT_FALSE(CheckLease(path).ok());
  v1::Lease id = lease_;
  id.set_trial_id("x");
  EXPECT_FALSE(CheckLease(id).ok());
  v1::Lease attempt = lease_;
  attempt.set_attempt(0);
  EXPECT_FALSE(CheckLease(attempt).ok());
}

TEST(StateFolder, IdentityIsKeptAndPrivate) {
  TemporaryFolder folder;
  std::string id = StateFolder::Open(folder.path())->worker_id();
  EXPECT_EQ(id.size(), 32u);
  EXPECT_EQ(StateFolder::Open(folder.path())->worker_id(), id);
  struct stat info {};
  ASSERT_EQ(::stat((folder.path() / "worker_id").c_str(), &info), 0);
  EXPECT_EQ(info.st_mode & 0777, 0600u);
}

TEST(StateFolder, SecondWorkerIsRefusedInThreeParts) {
  TemporaryFolder folder;
  auto first = StateFolder::Open(folder.path());
  auto second = StateFolder::Open(folder.path());
  ASSERT_EQ(second.status().code(), absl::StatusCode::kFailedPrecondition);
  ErrorParts parts = PartsOf(MessageOf(second.status()));
  EXPECT_NE(parts.what.find("another worker"), std::string::npos);
  EXPECT_EQ(parts.where, folder.path().string());
  EXPECT_NE(parts.remedy.find("--state"), std::string::npos);
}

}  // namespace
}  // namespace dfsweep::worker
