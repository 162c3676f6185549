// Every format of Export against golden text, and each promise about numbers.
#include "coordinator/results/export.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <sstream>

#include "base/display_text.h"
#include "base/status.h"

namespace dfsweep::coordinator {
namespace {

using testing::ElementsAre;
using testing::EndsWith;
using testing::HasSubstr;
using testing::Not;
using testing::SizeIs;
using testing::StartsWith;

void Set(const char* key, const Json& value, SharedJson& members) {
  Json changed = *members;
  changed[key] = value;
  members = std::move(changed);
}

void Set(const char* name, const Json& value, ParameterSet& parameters) {
  Json changed = Json::object();
  for (const auto& member : parameters.members()) {
    changed[member->name] = member->value;
  }
  changed[name] = value;
  parameters = changed;
}

// A completed trial of two tasks: accuracy of A after A, of A after B, of B.
ResultRow Row(const std::string& strategy, const Json& lambda, int64_t seed,
              double a_after_a, double a_after_b, double b) {
  ResultRow row{
      .trial_id = std::string(56, 'a') + "0000" + std::to_string(1000 + seed),
      .sweep = "quickstart",
      .status = "completed",
      .seed = seed,
      .attempt = 1,
      .parameters = {{"strategy", strategy},
                     {"scenario", "class-incremental"},
                     {"epochs", 8}},
      .worker = "laptop",
      .environment = {{"device", "cpu"}, {"torch", "2.4.1"}, {"build", "abc"}},
      .dataset = {"wikipedia20", std::string(64, 'd')},
      .started_at = "2023-11-14T22:13:20.000Z",
      .finished_at = "2023-11-14T22:13:41.500Z",
      .train_seconds = 20.25 + static_cast<double>(seed)};
  if (!lambda.is_null()) Set("ewc.lambda", lambda, row.parameters);
  row.metrics = {{"accuracy_task_1_after_1", a_after_a},
                 {"accuracy_task_1_after_2", a_after_b},
                 {"accuracy_task_2_after_2", b},
                 {"average_accuracy", (a_after_b + b) / 2},
                 {"forgetting", a_after_a - a_after_b}};
  row.accuracy_matrix = {{a_after_a}, {a_after_b, b}};
  return row;
}

ResultRow JointRow(int64_t seed, double a, double b) {
  ResultRow row = Row("joint", nullptr, seed, 0, 0, 0);
  row.metrics = {{"accuracy_task_1_after_1", a},
                 {"accuracy_task_2_after_1", b},
                 {"average_accuracy", (a + b) / 2}};
  row.accuracy_matrix = {{a, b}};
  return row;
}

ResultRow Ended(ResultRow row, const std::string& status,
                const std::string& message = "") {
  row.status = status;
  row.message = message;
  if (status != "diverged") {
    row.metrics = {};
    row.accuracy_matrix = {};
    row.train_seconds = 0;
  }
  return row;
}

// Three settings, three seeds each.
std::vector<ResultRow> Rows() {
  std::vector<ResultRow> rows;
  for (int seed : {0, 1, 2}) {
    rows.push_back(JointRow(seed, 0.85 + 0.01 * seed, 0.875));
  }
  for (int seed : {0, 1, 2}) {
    rows.push_back(Row("naive", nullptr, seed, 0.9, 0, 0.9 + 0.02 * seed));
  }
  for (int seed : {0, 1, 2}) {
    rows.push_back(Row("ewc", 1e6, seed, 0.9, 0.5 + 0.1 * seed, 0.75));
  }
  int number = 0;
  for (ResultRow& row : rows) {
    row.trial_id = std::to_string(1000'0000 + number++) + std::string(56, 'a');
  }
  return rows;
}

// Trials whose parameters share members, as those that are read do: λ 10
// without a second parameter, 10 and 20 with one, 20 without.
std::vector<ResultRow> SharingRows() {
  static const auto& members = *new std::vector<ParameterSet::Member>{
      {"ewc.lambda", 10}, {"ewc.lambda", 20},  {"learning_rate", 0.5},
      {"momentum", 0.9},  {"strategy", "ewc"},
  };
  std::vector<ResultRow> rows;
  for (const std::vector<int>& places : std::vector<std::vector<int>>{
           {0, 2, 4}, {0, 2, 3, 4}, {1, 2, 3, 4}, {1, 2, 4}}) {
    ParameterSet::Members used;
    for (int place : places) used.push_back(&members[place]);
    rows.push_back(Row("ewc", nullptr, 0, 0.9, 0.5, 0.75));
    rows.back().parameters = ParameterSet(std::move(used), nullptr);
  }
  return rows;
}

std::string Text(const std::vector<ResultRow>& rows,
                 const ExportOptions& options = {}) {
  absl::StatusOr<std::string> text = Export(rows, options);
  EXPECT_TRUE(text.ok()) << text.status();
  return text.value_or("");
}

std::vector<std::string> Lines(const std::string& text) {
  std::vector<std::string> lines;
  std::istringstream stream(text);
  for (std::string line; std::getline(stream, line);) lines.push_back(line);
  return lines;
}

// ---- The terminal -----------------------------------------------------------

TEST(ExportTable, At120ColumnsShowsEverything) {
  EXPECT_EQ(Text(Rows(), {.width = 120}), R"(
quickstart: 3 configurations, 9 trials; mean ± sd over n = 3 seeds; accuracy and forgetting in %

strategy  n   A after A    A after B   B after B     average   forgetting   train s  95% CI of average
joint     3           –   86.0 ± 1.0  87.5 ± 0.0  86.8 ± 0.5            –  21 ± 1.0       [85.5, 88.0]
naive     3  90.0 ± 0.0    0.0 ± 0.0  92.0 ± 2.0  46.0 ± 1.0   90.0 ± 0.0  21 ± 1.0       [43.5, 48.5]
ewc       3  90.0 ± 0.0  60.0 ± 10.0  75.0 ± 0.0  67.5 ± 5.0  30.0 ± 10.0  21 ± 1.0       [55.1, 79.9]

joint: one training on all tasks together, the upper bound; it has no stage before the last
naive: 0.0 for A after B is the floor of class-incremental learning: a network trained on new classes alone never
  answers an old one
bold: best mean beside joint; no test of significance
)" + 1);
}

TEST(ExportTable, At80ColumnsTightensAndHidesTheInterval) {
  EXPECT_EQ(Text(Rows(), {.width = 80}), R"(
quickstart: 3 configurations, 9 trials; mean ± sd over n = 3 seeds; accuracy and
  forgetting in %

strategy  n  A after A  A after B  B after B   average  forgetting  train s
joint     3          –   86.0±1.0   87.5±0.0  86.8±0.5           –   21±1.0
naive     3   90.0±0.0    0.0±0.0   92.0±2.0  46.0±1.0    90.0±0.0   21±1.0
ewc       3   90.0±0.0  60.0±10.0   75.0±0.0  67.5±5.0   30.0±10.0   21±1.0

joint: one training on all tasks together, the upper bound; it has no stage
  before the last
naive: 0.0 for A after B is the floor of class-incremental learning: a network
  trained on new classes alone never answers an old one
bold: best mean beside joint; no test of significance
hidden at 80 columns: 95% CI of average; widen the terminal or use --columns
)" + 1);
}

TEST(ExportTable, At40ColumnsKeepsTheSettingAndTheSummary) {
  EXPECT_THAT(Text(Rows(), {.width = 40}), StartsWith(R"(
quickstart: 3 configurations, 9 trials;
  mean ± sd over n = 3 seeds; accuracy
  and forgetting in %

strategy  A after B  B after B   average
joint      86.0±1.0   87.5±0.0  86.8±0.5
naive       0.0±0.0   92.0±2.0  46.0±1.0
ewc       60.0±10.0   75.0±0.0  67.5±5.0

)" + 1));
}

TEST(ExportTable, SharedParametersVaryLikeOthers) {
  std::string text = Text(SharingRows(), {.format = Format::kMarkdown,
                                          .columns = {"average_accuracy"}});

  EXPECT_THAT(text, HasSubstr("| lambda | n | average (%) |"));
  EXPECT_THAT(text, HasSubstr("| 10 | 2 ‡ |"));
  EXPECT_THAT(text, HasSubstr("| 20 | 2 ‡ |"));
}

TEST(ExportTable, CountThatDiffersIsNeverHidden) {
  std::vector<ResultRow> rows = Rows();
  rows.pop_back();
  EXPECT_THAT(Text(rows, {.width = 40}),
              HasSubstr("strategy  n  A after B   average"));
}

TEST(ExportTable, NoLineIsWiderThanTheTerminal) {
  std::vector<ResultRow> rows = Rows();
  for (ResultRow& row : rows) row.sweep = "웹사이트 지문 분류기의 망각";
  rows[1] = Ended(rows[1], "failed", "메모리가 부족합니다\nhere\nfix");
  for (int width : {20, 40, 41, 60, 80, 100, 120, 200}) {
    for (RowKind kind : {RowKind::kConfigurations, RowKind::kTrials}) {
      for (const std::string& line :
           Lines(Text(rows, {.rows = kind, .width = width}))) {
        EXPECT_LE(DisplayWidth(line), width) << line;
      }
    }
  }
}

TEST(ExportTable, WideCharactersAreAligned) {
  std::vector<ResultRow> rows = Rows();
  for (ResultRow& row : rows) row.worker = row.seed == 0 ? "노트북" : "ab";

  std::string text = Text(
      rows,
      {.rows = RowKind::kTrials, .columns = {"average_accuracy"}, .width = 80});

  EXPECT_THAT(text, HasSubstr("10000000  joint        0     86.2  노트북\n"
                              "10000001  joint        1     86.8  ab\n"));
}

TEST(ExportTable, BoldNeedsColourAndIsOnlyTheBestBesideJoint) {
  std::string text = Text(
      Rows(), {.columns = {"average_accuracy"}, .width = 80, .color = true});

  EXPECT_THAT(text, HasSubstr("ewc       3  \x1b[1m67.5 ± 5.0\x1b[0m"));
  EXPECT_THAT(text, HasSubstr("joint     3  86.8 ± 0.5"));
  EXPECT_THAT(text, HasSubstr("naive     3  46.0 ± 1.0"));
  EXPECT_THAT(Text(Rows(), {}), Not(HasSubstr("\x1b")));
}

TEST(ExportTable, LowerIsBetterWhereTheMetricSaysSo) {
  EXPECT_THAT(
      Text(Rows(), {.format = Format::kMarkdown, .columns = {"forgetting"}}),
      HasSubstr("| ewc | 3 | **30.0 ± 10.0** |"));
}

// ---- Seeds ------------------------------------------------------------------

TEST(ExportSeeds, OneSeedHasNoDeviationNoIntervalNoBoldAndAWarning) {
  std::vector<ResultRow> rows = {Rows()[3], Rows()[6]};

  std::string text = Text(
      rows, {.format = Format::kMarkdown, .columns = {"average_accuracy"}});

  EXPECT_THAT(text, HasSubstr("| naive | 1 | 45.0 |\n"));
  EXPECT_THAT(text, HasSubstr("| ewc | 1 | 62.5 |\n"));
  EXPECT_THAT(text, Not(HasSubstr("CI of")));
  EXPECT_THAT(text, Not(HasSubstr("**")));
  EXPECT_THAT(text, HasSubstr("fewer than 3 seeds: differences between rows "
                              "support no claim"));
}

TEST(ExportSeeds, TwoSeedsHaveAnIntervalButNoBold) {
  std::vector<ResultRow> rows = Rows();
  for (int i : {2, 5, 8}) rows[i] = Ended(rows[i], "pending");

  std::string text = Text(
      rows, {.format = Format::kMarkdown, .columns = {"average_accuracy"}});

  EXPECT_THAT(text, HasSubstr("| ewc | 2 | 1 | 65.0 ± 3.5 |"));
  EXPECT_THAT(text, HasSubstr("95% CI"));
  EXPECT_THAT(text, Not(HasSubstr("**")));
  EXPECT_THAT(text, HasSubstr("fewer than 3 seeds"));
}

TEST(ExportSeeds, NobodyIsBoldBesideARivalWithTooFewSeeds) {
  std::vector<ResultRow> rows = Rows();
  rows[3] = Ended(rows[3], "failed");

  EXPECT_THAT(Text(rows, {.format = Format::kMarkdown}), Not(HasSubstr("**")));
}

TEST(ExportSeeds, ThreeSeedsNeedNoWarning) {
  EXPECT_THAT(Text(Rows(), {}), Not(HasSubstr("no claim")));
}

TEST(ExportSeeds, IntervalIsStudents) {
  // 67.5 ± t(2; 97.5 %) · 5 / √3 = 67.5 ± 4.30265 · 2.88675 = 67.5 ± 12.42.
  EXPECT_THAT(Text(Rows(), {.format = Format::kMarkdown,
                            .columns = {"average_accuracy"}}),
              HasSubstr("| \\[55.1, 79.9\\] |"));
}

TEST(ExportSeeds, IntervalIsThatOfTheSweepsMetric) {
  std::string text =
      Text(Rows(), {.columns = {"forgetting"}, .metric = "forgetting"});

  EXPECT_THAT(text, HasSubstr("95% CI of forgetting"));
  EXPECT_THAT(text, HasSubstr("[5.2, 54.8]"));
}

// ---- What did not complete --------------------------------------------------

std::vector<ResultRow> TroubledRows() {
  std::vector<ResultRow> rows = Rows();
  rows[1] = Ended(rows[1], "failed", "out of memory\nhere\nfix");
  rows[4] = Ended(rows[4], "diverged", "the loss is NaN\nhere\nfix");
  rows[5] = Ended(rows[5], "cancelled");
  rows[8] = Ended(rows[8], "running");
  return rows;
}

TEST(ExportCounts, FailedDivergedCancelledAndOpenAreCountedNotDropped) {
  std::string text =
      Text(TroubledRows(), {.columns = {"average_accuracy"}, .width = 120});

  EXPECT_THAT(text, HasSubstr(R"(
strategy  n  diverged  failed  cancelled  open     average  95% CI of average
joint     2         0       1          0     0  86.8 ± 0.7       [80.4, 93.1]
naive     1         1       0          1     0        45.0                  –
ewc       2         0       0          0     1  65.0 ± 3.5       [33.2, 96.8]
)"));
  EXPECT_THAT(text,
              HasSubstr("of 9 trials: 1 diverged, 1 failed, 1 cancelled, 1 not "
                        "ended yet; means are of completed trials only"));
}

TEST(ExportCounts, TrialsSayWhatBecameOfThemAndWhy) {
  std::string text = Text(TroubledRows(), {.rows = RowKind::kTrials,
                                           .columns = {"average_accuracy"}});

  EXPECT_THAT(text, HasSubstr("10000001  joint        1  failed           –"));
  // The last finite metrics of a diverged trial.
  EXPECT_THAT(text, HasSubstr("10000004  naive        1  diverged      46.0"));
  EXPECT_THAT(text, HasSubstr("10000008  ewc          2  running          –"));
  EXPECT_THAT(text, HasSubstr("10000001 failed: out of memory\n"));
  EXPECT_THAT(text, HasSubstr("10000004 diverged: the loss is NaN\n"));
}

TEST(ExportCounts, ManyFailuresAreSummedUp) {
  std::vector<ResultRow> rows = Rows();
  for (ResultRow& row : rows) row = Ended(row, "failed", "boom\nx\ny");

  std::string text = Text(rows, {.rows = RowKind::kTrials});

  EXPECT_THAT(text, HasSubstr("10000004 failed: boom\nand 4 more\n"));
}

TEST(ExportCounts, SettingWithoutAResultKeepsItsRow) {
  std::vector<ResultRow> rows = Rows();
  for (int i : {3, 4, 5}) rows[i] = Ended(rows[i], "failed");

  EXPECT_THAT(Text(rows, {.format = Format::kMarkdown,
                          .columns = {"average_accuracy"}}),
              HasSubstr("| naive | 0 | 3 | – | – |\n"));
}

TEST(ExportCounts, MetricOfSomeTrialsOnlySaysHowMany) {
  std::vector<ResultRow> rows = Rows();
  rows[8].metrics.Set("bwt", -0.5);
  rows[7].metrics.Set("bwt", -0.25);

  EXPECT_THAT(Text(rows, {.columns = {"bwt"}}),
              HasSubstr("-37.5 ± 17.7 (n=2)"));
}

TEST(ExportCounts, MetricThatIsNotFiniteIsNoNumber) {
  std::vector<ResultRow> rows = Rows();
  for (int i : {6, 7, 8}) rows[i].metrics.Set("average_accuracy", NAN);

  EXPECT_THAT(Text(rows, {.format = Format::kMarkdown,
                          .columns = {"average_accuracy"}}),
              HasSubstr("| ewc | 3 | – | – |\n"));
}

TEST(ExportCounts, NoTrialsAreAnEmptyTable) {
  EXPECT_THAT(Text({}, {}), HasSubstr("0 configurations, 0 trials"));
  EXPECT_EQ(Text({}, {.format = Format::kJsonl}), "");
}

// ---- Provenance -------------------------------------------------------------

TEST(ExportProvenance, OddRowIsMarkedAndExplainedAndNobodyIsBold) {
  std::vector<ResultRow> rows = Rows();
  Set("torch", "2.5.0", rows[7].environment);

  std::string text = Text(rows, {.format = Format::kMarkdown});

  EXPECT_THAT(text, HasSubstr("| ewc | 3 † |"));
  EXPECT_THAT(text, HasSubstr("| naive | 3 |"));
  EXPECT_THAT(text, HasSubstr("† mixed provenance: LibTorch 2.4.1 (8 trials), "
                              "2.5.0 (1 trial)"));
  EXPECT_THAT(text, Not(HasSubstr("**")));
}

TEST(ExportProvenance, DatasetBuildDeviceAndPrecisionCount) {
  std::vector<ResultRow> rows = Rows();
  rows[3].dataset.digest = std::string(64, 'e');
  Set("build", "def", rows[4].environment);
  Set("device", "cuda", rows[5].environment);
  Set("precision", "bf16", rows[6].parameters);

  std::string text = Text(rows, {.group_by = {"strategy"}});

  EXPECT_THAT(text, HasSubstr("dataset dddddddddddd (8 trials)"));
  EXPECT_THAT(text, HasSubstr("build abc (8 trials)"));
  EXPECT_THAT(text, HasSubstr("device cpu (8 trials)"));
  EXPECT_THAT(text, HasSubstr("precision bf16 (1"));
}

TEST(ExportProvenance, PrecisionThatIsAColumnIsMeantToDiffer) {
  std::vector<ResultRow> rows = Rows();
  for (size_t i = 0; i < rows.size(); ++i) {
    Set("precision", i % 2 ? "bf16" : "fp32", rows[i].parameters);
  }

  EXPECT_THAT(Text(rows, {.group_by = {"strategy", "precision"}}),
              Not(HasSubstr("mixed")));
}

TEST(ExportProvenance, TrialsThatDidNotCompleteDontCount) {
  std::vector<ResultRow> rows = Rows();
  rows[7] = Ended(rows[7], "failed");
  rows[7].environment = Json::object();

  EXPECT_THAT(Text(rows, {}), Not(HasSubstr("mixed")));
}

TEST(ExportProvenance, LeakedTestTracesAreSaid) {
  std::vector<ResultRow> rows = Rows();
  rows[0].metrics.Set("leaked_test_examples", 12);

  EXPECT_THAT(Text(rows, {}), HasSubstr("leakage: up to 12 test traces"));
}

// ---- Rows and columns -------------------------------------------------------

TEST(ExportColumns, ParametersThatNeverVaryAreHidden) {
  std::string text = Text(Rows(), {});

  EXPECT_THAT(text, Not(HasSubstr("epochs")));
  EXPECT_THAT(text,
              Not(HasSubstr("lambda")));  // one value, no effect on others
}

TEST(ExportColumns, ParameterThatVariesIsAColumnByTheLastPartOfItsName) {
  std::vector<ResultRow> rows = Rows();
  rows.push_back(Row("ewc", 1000, 0, 0.9, 0.1, 0.8));

  std::string text = Text(rows, {.columns = {"average_accuracy"}});

  EXPECT_THAT(text, HasSubstr("strategy  lambda  n"));
  EXPECT_THAT(text, HasSubstr("ewc          1e6  3"));
  EXPECT_THAT(text, HasSubstr("ewc         1000  1"));
  EXPECT_THAT(text, HasSubstr("naive          –  3"));
}

TEST(ExportColumns, GroupingBySomethingElseMixesConfigurationsAndSaysSo) {
  std::string text = Text(Rows(), {.group_by = {"epochs"}, .width = 120});

  EXPECT_THAT(text, HasSubstr("9 ‡"));
  EXPECT_THAT(text, HasSubstr("‡ averages over trials that differ in strategy "
                              "too, so its sd is not that of seeds"));
  EXPECT_THAT(text, Not(HasSubstr("95% CI")));
}

TEST(ExportColumns, MixedConfigurationsAreFoundWhateverTheirSeeds) {
  std::vector<ResultRow> rows = {Rows()[3], Rows()[7], Rows()[8]};

  EXPECT_THAT(Text(rows, {.group_by = {"epochs"}}), HasSubstr("3 ‡"));
}

TEST(ExportColumns, CommandLineGoesBeforeTheReportBlock) {
  const ExportOptions options = {.columns = {"forgetting"},
                                 .report_columns = {"macro_f1"}};

  EXPECT_THAT(Text(Rows(), options), HasSubstr("forgetting"));
  EXPECT_THAT(Text(Rows(), options), Not(HasSubstr("macro")));
  EXPECT_THAT(Text(Rows(), {.report_group_by = {"epochs"}}),
              HasSubstr("epochs"));
}

TEST(ExportColumns, ParameterAmongTheColumnsMakesRows) {
  EXPECT_THAT(Text(Rows(), {.group_by = {"strategy"},
                            .columns = {"ewc.lambda", "average_accuracy"}}),
              HasSubstr("ewc          1e6  3"));
}

TEST(ExportColumns, UnknownNamesAreRefusedWithTheNearestOne) {
  struct Case {
    ExportOptions options;
    std::string where;
    std::string nearest;
  };
  const Case cases[] = {
      {{.group_by = {"stratgy"}}, "--group-by", "strategy"},
      {{.columns = {"averge_accuracy"}}, "--columns", "average_accuracy"},
      {{.sort = "-forgeting"}, "--sort", "forgetting"},
  };
  for (const Case& wrong : cases) {
    absl::Status status = Export(Rows(), wrong.options).status();
    EXPECT_EQ(status.code(), absl::StatusCode::kInvalidArgument);
    ErrorParts parts = PartsOf(MessageOf(status));
    EXPECT_EQ(parts.where, wrong.where);
    EXPECT_THAT(parts.remedy, HasSubstr("'" + wrong.nearest + "'"));
  }
}

std::vector<std::string> Strategies(const ExportOptions& options,
                                    const std::vector<ResultRow>& rows) {
  std::vector<std::string> names;
  for (const std::string& line : Lines(Text(rows, options))) {
    for (const char* name : {"joint", "naive", "ewc"}) {
      if (line.starts_with(std::string(name) + ",")) names.push_back(name);
    }
  }
  return names;
}

TEST(ExportSort, RowsAreInTheFilesOrderUnlessAskedOtherwise) {
  auto sorted = [](const std::string& sort) {
    return Strategies({.format = Format::kCsv, .sort = sort}, Rows());
  };

  EXPECT_THAT(sorted(""), ElementsAre("joint", "naive", "ewc"));
  EXPECT_THAT(sorted("average_accuracy"), ElementsAre("naive", "ewc", "joint"));
  EXPECT_THAT(sorted("-average_accuracy"),
              ElementsAre("joint", "ewc", "naive"));
  EXPECT_THAT(sorted("strategy"), ElementsAre("ewc", "joint", "naive"));
  // Rows without a value come last either way.
  EXPECT_THAT(sorted("forgetting"), ElementsAre("ewc", "naive", "joint"));
  EXPECT_THAT(sorted("-forgetting"), ElementsAre("naive", "ewc", "joint"));
}

TEST(ExportSort, FirstOfSeveralKeysMattersMost) {
  EXPECT_THAT(Strategies({.format = Format::kCsv,
                          .report_sort = {"train_seconds", "-strategy"}},
                         Rows()),
              ElementsAre("naive", "joint", "ewc"));
}

// ---- CSV --------------------------------------------------------------------

TEST(ExportCsv, ConfigurationsHaveFullPrecision) {
  std::string text =
      Text(Rows(), {.format = Format::kCsv, .columns = {"average_accuracy"}});

  EXPECT_EQ(text,
            "strategy,n,diverged,failed,cancelled,pruned,open,mixed_provenance,"
            "average_accuracy_mean,average_accuracy_sd,"
            "average_accuracy_ci95_low,average_accuracy_ci95_high\r\n"
            "joint,3,0,0,0,0,0,false,0.8675,0.0050000000000000044,"
            "0.8550793114412484,0.8799206885587517\r\n"
            "naive,3,0,0,0,0,0,false,0.46,0.010000000000000009,"
            "0.4351586228824967,0.48484137711750336\r\n"
            "ewc,3,0,0,0,0,0,false,0.6749999999999999,0.04999999999999999,"
            "0.5507931144124835,0.7992068855875164\r\n");
}

TEST(ExportCsv, TrialsHaveAllMetricsAndTheirProvenance) {
  std::vector<ResultRow> rows = {Rows()[0], Rows()[6]};

  std::string text =
      Text(rows, {.format = Format::kCsv, .rows = RowKind::kTrials});

  const std::string id = std::string(56, 'a');
  const std::string tail =
      ",20.25,laptop,cpu,2.4.1,abc,wikipedia20," + std::string(64, 'd') +
      ",2023-11-14T22:13:20.000Z,2023-11-14T22:13:41.500Z,\r\n";
  EXPECT_EQ(text,
            "trial_id,sweep,status,seed,attempt,strategy,"
            "accuracy_task_1_after_1,accuracy_task_1_after_2,"
            "accuracy_task_2_after_2,average_accuracy,forgetting,"
            "train_seconds,worker,device,torch,build,dataset_name,"
            "dataset_digest,started_at,finished_at,message\r\n"
            "10000000" +
                id + ",quickstart,completed,0,1,joint,,0.85,0.875,0.8625," +
                tail + "10000006" + id +
                ",quickstart,completed,0,1,ewc,0.9,0.5,0.75,0.625,0.4" + tail);
}

std::string CsvCellOfMessage(const std::string& message) {
  std::string text = Text({Ended(Rows()[0], "failed", message)},
                          {.format = Format::kCsv, .rows = RowKind::kTrials});
  size_t start = text.find("41.500Z,") + 8;
  return text.substr(start, text.size() - start - 2);
}

TEST(ExportCsv, CellsThatASpreadsheetWouldRunAreDefused) {
  EXPECT_EQ(CsvCellOfMessage("=1+1"), "'=1+1");
  EXPECT_EQ(CsvCellOfMessage("+cmd"), "'+cmd");
  EXPECT_EQ(CsvCellOfMessage("-2+3"), "'-2+3");
  EXPECT_EQ(CsvCellOfMessage("@SUM(A1)"), "'@SUM(A1)");
  EXPECT_EQ(CsvCellOfMessage("\t=1"), "'\t=1");
  EXPECT_EQ(CsvCellOfMessage("\r=1"), "\"'\r=1\"");
  EXPECT_EQ(CsvCellOfMessage("\n=1"), "\"'\n=1\"");
  EXPECT_EQ(CsvCellOfMessage("=HYPERLINK(\"x\",\"y\")"),
            "\"'=HYPERLINK(\"\"x\"\",\"\"y\"\")\"");
  EXPECT_EQ(CsvCellOfMessage("-inf"), "'-inf");
  EXPECT_EQ(CsvCellOfMessage("+-5"), "'+-5");
  EXPECT_EQ(CsvCellOfMessage("a=b"), "a=b");
}

TEST(ExportCsv, NegativeNumbersStayNumbers) {
  EXPECT_EQ(CsvCellOfMessage("-1.5e-3"), "-1.5e-3");
  EXPECT_EQ(CsvCellOfMessage("+.5"), "+.5");
  std::vector<ResultRow> rows = Rows();
  for (ResultRow& row : rows) row.metrics.Set("bwt", -0.125);
  EXPECT_THAT(Text(rows, {.format = Format::kCsv, .columns = {"bwt"}}),
              HasSubstr("naive,3,0,0,0,0,0,false,-0.125,"));
}

TEST(ExportCsv, CommasQuotesAndNewlinesAreQuoted) {
  EXPECT_EQ(CsvCellOfMessage("a,b"), "\"a,b\"");
  EXPECT_EQ(CsvCellOfMessage("say \"hi\""), "\"say \"\"hi\"\"\"");
  EXPECT_EQ(CsvCellOfMessage("two\nlines"), "\"two\nlines\"");
}

TEST(ExportCsv, ListsAreJson) {
  std::vector<ResultRow> rows = Rows();
  for (ResultRow& row : rows)
    Set("tasks.labels", {"0-4", "5-9"}, row.parameters);

  EXPECT_THAT(Text(rows, {.format = Format::kCsv,
                          .group_by = {"tasks.labels"},
                          .columns = {"average_accuracy"}}),
              HasSubstr("\"[\"\"0-4\"\",\"\"5-9\"\"]\",9,"));
}

// ---- JSON lines -------------------------------------------------------------

TEST(ExportJsonl, TrialHasItsFieldsInTheDocumentedOrder) {
  ResultRow row = Rows()[6];
  row.learning_curve = R"([{"epoch":0,"loss":2.5,"task":0}])";

  EXPECT_EQ(
      Text({row}, {.format = Format::kJsonl}),
      R"({"trial_id":"10000006)" + std::string(56, 'a') +
          R"(","sweep":"quickstart","status":"completed","seed":0,"attempt":1,)"
          R"("parameters":{"epochs":8,"ewc.lambda":1000000.0,)"
          R"("scenario":"class-incremental","strategy":"ewc"},)"
          R"("metrics":{"accuracy_task_1_after_1":0.9,)"
          R"("accuracy_task_1_after_2":0.5,"accuracy_task_2_after_2":0.75,)"
          R"("average_accuracy":0.625,"forgetting":0.4},)"
          R"("accuracy_matrix":[[0.9],[0.5,0.75]],)"
          R"("learning_curve":[{"epoch":0,"loss":2.5,"task":0}],)"
          R"("worker":"laptop",)"
          R"("environment":{"build":"abc","device":"cpu","torch":"2.4.1"},)"
          R"("dataset":{"name":"wikipedia20","digest":")" +
          std::string(64, 'd') +
          R"("},"started_at":"2023-11-14T22:13:20.000Z",)"
          R"("finished_at":"2023-11-14T22:13:41.500Z","train_seconds":20.25})"
          "\n");
}

