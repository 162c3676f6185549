#include "base/files.h"

#include <gtest/gtest.h>

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
