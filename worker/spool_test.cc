#include "worker/spool.h"

#include <gtest/gtest.h>

#include <fstream>

#include "base/digest.h"
#include "base/temporary_folder.h"

namespace dfsweep::worker {
namespace {

namespace fs = std::filesystem;

class SpoolTest : public ::testing::Test {
 protected:
  static v1::CompleteTrialRequest Outcome(const std::string& name,
                                          int attempt = 1) {
    v1::CompleteTrialRequest outcome;
    outcome.set_trial_id(Sha256Hex(name));
    outcome.set_attempt(attempt);
    (*outcome.mutable_result()->mutable_metrics())["average_accuracy"] = 0.5;
    return outcome;
  }
  fs::path FileOf(const v1::CompleteTrialRequest& outcome) const {
    return folder_.path() /
           (outcome.trial_id() + "-" + std::to_string(outcome.attempt()));
  }
  fs::path Corrupt() const { return folder_.path() / "corrupt"; }
  void Write(const fs::path& path, const std::string& bytes) {
    std::ofstream(path, std::ios::binary) << bytes;
  }

  TemporaryFolder folder_;
  Spool spool_{folder_.path()};
};

TEST_F(SpoolTest, WhatWasPutIsReadByTheNextProcess) {
  ASSERT_TRUE(spool_.Put(Outcome("a")).ok());
  ASSERT_TRUE(spool_.Put(Outcome("b", 2)).ok());

  auto outcomes = Spool(folder_.path()).ReadAll();

  ASSERT_EQ(outcomes.size(), 2u);
  EXPECT_EQ(outcomes[0].result().metrics().at("average_accuracy"), 0.5);
}

TEST_F(SpoolTest, RemovedOutcomeIsForgotten) {
  ASSERT_TRUE(spool_.Put(Outcome("a")).ok());
  spool_.Remove({Sha256Hex("a"), 1});
  EXPECT_TRUE(spool_.ReadAll().empty());
}

TEST_F(SpoolTest, DamagedFileIsSetAsideAndTheOthersAreRead) {
  ASSERT_TRUE(spool_.Put(Outcome("a")).ok());
  ASSERT_TRUE(spool_.Put(Outcome("b")).ok());
  fs::resize_file(FileOf(Outcome("a")),
                  fs::file_size(FileOf(Outcome("a"))) - 1);

  auto outcomes = spool_.ReadAll();

  ASSERT_EQ(outcomes.size(), 1u);
  EXPECT_EQ(outcomes[0].trial_id(), Sha256Hex("b"));
  EXPECT_TRUE(fs::exists(Corrupt() / FileOf(Outcome("a")).filename()));
}

TEST_F(SpoolTest, EveryFlippedByteIsFound) {
  ASSERT_TRUE(spool_.Put(Outcome("a")).ok());
  std::string bytes;
  std::getline(std::ifstream(FileOf(Outcome("a")), std::ios::binary), bytes,
               '\0');
  size_t size = fs::file_size(FileOf(Outcome("a")));
  for (size_t at = 0; at < size; ++at) {
    std::fstream file(FileOf(Outcome("a")),
                      std::ios::binary | std::ios::in | std::ios::out);
    file.seekg(at);
    char byte = static_cast<char>(file.get());
    file.seekp(at);
    file.put(static_cast<char>(byte ^ 4));
    file.close();
    EXPECT_TRUE(spool_.ReadAll().empty()) << at;
    ASSERT_TRUE(spool_.Put(Outcome("a")).ok());
  }
}

TEST_F(SpoolTest, ForeignAndEmptyFilesAreSetAside) {
  Write(folder_.path() / "notes.txt", "hello");
  Write(folder_.path() / (Sha256Hex("a") + "-1"), "");
  EXPECT_TRUE(spool_.ReadAll().empty());
  EXPECT_TRUE(fs::exists(Corrupt() / "notes.txt"));
}

TEST_F(SpoolTest, OutcomeUnderAnotherAttemptsNameIsSetAside) {
  ASSERT_TRUE(spool_.Put(Outcome("a", 1)).ok());
  fs::rename(FileOf(Outcome("a", 1)), FileOf(Outcome("a", 2)));
  EXPECT_TRUE(spool_.ReadAll().empty());
}

TEST_F(SpoolTest, UnfinishedWriteOfAKilledProcessIsDeleted) {
  fs::path unfinished = FileOf(Outcome("a")).string() + ".tmp-12345678";
  Write(unfinished, "half");
  EXPECT_TRUE(spool_.ReadAll().empty());
  EXPECT_FALSE(fs::exists(unfinished));
  EXPECT_FALSE(fs::exists(Corrupt()));
}

TEST_F(SpoolTest, TrialIdThatIsAPathIsRefused) {
  v1::CompleteTrialRequest outcome = Outcome("a");
  outcome.set_trial_id("../../etc/passwd");
  EXPECT_EQ(spool_.Put(outcome).code(), absl::StatusCode::kInvalidArgument);
}

}  // namespace
}  // namespace dfsweep::worker