TEST(ExportJsonl, SharedParametersAreWrittenLikeOthers) {
  const std::vector<ResultRow> rows = SharingRows();

  const std::vector<std::string> lines =
      Lines(Text(rows, {.format = Format::kJsonl}));

  ASSERT_THAT(lines, SizeIs(4));
  for (size_t i = 0; i < rows.size(); ++i) {
    EXPECT_EQ(lines[i], ToJsonLine(rows[i]));
  }
  EXPECT_THAT(lines[2], HasSubstr(R"("parameters":{"ewc.lambda":20,)"
                                  R"("learning_rate":0.5,"momentum":0.9,)"
                                  R"("strategy":"ewc"},)"));
}

TEST(ExportJsonl, PartsAreKeysAtTheEnd) {
  ResultRow row = Rows()[6];
  row.parts = {{"confusion_matrix", R"({"labels":[1]})"},
               {"open_world", R"({"points":[]})"}};
  EXPECT_THAT(Text({row}, {.format = Format::kJsonl}),
              HasSubstr(R"("train_seconds":20.25,)"
                        R"("confusion_matrix":{"labels":[1]},)"
                        R"("open_world":{"points":[]}})"));
}

TEST(ExportJsonl, TrialWithoutAResultHasNulledTimes) {
  ResultRow row = Ended(Rows()[0], "pending");
  row.started_at = row.finished_at = "";

  std::string line = Text({row}, {.format = Format::kJsonl});

  EXPECT_THAT(line, HasSubstr(R"("metrics":{},"accuracy_matrix":[])"));
  EXPECT_THAT(line, HasSubstr(R"("started_at":null,"finished_at":null)"));
}

