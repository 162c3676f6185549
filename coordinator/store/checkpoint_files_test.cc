#include "coordinator/store/checkpoint_files.h"

#include <gtest/gtest.h>

#include "base/digest.h"
#include "base/files.h"
#include "base/temporary_folder.h"
#include "coordinator/store/file_upload.h"

namespace dfsweep::coordinator {
namespace {

const std::string kTrial = Sha256Hex("trial");
const std::string kStageName = Sha256Hex("stage");

TEST(CheckpointName, TakesOnlyItsTwoForms) {
  auto name = CheckpointName::Parse(kTrial + ".12.progress");
  ASSERT_TRUE(name.has_value());
  EXPECT_EQ(name->owner, kTrial);
  EXPECT_EQ(name->number, 12);
  EXPECT_FALSE(name->is_stage);
  EXPECT_TRUE(CheckpointName::Parse(kStageName + ".3.stage")->is_stage);
  for (const std::string& bad :
       {std::string(), std::string(".stage"), kTrial, kTrial + ".progress",
        kTrial + "..stage", kTrial + ".1.other", kTrial + ".-1.stage",
        kTrial + ".01.stage", kTrial + ".1 .stage", kTrial + ".+1.stage",
        kTrial.substr(1) + ".1.stage", "../" + kTrial + ".1.stage",
        kTrial + "/.1.stage", kTrial + ".99999999999999999999.stage",
        kTrial + std::string("\0.1.stage", 9)}) {
    EXPECT_FALSE(CheckpointName::Parse(bad).has_value()) << bad;
  }
}

class CheckpointFilesTest : public testing::Test {
 protected:
  std::unique_ptr<CheckpointFiles> Open(int64_t limit = 1000) {
    return CheckpointFiles::Open(folder_.path(), limit).value();
  }
  // The digest.
  static std::string Upload(CheckpointFiles& files, const std::string& name,
                            const std::string& bytes) {
    const std::string digest = Sha256Hex(bytes);
    const auto size = static_cast<int64_t>(bytes.size());
    FileUpload upload(files.PathFor(*CheckpointName::Parse(name), digest),
                      "checkpoint", digest, size);
    EXPECT_TRUE(upload.Append(bytes).ok());
    EXPECT_TRUE(upload.Finish().ok());
    files.Added({.name = name, .digest = digest, .size_bytes = size});
    return digest;
  }

  TemporaryFolder folder_;
};

TEST_F(CheckpointFilesTest, WhatWasUploadedIsFoundAfterARestart) {
  std::string digest;
  {
    auto files = Open();
    digest = Upload(*files, kStageName + ".3.stage", "weights");
    Upload(*files, kStageName + ".10.stage", "more");
  }
  auto files = Open();
  const auto found = files->Of(kStageName);
  ASSERT_EQ(found.size(), 2u);
  EXPECT_EQ(found[0].name, kStageName + ".3.stage");
  EXPECT_EQ(found[0].size_bytes, 7);
  EXPECT_EQ(found[1].name, kStageName + ".10.stage");
  EXPECT_TRUE(files->Of(kTrial).empty());
  EXPECT_EQ(ReadFile(*files->Find(digest)).value(), "weights");
  EXPECT_FALSE(files->Find(Sha256Hex("other")).has_value());
}

TEST_F(CheckpointFilesTest, NewerProgressReplacesOlder) {
  auto files = Open();
  const std::string old = Upload(*files, kTrial + ".5.progress", "old");
  Upload(*files, kTrial + ".20.progress", "new");
  ASSERT_EQ(files->Of(kTrial).size(), 1u);
  EXPECT_EQ(files->Of(kTrial)[0].name, kTrial + ".20.progress");
  EXPECT_FALSE(files->Find(old).has_value());
  files->RemoveProgress(kTrial);
  EXPECT_TRUE(files->Of(kTrial).empty());
  EXPECT_TRUE(Open()->Of(kTrial).empty());
}

TEST_F(CheckpointFilesTest, TheSameStageWithOtherBytesReplacesIt) {
  auto files = Open();
  const std::string old = Upload(*files, kStageName + ".3.stage", "a");
  Upload(*files, kStageName + ".3.stage", "b");
  EXPECT_EQ(files->Of(kStageName).size(), 1u);
  EXPECT_FALSE(files->Find(old).has_value());
}

TEST_F(CheckpointFilesTest, WhatWasUsedLongestAgoMakesRoom) {
  auto files = Open(/*limit=*/10);
  const std::string first = Upload(*files, kStageName + ".1.stage", "11111");
  const std::string second = Upload(*files, kStageName + ".2.stage", "22222");
  EXPECT_TRUE(files->Find(first).has_value());  // used after the second
  Upload(*files, kStageName + ".3.stage", "33333");
  EXPECT_TRUE(files->Find(first).has_value());
  EXPECT_FALSE(files->Find(second).has_value());
  // Larger than everything: nothing stays.
  Upload(*files, kStageName + ".4.stage", "44444444444");
  EXPECT_TRUE(files->Of(kStageName).empty());
}

}  // namespace
}  // namespace dfsweep::coordinator
