#include "worker/dataset_cache.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>

#include "base/digest.h"
#include "base/temporary_folder.h"
#include "tests/fakes/fake_coordinator.h"

namespace dfsweep::worker {
namespace {

namespace fs = std::filesystem;
using State = testing::FakeCoordinator::State;

constexpr size_t kSize = 10'000;

class DatasetCacheTest : public ::testing::Test {
 protected:
  DatasetCacheTest() : digest_(coordinator_.AddDataset(kSize)) {}

  // A cache as a newly started worker has it.
  DatasetCache& NewCache(int64_t limit_bytes = 1 << 30) {
    return *caches_.emplace_back(std::make_unique<DatasetCache>(
        DatasetCache::Options{
            .folder = folder_.path(),
            .worker_id = "w",
            .limit_bytes = limit_bytes,
            .backoff = {absl::Milliseconds(1), absl::Milliseconds(5)},
            .make_room_elsewhere =
                [this](int64_t) { disk_bytes_ += elsewhere_; }},
        room_, client_, link_));
  }
  fs::path File() const { return folder_.path() / (digest_ + ".npz"); }
  std::vector<int64_t> Offsets() {
    std::vector<int64_t> offsets;
    coordinator_.With([&](State& state) { offsets = state.download_offsets; });
    return offsets;
  }

