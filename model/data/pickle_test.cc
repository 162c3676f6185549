// The restricted unpickler on pickles that real Pythons made. What it refuses
// is in pickle_refusal_test.cc.
#include "model/data/pickle.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>

#include "model/config/error.h"
#include "model/data/npz_builder.h"
#include "model/data/pickle_builder.h"
#include "model/data/pickle_fixtures.h"
#include "model/data/pickled_arrays.h"

namespace dfsweep::data {
namespace {

using ::testing::ElementsAre;
using ::testing::ElementsAreArray;
using ::testing::HasSubstr;
using Cells = std::vector<int8_t>;
using std::string_literals::operator""s;

// The rows of a pickle, padded with 0.
Traces RowsOf(const std::string& pickle) {
  CellRows rows("test.pkl", true);
  AddPickledRows(pickle, "test.pkl", &rows);
  Traces traces;
  std::move(rows).Finish({}, &traces);
  return traces;
}

// The same values, whatever Python, numpy and protocol wrote them.
const Cells kRagged = {1, -1, -1, 1, 0,  0,  //
                       1, -1, 0,  0, 0,  0,  //
                       1, 1,  -1, 1, -1, -1};
const Cells kSquare = {1, -1, -1, 1, 1, -1, 0, 0, -1, 1, 1, 0};

const std::map<std::string, Cells>& ExpectedCells() {
  static const std::map<std::string, Cells> kExpected = {
      {"lists", kRagged},          {"tuples", kRagged},
      {"reals", kRagged},          {"arrays", kRagged},
      {"objects", kRagged},        {"scalars", kRagged},
      {"array", kSquare},          {"wide", kSquare},
      {"single", kSquare},         {"times", {1, -1, 1, 0}},
      {"long", {1, -1, 1, 1, -1}}, {"empty", {0, 0, 1, -1}}};
  return kExpected;
}

TEST(Pickle, RowsOfEveryPythonAndProtocolAreRead) {
  int read = 0;
  for (const PickleFixture& fixture : kPickleFixtures) {
    auto expected = ExpectedCells().find(fixture.what);
    if (expected == ExpectedCells().end()) continue;
    SCOPED_TRACE(std::string(fixture.what) + ", " + fixture.made_by);
    EXPECT_EQ(RowsOf(FromHex(fixture.hex)).cells, expected->second);
    ++read;
  }
  EXPECT_GE(read, 60);
}

TEST(Pickle, LabelsOfEveryPythonAndProtocolAreRead) {
  int read = 0;
  for (const PickleFixture& fixture : kPickleFixtures) {
    if (ExpectedCells().contains(fixture.what)) continue;
    SCOPED_TRACE(std::string(fixture.what) + ", " + fixture.made_by);
    const LabelList labels =
        ReadPickledLabels(FromHex(fixture.hex), "test.pkl");
    const std::string what = fixture.what;
    if (what.ends_with("labels")) {
      EXPECT_THAT(labels.numbers, ElementsAre(0, 1, 1));
    } else if (what == "byte_array") {
      EXPECT_THAT(labels.names, ElementsAre("b", "a", "b"));
    } else {
      EXPECT_THAT(labels.names, ElementsAre("b.org", "aä", "b.org"));
    }
    ++read;
  }
  EXPECT_GE(read, 14);
}

TEST(Pickle, TimesAreKeptBesideTheirSigns) {
  for (const PickleFixture& fixture : kPickleFixtures) {
    if (std::string(fixture.what) != "times") continue;
    EXPECT_THAT(RowsOf(FromHex(fixture.hex)).times,
                ElementsAre(.5f, 1.25f, .25f, 0.f));
  }
}

// Numbers of one list become wider as they come, and none is lost.
TEST(Pickle, ListsWidenWithoutLosingNumbers) {
  const std::string pickle =
      "\x80\x02](K\x01J\xff\xff\xff\xffM\xe8\x03"
      "\x8a\x05" +
      std::string(4, '\0') +
      "\x01"
      "G\x3f\xe0" +
      std::string(6, '\0') + "e.";

  const Pickle result = ReadPickle(pickle, "test.pkl");

  const PickleList& list = result.heap.list(result.root);
  ASSERT_EQ(list.size(), 5);
  EXPECT_EQ(list.at(0).real, 1);
  EXPECT_EQ(list.at(1).real, -1);
  EXPECT_EQ(list.at(2).real, 1000);
  EXPECT_EQ(list.at(3).real, 4294967296.);
  EXPECT_EQ(list.at(4).real, .5);
}

TEST(Pickle, DirectionsTakeAByteACell) {
  const Pickle result = ReadPickle(ListPickle(Cells(1000, -1)), "test.pkl");
  EXPECT_TRUE(std::holds_alternative<std::vector<int8_t>>(
      result.heap.list(result.root).items()));
}

TEST(Pickle, LongsHaveTheirSignAtEverySize) {
  const std::pair<std::string, int64_t> cases[] = {
      {std::string("\x8a\x00", 2), 0},
      {"\x8a\x01\x7f", 127},
      {"\x8a\x01\x80", -128},
      {"\x8a\x02\xff\x7f", 32767},
      {std::string("\x8a\x03\x00\x00\x80", 5), -8388608},
      {"\x8a\x08\xff\xff\xff\xff\xff\xff\xff\xff", -1},
      {std::string("\x8b\x01\x00\x00\x00\xfe", 6), -2},
      {"I01\n", 1},
      {"I-7\n", -7},
      {"L-9000000000L\n", -9000000000}};
  for (const auto& [opcode, value] : cases) {
    EXPECT_EQ(ReadPickle(opcode + ".", "test.pkl").root.integer, value);
  }
}

TEST(Pickle, StringsOfProtocol0AreUnescaped) {
  const Pickle bytes = ReadPickle("S'a\\x00\\n\\'\\\\'\n.", "test.pkl");
  EXPECT_EQ(bytes.heap.string(bytes.root), std::string("a\0\n'\\", 5));
  const Pickle text = ReadPickle("V\\u00e4\xe4\\U0001f600\n.", "test.pkl");
  EXPECT_EQ(text.heap.string(text.root), "ää😀");
}

// A row may be the same object many times; a list may hold itself.
TEST(Pickle, SharedRowsAreReadAndRecursionIsNotFollowed) {
  EXPECT_EQ(RowsOf("](](K\x01J\xff\xff\xff\xff"
                   "eq\x00h\x00h\x00"
                   "e."s)
                .cells,
            (Cells{1, -1, 1, -1, 1, -1}));
}

}  // namespace
}  // namespace dfsweep::data
