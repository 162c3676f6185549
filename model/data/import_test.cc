#include "model/data/import.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <random>

#include "model/config/error.h"
#include "model/data/npz_builder.h"

namespace dfsweep::data {
namespace {

using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::ElementsAreArray;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Pair;

class ImportTest : public ::testing::Test {
 protected:
  ImportResult ImportMembers(const Members& members,
                             const ImportOptions& options = {}) {
    WriteNpz(folder_ / "set.npz", members);
    return Import(folder_ / "set.npz", options);
  }

  TemporaryFolder folder_;
};

template <typename T>
std::vector<T> As(const std::vector<int8_t>& cells, T factor = 1) {
  std::vector<T> result;
  for (int8_t cell : cells) result.push_back(cell * factor);
  return result;
}

TEST_F(ImportTest, DirectionsOfEveryTypeGiveTheSameTraces) {
  std::vector<int8_t> cells = SmallCells();
  const std::string types[] = {"|i1", "<i2", "<i4", "<i8", "<f4", "<f8"};
  const std::string arrays[] = {Npy("|i1", "(4, 6)", cells),
                                Npy("<i2", "(4, 6)", As<int16_t>(cells)),
                                Npy("<i4", "(4, 6)", As<int32_t>(cells)),
                                Npy("<i8", "(4, 6)", As<int64_t>(cells)),
                                Npy("<f4", "(4, 6)", As<float>(cells)),
                                Npy("<f8", "(4, 6)", As<double>(cells))};
  for (int i = 0; i < 6; ++i) {
    ImportResult result = ImportMembers(
        {{"X.npy", arrays[i]}, {"y.npy", Npy("<i8", "(4,)", SmallLabels())}});
    EXPECT_THAT(result.traces.cells, ElementsAreArray(cells)) << types[i];
    EXPECT_EQ(result.report.format, "npz of directions (" + types[i] + ")");
  }
}

TEST_F(ImportTest, LabelsOfEveryIntegerTypeAreRead) {
  const std::string x = Npy("|i1", "(4, 6)", SmallCells());
  const std::string labels[] = {
      Npy("|i1", "(4,)", std::vector<int8_t>{0, 0, 9, 9}),
      Npy("|u1", "(4,)", std::vector<uint8_t>{0, 0, 9, 9}),
      Npy("<i2", "(4,)", std::vector<int16_t>{0, 0, 9, 9}),
      Npy("<u2", "(4,)", std::vector<uint16_t>{0, 0, 9, 9}),
      Npy("<i4", "(4,)", std::vector<int32_t>{0, 0, 9, 9}),
      Npy("<u4", "(4,)", std::vector<uint32_t>{0, 0, 9, 9}),
      Npy("<i8", "(4,)", std::vector<int64_t>{0, 0, 9, 9}),
      Npy("<u8", "(4,)", std::vector<uint64_t>{0, 0, 9, 9})};
  for (const std::string& y : labels) {
    ImportResult result = ImportMembers({{"data.npy", x}, {"labels.npy", y}});
    EXPECT_THAT(result.traces.labels, ElementsAre(0, 0, 9, 9));
    EXPECT_EQ(result.report.label_gaps, 8);
  }
}

TEST_F(ImportTest, StringLabelsAreNumberedInSortedOrder) {
  // "b", "b", "ä", "a" as UCS-4, two characters each.
  std::vector<uint32_t> names = {'b', 0, 'b', 0, 0xE4, 0, 'a', 0};
  ImportResult result =
      ImportMembers({{"X.npy", Npy("|i1", "(4, 6)", SmallCells())},
                     {"labels.npy", Npy("<U2", "(4,)", names)}});
  EXPECT_THAT(result.traces.labels, ElementsAre(1, 1, 2, 0));
  EXPECT_THAT(result.report.class_names,
              ElementsAre(Pair(0, "a"), Pair(1, "b"), Pair(2, "ä")));
}

TEST_F(ImportTest, GroupsAreKeptAndUnknownMembersNamed) {
  for (std::string name : {"group", "run"}) {
    Members members = SmallMembers();
    members.emplace_back(name + ".npy",
                         Npy("|u1", "(4,)", std::vector<uint8_t>{1, 2, 1, 3}));
    members.emplace_back("time.npy", members[1].second);  // not [n, length]
    ImportResult result = ImportMembers(members);
    EXPECT_THAT(result.traces.groups, ElementsAre(1, 2, 1, 3));
    EXPECT_EQ(result.report.groups, 3);
    EXPECT_THAT(result.report.warnings, Contains(HasSubstr("'time'")));
  }
}

TEST_F(ImportTest, ANativeFileComesBackByteForByte) {
  Traces traces = ImportMembers(SmallMembers()).traces;
  traces.groups = {1, 1, 2, 2};
  WriteBytes(folder_ / "native.npz", NativeBytes(traces));
  EXPECT_EQ(NativeBytes(Import(folder_ / "native.npz").traces),
            NativeBytes(traces));

  traces.split = {Side::kTrain, Side::kTest, Side::kTrain, Side::kValidation};
  traces.unmonitored = 1;
  for (int8_t cell : traces.cells) {
    traces.times.push_back(cell == 0 ? 0 : traces.times.size() / 8.f);
  }
  WriteBytes(folder_ / "native.npz", NativeBytes(traces));
  EXPECT_EQ(NativeBytes(Import(folder_ / "native.npz").traces),
            NativeBytes(traces));
}

// Whole rows look like directions until a fraction comes.
TEST_F(ImportTest, TimesBeforeTheFirstFractionAreKept) {
  std::vector<double> x = {1, -1, .5, -.75};
  const Members members = {
      {"X.npy", Npy("<f8", "(2, 2)", x)},
      {"y.npy", Npy("<i8", "(2,)", std::vector<int64_t>{0, 1})}};
  EXPECT_THAT(ImportMembers(members).traces.times,
              ElementsAre(1.f, 1.f, .5f, .75f));
}

TEST_F(ImportTest, TimesAreLeftOutIfAsked) {
  std::vector<double> x = {.1, -.2, .3, 0};
  const Members members = {
      {"X.npy", Npy("<f8", "(1, 4)", x)},
      {"y.npy", Npy("<i8", "(1,)", std::vector<int64_t>{0})}};
  EXPECT_EQ(ImportMembers(members).traces.times.size(), 4u);
  EXPECT_THAT(ImportMembers(members, {.keep_times = false}).traces.times,
              IsEmpty());
}

TEST_F(ImportTest, WflibsTimesGiveTheirSignEvenAtTimeZero) {
  // The first cell of each trace is at time 0: +0.0 sent, -0.0 received.
  std::vector<double> x = {0.,  -.1, .2, 0., 0.,  0.,   //
                           -0., .1,  .2, .3, -.3, .4,   //
                           .5,  -.6, 0., 0., 0.,  -0.,  //
                           -0., 0.,  .1, -1, 0.,  0.};
  ImportResult result =
      ImportMembers({{"X.npy", Npy("<f8", "(4, 6)", x)},
                     {"y.npy", Npy("<i8", "(4,)", SmallLabels())}});
  EXPECT_THAT(result.traces.cells, ElementsAre(1, -1, 1, 0, 0, 0,   //
                                               -1, 1, 1, 1, -1, 1,  //
                                               1, -1, 0, 0, 0, 0,   //
                                               -1, 1, 1, -1, 0, 0));
  EXPECT_THAT(result.traces.times, ElementsAre(0.f, .1f, .2f, 0.f, 0.f, 0.f,  //
                                               0.f, .1f, .2f, .3f, .3f, .4f,  //
                                               .5f, .6f, 0.f, 0.f, 0.f, 0.f,  //
                                               0.f, 0.f, .1f, 1.f, 0.f, 0.f));
  EXPECT_THAT(result.report.format, HasSubstr("WFlib"));
  EXPECT_TRUE(result.report.timed);
  EXPECT_EQ(result.report.starts_later, 1);
  EXPECT_THAT(result.report.warnings,
              Contains(HasSubstr("4 cells at time exactly 0")));
}

TEST_F(ImportTest, PacketLengthsGiveTheirSign) {
  std::vector<int16_t> x = As<int16_t>(SmallCells(), 100);
  x[1] = -1500;
  ImportResult result =
      ImportMembers({{"X.npy", Npy("<i2", "(4, 6)", x)},
                     {"y.npy", Npy("<i8", "(4,)", SmallLabels())}});
  EXPECT_THAT(result.traces.cells, ElementsAreArray(SmallCells()));
  EXPECT_THAT(result.report.format, HasSubstr("packet lengths"));
}

TEST_F(ImportTest, EmptyTracesAreDroppedWithTheirLabelsAndCounted) {
  std::vector<int8_t> cells = SmallCells();
  std::fill(cells.begin() + 6, cells.begin() + 12, 0);
  Members members = {
      {"X.npy", Npy("|i1", "(4, 6)", cells)},
      {"y.npy", Npy("<i8", "(4,)", std::vector<int64_t>{5, 6, 7, 8})},
      {"run.npy", Npy("<i8", "(4,)", std::vector<int64_t>{1, 2, 3, 4})}};
  ImportResult result = ImportMembers(members);
  EXPECT_EQ(result.traces.count, 3);
  EXPECT_EQ(result.report.empty_dropped, 1);
  EXPECT_THAT(result.traces.labels, ElementsAre(5, 7, 8));
  EXPECT_THAT(result.traces.groups, ElementsAre(1, 3, 4));
  EXPECT_EQ(result.traces.cells[6], cells[12]);
}

// Traces of 200 to 900 cells in rows of 1,000, filled up with `padding`.
std::vector<int8_t> Padded(int8_t padding) {
  std::mt19937 random(1);
  std::vector<int8_t> cells;
  for (int row = 0; row < 20; ++row) {
    const int length = 200 + random() % 700;
    for (int i = 0; i < 1000; ++i) {
      int8_t cell = random() % 8 == 0 ? 1 : -1;
      if (i == length - 1) cell = 1;
      cells.push_back(i < length ? cell : padding);
    }
  }
  return cells;
}

Members PaddedMembers(int8_t padding) {
  std::vector<int64_t> labels;
  for (int i = 0; i < 20; ++i) labels.push_back(i % 2);
  return {{"X.npy", Npy("|i1", "(20, 1000)", Padded(padding))},
          {"y.npy", Npy("<i8", "(20,)", labels)}};
}

TEST_F(ImportTest, PaddingWithMinusOneIsRefusedUnlessRepairIsAsked) {
  try {
    ImportMembers(PaddedMembers(-1));
    FAIL() << "not refused";
  } catch (const config::Error& error) {
    EXPECT_THAT(error.what_happened(), HasSubstr("padded with -1"));
    EXPECT_THAT(error.remedy(), HasSubstr("--repair-padding"));
  }
}

TEST_F(ImportTest, RepairedPaddingEqualsPaddingWithZero) {
  ImportResult repaired =
      ImportMembers(PaddedMembers(-1), {.repair_padding = true});
  EXPECT_EQ(repaired.report.padding, "-1 at the end, replaced by 0");
  ImportResult zero = ImportMembers(PaddedMembers(0));
  EXPECT_EQ(zero.report.padding, "0 at the end");
  EXPECT_EQ(repaired.traces.cells, zero.traces.cells);
}

TEST_F(ImportTest, PaddingIsKeptIfAsked) {
  ImportResult kept = ImportMembers(PaddedMembers(-1), {.keep_padding = true});
  EXPECT_EQ(kept.traces.cells, Padded(-1));
}

TEST_F(ImportTest, RepairLeavesASoundSetAlone) {
  ImportResult result =
      ImportMembers(PaddedMembers(0), {.repair_padding = true});
  EXPECT_EQ(result.traces.cells, Padded(0));
}

TEST_F(ImportTest, ReportCountsWhatIsThere) {
  // Rows 0 and 3 are equal but differ in label and group; 1 and 2 only differ
  // in group.
  std::vector<int8_t> cells = {1,  -1, 0, 0,  //
                               -1, 1,  1, 0,  //
                               -1, 1,  1, 0,  //
                               1,  -1, 0, 0,  //
                               1,  0,  1, 1};
  for (int i = 0; i < 80; ++i) {  // so that one interior 0 is within bounds
    cells.insert(cells.end(), {1, 1, -1, static_cast<int8_t>(i % 2 ? 1 : -1)});
  }
  std::vector<int64_t> labels = {0, 1, 1, 3}, groups = {1, 1, 2, 2};
  labels.resize(85, 1);
  groups.resize(85, 1);
  Report report = ImportMembers({{"X.npy", Npy("|i1", "(85, 4)", cells)},
                                 {"y.npy", Npy("<i8", "(85,)", labels)},
                                 {"group.npy", Npy("<i8", "(85,)", groups)}})
                      .report;
  EXPECT_EQ(report.traces, 85);
  EXPECT_EQ(report.classes, 3);
  EXPECT_EQ(report.label_gaps, 1);
  EXPECT_EQ(report.fewest_instances, 1);
  EXPECT_EQ(report.median_instances, 1);
  EXPECT_EQ(report.most_instances, 83);
  EXPECT_EQ(report.starts_incoming, 2);
  EXPECT_EQ(report.starts_outgoing, 83);
  EXPECT_EQ(report.interior_zero_traces, 1);
  EXPECT_EQ(report.short_traces, 85);
  EXPECT_EQ(report.capped_traces, 81);
  EXPECT_EQ(report.repeated_traces, 2 + 78);
  EXPECT_EQ(report.repeated_across_groups, 4);
  EXPECT_EQ(report.ambiguous_sets, 1);
  EXPECT_THAT(report.length_quantiles, ElementsAre(2, 4, 4, 4, 4, 4, 4));
  for (const std::string& warning : report.warnings) {
    EXPECT_THAT(warning, HasSubstr("; ")) << "no remedy";
    EXPECT_THAT(FormatReport(report), HasSubstr(warning));
  }
  EXPECT_EQ(ToJson(report)["instances"]["max"], 83);
  nlohmann::json manifest = Manifest(report, "small", "abc", "MIT");
  EXPECT_EQ(manifest["digest"], "abc");
  EXPECT_EQ(manifest["licence"], "MIT");
  EXPECT_FALSE(Manifest(report, "small", "abc", "").contains("licence"));
}

TEST_F(ImportTest, WangsTracesKeepSiteNumbersAndUnmonitoredComesLast) {
  std::filesystem::create_directory(folder_ / "batch");
  WriteBytes(folder_ / "batch/10-0", "0.0\t1\n0.1\t-1\n0.2\t-1\n");
  WriteBytes(folder_ / "batch/2-1", "0.0\t1\n0.5\t-1\r\n\n");
  WriteBytes(folder_ / "batch/2-0.cell", "0 512\n1e-1 -1500\n");
  WriteBytes(folder_ / "batch/7", "0\t+1\n1\t-1");
  WriteBytes(folder_ / "batch/README", "about");
  ImportResult result = Import(folder_ / "batch");
  EXPECT_THAT(result.traces.labels, ElementsAre(11, 2, 2, 10));
  EXPECT_THAT(result.traces.cells, ElementsAre(1, -1, 0, 1, -1, 0, 1, -1, 0,  //
                                               1, -1, -1));
  EXPECT_THAT(result.report.class_names, ElementsAre(Pair(11, "unmonitored")));
  EXPECT_THAT(result.report.format, HasSubstr("packet lengths"));
  EXPECT_THAT(result.report.warnings, Contains(HasSubstr("'README'")));
  EXPECT_THAT(result.report.warnings, Contains(HasSubstr("'unmonitored'")));
}

TEST_F(ImportTest, NamedSitesAreNumberedInSortedOrder) {
  std::filesystem::create_directory(folder_ / "batch");
  for (std::string name : {"b.org-0", "a-b.org-0", "a-b.org-1", "3"}) {
    WriteBytes(folder_ / ("batch/" + name), "0\t1\n1\t-1\n");
  }
  ImportResult result = Import(folder_ / "batch");
  EXPECT_THAT(result.report.class_names,
              ElementsAre(Pair(0, "a-b.org"), Pair(1, "b.org"),
                          Pair(2, "unmonitored")));
  EXPECT_THAT(result.traces.labels, ElementsAre(0, 0, 1, 2));
}

TEST_F(ImportTest, LongTextTracesAreCutAndCounted) {
  std::filesystem::create_directory(folder_ / "batch");
  WriteBytes(folder_ / "batch/0-0", "0\t1\n1\t-1\n2\t-1\n");
  WriteBytes(folder_ / "batch/0-1", "0\t1\n1\t-1\n");
  ImportResult result = Import(folder_ / "batch", {.max_length = 2});
  EXPECT_EQ(result.traces.length, 2);
  EXPECT_THAT(result.report.warnings, Contains(HasSubstr("1 traces were cut")));
}

}  // namespace
}  // namespace dfsweep::data
