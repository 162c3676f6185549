#include "base/files.h"

#include <gtest/gtest.h>
#include <sys/resource.h>

#include "base/digest.h"

namespace dfsweep {
namespace {

namespace fs = std::filesystem;

class FilesTest : public testing::Test {
 protected:
  FilesTest() { fs::create_directories(folder_); }
  ~FilesTest() override { fs::remove_all(folder_); }
  fs::path folder_ = fs::temp_directory_path() / ("files-" + RandomHex(6));
};

TEST_F(FilesTest, WrittenBytesAreReadBackAndNothingElseIsLeft) {
  ASSERT_TRUE(WriteFileDurably(folder_ / "a", "one").ok());
  ASSERT_TRUE(WriteFileDurably(folder_ / "a", "two").ok());

  EXPECT_EQ(ReadFile(folder_ / "a").value(), "two");
  EXPECT_EQ(std::distance(fs::directory_iterator(folder_), {}), 1);
}

TEST_F(FilesTest, MissingFileIsNotFound) {
  EXPECT_EQ(ReadFile(folder_ / "none").status().code(),
            absl::StatusCode::kNotFound);
}

TEST_F(FilesTest, FileOverTheLimitIsRefused) {
  ASSERT_TRUE(WriteFileDurably(folder_ / "a", "12345").ok());
  EXPECT_EQ(ReadFile(folder_ / "a", 4).status().code(),
            absl::StatusCode::kResourceExhausted);
}

TEST(AllowAllFiles, RaisesTheLimitToTheHighestAllowed) {
  rlimit before{};
  ASSERT_EQ(::getrlimit(RLIMIT_NOFILE, &before), 0);
  rlimit low = before;
  low.rlim_cur = 64;
  ASSERT_EQ(::setrlimit(RLIMIT_NOFILE, &low), 0);

  EXPECT_EQ(AllowAllFiles(), static_cast<int64_t>(before.rlim_max));

  rlimit after{};
  ::getrlimit(RLIMIT_NOFILE, &after);
  EXPECT_EQ(after.rlim_cur, before.rlim_max);
  ::setrlimit(RLIMIT_NOFILE, &before);
}

TEST_F(FilesTest, SecondLockIsRefusedAndNamesTheHolder) {
  auto first = FileLock::Acquire(folder_ / "lock");
  ASSERT_TRUE(first.ok());

  auto second = FileLock::Acquire(folder_ / "lock");

  EXPECT_EQ(second.status().code(), absl::StatusCode::kFailedPrecondition);
  EXPECT_NE(MessageOf(second.status()).find(std::to_string(getpid())),
            std::string::npos);
}

}  // namespace
}  // namespace dfsweep
