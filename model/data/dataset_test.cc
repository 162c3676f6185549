#include "model/data/dataset.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <fstream>
#include <functional>

#include "model/config/error.h"
#include "model/data/native_layout.h"
#include "model/data/numpy_python.h"

namespace dfsweep::data {
namespace {

using ::testing::ElementsAre;
using ::testing::ElementsAreArray;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

Traces Small() {
  return {.count = 3,
          .length = 4,
          .cells = {1, -1, 1, 0,  //
                    1, 0, 0, 0,   //
                    -1, -1, 1, 1},
          .labels = {7, 0, 7},
          .groups = {1, -2, 3}};
}

class DatasetTest : public ::testing::Test {
 protected:
  void SetUp() override {
    folder_ = std::filesystem::temp_directory_path() /
              ("dataset_test." + std::to_string(getpid()));
    std::filesystem::create_directories(folder_);
  }
  void TearDown() override { std::filesystem::remove_all(folder_); }

  std::filesystem::path Write(const std::string& bytes) {
    std::filesystem::path path = folder_ / "traces.npz";
    std::ofstream(path, std::ios::binary) << bytes;
    return path;
  }

  // The error of opening a file of these bytes, "" if it opens.
  std::string ErrorOf(const std::string& bytes) {
    try {
      Dataset dataset(Write(bytes));
    } catch (const config::Error& error) {
      EXPECT_NE(error.where(), "");
      EXPECT_NE(error.remedy(), "");
      return error.what_happened();
    }
    return "";
  }

