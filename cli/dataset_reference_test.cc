#include "cli/dataset_reference.h"

#include <gtest/gtest.h>

#include <fstream>

#include "base/digest.h"

namespace dfsweep::cli {
namespace {

namespace fs = std::filesystem;

std::vector<v1::Dataset> Registered() {
  std::vector<v1::Dataset> datasets(2);
  datasets[0].set_name("wikipedia100");
  datasets[0].set_digest(std::string(64, 'a'));
  datasets[1].set_name("df95");
  datasets[1].set_digest(std::string(64, 'b'));
  return datasets;
}

class DatasetPathTest : public ::testing::Test {
 protected:
  void SetUp() override {
    fs::create_directories(folder_ / "data");
    std::ofstream(folder_ / "data" / "x.npz") << "x";
    std::ofstream(folder_ / "plain") << "x";
  }
  void TearDown() override { fs::remove_all(folder_); }
  const fs::path folder_ =
      fs::temp_directory_path() / ("dataset-" + RandomHex(6));
};

TEST_F(DatasetPathTest, IsLookedForBesideTheSweepFile) {
  EXPECT_EQ(DatasetPath("data/x.npz", folder_, "f").value(),
            folder_ / "data/x.npz");
}

TEST_F(DatasetPathTest, AbsolutePathIsTakenAsItIs) {
  std::string path = (folder_ / "data/x.npz").string();
  EXPECT_EQ(DatasetPath(path, "/nowhere", "f").value(), path);
}

TEST_F(DatasetPathTest, AFileWithAPlainNameIsAPathToo) {
  EXPECT_EQ(DatasetPath("plain", folder_, "f").value(), folder_ / "plain");
}

TEST_F(DatasetPathTest, ANameIsNoPath) {
  EXPECT_EQ(DatasetPath("wikipedia100", folder_, "f").value(), "");
}

TEST_F(DatasetPathTest, APathThatLeadsNowhereSaysWhereItWasLookedFor) {
  absl::Status status = DatasetPath("data/y.npz", folder_, "x.yaml").status();
  EXPECT_TRUE(absl::IsNotFound(status));
  EXPECT_NE(MessageOf(status).find(folder_.string()), std::string::npos);
}

TEST(FindDataset, ByNameAndByDigest) {
  std::string digest(64, 'b');
  EXPECT_EQ(FindDataset("df95", Registered(), "f").value().digest(), digest);
  EXPECT_EQ(FindDataset("df95@bbbb", Registered(), "f").value().digest(),
            digest);
  EXPECT_EQ(FindDataset("df95@" + digest, Registered(), "f").value().name(),
            "df95");
}

TEST(FindDataset, OtherDataUnderTheNameIsRefused) {
  absl::Status status = FindDataset("df95@cccc", Registered(), "f").status();
  EXPECT_TRUE(absl::IsNotFound(status));
  EXPECT_NE(MessageOf(status).find("cccc"), std::string::npos);
}

TEST(FindDataset, UnknownNameGetsTheNearestOrTheWayToImport) {
  EXPECT_EQ(
      PartsOf(MessageOf(FindDataset("wikipdia100", Registered(), "f").status()))
          .remedy,
      "did you mean 'wikipedia100'?");
  std::string remedy =
      PartsOf(MessageOf(FindDataset("mine", {}, "f").status())).remedy;
  EXPECT_NE(remedy.find("dfsweep data import"), std::string::npos);
}

TEST(NameForFile, IsTheStemAndNeverMovesAnothersName) {
  std::string digest(64, 'c');
  EXPECT_EQ(NameForFile("/x/my set.npz", digest, {}), "my-set");
  EXPECT_EQ(NameForFile("/x/traces/", digest, {}), "traces");
  EXPECT_EQ(NameForFile("/x/df95.npz", digest, Registered()), "df95-cccccccc");
  EXPECT_EQ(NameForFile("/x/df95.npz", std::string(64, 'b'), Registered()),
            "df95");
}

TEST(CheckDatasetName, OnlyWhatIsSafeInAFileName) {
  EXPECT_TRUE(CheckDatasetName("wikipedia-100_v2.1").ok());
  for (const char* name : {"", ".x", "a b", "a/b", "a\n"}) {
    EXPECT_FALSE(CheckDatasetName(name).ok()) << name;
  }
}

}  // namespace
}  // namespace dfsweep::cli