  testing::FakeCoordinator coordinator_;
  CoordinatorClient client_{{.address = coordinator_.address()}};
  Link link_{Clock::Real()};
  TemporaryFolder folder_;
  // A disk of so many bytes beside the reserve, which only the cache fills.
  int64_t disk_bytes_ = 1 << 30;
  int64_t elsewhere_ = 0;  // that can be had of the disk
  DiskRoom room_{
      [this]() -> std::optional<int64_t> {
        int64_t used = 0;
        for (const auto& entry : fs::directory_iterator(folder_.path())) {
          if (!entry.is_regular_file()) continue;
          used += static_cast<int64_t>(entry.file_size());
        }
        return DiskRoom::kReserveBytes + disk_bytes_ - used;
      },
      Clock::Real()};
  std::string digest_;
  std::vector<std::unique_ptr<DatasetCache>> caches_;  // outlive their pins
  std::atomic<bool> stop_ = false;
};

TEST_F(DatasetCacheTest, FileIsFetchedOnceAndHasItsDigest) {
  DatasetCache& cache = NewCache();
  for (int i = 0; i < 3; ++i) {
    auto pin = cache.Get(digest_, kSize, stop_);
    ASSERT_TRUE(pin.ok()) << pin.status();
    EXPECT_EQ(Sha256OfFile(pin->path()).value(), digest_);
  }
  EXPECT_EQ(Offsets().size(), 1u);
}

TEST_F(DatasetCacheTest, CutDownloadIsResumedWhereItEnded) {
  coordinator_.With([](State& state) { state.cut_downloads = 2; });
  EXPECT_TRUE(NewCache().Get(digest_, kSize, stop_).ok());
  EXPECT_EQ(Offsets(), (std::vector<int64_t>{0, kSize / 2, kSize * 3 / 4}));
}

TEST_F(DatasetCacheTest, DownloadIsResumedByTheNextProcess) {
  std::string bytes;
  coordinator_.With([&](State& state) { bytes = state.files[digest_]; });
  std::ofstream(folder_.path() / (digest_ + ".partial"), std::ios::binary)
      << bytes.substr(0, 4321);
  EXPECT_TRUE(NewCache().Get(digest_, kSize, stop_).ok());
  EXPECT_EQ(Offsets(), (std::vector<int64_t>{4321}));
}

TEST_F(DatasetCacheTest, DamagedDownloadIsFetchedAgain) {
  coordinator_.With([](State& state) { state.corrupt_downloads = 2; });
  auto pin = NewCache().Get(digest_, kSize, stop_);
  ASSERT_TRUE(pin.ok()) << pin.status();
  EXPECT_EQ(Sha256OfFile(pin->path()).value(), digest_);
  EXPECT_EQ(Offsets().size(), 3u);
}

TEST_F(DatasetCacheTest, ThreeDamagedDownloadsAreAnError) {
  coordinator_.With([](State& state) { state.corrupt_downloads = 100; });
  auto pin = NewCache().Get(digest_, kSize, stop_);
  EXPECT_EQ(pin.status().code(), absl::StatusCode::kDataLoss);
  EXPECT_EQ(Offsets().size(), 3u);
  EXPECT_FALSE(fs::exists(File()));
}

TEST_F(DatasetCacheTest, FileDamagedOnDiskIsFoundAtTheFirstUse) {
  ASSERT_TRUE(NewCache().Get(digest_, kSize, stop_).ok());
  std::ofstream(File(), std::ios::binary | std::ios::app) << "x";
  auto pin = NewCache().Get(digest_, kSize, stop_);
  ASSERT_TRUE(pin.ok());
  EXPECT_EQ(Sha256OfFile(pin->path()).value(), digest_);
}

TEST_F(DatasetCacheTest, UnknownDatasetIsAnError) {
  auto pin = NewCache().Get(Sha256Hex("unknown"), kSize, stop_);
  EXPECT_EQ(pin.status().code(), absl::StatusCode::kNotFound);
}

TEST_F(DatasetCacheTest, StopEndsTheWaitForACoordinatorThatIsAway) {
  coordinator_.Stop();
  stop_ = true;
  auto pin = NewCache().Get(digest_, kSize, stop_);
  EXPECT_EQ(pin.status().code(), absl::StatusCode::kCancelled);
}

TEST_F(DatasetCacheTest, OldestUnusedFileIsEvictedBeyondTheLimit) {
  std::string second = coordinator_.AddDataset(kSize + 1);
  std::string third = coordinator_.AddDataset(kSize + 2);
  DatasetCache& cache = NewCache(2 * kSize + 100);
  auto pinned = cache.Get(digest_, kSize, stop_);
  ASSERT_TRUE(cache.Get(second, kSize + 1, stop_).ok());

  ASSERT_TRUE(cache.Get(third, kSize + 2, stop_).ok());

  EXPECT_TRUE(fs::exists(File()));  // older, but in use
  EXPECT_FALSE(fs::exists(folder_.path() / (second + ".npz")));
  EXPECT_TRUE(fs::exists(folder_.path() / (third + ".npz")));
}

TEST_F(DatasetCacheTest, DatasetsThatNobodyUsesMakeRoomForAnother) {
  disk_bytes_ = 2 * kSize + 100;
  DatasetCache& cache = NewCache();
  ASSERT_TRUE(cache.Get(digest_, kSize, stop_).ok());
  const std::string second = coordinator_.AddDataset(kSize + 1);
  const auto used = cache.Get(second, kSize + 1, stop_);
  ASSERT_TRUE(used.ok());

  const std::string third = coordinator_.AddDataset(kSize + 2);
  ASSERT_TRUE(cache.Get(third, kSize + 2, stop_).ok());

  EXPECT_FALSE(fs::exists(File()));
  EXPECT_TRUE(fs::exists(used->path()));
}

TEST_F(DatasetCacheTest, OtherFilesMakeRoomBeforeDatasetsDo) {
  disk_bytes_ = kSize;
  DatasetCache& cache = NewCache();
  ASSERT_TRUE(cache.Get(digest_, kSize, stop_).ok());
  const std::string second = coordinator_.AddDataset(kSize + 1);

  elsewhere_ = kSize + 1;
  ASSERT_TRUE(cache.Get(second, kSize + 1, stop_).ok());

  EXPECT_TRUE(fs::exists(File()));
}

TEST_F(DatasetCacheTest, WhatCannotBeWrittenForAnotherReasonIsNoShortage) {
  fs::create_directory(folder_.path() / (digest_ + ".partial"));
  const absl::Status status = NewCache().Get(digest_, kSize, stop_).status();
  EXPECT_EQ(status.code(), absl::StatusCode::kInternal) << status;
  EXPECT_EQ(room_.Shortage(), "");
}

TEST_F(DatasetCacheTest, DatasetWithoutRoomIsNotFetchedAndTheShortageIsNoted) {
  disk_bytes_ = kSize - 1;
  EXPECT_EQ(NewCache().Get(digest_, kSize, stop_).status().code(),
            absl::StatusCode::kResourceExhausted);
  EXPECT_TRUE(Offsets().empty());
  EXPECT_THAT(room_.Shortage(), ::testing::HasSubstr(digest_.substr(0, 8)));

  disk_bytes_ = kSize;
  EXPECT_EQ(room_.Shortage(), "");
}

}  // namespace
}  // namespace dfsweep::worker
