#include "model/train/checkpoint.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <cstdlib>
#include <fstream>
#include <iterator>
#include <string>

#include "model/train/archive.h"

namespace dfsweep::model {
namespace {

class CheckpointTest : public testing::Test {
 protected:
  void SetUp() override {
    std::string folder =
        (std::filesystem::temp_directory_path() / "dfsweep-XXXXXX").string();
    ASSERT_NE(mkdtemp(folder.data()), nullptr);
    folder_ = folder;
  }
  void TearDown() override { std::filesystem::remove_all(folder_); }

  std::filesystem::path path() const { return folder_ / "file"; }

  std::string Bytes() const {
    std::ifstream stream(path(), std::ios::binary);
    return {std::istreambuf_iterator<char>(stream), {}};
  }
  void SetBytes(const std::string& bytes) const {
    std::ofstream(path(), std::ios::binary) << bytes;
  }

  std::filesystem::path folder_;
};

Checkpoint Example() {
  return {
      .values = {{"name", "x"}, {"third", 1. / 3}},
      .tensors = {
          {"weights", at::arange(24, at::kFloat)
                          .view({2, 3, 1, 4})
                          .contiguous(at::MemoryFormat::ChannelsLast)},
          {"part", at::arange(10, at::kDouble).view({2, 5}).narrow(1, 1, 3)},
          {"rows", at::arange(5)},
          {"scalar", at::ones({}, at::kDouble)},
          {"nothing", at::empty({0, 3})}}};
}

TEST_F(CheckpointTest, GivesBackWhatWasWritten) {
  const Checkpoint written = Example();
  WriteCheckpoint(written, path());
  const Checkpoint read = ReadCheckpoint(path());
  EXPECT_EQ(read.values, written.values);
  ASSERT_EQ(read.tensors.size(), written.tensors.size());
  for (const auto& [name, tensor] : written.tensors) {
    EXPECT_TRUE(at::equal(read.tensors.at(name), tensor)) << name;
  }
  // The order in memory too: sums go along it.
  EXPECT_EQ(read.tensors.at("weights").strides(),
            written.tensors.at("weights").strides());
  EXPECT_EQ(ReadCheckpointValues(path()), written.values);
}

TEST_F(CheckpointTest, EveryFlippedBitIsSeen) {
  WriteCheckpoint(Example(), path());
  const std::string good = Bytes();
  for (size_t i = 0; i < good.size(); ++i) {
    std::string bad = good;
    bad[i] = static_cast<char>(bad[i] ^ (1 << (i % 8)));
    SetBytes(bad);
    EXPECT_THROW(ReadCheckpoint(path()), CheckpointError) << i;
  }
}

TEST_F(CheckpointTest, EveryOtherLengthIsSeen) {
  WriteCheckpoint(Example(), path());
  const std::string good = Bytes();
  for (size_t length = 0; length < good.size(); ++length) {
    SetBytes(good.substr(0, length));
    EXPECT_THROW(ReadCheckpoint(path()), CheckpointError) << length;
  }
  SetBytes(good + "x");
  EXPECT_THROW(ReadCheckpoint(path()), CheckpointError);
  std::filesystem::remove(path());
  EXPECT_THROW(ReadCheckpoint(path()), CheckpointError);
}

TEST_F(CheckpointTest, AFullDiskKeepsTheOldOne) {
  WriteCheckpoint(Example(), path());
  const std::string before = Bytes();
  // A folder in the place of the temporary file stands for what fails.
  std::filesystem::create_directory(path().string() + "." +
                                    std::to_string(getpid()) + ".part");
  EXPECT_THROW(WriteCheckpoint({}, path()), CheckpointError);
  EXPECT_EQ(Bytes(), before);
}

TEST(Archive, RestoresWhatItSaved) {
  torch::Tensor kept = at::ones({2}), missing;
  std::vector<torch::Tensor> list = {at::zeros({3}), at::ones({1})};
  int64_t number = 7;
  auto persist = [&](Archive& archive) {
    Archive::Section section(archive, "inner.");
    archive.Tensor("kept", kept);
    archive.Tensor("missing", missing);
    archive.Tensors("list_", list);
    archive.Value("number", number);
  };
  Archive saving;
  persist(saving);
  EXPECT_TRUE(saving.checkpoint().values.contains("inner.number"));
  kept = torch::Tensor();
  missing = at::ones({4});
  list.clear();
  number = 0;
  Archive restoring(saving.checkpoint(), c10::kCPU);
  persist(restoring);
  EXPECT_TRUE(at::equal(kept, at::ones({2})));
  EXPECT_FALSE(missing.defined());
  EXPECT_EQ(list.size(), 2u);
  EXPECT_EQ(number, 7);
}

TEST(Archive, RefusesWhatDoesNotFit) {
  Archive saving;
  int64_t number = 7;
  saving.Value("number", number);
  saving.InPlace("p_", {at::ones({2})});
  Archive restoring(saving.checkpoint(), c10::kCPU);
  std::string text;
  EXPECT_THROW(restoring.Value("number", text), CheckpointError);
  EXPECT_THROW(restoring.Value("other", number), CheckpointError);
  EXPECT_THROW(restoring.InPlace("p_", {at::ones({3})}), CheckpointError);
  EXPECT_THROW(restoring.InPlace("p_", {at::ones({2}), at::ones({2})}),
               CheckpointError);
}

}  // namespace
}  // namespace dfsweep::model
