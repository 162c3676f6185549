// Hostile and damaged pickles: every one is refused with its place, and nothing
// of it is ever called.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/resource.h>

#include "model/config/error.h"
#include "model/data/limits.h"
#include "model/data/pickle.h"
#include "model/data/pickle_builder.h"
#include "model/data/pickle_fixtures.h"
#include "model/data/pickled_arrays.h"

namespace dfsweep::data {
namespace {

using ::testing::HasSubstr;
using std::string_literals::operator""s;

void ExpectRefusal(const std::string& pickle, const std::string& message,
                   const std::string& place = ": byte ") {
  try {
    ReadPickle(pickle, "test.pkl");
    ADD_FAILURE() << "not refused: " << message;
  } catch (const config::Error& error) {
    EXPECT_THAT(error.what_happened(), HasSubstr(message));
    EXPECT_THAT(error.where(), HasSubstr("test.pkl" + place));
    EXPECT_NE(error.remedy(), "");
  }
}

// Each would run a command, or make an object, in pickle.load.
TEST(PickleRefuses, EveryWayToNameCode) {
  const std::pair<std::string, std::string> cases[] = {
      {"cos\nsystem\n(S'id'\ntR.", "os.system"},
      {"cposix\nsystem\n(S'id'\ntR.", "posix.system"},
      {"c__builtin__\neval\n(S'1'\ntR.", "__builtin__.eval"},
      {"\x80\x03"
       "cbuiltins\nexec\nX\x01\x00\x00\x00"
       "1\x85R."s,
       "builtins.exec"},
      {"\x80\x04\x8c\x02os\x8c\x06system\x93\x8c\x02id\x85R.", "os.system"},
      {"\x80\x04\x8c\x08"
       "builtins\x8c\x07getattr\x93.",
       "builtins.getattr"},
      {"cnumpy\nload\n.", "numpy.load"},
      {"cnumpy\nndarray.tofile\n.", "numpy.ndarray.tofile"},
      {"cnumpy.core.multiarray\nfromfile\n.", "multiarray.fromfile"},
      {"cnumpy.core\nmultiarray._reconstruct\n.",
       "numpy.core.multiarray._reconstruct"},
      {"c_codecs\ndecode\n.", "_codecs.decode"},
      {"cevil\ndtype\n.", "evil.dtype"},  // allowed names elsewhere
      {"ccodecs\nencode\n.", "codecs.encode"},
      {"cnumpy\nscalar\n.", "numpy.scalar"},
      {"ccollections\nOrderedDict\n)R.", "collections.OrderedDict"},
      {"cpandas.core.frame\nDataFrame\n.", "pandas.core.frame.DataFrame"},
      {"ctorch._utils\n_rebuild_tensor_v2\n.", "torch._utils"},
      {"c\x1b[31mred\nx\n.", "?[31mred.x"},
      {"c" + std::string(500, 'a') + "\nb\n.", "aaa…"}};
  for (const auto& [pickle, name] : cases) ExpectRefusal(pickle, name);
}

TEST(PickleRefuses, EveryOpcodeThatMakesMoreThanListsAndNumbers) {
  const std::pair<std::string, std::string> cases[] = {
      {"(ios\nsystem\n.", "an object of a class"},
      {"(cos\nsystem\no.", "os.system"},
      {"(No.", "an object of a class"},
      {"cnumpy\nndarray\n)\x81.", "an object of a class"},
      {"cnumpy\nndarray\n))\x92.", "an object of a class"},
      {"\x82\x01.", "extension registry"},
      {"\x83\x01\x00."s, "extension registry"},
      {"\x84\x01\x00\x00\x00."s, "extension registry"},
      {"Pid\n.", "persistent id"},
      {"NQ.", "persistent id"},
      {"}.", "a dictionary"},
      {"(NNd.", "a dictionary"},
      {"NNNs.", "a dictionary"},
      {"\x8f.", "a set"},
      {"(\x91.", "a set"},
      {"\x97.", "outside of the file"},
      {"2.", "no opcode 0x32"},
      {"\xff.", "no opcode 0xff"}};
  for (const auto& [pickle, message] : cases) ExpectRefusal(pickle, message);
}

// Allowed names in the wrong hands.
TEST(PickleRefuses, CallsThatNumpyDoesNotWrite) {
  const std::string dtype = "cnumpy\ndtype\n";
  const std::string i1 = dtype + "(S'i1'\nI0\nI1\ntR";
  const std::string reconstruct = "cnumpy.core.multiarray\n_reconstruct\n";
  const std::string array = reconstruct + "(cnumpy\nndarray\n(I0\ntS'b'\ntR";
  const std::string scalar = "cnumpy.core.multiarray\nscalar\n";
  auto state = [&](const std::string& shape, const std::string& type,
                   const std::string& data) {
    return "(I1\n" + shape + type + "I00\n" + data + "tb.";
  };
  const std::pair<std::string, std::string> cases[] = {
      {"cnumpy\nndarray\n)R.", "made directly"},
      {"cnumpy\nndarray\nNb.", "that has none"},
      {"]Nb.", "that has none"},
      {"NNR.", "no function"},
      {dtype + "NR.", "no function"},
      {dtype + ")R.", "not the right values"},
      {dtype + "(I1\ntR.", "no string"},
      {dtype + "(S'i99999999999999999999'\ntR.", "out of range"},
      {i1 + "(I3\nS'|'\nNNNI-1\nI-1\ntb.", "not the right values"},
      {i1 + "(I3\nS'|'\nN(S'a'\ntNI-1\nI-1\nI0\ntb.", "compound"},
      {reconstruct + "(cnumpy\ndtype\n(I0\ntS'b'\ntR.", "something else"},
      {reconstruct + "(NNNtR.", "something else"},
      {array + "Nb.", "not the right values"},
      {array + state("(I3\nt", i1, "S'ab'\n"), "does not fit"},
      {array + state("(I-1\nt", i1, "S''\n"), "no meaning"},
      {array + state("(I4294967296\nI4294967296\nt", i1, "S''\n"),
       "no meaning"},
      {array + state("(I9\nI9\nI9\nI9\nI9\nI9\nI9\nI9\nI9\nt", i1, "S''\n"),
       "not the right values"},
      {array + state("(I1\nt", "N", "S'a'\n"), "dtype is missing"},
      {array + state("(I1\nt", dtype + "(S'c8'\ntR", "S'aaaaaaaa'\n"),
       "kind 'c'"},
      {array + state("(I1\nt", dtype + "(S'V8'\ntR", "S'aaaaaaaa'\n"),
       "kind 'V'"},
      {array + state("(I1\nt", dtype + "(S'>i4'\ntR", "S'aaaa'\n"),
       "big-endian"},
      {array + state("(I1\nt", i1, "V\\u0061\n"), "elements are text"},
      {array + state("(I1\nt", dtype + "(S'O8'\ntR", "S'a'\n"), "no list"},
      {scalar + "(" + i1 + "S'ab'\ntR.", "not the size"},
      {scalar + "(" + dtype + "(S'O8'\ntR" + "S'aaaaaaaa'\ntR.",
       "a Python object"},
      {scalar + "(" + dtype + "(S'u8'\ntRS'" + std::string(8, '\xff') +
           "'\ntR.",
       "beyond 64-bit signed"},
      {"c_codecs\nencode\n(Va\nVutf8\ntR.", "latin-1"},
      {"c_codecs\nencode\n(V\\u0100\nVlatin1\ntR.", "latin-1"},
      {"c__builtin__\nbytes\n(I5\ntR.", "not the right values"}};
  for (const auto& [pickle, message] : cases) {
    ExpectRefusal(pickle, message);
  }
  ExpectRefusal(array +
                    state("(I1\nt", i1, "S'a'\n")
                        .substr(0, state("(I1\nt", i1, "S'a'\n").size() - 1) +
                    "(I1\n(I1\nt" + i1 + "I00\nS'a'\ntb.",
                "filled twice");
}

TEST(PickleRefuses, WhatIsDamaged) {
  const std::pair<std::string, std::string> cases[] = {
      {"", "0 left"},
      {".", "missing on the stack"},
      {"NN.", "left over"},
      {"(N.", "left over"},
      {"N.N", "1 bytes"},
      {"a.", "nothing to append"},
      {"Na.", "no list"},
      {"]N(a.", "nothing to append"},
      {"(NNt(e.", "no list"},
      {"e.", "a mark is missing"},
      {"t.", "a mark is missing"},
      {"l.", "a mark is missing"},
      {"1.", "a mark is missing"},
      {"0.", "missing on the stack"},
      {"N(\x85.", "lacks values"},
      {"N\x87.", "lacks values"},
      {"h\x00."s, "does not exist"},
      {"j\xff\xff\xff\xff.", "does not exist"},
      {"g5\n.", "does not exist"},
      {"gx\n.", "no number"},
      {"q\x00."s, "missing on the stack"},
      {"Nq\x05.", "out of turn"},
      {"Nr\xff\xff\xff\xff.", "out of turn"},
      {"Np99999999999999999999\n.", "no number"},
      {"Nq\x00Nq\x00."s, "written twice"},
      {"\x80\x06N.", "protocol 6"},
      {"\x95\xff\xff\xff\xff\xff\xff\xff\xffN.", "frame"},
      {"T\xff\xff\xff\xff.", "negative"},
      {"\x8b\xff\xff\xff\xff.", "negative"},
      {"\x8a\x09" + std::string(9, '\1') + ".", "beyond 64 bits"},
      {"I99999999999999999999\n.", "beyond 64 bits"},
      {"Ix\n.", "number can't be read"},
      {"Fx\n.", "number can't be read"},
      {"Fabc", "line has no end"},
      {"Sa\n.", "not quoted"},
      {"S'\n.", "not quoted"},
      {"S'\\q'\n.", "unknown escape"},
      {"S'\\x1'\n.", "unknown escape"},
      {"V\\ud800\n.", "no valid text"}};
  for (const auto& [pickle, message] : cases) ExpectRefusal(pickle, message);
}

TEST(PickleRefuses, NamesThePlaceOfTheOpcode) {
  ExpectRefusal("\x80\x02NNcos\nsystem\n.", "os.system", ": byte 4");
}

// A size is compared with what is left before anything is allocated.
TEST(PickleRefuses, HugeSizesWithoutAllocatingThem) {
  const std::string huge = "\xff\xff\xff\xff\xff\xff\xff\x7f";
  for (const std::string& opcode :
       {"\x8e" + huge, "\x8d" + huge, "\x96" + huge, "B" + huge.substr(0, 4),
        "X" + huge.substr(0, 4), "T\xff\xff\xff\x7f"s,
        "\x8b\xff\xff\xff\x7f"s}) {
    ExpectRefusal(opcode + "abc.", "");
  }
}

TEST(PickleRefuses, DeepNesting) {
  ExpectRefusal(std::string(1'000'000, '('), "nests deeper than");
  // Lists on the stack nest without marks; nothing recurses, so that is fine.
  const std::string deep =
      std::string(1'000'000, ']') + std::string(999'999, 'a') + ".";
  EXPECT_NO_THROW(ReadPickle(deep, "test.pkl"));
  CellRows rows("test.pkl", true);
  EXPECT_THROW(AddPickledRows(deep, "test.pkl", &rows), config::Error);
}

TEST(PickleRefuses, MoreObjectsThanAnyDatasetHas) {
  std::string lists;
  for (int64_t i = 0; i <= kMaxPickleObjects; ++i) lists += "]0";
  ExpectRefusal(lists, "too many objects");
  ExpectRefusal(std::string(kMaxPickleStack + 1, 'N'), "too many objects");
}

// Ten lists, each of ten times the one before: 10^10 cells from 300 bytes.
TEST(PickleRefuses, BillionLaughs) {
  std::string pickle = ListOpcodes(std::vector<int8_t>(10, 1)) + "q\x00"s;
  for (char level = 0; level < 10; ++level) {
    pickle += "](";
    for (int i = 0; i < 10; ++i) pickle += {'h', level};
    pickle += {'e', 'q', static_cast<char>(level + 1)};
  }
  std::string root = "](" + pickle + "e.";
  EXPECT_NO_THROW(ReadPickle(root, "test.pkl"));
  CellRows rows("test.pkl", true);
  EXPECT_THROW(AddPickledRows(root, "test.pkl", &rows), config::Error);
}

// A row of 100,000 cells, two thousand times.
TEST(PickleRefuses, ManyReferencesToOneLongRow) {
  std::string pickle =
      "](" + ListOpcodes(std::vector<int8_t>(100'000, 1)) + "q\x00"s;
  for (int i = 0; i < 2'000; ++i) pickle += "h\x00"s;
  CellRows rows("test.pkl", false);
  try {
    AddPickledRows(pickle + "e.", "test.pkl", &rows);
    ADD_FAILURE() << "not refused";
  } catch (const config::Error& error) {
    EXPECT_THAT(error.what_happened(), HasSubstr("expands too much"));
  }
}

// The same text turned into bytes again and again.
TEST(PickleRefuses, ManyEncodingsOfOneText) {
  std::string text = "X" + "\xa0\x86\x01\x00"s + std::string(100'000, 'a') +
                     "q\x00"s + "X\x06\x00\x00\x00latin1q\x01"s + "00";
  std::string pickle = text + "(";
  for (int i = 0; i < 100; ++i) {
    pickle += "c_codecs\nencode\nh\x00h\x01\x86R"s;
  }
  ExpectRefusal(pickle + "l.", "more text than it has bytes");
}

TEST(PickleRefuses, EveryTruncationOfEveryFixture) {
  for (const PickleFixture& fixture : kPickleFixtures) {
    const std::string whole = FromHex(fixture.hex);
    for (size_t size = 0; size < whole.size(); ++size) {
      EXPECT_THROW(ReadPickle(whole.substr(0, size), "test.pkl"), config::Error)
          << fixture.what << ", " << fixture.made_by << ", " << size;
    }
  }
}

TEST(PickledRows, AreRefusedIfTheyAreNoNumbers) {
  const std::pair<std::string, std::string> cases[] = {
      {"K\x01.", "no list and no array"},
      {"](K\x01K\x01"
       "e.",
       "element 0 is no list"},
      {"](](Ne"
       "e.",
       "row 0 holds something"},
      {"](](](K\x01"
       "ee"
       "e.",
       "row 0 holds something"},
      {"](](G\x7f\xf0\0\0\0\0\0\0e"
       "e."s,
       "X[0, 0] is not finite"}};
  for (const auto& [pickle, message] : cases) {
    CellRows rows("test.pkl", true);
    try {
      AddPickledRows(pickle, "test.pkl", &rows);
      ADD_FAILURE() << "not refused: " << message;
    } catch (const config::Error& error) {
      EXPECT_THAT(error.what_happened(), HasSubstr(message));
    }
  }
}

TEST(PickledLabels, AreRefusedIfTheyAreNoLabels) {
  const std::pair<std::string, std::string> cases[] = {
      {"K\x01.", "no list of labels"},
      {"](Ne.", "no number and no string"},
      {"](](K\x01"
       "e"
       "e.",
       "multi-tab"},
      {"](G\x3f\xe0\0\0\0\0\0\0e."s, "not a whole number"},
      {"](X\x00\x10\x00\x00"s + std::string(4096, 'a') + "e.", "too long"}};
  for (const auto& [pickle, message] : cases) {
    try {
      ReadPickledLabels(pickle, "test.pkl");
      ADD_FAILURE() << "not refused: " << message;
    } catch (const config::Error& error) {
      EXPECT_THAT(error.what_happened(), HasSubstr(message));
    }
  }
}

}  // namespace
}  // namespace dfsweep::data
