// Every kind of source but the plain .npz and the folder of text traces, which
// are in import_test.cc.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <zlib.h>

#include <algorithm>
#include <cmath>
#include <cstdlib>

#include "model/config/error.h"
#include "model/data/import.h"
#include "model/data/npz_builder.h"
#include "model/data/numpy_python.h"
#include "model/data/pickle_builder.h"
#include "model/data/tar_builder.h"

namespace dfsweep::data {
namespace {

using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Pair;
using std::string_literals::operator""s;

class ImportSourcesTest : public ::testing::Test {
 protected:
  void Write(const std::string& name, std::string_view bytes) {
    WriteBytes(folder_ / name, bytes);
  }

  std::string ErrorOf(const std::filesystem::path& path,
                      const ImportOptions& options = {}) {
    try {
      Import(path, options);
    } catch (const config::Error& error) {
      EXPECT_NE(error.where(), "");
      EXPECT_NE(error.remedy(), "");
      return error.what();
    }
    return "";
  }

  TemporaryFolder folder_;
};

// ---- Sets of pickles ----

class PickleSetTest : public ImportSourcesTest {
 protected:
  // One part, its traces all of `label`.
  void WritePart(const std::string& part, int traces, int8_t label,
                 bool with_labels = true) {
    Write("X_" + part + ".pkl",
          RowsPickle(std::vector<std::vector<int8_t>>(traces, {1, -1, 1})));
    if (!with_labels) return;
    Write("y_" + part + ".pkl", ListPickle(std::vector<int8_t>(traces, label)));
  }
};

TEST_F(PickleSetTest, DfsPartsBecomeOneDatasetWithItsSplit) {
  WritePart("train_NoDef", 3, 1);
  WritePart("valid_NoDef", 2, 1);
  WritePart("test_NoDef", 1, 1);

  for (const std::filesystem::path& path :
       {folder_ / "", folder_ / "X_train_NoDef.pkl",
        folder_ / "y_test_NoDef.pkl"}) {
    const ImportResult result = Import(path);

    EXPECT_EQ(result.traces.count, 6);
    EXPECT_EQ(result.traces.length, 3);
    EXPECT_THAT(result.traces.split,
                ElementsAre(Side::kTrain, Side::kTrain, Side::kTrain,
                            Side::kValidation, Side::kValidation, Side::kTest));
    EXPECT_EQ(result.report.train, 3);
    EXPECT_EQ(result.report.validation, 2);
    EXPECT_EQ(result.report.test, 1);
    EXPECT_EQ(result.report.repeated_across_split, 1);
    EXPECT_THAT(result.report.format, HasSubstr("pickled lists"));
    EXPECT_THAT(result.report.files,
                ElementsAre("X_train_NoDef.pkl", "y_train_NoDef.pkl",
                            "X_valid_NoDef.pkl", "y_valid_NoDef.pkl",
                            "X_test_NoDef.pkl", "y_test_NoDef.pkl"));
    EXPECT_THAT(FormatReport(result.report),
                HasSubstr("own split   3 train, 2 validation, 1 test"));
    EXPECT_EQ(ToJson(result.report)["split"]["train"], 3);
  }
}

TEST_F(PickleSetTest, OneOfSeveralDefencesMustBeNamed) {
  WritePart("train_NoDef", 3, 1);
  WritePart("test_NoDef", 1, 1);
  WritePart("train_WTFPAD", 2, 1);
  WritePart("test_WTFPAD", 2, 1);

  EXPECT_THAT(ErrorOf(folder_ / ""), HasSubstr("several sets: NoDef, WTFPAD"));
  EXPECT_EQ(Import(folder_ / "X_train_WTFPAD.pkl").traces.count, 4);
  EXPECT_EQ(Import(folder_ / "X_test_NoDef.pkl").traces.count, 4);
}

TEST_F(PickleSetTest, BigEnoughsUnmonitoredTracesGetTheLabelAfterTheOthers) {
  WritePart("train_CW_NoDef", 2, 5);
  WritePart("test_Unmon_NoDef", 3, 1, /*with_labels=*/false);

  const ImportResult result = Import(folder_ / "");

  EXPECT_THAT(result.traces.labels, ElementsAre(5, 5, 6, 6, 6));
  EXPECT_EQ(result.traces.unmonitored, 6);
  EXPECT_EQ(result.report.unmonitored, 3);
  // All monitored traces are in one file, so there is no split.
  EXPECT_THAT(result.traces.split, IsEmpty());
  EXPECT_THAT(FormatReport(result.report),
              HasSubstr("3 traces are unmonitored: label 6"));
  EXPECT_EQ(Import(folder_ / "", {.unmonitored = 95}).traces.unmonitored, 95);
}

TEST_F(PickleSetTest, DfsOpenWorldKeepsItsOwnUnmonitoredLabel) {
  WritePart("train_NoDef", 2, 3);
  WritePart("test_Mon_NoDef", 2, 3);
  WritePart("test_Unmon_NoDef", 1, 95);

  const ImportResult result = Import(folder_ / "");

  EXPECT_EQ(result.traces.unmonitored, 95);
  EXPECT_THAT(result.traces.labels, ElementsAre(3, 3, 3, 3, 95));
  EXPECT_EQ(result.report.test, 3);
}

TEST_F(PickleSetTest, RaggedRowsArePaddedAndEmptyOnesDroppedWithTheirSide) {
  Write("X_train.pkl", RowsPickle({{1, -1}, {}, {1, -1, -1}}));
  Write("y_train.pkl", ListPickle({0, 1, 2}));
  Write("X_test.pkl", RowsPickle({{1}}));
  Write("y_test.pkl", ListPickle({2}));

  const ImportResult result = Import(folder_ / "");

  EXPECT_THAT(result.traces.cells, ElementsAre(1, -1, 0, 1, -1, -1, 1, 0, 0));
  EXPECT_THAT(result.traces.labels, ElementsAre(0, 2, 2));
  EXPECT_THAT(result.traces.split,
              ElementsAre(Side::kTrain, Side::kTrain, Side::kTest));
  EXPECT_EQ(result.report.empty_dropped, 1);
}

TEST_F(PickleSetTest, PaddingOfMinusOneIsRecognised) {
  std::vector<int8_t> row(300, -1);
  for (int i = 0; i < 100; ++i) row[i] = i % 3 == 0 ? 1 : -1;
  Write("X_A_train.pkl", RowsPickle({row, row, row}));
  Write("y_A_train.pkl", ListPickle({0, 1, 2}));

  EXPECT_THAT(ErrorOf(folder_ / ""), HasSubstr("padded with -1"));
  const ImportResult result = Import(folder_ / "", {.repair_padding = true});
  EXPECT_EQ(result.traces.cells[99], 1);
  EXPECT_EQ(result.traces.cells[100], 0);
}

TEST_F(PickleSetTest, WhatIsMissingOrDoesNotFitIsSaid) {
  WritePart("train_NoDef", 2, 1, /*with_labels=*/false);
  EXPECT_THAT(ErrorOf(folder_ / ""), HasSubstr("no file of labels"));

  Write("y_train_NoDef.pkl", ListPickle({0}));
  EXPECT_THAT(ErrorOf(folder_ / ""), HasSubstr("1 labels for 2 traces"));

  Write("y_train_NoDef.pkl", ListPickle({0, -1}));
  EXPECT_THAT(ErrorOf(folder_ / ""), HasSubstr("the label -1"));

  Write("y_train_NoDef.pkl", ListPickle({0, 1}));
  WritePart("train_CW_NoDef", 2, 1);
  EXPECT_THAT(ErrorOf(folder_ / ""), HasSubstr("the same part"));

  Write("other.pkl", ListPickle({0}));
  EXPECT_THAT(ErrorOf(folder_ / "other.pkl"), HasSubstr("X_train.pkl"));

  Write("X_train_NoDef.pkl", "cos\nsystem\n(S'id'\ntR.");
  std::filesystem::remove(folder_ / "X_train_CW_NoDef.pkl");
  EXPECT_THAT(ErrorOf(folder_ / ""), HasSubstr("os.system"));
  EXPECT_THAT(ErrorOf(folder_ / ""), HasSubstr("NoDef.pkl: byte 0"));
}

TEST_F(PickleSetTest, OtherFormatsThanNumbersAreRefused) {
  WritePart("train", 2, 1);
  EXPECT_THAT(ErrorOf(folder_ / "", {.format = Format::kImages}),
              HasSubstr("pickles of images"));
  EXPECT_THAT(ErrorOf(folder_ / "", {.format = Format::kText}),
              HasSubstr("no text traces"));
  EXPECT_THAT(ErrorOf(folder_ / "X_train.pkl", {.format = Format::kText}),
              HasSubstr("text traces come as"));
}

TEST_F(PickleSetTest, UnmonitoredTracesAloneAreRefused) {
  WritePart("test_Unmon_NoDef", 3, 1, /*with_labels=*/false);
  EXPECT_THAT(ErrorOf(folder_ / ""), HasSubstr("only unmonitored"));
}

TEST_F(PickleSetTest, NamesAreNumberedTogetherOverAllParts) {
  auto names = [](const std::string& name) {
    return "](U" + std::string(1, static_cast<char>(name.size())) + name + "e.";
  };
  for (const std::string& part : {"train"s, "test"s}) {
    Write("X_" + part + ".pkl", RowsPickle({{1, -1}}));
    Write("y_" + part + ".pkl", names(part == "test" ? "a.org" : "b.org"));
  }
  const ImportResult result = Import(folder_ / "");
  EXPECT_THAT(result.traces.labels, ElementsAre(1, 0));
  EXPECT_THAT(result.report.class_names,
              ElementsAre(Pair(0, "a.org"), Pair(1, "b.org")));
}

// ---- AWF's object arrays ----

TEST_F(ImportSourcesTest, ObjectArraysAreReadThroughTheUnpickler) {
  const std::string header =
      "{'descr': '|O', 'fortran_order': False, 'shape': (2,), }\n";
  // Rows alone, as if np.save had pickled a list; the real form, an array of
  // objects, is among the fixtures.
  WriteNpz(folder_ / "awf.npz",
           {{"data.npy", RawNpy(header, RowsPickle({{1, -1, 1}, {-1, 1}}))},
            {"labels.npy", RawNpy(header,
                                  "](U\x05"
                                  "b.orgU\x05"
                                  "a.orge.")}});

  const ImportResult result = Import(folder_ / "awf.npz");

  EXPECT_THAT(result.traces.cells, ElementsAre(1, -1, 1, -1, 1, 0));
  EXPECT_THAT(result.traces.labels, ElementsAre(1, 0));
  EXPECT_THAT(result.report.format, HasSubstr("pickled"));
}

// What numpy itself writes today, at every protocol.
TEST_F(ImportSourcesTest, NumpysOwnFilesGiveTheSameTraces) {
  const std::string python = PythonWithNumpy();
  if (python.empty()) {
    GTEST_SKIP() << "NOT CHECKED that files of the installed numpy are read: "
                    "no Python with numpy; set DFSWEEP_PYTHON";
  }
  Write("make.py", R"(
import os, pickle, random, sys, numpy
random.seed(1)
rows = [[random.choice([1, -1]) for _ in range(random.randint(60, 3000))]
        for _ in range(40)]
labels = [i % 4 for i in range(40)]
objects = numpy.empty(40, dtype=object)
objects[:] = rows
names = numpy.array(['site%d' % label for label in labels])
numpy.savez_compressed('awf.npz', data=objects, labels=names.astype(object))
padded = numpy.zeros((40, 3000), dtype='int8')
for i, row in enumerate(rows):
    padded[i, :len(row)] = row
numpy.savez_compressed('plain.npz', data=padded[:, :max(map(len, rows))],
                       labels=names)
for protocol in range(6):
    os.mkdir('set%d' % protocol)
    for part, at in (('train', slice(0, 30)), ('test', slice(30, 40))):
        for name, value in (('X', rows[at]), ('y', labels[at])):
            path = 'set%d/%s_%s.pkl' % (protocol, name, part)
            with open(path, 'wb') as file:
                pickle.dump(value, file, protocol)
)");
  ASSERT_EQ(std::system(
                ("cd " + (folder_ / "").string() + " && " + python + " make.py")
                    .c_str()),
            0);

  const Traces plain = Import(folder_ / "plain.npz").traces;

  const Traces awf = Import(folder_ / "awf.npz").traces;
  EXPECT_EQ(awf.cells, plain.cells);
  EXPECT_EQ(awf.labels, plain.labels);
  for (int protocol = 0; protocol < 6; ++protocol) {
    const Traces set =
        Import(folder_ / ("set" + std::to_string(protocol))).traces;
    EXPECT_EQ(set.cells, plain.cells) << protocol;
    EXPECT_EQ(set.labels, plain.labels) << protocol;
    EXPECT_EQ(std::count(set.split.begin(), set.split.end(), Side::kTest), 10);
  }
}

// ---- Flat arrays ----

Members FlatMembers() {
  return {
      {"direction.npy",
       Npy("|i1", "(5,)", std::vector<int8_t>{1, -1, 1, -1, -1})},
      {"time.npy", Npy("<f4", "(5,)", std::vector<float>{0, .5, .75, 0, 2})},
      {"offsets.npy", Npy("<i8", "(3,)", std::vector<int64_t>{0, 3, 5})},
      {"y.npy", Npy("<i8", "(2,)", std::vector<int64_t>{4, 7})},
      {"run.npy", Npy("|u1", "(2,)", std::vector<uint8_t>{1, 2})}};
}

TEST_F(ImportSourcesTest, FlatArraysAreDividedByTheirOffsets) {
  WriteNpz(folder_ / "flat.npz", FlatMembers());
  const ImportResult result = Import(folder_ / "flat.npz");
  EXPECT_THAT(result.traces.cells, ElementsAre(1, -1, 1, -1, -1, 0));
  EXPECT_THAT(result.traces.times, ElementsAre(0.f, .5f, .75f, 0.f, 2.f, 0.f));
  EXPECT_THAT(result.traces.labels, ElementsAre(4, 7));
  EXPECT_THAT(result.traces.groups, ElementsAre(1, 2));
  EXPECT_EQ(result.report.longest_seconds, 2);
  EXPECT_EQ(ToJson(result.report)["times"]["longest_seconds"], 2);
}

TEST_F(ImportSourcesTest, ClocksAndNegativeTimesAreCountedFromTheFirstCell) {
  Members members = FlatMembers();
  members[1].second = Npy(
      "<f8", "(5,)", std::vector<double>{1.7e9, 1.7e9 + .5, 1.7e9 + 1, -3, 1});
  WriteNpz(folder_ / "flat.npz", members);
  const ImportResult result = Import(folder_ / "flat.npz");
  EXPECT_THAT(result.traces.times, ElementsAre(0.f, .5f, 1.f, 0.f, 4.f, 0.f));
  EXPECT_THAT(result.report.warnings, Contains(HasSubstr("of 2 traces")));
}

// A native file with a -0.0 is damaged.
TEST_F(ImportSourcesTest, TimeOfNegativeZeroIsZero) {
  Members members = FlatMembers();
  members[1].second =
      Npy("<f8", "(5,)", std::vector<double>{-0.0, .5, .75, -0.0, 2});
  WriteNpz(folder_ / "flat.npz", members);
  const ImportResult result = Import(folder_ / "flat.npz");
  EXPECT_THAT(result.traces.times, ElementsAre(0.f, .5f, .75f, 0.f, 2.f, 0.f));
  EXPECT_NO_THROW(NativeBytes(result.traces));
}

TEST_F(ImportSourcesTest, FlatArraysThatDoNotFitAreRefused) {
  struct Case {
    size_t member;
    std::string array, message;
  };
  const Case cases[] = {
      {2, Npy("<i8", "(3,)", std::vector<int64_t>{0, 6, 5}), "do not divide"},
      {2, Npy("<i8", "(3,)", std::vector<int64_t>{0, 3, 6}), "do not divide"},
      {2, Npy("<i8", "(3,)", std::vector<int64_t>{1, 3, 5}), "do not divide"},
      {2, Npy("<i8", "(1,)", std::vector<int64_t>{0}), "do not divide"},
      {1, Npy("<f4", "(4,)", std::vector<float>(4)), "each of 5"},
      {1, Npy("<f4", "(5,)", std::vector<float>(5, HUGE_VALF)),
       "no number of seconds"},
      {0, Npy("|i1", "(5,)", std::vector<int8_t>{1, -1, 0, 1, 1}),
       "not -1 or 1"},
      {3, Npy("<i8", "(3,)", std::vector<int64_t>(3)), "each of 2"}};
  for (const Case& c : cases) {
    Members members = FlatMembers();
    members[c.member].second = c.array;
    WriteNpz(folder_ / "flat.npz", members);
    EXPECT_THAT(ErrorOf(folder_ / "flat.npz"), HasSubstr(c.message));
  }
}

// ---- Images ----

Members ImageMembers() {
  return {
      {"x_train.npy",
       Npy("|u1", "(2, 1, 3)", std::vector<uint8_t>{0, 1, 2, 255, 4, 5})},
      {"y_train.npy", Npy("|u1", "(2,)", std::vector<uint8_t>{9, 0})},
      {"x_test.npy", Npy("|u1", "(1, 1, 3)", std::vector<uint8_t>{0, 1, 2})},
      {"y_test.npy", Npy("|u1", "(1,)", std::vector<uint8_t>{9})}};
}

void ExpectImages(const ImportResult& result) {
  EXPECT_EQ(result.traces.kind, Kind::kImages);
  EXPECT_EQ(result.traces.length, 3);
  EXPECT_THAT(result.traces.pixels, ElementsAre(0, 1, 2, 255, 4, 5, 0, 1, 2));
  EXPECT_THAT(result.traces.labels, ElementsAre(9, 0, 9));
  EXPECT_THAT(result.traces.split,
              ElementsAre(Side::kTrain, Side::kTrain, Side::kTest));
  EXPECT_EQ(result.report.repeated_across_split, 1);
  EXPECT_THAT(FormatReport(result.report), HasSubstr("3 rows of 3 pixels"));
  EXPECT_EQ(ToJson(result.report)["kind"], "images");
  EXPECT_FALSE(ToJson(result.report).contains("padding"));
  NativeBytes(result.traces);
}

TEST_F(ImportSourcesTest, KerasNpzOfImagesKeepsItsSplit) {
  WriteNpz(folder_ / "mnist.npz", ImageMembers());
  ExpectImages(Import(folder_ / "mnist.npz"));
}

std::string Idx(const std::string& shape, const std::string& data) {
  return "\0\0\x08"s + static_cast<char>(shape.size() / 4) + shape + data;
}

std::string Gzipped(const std::filesystem::path& path,
                    const std::string& bytes) {
  gzFile file = gzopen(path.c_str(), "wb");
  gzwrite(file, bytes.data(), bytes.size());
  gzclose(file);
  return ReadBytes(path);
}

class IdxTest : public ImportSourcesTest {
 protected:
  void SetUp() override {
    Write("train-images-idx3-ubyte",
          Idx("\0\0\0\2\0\0\0\1\0\0\0\3"s, "\0\1\2\xff\4\5"s));
    Write("train-labels-idx1-ubyte", Idx("\0\0\0\2"s, "\x09\0"s));
    Gzipped(folder_ / "t10k-images.idx3-ubyte.gz",
            Idx("\0\0\0\1\0\0\0\1\0\0\0\3"s, "\0\1\2"s));
    Write("t10k-labels-idx1-ubyte", Idx("\0\0\0\1"s, "\x09"));
  }
};

TEST_F(IdxTest, FilesAreReadWhateverTheirNamesSeparator) {
  ExpectImages(Import(folder_ / ""));
  ExpectImages(Import(folder_ / "train-images-idx3-ubyte"));
}

TEST_F(IdxTest, DamagedAndMissingFilesAreRefused) {
  const std::string name = "train-labels-idx1-ubyte";
  const std::pair<std::string, std::string> cases[] = {
      {"", "first bytes differ"},
      {"\0\0\x09\1\0\0\0\2\x09\0"s, "first bytes differ"},
      {Idx("\0\0\0\3"s, "\x09\0"s), "size differs"},
      {Idx("\xff\xff\xff\xff", "\x09\0"s), "size differs"},
      {Idx("\0\0\0\1"s, "\x09"), "1 labels for 2 traces"}};
  for (const auto& [bytes, message] : cases) {
    Write(name, bytes);
    EXPECT_THAT(ErrorOf(folder_ / ""), HasSubstr(message));
  }
  std::filesystem::remove(folder_ / name);
  EXPECT_THAT(ErrorOf(folder_ / ""), HasSubstr("has no " + name));
}

TEST_F(ImportSourcesTest, ImagesThatDoNotFitAreRefused) {
  struct Case {
    size_t member;
    std::string array, message;
  };
  const Case cases[] = {
      {0, Npy("<f4", "(2, 1, 3)", std::vector<float>(6)), "type '<f4'"},
      {0, Npy("|u1", "(6,)", std::vector<uint8_t>(6)), "no meaning"},
      {1, Npy("|u1", "(3,)", std::vector<uint8_t>(3)), "each of 2"},
      {2, Npy("|u1", "(1, 2)", std::vector<uint8_t>(2)), "differ in size"}};
  for (const Case& c : cases) {
    Members members = ImageMembers();
    members[c.member].second = c.array;
    WriteNpz(folder_ / "mnist.npz", members);
    EXPECT_THAT(ErrorOf(folder_ / "mnist.npz"), HasSubstr(c.message));
  }
}

// ---- Logs and archives ----

const Members& TextFiles() {
  static const Members kFiles = {
      {"set/10-0", "0.0\t1\n0.5\t-1\n"},
      {"set/2-0", "0.0\t1\n0.25\t-1\n0.5\t-1\n"},
      {"/etc/../../2-1", "0.0\t1\n1\t-1\n"},  // only a file name
      {"set/README", "about"},
      {"set/7", "0\t-1\n0.125\t1\n"}};
  return kFiles;
}

void ExpectTextTraces(const ImportResult& result) {
  EXPECT_THAT(result.traces.labels, ElementsAre(11, 2, 2, 10));
  EXPECT_THAT(result.traces.cells,
              ElementsAre(-1, 1, 0, 1, -1, -1, 1, -1, 0, 1, -1, 0));
  EXPECT_THAT(result.traces.times, ElementsAre(0.f, .125f, 0.f, 0.f, .25f, .5f,
                                               0.f, 1.f, 0.f, 0.f, .5f, 0.f));
  EXPECT_EQ(result.traces.unmonitored, 11);
  EXPECT_THAT(result.report.warnings, Contains(HasSubstr("README")));
}

TEST_F(ImportSourcesTest, TextTracesInAZipAreReadWithoutUnpackingIt) {
  WriteNpz(folder_ / "set.zip", TextFiles());
  ExpectTextTraces(Import(folder_ / "set.zip"));
}

TEST_F(ImportSourcesTest, TextTracesInATarAreReadWithoutUnpackingIt) {
  Write("set.tar", Tar(TextFiles()));
  ExpectTextTraces(Import(folder_ / "set.tar"));
  Gzipped(folder_ / "set.tar.gz", Tar(TextFiles()));
  ExpectTextTraces(Import(folder_ / "set.tar.gz"));
}

TEST_F(ImportSourcesTest, LongNamesInTarsAreTakenFromTheirOwnEntry) {
  const std::string folders(200, 'x');
  Write("set.tar", TarEntry("././@LongLink", folders + "/3-0\0"s, 'L') +
                       TarEntry("cut off", "0\t1\n1\t-1\n") +
                       TarEntry("pax", "20 path=a/b/c/4-0\n", 'x') +
                       TarEntry("cut off", "0\t1\n1\t-1\n") +
                       std::string(1024, '\0'));
  EXPECT_THAT(Import(folder_ / "set.tar").traces.labels, ElementsAre(3, 4));
}

TEST_F(ImportSourcesTest, DamagedArchivesAreRefused) {
  const std::string tar = Tar(TextFiles());
  for (size_t size : {100u, 512u, 700u, 1500u}) {
    Write("set.tar", tar.substr(0, size));
    EXPECT_NE(ErrorOf(folder_ / "set.tar"), "") << size;
  }
  std::string flipped = tar;
  flipped[0] ^= 1;
  Write("set.tar", flipped);
  EXPECT_THAT(ErrorOf(folder_ / "set.tar"), HasSubstr("checksum"));

  const std::string gzipped = Gzipped(folder_ / "set.tar.gz", tar);
  for (size_t size = 0; size < gzipped.size(); ++size) {
    Write("set.tar.gz", gzipped.substr(0, size));
    EXPECT_NE(ErrorOf(folder_ / "set.tar.gz"), "") << size;
  }
  Write("set.zip", "PK, but no zip");
  EXPECT_NE(ErrorOf(folder_ / "set.zip"), "");
}

TEST_F(ImportSourcesTest, ArchivesThatExpandLikeABombAreRefused) {
  const std::string blanks(60 << 20, ' ');
  const Members files = {{"1-0", blanks}, {"1-1", blanks}};
  WriteNpz(folder_ / "set.zip", files);
  EXPECT_THAT(ErrorOf(folder_ / "set.zip"), HasSubstr("expands too much"));
  Gzipped(folder_ / "set.tar.gz", Tar(files));
  EXPECT_THAT(ErrorOf(folder_ / "set.tar.gz"), HasSubstr("expands too much"));
}

TEST_F(ImportSourcesTest, BigEnoughsLogsHaveClassSubpageAndSample) {
  std::filesystem::create_directory(folder_ / "logs");
  Write("logs/0012-0001-0000.log",
        "0,s,514\n1500000000,r,514\n2000000000,r,514\n");
  Write("logs/0003-0001-0002.log", "0,s,514\n250000000,r,514\n");
  Write("logs/0003-0000-0010.log", "0,r,514\n1,s,514\n");

  const ImportResult result = Import(folder_ / "logs");

  EXPECT_THAT(result.traces.labels, ElementsAre(3, 3, 12));
  EXPECT_THAT(result.traces.groups, ElementsAre(0, 1, 1));
  EXPECT_THAT(result.traces.cells, ElementsAre(-1, 1, 0, 1, -1, 0, 1, -1, -1));
  EXPECT_EQ(result.traces.times[7], 1.5f);
  EXPECT_THAT(result.report.format, HasSubstr("logs"));
}

TEST_F(ImportSourcesTest, LinesThatAreNoLogAreNamed) {
  std::filesystem::create_directory(folder_ / "logs");
  for (const std::string line :
       {"1,x,514", "1,s,", "1,s,-514", "1,s,0", "x,s,514", "1,s", ",,",
        "99999999999999999999,s,1", "1,s,514,7"}) {
    Write("logs/1-0-0.log", "0,s,514\n" + line + "\n");
    EXPECT_THAT(ErrorOf(folder_ / "logs"), HasSubstr("1-0-0.log:2")) << line;
  }
}

TEST_F(ImportSourcesTest, ASecondSourceBecomesTheUnmonitoredClass) {
  Members members = SmallMembers();
  members.emplace_back("group.npy",
                       Npy("<i8", "(4,)", std::vector<int64_t>{1, 1, 2, 2}));
  WriteNpz(folder_ / "known.npz", members);
  WriteNpz(folder_ / "others.npz",
           {{"X.npy", Npy("|i1", "(2, 7)",
                          std::vector<int8_t>{1, -1, 1, -1, 1, -1, 1,  //
                                              1, -1, 0, 0, 0, 0, 0})}});

  const ImportResult result = Import(
      folder_ / "known.npz", {.unmonitored_from = folder_ / "others.npz"});

  EXPECT_EQ(result.traces.count, 6);
  EXPECT_EQ(result.traces.length, 7);
  EXPECT_THAT(result.traces.labels, ElementsAre(0, 0, 1, 1, 2, 2));
  EXPECT_THAT(result.traces.groups, ElementsAre(1, 1, 2, 2, 1, 2));
  EXPECT_EQ(result.traces.unmonitored, 2);
  EXPECT_EQ(result.traces.cells[5 * 7 + 1], -1);
  EXPECT_EQ(result.traces.cells[6], 0);
  EXPECT_EQ(result.report.unmonitored, 2);
  EXPECT_THAT(result.report.format, HasSubstr("; unmonitored: npz of"));
  NativeBytes(result.traces);
  EXPECT_THAT(ErrorOf(folder_ / "others.npz"), HasSubstr("no labels"));
}

TEST_F(ImportSourcesTest, AnUnmonitoredLabelThatNoTraceHasIsRefused) {
  WriteNpz(folder_ / "set.npz", SmallMembers());
  EXPECT_EQ(Import(folder_ / "set.npz", {.unmonitored = 1}).report.unmonitored,
            2);
  EXPECT_THAT(ErrorOf(folder_ / "set.npz", {.unmonitored = 9}),
              HasSubstr("no trace has the label 9"));
}

}  // namespace
}  // namespace dfsweep::data
