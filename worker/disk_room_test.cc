#include "worker/disk_room.h"

#include <gtest/gtest.h>

#include "base/temporary_folder.h"

namespace dfsweep::worker {
namespace {

constexpr int64_t kReserve = DiskRoom::kReserveBytes;
constexpr int64_t kMiB = int64_t{1} << 20;

class DiskRoomTest : public ::testing::Test {
 protected:
  std::optional<int64_t> free_ = kReserve + 100 * kMiB;
  FakeClock clock_;
  DiskRoom room_{[this] { return free_; }, clock_};
};

TEST_F(DiskRoomTest, ReserveIsLeft) {
  EXPECT_TRUE(room_.Has(100 * kMiB));
  EXPECT_FALSE(room_.Has(100 * kMiB + 1));
  EXPECT_EQ(room_.Shortage(), "");

  free_ = kReserve - 1;
  EXPECT_EQ(room_.Shortage(), "less than 256 MiB of its disk are free");
}

TEST_F(DiskRoomTest, WhatCannotBeMeasuredHasRoom) {
  free_ = std::nullopt;
  EXPECT_TRUE(room_.Has(100 * kMiB));
  EXPECT_EQ(room_.Shortage(), "");
}

TEST_F(DiskRoomTest, NotedShortageEndsWhenThereIsRoom) {
  room_.NoteShortage("dataset 0123abcd", 101 * kMiB);
  EXPECT_EQ(room_.Shortage(),
            "its disk has no room for dataset 0123abcd (101 MiB)");
  free_ = kReserve + 101 * kMiB;
  EXPECT_EQ(room_.Shortage(), "");
}

TEST_F(DiskRoomTest, NotedShortageIsForgottenAfterAWhile) {
  room_.NoteShortage("dataset 0123abcd", 101 * kMiB);
  clock_.Advance(DiskRoom::kRemembersFor);
  EXPECT_EQ(room_.Shortage(), "");
}

TEST(FreeBytesOfTest, IsThatOfTheFoldersDisk) {
  TemporaryFolder folder;
  EXPECT_GT(FreeBytesOf(folder.path())().value(), 0);
  EXPECT_EQ(FreeBytesOf(folder.path() / "missing")(), std::nullopt);
}

}  // namespace
}  // namespace dfsweep::worker
