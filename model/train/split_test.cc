#include "model/train/split.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <set>

#include "model/protocol/protocol.h"
#include "model/test_data.h"
#include "model/train/failure.h"
#include "model/train/random.h"

namespace dfsweep::model {
namespace {

using config::Json;

// Like EasyTraces, but every trace is another.
data::Traces RandomTraces(int64_t classes, int64_t traces_per_class,
                          int64_t length) {
  data::Traces traces = EasyTraces(classes, traces_per_class, length);
  Stream stream(1, Purpose::kSplit);
  for (int8_t& cell : traces.cells) cell = stream.Below(2) == 0 ? 1 : -1;
  return traces;
}

Split SplitOf(const data::Traces& traces, Json config, uint64_t seed = 0) {
  if (!config.contains("sequence_length")) config["sequence_length"] = 16;
  DatasetFile file(traces);
  data::Dataset dataset(file.path());
  return SplitDataset(dataset, config::Configuration(config), seed);
}

std::set<int64_t> AllRows(const Split& split) {
  std::set<int64_t> rows;
  for (const TaskRows& task : split.tasks) {
    for (const auto* side : {&task.train, &task.validation, &task.test}) {
      for (int64_t row : *side) EXPECT_TRUE(rows.insert(row).second) << row;
    }
  }
  return rows;
}

std::string ErrorOf(const data::Traces& traces, const Json& config) {
  try {
    SplitOf(traces, config);
  } catch (const config::Error& error) {
    return error.what();
  }
  return "";
}

TEST(Split, DealsClassesInLabelOrderAndTheExtraToEarlierTasks) {
  Split split = SplitOf(RandomTraces(5, 10, 16), {{"tasks.count", 2}});
  ASSERT_EQ(split.tasks.size(), 2u);
  EXPECT_EQ(split.tasks[0].labels, std::vector<int64_t>({10, 20, 30}));
  EXPECT_EQ(split.tasks[1].labels, std::vector<int64_t>({40, 50}));
}

TEST(Split, TakesTasksByLabel) {
  Split split =
      SplitOf(RandomTraces(4, 10, 16),
              {{"tasks.split", "labels"}, {"tasks.labels", {"40", "10,20"}}});
  EXPECT_EQ(split.tasks[0].labels, std::vector<int64_t>({40}));
  EXPECT_EQ(split.tasks[1].labels, std::vector<int64_t>({10, 20}));
  ASSERT_EQ(split.warnings.size(), 1u);
  EXPECT_EQ(split.warnings[0], "1 classes of the dataset belong to no task");
}

TEST(Split, RefusesLabelsThatTheDatasetLacks) {
  Json config = {{"tasks.split", "labels"}, {"tasks.labels", {"10", "11"}}};
  EXPECT_NE(ErrorOf(RandomTraces(4, 10, 16), config).find("label 11"),
            std::string::npos);
  EXPECT_NE(ErrorOf(RandomTraces(4, 10, 16), {{"tasks.count", 5}}), "");
}

std::vector<std::vector<int64_t>> LabelsOf(const Split& split) {
  std::vector<std::vector<int64_t>> labels;
  for (const TaskRows& task : split.tasks) labels.push_back(task.labels);
  return labels;
}

Json FirstAndSteps(int64_t first, int64_t step, int64_t count) {
  return {{"tasks.split", "first"},
          {"tasks.first", first},
          {"tasks.step", step},
          {"tasks.count", count}};
}

TEST(Split, DealsAFirstTaskAndSteps) {
  const data::Traces traces = RandomTraces(6, 10, 16);
  Split split = SplitOf(traces, FirstAndSteps(3, 1, 3));
  EXPECT_EQ(LabelsOf(split),
            (std::vector<std::vector<int64_t>>{{10, 20, 30}, {40}, {50}}));
  ASSERT_EQ(split.warnings.size(), 1u);
  EXPECT_EQ(split.warnings[0], "1 classes of the dataset belong to no task");
  EXPECT_EQ(ErrorOf(traces, FirstAndSteps(2, 2, 3)), "");
  EXPECT_NE(ErrorOf(traces, FirstAndSteps(3, 2, 3)).find("need 7 classes"),
            std::string::npos);
}

TEST(Split, ShufflesClassesByTheSeedAndDealsEachOnce) {
  const data::Traces traces = RandomTraces(8, 10, 16);
  const Json config = {{"tasks.class_order", "shuffled"}};
  auto dealt = [&](uint64_t seed) {
    std::vector<int64_t> all;
    for (const auto& task : LabelsOf(SplitOf(traces, config, seed))) {
      all.insert(all.end(), task.begin(), task.end());
    }
    return all;
  };
  std::vector<int64_t> order = dealt(1);
  EXPECT_EQ(order, dealt(1));
  EXPECT_NE(order, dealt(2));
  // In the order in which they were dealt: a place is a unit.
  EXPECT_FALSE(std::is_sorted(order.begin(), order.begin() + 4) &&
               std::is_sorted(order.begin() + 4, order.end()));
  std::sort(order.begin(), order.end());
  EXPECT_EQ(order, std::vector<int64_t>({10, 20, 30, 40, 50, 60, 70, 80}));
}

// The order of the classes decides about tasks, not about sides.
TEST(Split, TheClassOrderLeavesTheSidesAlone) {
  const data::Traces traces = RandomTraces(4, 30, 16);
  auto test_rows = [&](const char* order) {
    return SplitOf(traces, {{"tasks.count", 1}, {"tasks.class_order", order}})
        .tasks[0]
        .test;
  };
  EXPECT_EQ(test_rows("sorted"), test_rows("shuffled"));
}

// Two classes of 20; of each, 12 rows train, then 4 validate if `validation`
// says so (or else train), and 4 test.
data::Traces WithSource(bool validation) {
  data::Traces traces = RandomTraces(2, 20, 16);
  for (int64_t row = 0; row < traces.count; ++row) {
    traces.split.push_back(row < 24 || (row < 32 && !validation)
                               ? data::Side::kTrain
                           : row < 32 ? data::Side::kValidation
                                      : data::Side::kTest);
  }
  return traces;
}

TEST(Split, TakesTheSidesOfTheSource) {
  Split split = SplitOf(WithSource(true), {{"data.split", "source"}});
  EXPECT_EQ(split.tasks[0].test, std::vector<int64_t>({32, 34, 36, 38}));
  EXPECT_EQ(split.tasks[1].validation, std::vector<int64_t>({25, 27, 29, 31}));
  EXPECT_EQ(split.tasks[1].train.front(), 1);
  EXPECT_EQ(split.tasks[1].train.back(), 23);
  EXPECT_EQ(AllRows(split).size(), 40u);
}

TEST(Split, ValidatesOnTrainingRowsWhereTheSourceHasNone) {
  auto with = [](double fraction, uint64_t seed) {
    return SplitOf(
        WithSource(false),
        {{"data.split", "source"}, {"data.validation_fraction", fraction}},
        seed);
  };
  const Split split = with(.25, 1);
  EXPECT_EQ(split.tasks[0].test, std::vector<int64_t>({32, 34, 36, 38}));
  EXPECT_EQ(split.tasks[0].validation.size(), 4u);  // of 16
  EXPECT_EQ(split.tasks[1].train.size(), 12u);
  EXPECT_LT(split.tasks[0].validation.back(), 32);
  EXPECT_EQ(AllRows(split).size(), 40u);
  EXPECT_NE(split.tasks[0].validation, with(.25, 2).tasks[0].validation);
  EXPECT_TRUE(with(0, 1).tasks[0].validation.empty());
}

TEST(Split, BySourceNeedsASplitAndNoTestFraction) {
  const Json config = {{"data.split", "source"}};
  EXPECT_NE(ErrorOf(RandomTraces(2, 10, 16), config).find("no split"),
            std::string::npos);
  EXPECT_FALSE(config::Configuration(config).Has("data.test_fraction"));
}

TEST(Split, ComparesPixelsOfImages) {
  data::Traces images = RandomImages(2, 20, 16);
  std::copy_n(images.pixels.begin(), 16, images.pixels.begin() + 2 * 16);
  const Json remove = {{"data.duplicates", "remove"}};
  const std::set<int64_t> rows = AllRows(SplitOf(images, remove));
  EXPECT_TRUE(rows.contains(0));
  EXPECT_FALSE(rows.contains(2));
  EXPECT_EQ(rows.size(), 39u);
}

// Equal directions are different inputs if their times differ and are seen.
TEST(Split, ComparesTimesIfTheNetworkSeesThem) {
  data::Traces traces = RandomTraces(2, 20, 16);
  std::copy_n(traces.cells.begin(), 16, traces.cells.begin() + 2 * 16);
  traces.times.assign(traces.cells.size(), 1);
  traces.times[2 * 16 + 5] = 2;
  auto rows = [&](const char* representation) {
    return AllRows(SplitOf(traces, {{"data.duplicates", "remove"},
                                    {"data.representation", representation}}))
        .size();
  };
  EXPECT_EQ(rows("direction"), 39u);
  EXPECT_EQ(rows("timed"), 40u);
}

// It stands for no known page, so it's learned with the first of them.
TEST(Split, DealsTheUnmonitoredClassToTheFirstTask) {
  data::Traces traces = RandomTraces(5, 10, 16);
  traces.unmonitored = 20;
  EXPECT_EQ(LabelsOf(SplitOf(traces, {{"tasks.count", 2}})),
            (std::vector<std::vector<int64_t>>{{10, 30, 20}, {40, 50}}));
  EXPECT_EQ(LabelsOf(SplitOf(traces, FirstAndSteps(1, 3, 2))),
            (std::vector<std::vector<int64_t>>{{10, 20}, {30, 40, 50}}));
  EXPECT_NE(ErrorOf(traces, FirstAndSteps(2, 3, 2)), "");
}

TEST(Split, IsStratifiedAndUsesEveryRowOnce) {
  Split split =
      SplitOf(RandomTraces(4, 20, 16),
              {{"data.test_fraction", .2}, {"data.validation_fraction", .1}});
  EXPECT_EQ(AllRows(split).size(), 80u);
  for (const TaskRows& task : split.tasks) {
    EXPECT_EQ(task.train.size(), 28u);
    EXPECT_EQ(task.validation.size(), 4u);
    EXPECT_EQ(task.test.size(), 8u);
  }
}

TEST(Split, DependsOnTheSeedAlone) {
  data::Traces traces = RandomTraces(2, 30, 16);
  EXPECT_EQ(SplitOf(traces, Json::object(), 1).tasks[0].test,
            SplitOf(traces, Json::object(), 1).tasks[0].test);
  EXPECT_NE(SplitOf(traces, Json::object(), 1).tasks[0].test,
            SplitOf(traces, Json::object(), 2).tasks[0].test);
}

TEST(Split, IsTheSameForEveryDivisionIntoTasks) {
  data::Traces traces = RandomTraces(4, 30, 16);
  auto one = SplitOf(traces, {{"tasks.count", 1}}).tasks[0].test;
  Split two = SplitOf(traces, {{"tasks.count", 2}});
  auto both = two.tasks[0].test;
  both.insert(both.end(), two.tasks[1].test.begin(), two.tasks[1].test.end());
  std::sort(both.begin(), both.end());
  EXPECT_EQ(one, both);
}

TEST(Split, KeepsGroupsOnOneSide) {
  data::Traces traces = RandomTraces(2, 30, 16);
  Split split = SplitOf(traces, {{"data.split", "group"},
                                 {"data.test_fraction", .2},
                                 {"data.validation_fraction", .2}});
  auto groups = [&](const std::vector<int64_t>& rows) {
    std::set<int64_t> result;
    for (int64_t row : rows) result.insert(traces.groups[row]);
    return result;
  };
  EXPECT_EQ(groups(split.tasks[0].test).size(), 1u);
  EXPECT_EQ(groups(split.tasks[0].validation).size(), 1u);
  EXPECT_EQ(groups(split.tasks[0].train).size(), 3u);
  EXPECT_EQ(groups(split.tasks[0].test), groups(split.tasks[1].test));
  EXPECT_EQ(AllRows(split).size(), 60u);
}

TEST(Split, ByGroupNeedsGroups) {
  data::Traces traces = RandomTraces(2, 10, 16);
  traces.groups.clear();
  EXPECT_NE(ErrorOf(traces, {{"data.split", "group"}}).find("no groups"),
            std::string::npos);
}

TEST(Split, LimitsTrainingTracesAClass) {
  Split split = SplitOf(RandomTraces(4, 20, 16), {{"data.train_per_class", 3}});
  EXPECT_EQ(split.tasks[0].train.size(), 6u);
  EXPECT_EQ(split.tasks[0].test.size(), 4u);
}

TEST(Split, RefusesAClassWithoutTestOrTrainingTrace) {
  data::Traces traces = RandomTraces(2, 10, 16);
  traces.labels[0] = 77;  // a class of one trace
  try {
    SplitOf(traces, {{"data.validation_fraction", 0}});
    FAIL();
  } catch (const Failure& failure) {
    EXPECT_EQ(failure.cause(), protocol::cause::kData);
    EXPECT_NE(failure.what_happened().find("class 77"), std::string::npos);
    EXPECT_NE(failure.remedy(), "");
  }
}

// Rows 0 and 1 are equal as far as the network sees; so are 2 and 3, whose
// labels differ.
data::Traces Duplicated() {
  data::Traces traces = RandomTraces(2, 20, 20);
  auto copy = [&](int64_t from, int64_t to) {
    std::copy_n(traces.cells.begin() + from * 20, 16,
                traces.cells.begin() + to * 20);
  };
  copy(0, 1);
  traces.labels[1] = traces.labels[0];
  copy(2, 3);
  return traces;
}

TEST(Split, RemovesDuplicatesAsTheNetworkSeesThem) {
  std::set<int64_t> rows =
      AllRows(SplitOf(Duplicated(), {{"data.duplicates", "remove"}}));
  EXPECT_TRUE(rows.contains(0));
  EXPECT_FALSE(rows.contains(1));
  EXPECT_FALSE(rows.contains(2));
  EXPECT_FALSE(rows.contains(3));
  EXPECT_EQ(rows.size(), 37u);
  EXPECT_EQ(AllRows(SplitOf(Duplicated(), {{"data.duplicates", "remove"},
                                           {"sequence_length", 20}}))
                .size(),
            40u);
}

TEST(Split, CountsLeakedTestRows) {
  data::Traces traces = RandomTraces(2, 20, 16);
  for (int64_t row = 2; row < 40; ++row) {  // each class is one trace repeated
    std::copy_n(traces.cells.begin() + row % 2 * 16, 16,
                traces.cells.begin() + row * 16);
  }
  Split split = SplitOf(traces, {{"tasks.count", 1}});
  EXPECT_EQ(split.leaked_test_rows,
            static_cast<int64_t>(split.tasks[0].test.size()));
  EXPECT_EQ(SplitOf(RandomTraces(2, 20, 16), Json::object()).leaked_test_rows,
            0);
}

TEST(Split, WarnsOfAnInputLongerThanTheTraces) {
  Split split = SplitOf(RandomTraces(2, 10, 16), {{"sequence_length", 32}});
  ASSERT_EQ(split.warnings.size(), 1u);
  EXPECT_NE(split.warnings[0].find("padding"), std::string::npos);
}

TEST(OutputUnits, FollowTheOrderOfTheLabels) {
  data::Traces traces = RandomTraces(3, 2, 16);
  std::swap(traces.labels[0], traces.labels[2]);  // rows needn't be in order
  DatasetFile file(traces);
  EXPECT_EQ(OutputUnits(data::Dataset(file.path())),
            std::vector<int64_t>({2, 1, 0, 0, 1, 2}));
}

}  // namespace
}  // namespace dfsweep::model
