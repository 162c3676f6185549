#include "model/data/dataset.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <fstream>
#include <functional>

#include "model/config/error.h"
#include "model/data/native_layout.h"

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

TEST_F(DatasetTest, GroupsMayBeAbsent) {
  Traces traces = Small();
  traces.groups.clear();
  Dataset dataset(Write(NativeBytes(traces)));
  EXPECT_THAT(dataset.groups(), IsEmpty());
  EXPECT_THAT(dataset.labels(), ElementsAre(7, 0, 7));
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
  std::string bytes = NativeBytes(Small());
  for (size_t size = 0; size < bytes.size(); ++size) {
    EXPECT_NE(ErrorOf(bytes.substr(0, size)), "") << size;
  }
  EXPECT_NE(ErrorOf(bytes + "x"), "");
}

TEST_F(DatasetTest, AFlippedBitInAnyByteIsRefused) {
  const std::string bytes = NativeBytes(Small());
  for (size_t byte = 0; byte < bytes.size(); ++byte) {
    std::string damaged = bytes;
    damaged[byte] ^= 1 << (byte % 8);
    EXPECT_NE(ErrorOf(damaged), "") << byte;
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
  with_cell[NativeMembers(3, 4, true)[0].data_offset] = -1;
  std::string directory = good;
  directory[good.rfind("y.npy")] = 'z';
  struct Case {
    std::string bytes, message;
  };
  const Case cases[] = {
      {"", "too short"},
      {std::string(1000, 'x'), "no .npz starts like this"},
      {Replaced(good, "|i1", "|u1"), "not in dfsweep's native form"},
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
  std::vector<NativeMember> members = NativeMembers(3, 4, true);
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
      [](Traces* t) { *t = Traces(); },
      [](Traces* t) { t->count = t->length = INT64_C(1) << 32; },
  };
  for (const auto& fault : faults) {
    Traces traces = Small();
    fault(&traces);
    EXPECT_THROW(NativeBytes(traces), config::Error);
  }
}

// A Python with numpy: $DFSWEEP_PYTHON, the repository's .venv, or python3.
std::string PythonWithNumpy() {
  const char* given = std::getenv("DFSWEEP_PYTHON");
  for (std::string python :
       {std::string(given ? given : ""), std::string(".venv/bin/python"),
        std::string("python3")}) {
    if (!python.empty() &&
        std::system((python + " -c 'import numpy' 2>/dev/null").c_str()) == 0) {
      return python;
    }
  }
  return "";
}

TEST_F(DatasetTest, NumpyOpensIt) {
  std::string python = PythonWithNumpy();
  if (python.empty()) {
    GTEST_SKIP() << "NOT CHECKED that numpy opens a native file: no Python "
                    "with numpy; set DFSWEEP_PYTHON";
  }
  std::filesystem::path path = Write(NativeBytes(Small()));
  std::filesystem::path script = folder_ / "check.py";
  std::ofstream(script) << R"(
import sys, zipfile, numpy
assert zipfile.ZipFile(sys.argv[1]).testzip() is None
d = numpy.load(sys.argv[1], allow_pickle=False)
assert d.files == ['X', 'y', 'group'], d.files
assert d['X'].dtype == numpy.int8
assert d['X'].tolist() == [[1, -1, 1, 0], [1, 0, 0, 0], [-1, -1, 1, 1]]
assert d['y'].dtype == numpy.int64 and d['y'].tolist() == [7, 0, 7]
assert d['group'].tolist() == [1, -2, 3]
)";
  EXPECT_EQ(std::system(
                (python + " " + script.string() + " " + path.string()).c_str()),
            0);
}

}  // namespace
}  // namespace dfsweep::data