TEST(ExportJsonl, EveryLineIsJsonWhateverTheBytes) {
  std::vector<ResultRow> rows = Rows();
  rows[0].worker = "bad \xff byte\n\"quoted\"";

  std::vector<std::string> lines =
      Lines(Text(rows, {.format = Format::kJsonl}));

  ASSERT_THAT(lines, SizeIs(9));
  for (const std::string& line : lines) EXPECT_TRUE(Json::accept(line));
}

TEST(ExportJsonl, ConfigurationsHaveStatistics) {
  std::vector<std::string> lines =
      Lines(Text(TroubledRows(), {.format = Format::kJsonl,
                                  .rows = RowKind::kConfigurations,
                                  .columns = {"average_accuracy"}}));

  ASSERT_THAT(lines, SizeIs(3));
  Json naive = Json::parse(lines[1]);
  EXPECT_EQ(naive["parameters"], Json({{"strategy", "naive"}}));
  EXPECT_EQ(naive["n"], 1);
  EXPECT_EQ(naive["diverged"], 1);
  EXPECT_EQ(naive["cancelled"], 1);
  EXPECT_EQ(naive["metrics"]["average_accuracy"],
            Json({{"n", 1}, {"mean", 0.45}}));
  Json ewc = Json::parse(lines[2]);
  EXPECT_EQ(ewc["open"], 1);
  EXPECT_NEAR(ewc["metrics"]["average_accuracy"]["sd"], 0.0353553, 1e-6);
}

