#include "coordinator/store/dataset_files.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/resource.h>

#include <csignal>
#include <fstream>

#include "base/files.h"
#include "coordinator/store/file_upload.h"
#include "coordinator/store/store_testing.h"

namespace dfsweep::coordinator {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

class DatasetFilesTest : public testing::Test {
 protected:
  DatasetFiles Open() { return DatasetFiles::Open(folder_.path()).value(); }
  std::vector<std::string> Names() {
    std::vector<std::string> names;
    for (const auto& entry :
         std::filesystem::directory_iterator(folder_.path() / "datasets")) {
      names.push_back(entry.path().filename().string());
    }
    return names;
  }

  TemporaryFolder folder_;
  const std::string bytes_ = "PK\x03\x04 traces";
  const std::string digest_ = Sha256Hex(bytes_);
};

TEST_F(DatasetFilesTest, UploadInPiecesAppearsWholeWhenFinished) {
  DatasetFiles files = Open();
  FileUpload upload(files.PathOf(digest_), "dataset", digest_,
                    static_cast<int64_t>(bytes_.size()));
  EXPECT_TRUE(upload.Append(bytes_.substr(0, 3)).ok());
  EXPECT_TRUE(upload.Append(bytes_.substr(3)).ok());
  EXPECT_FALSE(files.Has(digest_));

  EXPECT_TRUE(upload.Finish().ok());

  EXPECT_TRUE(files.Has(digest_));
  EXPECT_EQ(ReadFile(files.PathOf(digest_)).value(), bytes_);
  EXPECT_THAT(Names(), ElementsAre(digest_ + ".npz"));
}

TEST_F(DatasetFilesTest, DatasetOutlivesItsUpload) {
  {
    FileUpload upload(Open().PathOf(digest_), "dataset", digest_,
                      static_cast<int64_t>(bytes_.size()));
    EXPECT_TRUE(upload.Append(bytes_).ok());
    EXPECT_TRUE(upload.Finish().ok());
  }

  EXPECT_TRUE(Open().Has(digest_));
}

TEST_F(DatasetFilesTest, AbandonedUploadLeavesNothing) {
  {
    FileUpload upload(Open().PathOf(digest_), "dataset", digest_, 100);
    EXPECT_TRUE(upload.Append(bytes_).ok());
  }

  EXPECT_THAT(Names(), IsEmpty());
}

TEST_F(DatasetFilesTest, UploadCutShortIsRefused) {
  DatasetFiles files = Open();
  {
    FileUpload upload(files.PathOf(digest_), "dataset", digest_,
                      static_cast<int64_t>(bytes_.size()));
    EXPECT_TRUE(upload.Append(bytes_.substr(1)).ok());

    absl::Status status = upload.Finish();

    EXPECT_EQ(status.code(), absl::StatusCode::kDataLoss);
    ExpectThreeParts(status);
  }
  EXPECT_FALSE(files.Has(digest_));
  EXPECT_THAT(Names(), IsEmpty());
}

TEST_F(DatasetFilesTest, OtherBytesThanPromisedAreRefused) {
  DatasetFiles files = Open();
  std::string other = bytes_;
  other.back() ^= 1;
  FileUpload upload(files.PathOf(digest_), "dataset", digest_,
                    static_cast<int64_t>(other.size()));
  EXPECT_TRUE(upload.Append(other).ok());

  EXPECT_EQ(upload.Finish().code(), absl::StatusCode::kDataLoss);
  EXPECT_FALSE(files.Has(digest_));
}

TEST_F(DatasetFilesTest, MoreBytesThanAnnouncedAreRefusedBeforeTheyAreWritten) {
  FileUpload upload(Open().PathOf(digest_), "dataset", digest_, 4);

  absl::Status status = upload.Append(bytes_);

  EXPECT_EQ(status.code(), absl::StatusCode::kDataLoss);
  ExpectThreeParts(status);
  EXPECT_EQ(std::filesystem::file_size(*std::filesystem::directory_iterator(
                folder_.path() / "datasets")),
            0u);
}

TEST_F(DatasetFilesTest, NothingIsADatasetToo) {
  const std::string empty = Sha256Hex("");
  DatasetFiles files = Open();
  FileUpload upload(files.PathOf(empty), "dataset", empty, 0);

  EXPECT_TRUE(upload.Finish().ok());
  EXPECT_TRUE(files.Has(empty));
}

TEST_F(DatasetFilesTest, TwoUploadsOfOneDatasetDontDisturbEachOther) {
  DatasetFiles files = Open();
  const auto size = static_cast<int64_t>(bytes_.size());
  FileUpload first(files.PathOf(digest_), "dataset", digest_, size);
  FileUpload second(files.PathOf(digest_), "dataset", digest_, size);
  EXPECT_TRUE(first.Append(bytes_).ok());
  EXPECT_TRUE(second.Append(bytes_.substr(0, 2)).ok());
  EXPECT_TRUE(first.Finish().ok());
  EXPECT_TRUE(second.Append(bytes_.substr(2)).ok());
  EXPECT_TRUE(second.Finish().ok());

  EXPECT_EQ(ReadFile(files.PathOf(digest_)).value(), bytes_);
}

TEST_F(DatasetFilesTest, OpeningRemovesUnfinishedUploadsOnly) {
  Open();
  std::filesystem::path folder = folder_.path() / "datasets";
  std::ofstream(folder / (digest_ + ".npz")) << bytes_;
  std::ofstream(folder / (digest_ + ".npz.upload-0123abcd")) << "half";

  DatasetFiles files = Open();

  EXPECT_THAT(Names(), ElementsAre(digest_ + ".npz"));
  EXPECT_TRUE(files.Has(digest_));
}

TEST_F(DatasetFilesTest, FullDiskIsSaidToBeFull) {
  rlimit before;
  getrlimit(RLIMIT_FSIZE, &before);
  auto old_handler = std::signal(SIGXFSZ, SIG_IGN);
  rlimit limit = {5, before.rlim_max};
  FileUpload upload(Open().PathOf(digest_), "dataset", digest_,
                    static_cast<int64_t>(bytes_.size()));

  setrlimit(RLIMIT_FSIZE, &limit);
  absl::Status status = upload.Append(bytes_);
  setrlimit(RLIMIT_FSIZE, &before);
  std::signal(SIGXFSZ, old_handler);

  EXPECT_EQ(status.code(), absl::StatusCode::kResourceExhausted) << status;
  ExpectThreeParts(status);
}

TEST_F(DatasetFilesTest, FolderThatCantBeUsedIsNamed) {
  std::ofstream(folder_.path() / "datasets") << "a file";

  absl::Status status = DatasetFiles::Open(folder_.path()).status();

  EXPECT_EQ(status.code(), absl::StatusCode::kUnavailable);
  ExpectThreeParts(status);
}

}  // namespace
}  // namespace dfsweep::coordinator
