// What Import refuses: every hostile or mistaken input gets an error in three
// parts.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <functional>
#include <limits>

#include "model/config/error.h"
#include "model/data/import.h"
#include "model/data/limits.h"
#include "model/data/npz_builder.h"

namespace dfsweep::data {
namespace {

using ::testing::HasSubstr;

void ExpectRefusal(const std::filesystem::path& path,
                   const std::string& message,
                   const ImportOptions& options = {}) {
  try {
    Import(path, options);
    ADD_FAILURE() << "not refused: " << message;
  } catch (const config::Error& error) {
    EXPECT_THAT(error.what_happened(), HasSubstr(message));
    EXPECT_THAT(error.where(), HasSubstr(path.string()));
    EXPECT_NE(error.remedy(), "");
  }
}

std::string X() { return Npy("|i1", "(4, 6)", SmallCells()); }
std::string Y() { return Npy("<i8", "(4,)", SmallLabels()); }

// X with this header text.
std::string XWith(const std::string& header) {
  return RawNpy(header, std::string(24, '\1'));
}

std::string FloatX(double first) {
  std::vector<double> values(24, -1);
  values[0] = first;
  return Npy("<f8", "(4, 6)", values);
}

std::string HeaderWithShape(const std::string& shape) {
  return "{'descr': '|i1', 'fortran_order': False, 'shape': " + shape + "}";
}

std::string LongHeader() {  // version 2, claiming 4 GB of header
  return std::string("\x93NUMPY\x02\x00\xff\xff\xff\xff", 12) + "{}";
}

struct Case {
  std::string message;
  Members members;
};

std::vector<Case> XCases() {
  const double nan = std::nan("");
  const double infinity = std::numeric_limits<double>::infinity();
  std::vector<int16_t> sizes(24, 9000), positive(24, 1);
  sizes[0] = -9000;
  std::vector<int8_t> front(24, 0);
  front[5] = front[11] = front[17] = 1;
  front[23] = -1;
  const std::pair<std::string, std::string> cases[] = {
      {"no opcode 0x01", XWith("{'descr': '|O', 'fortran_order': False, "
                               "'shape': (3,)}")},
      {"big-endian", XWith("{'descr': '>i2', 'fortran_order': False, "
                           "'shape': (3, 4)}")},
      {"Fortran order", XWith("{'descr': '|i1', 'fortran_order': True, "
                              "'shape': (4, 6)}")},
      {"compound type", XWith("{'descr': [('len', '<i4')], 'fortran_order': "
                              "False, 'shape': (6,)}")},
      {"type '<c8'", XWith("{'descr': '<c8', 'fortran_order': False, "
                           "'shape': (3,)}")},
      {"type '|u1'", XWith("{'descr': '|u1', 'fortran_order': False, "
                           "'shape': (4, 6)}")},
      {"type '<U6'", XWith("{'descr': '<U6', 'fortran_order': False, "
                           "'shape': (1, 1)}")},
      {"does not fit", XWith(HeaderWithShape("(4, 7)"))},
      {"does not fit", XWith(HeaderWithShape("(99999999, 99999999)"))},
      {"no meaning", XWith(HeaderWithShape("(4294967296, 4294967296)"))},
      {"no meaning", XWith(HeaderWithShape("(-4, -6)"))},
      {"no meaning", XWith(HeaderWithShape("(99999999999999999999,)"))},
      {"not (traces, cells)", XWith(HeaderWithShape("(24,)"))},
      {"X is empty", RawNpy(HeaderWithShape("(0, 6)"), "")},
      {"expected ')'", XWith(HeaderWithShape("(4, 6"))},
      {"a key is missing", XWith("{'descr': '|i1'}")},
      {"twice", XWith("{'descr': '|i1', 'descr': '|i1'}")},
      {"the key is unknown", XWith("{'exec': '|i1'}")},
      {"header is damaged", XWith("__import__('os').system('id')")},
      {"header is damaged", XWith(std::string(60000, '{'))},
      {"claims 4294967295 bytes", LongHeader()},
      {"no numpy array", "not numpy at all"},
      {"data ends early", "\x93NUM"},
      {"X[0, 0] is not finite", FloatX(nan)},
      {"X[0, 0] is not finite", FloatX(infinity)},
      {"X[0, 0] is not finite", FloatX(-infinity)},
      {"no directions", Npy("<i2", "(4, 6)", sizes)},
      {"same sign", Npy("<i2", "(4, 6)", positive)},
      {"every trace is empty",
       Npy("|i1", "(4, 6)", std::vector<int8_t>(24, 0))},
      {"padding is in front", Npy("|i1", "(4, 6)", front)}};
  std::vector<Case> result;
  for (const auto& [message, x] : cases) {
    result.push_back({message, {{"X.npy", x}, {"y.npy", Y()}}});
  }
  return result;
}

std::vector<Case> LabelCases() {
  const std::pair<std::string, std::string> cases[] = {
      {"multi-tab", Npy("<i8", "(4, 1)", SmallLabels())},
      {"each of 4", Npy("<i8", "(3,)", std::vector<int64_t>{0, 1, 2})},
      {"label -1", Npy("<i8", "(4,)", std::vector<int64_t>{0, 1, -1, 0})},
      {"label 1000000",
       Npy("<i8", "(4,)", std::vector<int64_t>{0, 1, 1'000'000, 0})},
      {"beyond 64-bit", Npy("<u8", "(4,)", std::vector<uint64_t>(4, ~0ull))},
      {"not integers", Npy("<f8", "(4,)", std::vector<double>(4, 1))},
      {"control or invalid",
       Npy("<U1", "(4,)", std::vector<uint32_t>{'a', 27, 'b', 'c'})},
      {"control or invalid",
       Npy("<U1", "(4,)", std::vector<uint32_t>{'a', 0xD800, 'b', 'c'})},
      {"empty string", Npy("|S1", "(4,)", std::vector<char>{'a', 0, 'b', 'c'})},
      {"can't be read", Npy("<U999999999999", "(4,)", std::vector<char>(4))}};
  std::vector<Case> result = {
      {"no labels (y); it has 'X'", {{"X.npy", X()}}},
      {"no X; it has 'x_train'", {{"x_train.npy", X()}, {"y.npy", Y()}}},
      {"no X; it has nothing", {{"notes.txt", "hello"}}}};
  for (const auto& [message, y] : cases) {
    result.push_back({message, {{"X.npy", X()}, {"y.npy", y}}});
  }
  return result;
}

TEST(ImportRefuses, EveryFaultyArrayWithTheReason) {
  TemporaryFolder folder;
  for (bool labels : {false, true}) {
    for (const Case& c : labels ? LabelCases() : XCases()) {
      for (bool deflate : {false, true}) {
        WriteNpz(folder / "set.npz", c.members, deflate);
        ExpectRefusal(folder / "set.npz", c.message);
      }
    }
  }
}

TEST(ImportRefuses, WhatIsNoIntactZip) {
  TemporaryFolder folder;
  const std::filesystem::path path = folder / "set.npz";
  for (std::string bytes :
       {std::string(), std::string("PK"), std::string(5000, '\0'),
        std::string("PK\x05\x06") + std::string(18, '\0')}) {
    WriteBytes(path, bytes);
    ExpectRefusal(path, "");
  }
  WriteNpz(path, SmallMembers());
  const std::string whole = ReadBytes(path);
  for (size_t size = 0; size < whole.size(); ++size) {
    WriteBytes(path, std::string_view(whole).substr(0, size));
    ExpectRefusal(path, "");
  }
}

TEST(ImportRefuses, DamagedDataByItsChecksum) {
  TemporaryFolder folder;
  const std::filesystem::path path = folder / "set.npz";
  WriteNpz(path, SmallMembers(), /*deflate=*/false);
  std::string bytes = ReadBytes(path);
  std::vector<int8_t> cells = SmallCells();
  size_t at = bytes.find(std::string(cells.begin(), cells.end()));
  ASSERT_NE(at, std::string::npos);
  bytes[at] = -1;
  WriteBytes(path, bytes);
  ExpectRefusal(path, "CRC error");
}

TEST(ImportRefuses, ManyMembers) {
  TemporaryFolder folder;
  Members members = SmallMembers();
  for (int i = 0; i < kMaxZipMembers; ++i) {
    members.emplace_back(std::to_string(i) + ".npy", "x");
  }
  WriteNpz(folder / "set.npz", members);
  ExpectRefusal(folder / "set.npz", "66 members");
}

TEST(ImportRefuses, AZipBombBeforeUnpackingIt) {
  TemporaryFolder folder;
  const std::string shape = "(8000, 10000)";
  WriteNpz(folder / "bomb.npz",
           {{"X.npy", Npy("|i1", shape, std::vector<int8_t>(80'000'000, 1))},
            {"y.npy", Y()}});
  ExpectRefusal(folder / "bomb.npz", "expands too much");
}

TEST(ImportRefuses, ASparseFileThatClaimsTooManyCells) {
  TemporaryFolder folder;
  WriteNpz(folder / "set.npz",
           {{"X.npy", Npy("|i1", "(1, 1000001)",
                          std::vector<int8_t>(kMaxTraceLength + 1, 1))},
            {"y.npy", Npy("<i8", "(1,)", std::vector<int64_t>{0})}});
  ExpectRefusal(folder / "set.npz", "X is too large");
}

TEST(ImportRefuses, PathsAndFormatsThatDoNotFit) {
  TemporaryFolder folder;
  ExpectRefusal(folder / "absent.npz", "no such file");
  ExpectRefusal("/dev/zero", "no such file");
  WriteNpz(folder / "set.npz", SmallMembers());
  ExpectRefusal(folder / "set.npz", "folder", {.format = Format::kText});
  ExpectRefusal(folder / "", "only hold text", {.format = Format::kTimed});
  EXPECT_THROW(ParseFormat("csv"), config::Error);
}

TEST(ImportRefuses, NumbersThatAreNoDirectionsWhenDirectionsAreAsked) {
  TemporaryFolder folder;
  std::vector<int16_t> lengths(24, 1500);
  lengths[0] = -600;
  WriteNpz(folder / "set.npz",
           {{"X.npy", Npy("<i2", "(4, 6)", lengths)}, {"y.npy", Y()}});
  ExpectRefusal(folder / "set.npz", "other than -1, 0 and 1",
                {.format = Format::kDirections});
}

TEST(ImportRefuses, TextThatIsNoTrace) {
  for (std::string line :
       {"hello", "0.1", "0.1\t", "0.1\t0", "0.1\tx", "nan\t1", "inf\t1",
        "0.1\tnan", "0.1\t1\t7", "0.1x\t1", "1e999\t1", "\x01\x02"}) {
    TemporaryFolder folder;
    WriteBytes(folder / "0-0", "0\t1\n" + line + "\n1\t-1\n");
    try {
      Import(folder / "");
      ADD_FAILURE() << "not refused: " << line;
    } catch (const config::Error& error) {
      EXPECT_THAT(error.where(), HasSubstr("0-0:2")) << line;
    }
  }
}

TEST(ImportRefuses, FoldersWithoutTraces) {
  TemporaryFolder folder;
  ExpectRefusal(folder / "", "no text traces");
  WriteBytes(folder / "notes.txt", "0\t1\n");
  ExpectRefusal(folder / "", "it has 'notes.txt'");
  WriteBytes(folder / "0-0", "");
  ExpectRefusal(folder / "", "every trace is empty");
  WriteBytes(folder / "1000000-0", "0\t1\n1\t-1\n");
  ExpectRefusal(folder / "", "too large for a label");
  ExpectRefusal(folder / "", "out of range", {.max_length = 0});
}

}  // namespace
}  // namespace dfsweep::data