// ---- Markdown ---------------------------------------------------------------

TEST(ExportMarkdown, IsATableWithItsSource) {
  std::string text = Text(Rows(), {.format = Format::kMarkdown,
                                   .columns = {"average_accuracy"},
                                   .command = "dfsweep results quickstart"});

  EXPECT_THAT(text, StartsWith("<!-- dfsweep results quickstart\n"
                               "     from 9 trials, results sha256:"));
  EXPECT_THAT(text, EndsWith(R"( -->
quickstart: 3 configurations, 9 trials; mean ± sd over n = 3 seeds; accuracy and forgetting in %

| strategy | n | average (%) | 95% CI of average (%) |
| --- | ---: | ---: | ---: |
| joint | 3 | 86.8 ± 0.5 | \[85.5, 88.0\] |
| naive | 3 | 46.0 ± 1.0 | \[43.5, 48.5\] |
| ewc | 3 | **67.5 ± 5.0** | \[55.1, 79.9\] |

- bold: best mean beside joint; no test of significance
)"));
}

TEST(ExportMarkdown, MarkupInNamesIsEscaped) {
  std::vector<ResultRow> rows = {Rows()[3]};
  rows[0].worker = "a|b*c_d<e>`f`\\";

  EXPECT_THAT(
      Text(rows, {.format = Format::kMarkdown, .rows = RowKind::kTrials}),
      HasSubstr("| a\\|b\\*c\\_d\\<e\\>\\`f\\`\\\\ |"));
}

TEST(ExportMarkdown, LabelsOfTasksStayInTheirCell) {
  std::vector<ResultRow> rows = Rows();
  for (ResultRow& row : rows)
    Set("tasks.labels", {"0-4", "5-9"}, row.parameters);

  EXPECT_THAT(
      Text(rows, {.format = Format::kMarkdown, .group_by = {"tasks.labels"}}),
      HasSubstr("| 0-4 \\| 5-9 |"));
}

TEST(ExportMarkdown, CommandCantEndItsComment) {
  EXPECT_THAT(
      Text(Rows(), {.format = Format::kMarkdown, .command = "x --><script>"}),
      StartsWith("<!-- x -- ><script>\n"));
}

// ---- LaTeX ------------------------------------------------------------------

TEST(ExportLatex, IsBooktabsReadyToInput) {
  std::string text = Text(Rows(), {.format = Format::kLatex,
                                   .columns = {"average_accuracy"},
                                   .command = "dfsweep results quickstart "
                                              "--format latex"});

  std::vector<std::string> lines = Lines(text);
  EXPECT_EQ(lines[0], "% dfsweep results quickstart --format latex");
  EXPECT_THAT(lines[1], StartsWith("% from 9 trials, results sha256:"));
  EXPECT_THAT(text, EndsWith(R"(
\begin{tabular}{lrrr}
\toprule
strategy & n & average (\%) & 95\% CI of average (\%) \\
\midrule
joint & 3 & 86.8 $\pm$ 0.5 & {[}85.5, 88.0{]} \\
naive & 3 & 46.0 $\pm$ 1.0 & {[}43.5, 48.5{]} \\
ewc & 3 & \textbf{67.5 $\pm$ 5.0} & {[}55.1, 79.9{]} \\
\bottomrule
\end{tabular}
% bold: best mean beside joint; no test of significance
)"));
  EXPECT_THAT(text, Not(HasSubstr("\\hline")));
  EXPECT_THAT(text, Not(HasSubstr("{|")));
}

TEST(ExportLatex, EqualResultsGiveEqualBytesAndOthersAnotherSource) {
  const ExportOptions options = {.format = Format::kLatex, .command = "c"};
  std::vector<ResultRow> later = Rows();
  for (ResultRow& row : later) row.finished_at = "2030-01-01T00:00:00.000Z";
  std::vector<ResultRow> other = Rows();
  other[0].metrics.Set("average_accuracy",
                       *other[0].metrics.Find("average_accuracy") + 1e-9);

  EXPECT_EQ(Text(Rows(), options), Text(Rows(), options));
  EXPECT_EQ(Text(Rows(), options), Text(later, options));
  EXPECT_NE(Lines(Text(Rows(), options))[1], Lines(Text(other, options))[1]);
}

TEST(ExportLatex, EverySpecialCharacterIsEscaped) {
  std::vector<ResultRow> rows = {Rows()[3]};
  rows[0].worker = R"(\{}$&#%_^~<>|[]*)";

  EXPECT_THAT(
      Text(rows, {.format = Format::kLatex, .rows = RowKind::kTrials}),
      HasSubstr(R"(\textbackslash{}\{\}\$\&\#\%\_\textasciicircum{})"
                R"(\textasciitilde{}\textless{}\textgreater{}\textbar{})"
                R"({[}{]}{*})"));
}

TEST(ExportLatex, MarksAreCommands) {
  std::vector<ResultRow> rows = Rows();
  Set("torch", "2.5.0", rows[7].environment);

  EXPECT_THAT(Text(rows, {.format = Format::kLatex}),
              HasSubstr("ewc & 3 \\textdagger{} &"));
  EXPECT_THAT(Text(Rows(), {.format = Format::kLatex, .group_by = {"epochs"}}),
              HasSubstr("8 & 9 \\textdaggerdbl{} &"));
}

TEST(ExportLatex, ForeignTextCantLeaveItsComment) {
  std::vector<ResultRow> rows = Rows();
  for (ResultRow& row : rows) row.sweep = "x\n\\input{/etc/passwd}";

  for (const std::string& line : Lines(Text(
           rows, {.format = Format::kLatex, .command = "a\n\\input{b}"}))) {
    EXPECT_THAT(line, Not(StartsWith("\\input")));
  }
}

// ---- Terminal safety --------------------------------------------------------

TEST(ExportTable, EscapeSequencesOfOthersAreNotPrinted) {
  std::vector<ResultRow> rows = Rows();
  for (ResultRow& row : rows) {
    row.worker = "evil\x1b[2J";
    row.sweep = "evil\x1b]0;title\x07";
  }
  rows[1] = Ended(rows[1], "failed", "evil\x1b[31m");

  EXPECT_THAT(Text(rows, {.rows = RowKind::kTrials, .width = 120}),
              Not(HasSubstr("\x1b")));
}

}  // namespace
}  // namespace dfsweep::coordinator