  std::filesystem::path folder_;
};

TEST_F(DatasetTest, ReadsWhatWasWritten) {
  Traces traces = Small();
  Dataset dataset(Write(NativeBytes(traces)));
  EXPECT_EQ(dataset.size(), 3);
  EXPECT_EQ(dataset.length(), 4);
  EXPECT_THAT(dataset.cells(), ElementsAreArray(traces.cells));
  EXPECT_THAT(dataset.row(2), ElementsAre(-1, -1, 1, 1));
  EXPECT_THAT(dataset.labels(), ElementsAre(7, 0, 7));
  EXPECT_THAT(dataset.groups(), ElementsAre(1, -2, 3));
  EXPECT_THAT(dataset.classes(), ElementsAre(0, 7));
}

TEST_F(DatasetTest, SeesThatItsFileHasChanged) {
  const std::string bytes = NativeBytes(Small());
  const Dataset dataset(Write(bytes));
  EXPECT_TRUE(dataset.IsUnchanged());

  for (size_t i = 0; i < bytes.size(); ++i) {
    std::fstream file(folder_ / "traces.npz",
                      std::ios::binary | std::ios::in | std::ios::out);
    auto put = [&](char byte) {
      file.seekp(static_cast<std::streamoff>(i));
      file.put(byte).flush();
    };
    put(static_cast<char>(bytes[i] ^ 4));
    EXPECT_FALSE(dataset.IsUnchanged()) << "byte " << i;
    put(bytes[i]);
  }
  EXPECT_TRUE(dataset.IsUnchanged());
}

TEST_F(DatasetTest, GroupsMayBeAbsent) {
  Traces traces = Small();
  traces.groups.clear();
  Dataset dataset(Write(NativeBytes(traces)));
  EXPECT_THAT(dataset.groups(), IsEmpty());
  EXPECT_THAT(dataset.labels(), ElementsAre(7, 0, 7));
}

// Every optional member.
Traces Full() {
  Traces traces = Small();
  traces.split = {Side::kTest, Side::kTrain, Side::kValidation};
  traces.times = {0, .5, .75, 0,  //
                  2, 0,  0,   0,  //
                  0, 0,  1,   3};
  traces.unmonitored = 7;
  return traces;
}

Traces Images() {
  return {.count = 2,
          .length = 3,
          .labels = {9, 0},
          .kind = Kind::kImages,
          .pixels = {0, 128, 255, 1, 2, 3},
          .split = {Side::kTrain, Side::kTest}};
}

TEST_F(DatasetTest, ReadsEveryOptionalMember) {
  Dataset dataset(Write(NativeBytes(Full())));
  EXPECT_EQ(dataset.kind(), Kind::kTraces);
  EXPECT_THAT(dataset.cells(), ElementsAreArray(Full().cells));
  EXPECT_THAT(dataset.times(), ElementsAreArray(Full().times));
  EXPECT_THAT(dataset.split(),
              ElementsAre(Side::kTest, Side::kTrain, Side::kValidation));
  EXPECT_EQ(dataset.unmonitored(), 7);
  EXPECT_EQ(reinterpret_cast<uintptr_t>(dataset.times().data()) % 64, 0u);
}

TEST_F(DatasetTest, TwoClassesAreTheMonitoredSitesAndTheRest) {
  Traces traces = Full();
  traces.labels = {9, 7, 4};  // 7 is unmonitored
  const std::string path = Write(NativeBytes(traces));
  Dataset two(path, Labels::kTwoClass);
  EXPECT_THAT(two.labels(), ElementsAre(4, 7, 4));
  EXPECT_THAT(two.classes(), ElementsAre(4, 7));
  EXPECT_EQ(two.unmonitored(), 7);
  EXPECT_THAT(Dataset(path).labels(), ElementsAre(9, 7, 4));
}

TEST_F(DatasetTest, WithoutUnmonitoredTracesThereAreNoTwoClasses) {
  const std::string path = Write(NativeBytes(Small()));
  EXPECT_THROW(Dataset(path, Labels::kTwoClass), config::Error);
}

TEST_F(DatasetTest, EverySubsetOfOptionalMembersComesBack) {
  for (int subset = 0; subset < 16; ++subset) {
    Traces traces = Full();
    if (subset & 1) traces.groups.clear();
    if (subset & 2) traces.split.clear();
    if (subset & 4) traces.times.clear();
    if (subset & 8) traces.unmonitored.reset();
    Dataset dataset(Write(NativeBytes(traces)));
    EXPECT_THAT(dataset.groups(), ElementsAreArray(traces.groups));
    EXPECT_THAT(dataset.split(), ElementsAreArray(traces.split));
    EXPECT_THAT(dataset.times(), ElementsAreArray(traces.times));
    EXPECT_EQ(dataset.unmonitored(), traces.unmonitored);
  }
}

TEST_F(DatasetTest, ReadsImages) {
  Dataset dataset(Write(NativeBytes(Images())));
  EXPECT_EQ(dataset.kind(), Kind::kImages);
  EXPECT_EQ(dataset.size(), 2);
  EXPECT_EQ(dataset.length(), 3);
  EXPECT_THAT(dataset.pixels(), ElementsAre(0, 128, 255, 1, 2, 3));
  EXPECT_THAT(dataset.classes(), ElementsAre(0, 9));
  EXPECT_THAT(dataset.split(), ElementsAre(Side::kTrain, Side::kTest));
}

// What only knows directions asks for cells, and gets an error.
TEST_F(DatasetTest, ImagesAreNoTracesAndTracesNoImages) {
  Dataset images(Write(NativeBytes(Images())));
  EXPECT_THROW(images.cells(), config::Error);
  EXPECT_THROW(images.row(0), config::Error);
  Dataset traces(Write(NativeBytes(Full())));
  try {
    traces.pixels();
    ADD_FAILURE() << "not refused";
  } catch (const config::Error& error) {
    EXPECT_THAT(error.where(), HasSubstr("traces.npz"));
    EXPECT_NE(error.remedy(), "");
  }
}

// Datasets are named by the digest of these bytes: they may never change. The
// numbers are from the first version, and checked with Python's zlib.crc32.
TEST_F(DatasetTest, FilesWithoutNewMembersHaveTheirOldBytes) {
  Traces traces = Small();
  EXPECT_EQ(NativeBytes(traces).size(), 651u);
  EXPECT_EQ(Crc32(0, NativeBytes(traces)), 0x25bae510u);
  traces.groups.clear();
  EXPECT_EQ(NativeBytes(traces).size(), 404u);
  EXPECT_EQ(Crc32(0, NativeBytes(traces)), 0x764c4e2fu);
}

TEST_F(DatasetTest, SpansLiveAsLongAsTheMovedDataset) {
  Dataset first(Write(NativeBytes(Small())));
  std::span<const int8_t> row = first.row(0);
  Dataset second(std::move(first));
  EXPECT_THAT(row, ElementsAre(1, -1, 1, 0));
  EXPECT_EQ(second.row(0).data(), row.data());
}

TEST_F(DatasetTest, ArraysAreAlignedWhateverTheShape) {
  for (int64_t length = 1; length < 130; ++length) {
    Traces traces = {.count = 1, .length = length};
    traces.cells.assign(length, 1);
    traces.labels = {5};
    traces.groups = {9};
    Dataset dataset(Write(NativeBytes(traces)));
    EXPECT_EQ(reinterpret_cast<uintptr_t>(dataset.labels().data()) % 64, 0u);
    EXPECT_EQ(dataset.labels()[0], 5);
    EXPECT_EQ(dataset.groups()[0], 9);
  }
}

TEST_F(DatasetTest, EqualDataIsEqualBytes) {
  EXPECT_EQ(NativeBytes(Small()), NativeBytes(Small()));
}

TEST_F(DatasetTest, ChecksumIsZips) {
  EXPECT_EQ(Crc32(0, "123456789"), 0xCBF43926u);  // the published check value
  EXPECT_EQ(Crc32(Crc32(0, "1234567"), "89"), 0xCBF43926u);
}

TEST_F(DatasetTest, EveryTruncationIsRefused) {
  for (const Traces& traces : {Small(), Full(), Images()}) {
    const std::string bytes = NativeBytes(traces);
    for (size_t size = 0; size < bytes.size(); ++size) {
      EXPECT_NE(ErrorOf(bytes.substr(0, size)), "") << size;
    }
    EXPECT_NE(ErrorOf(bytes + "x"), "");
  }
}

TEST_F(DatasetTest, AFlippedBitInAnyByteIsRefused) {
  for (const Traces& traces : {Small(), Full(), Images()}) {
    const std::string bytes = NativeBytes(traces);
    for (size_t byte = 0; byte < bytes.size(); ++byte) {
      std::string damaged = bytes;
      damaged[byte] ^= 1 << (byte % 8);
      EXPECT_NE(ErrorOf(damaged), "") << byte;
    }
  }
}

// `find` replaced by `replacement` of the same size, once.
std::string Replaced(std::string bytes, std::string_view find,
                     std::string_view replacement) {
  EXPECT_EQ(find.size(), replacement.size());
  size_t at = bytes.find(find);
  EXPECT_NE(at, std::string::npos) << find;
  return bytes.replace(at, find.size(), replacement);
}

TEST_F(DatasetTest, ErrorsSayWhatIsWrong) {
  const std::string good = NativeBytes(Small());
  std::string with_cell = good;
  with_cell[NativeMembers({.count = 3, .length = 4, .groups = true})[0]
                .data_offset] = -1;
  std::string directory = good;
  directory[good.rfind("y.npy")] = 'z';
  struct Case {
    std::string bytes, message;
  };
  const Case cases[] = {
      {"", "too short"},
      {std::string(1000, 'x'), "no .npz starts like this"},
      {Replaced(good, "|i1", "<i2"), "not in dfsweep's native form"},
      {Replaced(good, "(3, 4)", "(9, 9)"), "9 traces of 9 cells"},
      {Replaced(good, "(3, 4)", "(0, 4)"), "beyond the limits"},
      {Replaced(good, "<i8", "<u8"), "header of y.npy"},
      {with_cell, "data of X.npy is damaged"},
      {directory, "directory at the end differs"},
  };
  for (const Case& c : cases) {
    EXPECT_THAT(ErrorOf(c.bytes), HasSubstr(c.message));
  }
}

TEST_F(DatasetTest, RefusesAHugeShapeWithoutReadingPastTheEnd) {
  std::string bytes = NativeBytes(Small());
  const std::string shapes[] = {
      "(20000000, 1000000)", "(3000000000, 3000000000)",
      "(9223372036854775807, 9223372036854775807)", "(-3, 4)", "(3, -4)"};
  for (const std::string& shape : shapes) {
    std::string text = shape + ", }";
    std::string huge = bytes;
    huge.replace(bytes.find("(3, 4)"), text.size(), text);
    EXPECT_THAT(ErrorOf(huge), HasSubstr("beyond the limits")) << shape;
  }
}

TEST_F(DatasetTest, RefusesWhatIsNoFile) {
  EXPECT_THROW(Dataset(folder_ / "absent.npz"), config::Error);
  EXPECT_THROW(Dataset{folder_}, config::Error);
}

TEST_F(DatasetTest, RefusesAFileWhoseCellsAreNotDirections) {
  // A valid frame around a wrong cell, as a foreign writer might make it.
  std::string bytes = NativeBytes(Small());
  std::vector<NativeMember> members =
      NativeMembers({.count = 3, .length = 4, .groups = true});
  bytes[members[0].data_offset + 1] = 2;
  std::string_view view(bytes);
  std::vector<uint32_t> crcs;
  for (const NativeMember& member : members) {
    crcs.push_back(Crc32(Crc32(0, member.preamble),
                         view.substr(member.data_offset, member.data_size)));
    std::string head = NativeHead(member, crcs.back());
    bytes.replace(member.offset, head.size(), head);
  }
  std::string tail = NativeTail(members, crcs);
  bytes.replace(bytes.size() - tail.size(), tail.size(), tail);
  EXPECT_THAT(ErrorOf(bytes), HasSubstr("a cell is not -1, 0 or 1"));
}

TEST(NativeBytes, RefusesWhatIsNoDataset) {
  const std::function<void(Traces*)> faults[] = {
      [](Traces* t) { t->cells[0] = 2; },
      [](Traces* t) { t->cells[0] = -128; },
      [](Traces* t) { t->labels[0] = -1; },
      [](Traces* t) { t->labels.pop_back(); },
      [](Traces* t) { t->groups.pop_back(); },
      [](Traces* t) { t->cells.pop_back(); },
      [](Traces* t) { t->split.pop_back(); },
      [](Traces* t) { t->split[0] = static_cast<Side>(3); },
      [](Traces* t) { t->times.pop_back(); },
      [](Traces* t) { t->times[1] = -1; },
      [](Traces* t) { t->times[0] = -0.f; },
      [](Traces* t) { t->times[1] = std::nanf(""); },
      [](Traces* t) { t->times[1] = HUGE_VALF; },
      [](Traces* t) { t->times[3] = 1; },  // at padding
      [](Traces* t) { t->unmonitored = -1; },
      [](Traces* t) { t->kind = Kind::kImages; },
      [](Traces* t) { t->pixels.resize(12); },
      [](Traces* t) { *t = Traces(); },
      [](Traces* t) { t->count = t->length = INT64_C(1) << 32; },
  };
  for (const auto& fault : faults) {
    Traces traces = Full();
    fault(&traces);
    EXPECT_THROW(NativeBytes(traces), config::Error);
  }
}

TEST_F(DatasetTest, NumpyOpensIt) {
  std::string python = PythonWithNumpy();
  if (python.empty()) {
    GTEST_SKIP() << "NOT CHECKED that numpy opens a native file: no Python "
                    "with numpy; set DFSWEEP_PYTHON";
  }
  std::filesystem::path path = Write(NativeBytes(Full()));
  std::filesystem::path script = folder_ / "check.py";
  std::ofstream(script) << R"(
import sys, zipfile, numpy
assert zipfile.ZipFile(sys.argv[1]).testzip() is None
d = numpy.load(sys.argv[1], allow_pickle=False)
assert d.files == ['X', 'y', 'group', 'split', 'time', 'unmonitored'], d.files
assert d['X'].dtype == numpy.int8
assert d['X'].tolist() == [[1, -1, 1, 0], [1, 0, 0, 0], [-1, -1, 1, 1]]
assert d['y'].dtype == numpy.int64 and d['y'].tolist() == [7, 0, 7]
assert d['group'].tolist() == [1, -2, 3]
assert d['split'].dtype == numpy.uint8 and d['split'].tolist() == [2, 0, 1]
assert d['time'].dtype == numpy.float32 and d['time'].shape == (3, 4)
assert d['time'][0].tolist() == [0, .5, .75, 0]
assert d['unmonitored'].dtype == numpy.int64
assert d['unmonitored'].tolist() == [7]
)";
  EXPECT_EQ(std::system(
                (python + " " + script.string() + " " + path.string()).c_str()),
            0);
}

}  // namespace
}  // namespace dfsweep::data
