// Mutates valid files at random (the same on every run): Import must return or
// throw config::Error. Run it under -DDFSWEEP_SANITIZE=address,undefined too.
#include <gtest/gtest.h>

#include <random>

#include "model/config/error.h"
#include "model/data/import.h"
#include "model/data/npz_builder.h"
#include "model/data/pickle_builder.h"
#include "model/data/pickle_fixtures.h"
#include "model/data/pickled_arrays.h"
#include "model/data/tar_builder.h"

namespace dfsweep::data {
namespace {

constexpr int kMutations = 2000;

std::string Mutated(std::string bytes, std::mt19937* random) {
  auto below = [&](size_t limit) { return (*random)() % limit; };
  const int changes = 1 + below(4);
  for (int i = 0; i < changes && !bytes.empty(); ++i) {
    const size_t at = below(bytes.size());
    switch (below(5)) {
      case 0:
        bytes[at] ^= 1 << below(8);
        break;
      case 1:
        bytes[at] = static_cast<char>((*random)());
        break;
      case 2:
        bytes.resize(at);
        break;
      case 3:
        bytes.erase(at, 1 + below(8));
        break;
      default:
        bytes.insert(at, 1 + below(8), static_cast<char>((*random)()));
    }
  }
  return bytes;
}

// Imports; true if it was accepted. Anything thrown but config::Error fails
// the test.
bool Accepts(const std::filesystem::path& path) {
  try {
    ImportResult result = Import(path, {.repair_padding = true});
    NativeBytes(result.traces);
    return true;
  } catch (const config::Error& error) {
    EXPECT_NE(error.where(), "");
    EXPECT_NE(error.remedy(), "");
    return false;
  }
}

Members SeedMembers() {
  Members members = SmallMembers();
  members.emplace_back("group.npy", members[1].second);
  return members;
}

TEST(ImportSurvives, MutatedZipFiles) {
  TemporaryFolder folder;
  const std::filesystem::path path = folder / "set.npz";
  std::mt19937 random(20261124);
  int accepted = 0;
  for (bool deflate : {false, true}) {
    WriteNpz(path, SeedMembers(), deflate);
    const std::string seed = ReadBytes(path);
    ASSERT_TRUE(Accepts(path));
    for (int i = 0; i < kMutations / 2; ++i) {
      WriteBytes(path, Mutated(seed, &random));
      accepted += Accepts(path);
    }
  }
  EXPECT_LT(accepted, kMutations / 10);
}

// Mutations inside the arrays, with the zip written afresh, get past its
// checksums.
TEST(ImportSurvives, MutatedArraysInIntactZips) {
  TemporaryFolder folder;
  const std::filesystem::path path = folder / "set.npz";
  std::mt19937 random(1);
  std::vector<double> times = {0., -.1, .2, -0., .3, 0};
  const Members seeds[] = {
      SeedMembers(),
      {{"X.npy", Npy("<f8", "(2, 3)", times)},
       {"labels.npy",
        Npy("<U2", "(2,)", std::vector<uint32_t>{'a', 'b', 'c', 0})}}};
  for (const Members& seed : seeds) {
    for (int i = 0; i < kMutations / 2; ++i) {
      Members members = seed;
      std::string& bytes = members[random() % members.size()].second;
      bytes = Mutated(bytes, &random);
      WriteNpz(path, members, i % 2 == 0);
      Accepts(path);
    }
  }
}

TEST(ImportSurvives, MutatedTextTraces) {
  TemporaryFolder folder;
  std::mt19937 random(2);
  const std::string seed = "0.0\t1\n0.125\t-1\n3e-1\t-1500\n1\t512\r\n";
  for (int i = 0; i < kMutations; ++i) {
    WriteBytes(folder / "0-0", Mutated(seed, &random));
    Accepts(folder / "");
  }
}

// Pickles of every Python and form, mutated. Most changes hit a number, so many
// are accepted; what matters is that the rest are refused.
TEST(ImportSurvives, MutatedPickles) {
  TemporaryFolder folder;
  std::mt19937 random(4);
  for (const PickleFixture& fixture : kPickleFixtures) {
    const std::string seed = FromHex(fixture.hex);
    for (int i = 0; i < kMutations / 20; ++i) {
      const std::string bytes = Mutated(seed, &random);
      try {
        CellRows rows("test.pkl", true);
        AddPickledRows(bytes, "test.pkl", &rows);
      } catch (const config::Error& error) {
        EXPECT_NE(error.remedy(), "");
      }
      try {
        ReadPickledLabels(bytes, "test.pkl");
      } catch (const config::Error& error) {
        EXPECT_NE(error.remedy(), "");
      }
    }
  }
}

TEST(ImportSurvives, MutatedFlatArraysAndImages) {
  TemporaryFolder folder;
  const std::filesystem::path path = folder / "set.npz";
  std::mt19937 random(5);
  const std::vector<int64_t> offsets = {0, 2, 4};
  const std::string labels = Npy("|u1", "(2,)", std::vector<uint8_t>{0, 1});
  const std::string pixels =
      Npy("|u1", "(2, 1, 2)", std::vector<uint8_t>{0, 1, 2, 3});
  const Members seeds[] = {
      {{"dir.npy", Npy("|i1", "(4,)", std::vector<int8_t>{1, -1, 1, -1})},
       {"time.npy", Npy("<f4", "(4,)", std::vector<float>{0, 1, 0, 2})},
       {"offsets.npy", Npy("<i8", "(3,)", offsets)},
       {"y.npy", labels}},
      {{"x_train.npy", pixels},
       {"y_train.npy", labels},
       {"x_test.npy", pixels},
       {"y_test.npy", labels}}};
  for (const Members& seed : seeds) {
    WriteNpz(path, seed);
    ASSERT_TRUE(Accepts(path));
    for (int i = 0; i < kMutations / 4; ++i) {
      Members members = seed;
      std::string& bytes = members[random() % members.size()].second;
      bytes = Mutated(bytes, &random);
      WriteNpz(path, members);
      Accepts(path);
    }
  }
}

TEST(ImportSurvives, MutatedArchives) {
  TemporaryFolder folder;
  std::mt19937 random(6);
  const Members files = {{"1-0", "0\t1\n1\t-1\n"}, {"2-0", "0\t1\n1\t-1\n"}};
  WriteNpz(folder / "set.zip", files);
  const std::pair<std::string, std::string> seeds[] = {
      {"set.tar", Tar(files)}, {"set.zip", ReadBytes(folder / "set.zip")}};
  for (const auto& [name, seed] : seeds) {
    WriteBytes(folder / name, seed);
    ASSERT_TRUE(Accepts(folder / name));
    for (int i = 0; i < kMutations / 2; ++i) {
      WriteBytes(folder / name, Mutated(seed, &random));
      Accepts(folder / name);
    }
  }
}

TEST(DatasetSurvives, MutatedNativeFiles) {
  TemporaryFolder folder;
  const std::filesystem::path path = folder / "native.npz";
  Traces traces = {
      .count = 4, .length = 6, .cells = SmallCells(), .labels = SmallLabels()};
  traces.split.resize(4);
  traces.times.resize(24);
  traces.unmonitored = 1;
  const std::string seed = NativeBytes(traces);
  std::mt19937 random(3);
  for (int i = 0; i < kMutations; ++i) {
    const std::string bytes = Mutated(seed, &random);
    WriteBytes(path, bytes);
    try {
      Dataset dataset(path);
      EXPECT_EQ(bytes, seed) << "a damaged file was opened";
    } catch (const config::Error&) {
    }
  }
}

}  // namespace
}  // namespace dfsweep::data
