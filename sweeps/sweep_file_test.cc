#include "sweeps/sweep_file.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace dfsweep::sweeps {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

Sweep Parse(const std::string& text,
            const std::vector<std::string>& overrides = {}) {
  auto sweep = ParseSweep("dataset: d\n" + text, "f.yaml", overrides);
  EXPECT_TRUE(sweep.ok()) << text << FormatForPerson(sweep.status());
  return sweep.ok() ? *sweep : Sweep{};
}

ErrorParts ErrorOf(const std::string& text,
                   const std::vector<std::string>& overrides = {}) {
  auto sweep = ParseSweep("dataset: d\n" + text, "f.yaml", overrides);
  EXPECT_FALSE(sweep.ok()) << text;
  EXPECT_EQ(sweep.status().code(), absl::StatusCode::kInvalidArgument);
  ErrorParts parts = PartsOf(MessageOf(sweep.status()));
  EXPECT_NE(parts.what, "");
  EXPECT_NE(parts.where, "");
  EXPECT_NE(parts.remedy, "");
  return parts;
}

std::vector<Json> Choices(const std::string& parameters,
                          const std::vector<std::string>& overrides = {}) {
  Sweep sweep = Parse("parameters:\n" + parameters, overrides);
  return sweep.axes.empty() ? std::vector<Json>{} : sweep.axes[0].choices;
}

std::vector<Json> Values(const std::string& parameters,
                         const std::vector<std::string>& overrides = {}) {
  std::vector<Json> values;
  for (const Json& choice : Choices(parameters, overrides)) {
    values.push_back(choice.begin().value());
  }
  return values;
}

TEST(SweepFile, DefaultsAreThoseDocumented) {
  Sweep sweep = Parse("");

  EXPECT_EQ(sweep.name, "f");
  EXPECT_EQ(sweep.dataset, "d");
  EXPECT_THAT(sweep.seeds, ElementsAre(0));
  EXPECT_EQ(sweep.metric.name, "validation_average_accuracy");
  EXPECT_EQ(sweep.requires_.device, "any");
  EXPECT_EQ(sweep.priority, 0);
}

TEST(SweepFile, KeepsWhatItWasParsedFrom) {
  Sweep sweep = Parse("name: x\n", {"seeds=2"});
  auto again = ParseSweep(sweep.text, sweep.file_name, sweep.overrides);
  ASSERT_TRUE(again.ok());
  EXPECT_EQ(again->name, "x");
  EXPECT_EQ(again->seeds.size(), 2u);
}

TEST(SweepFile, SettingsAreRead) {
  Sweep sweep = Parse(
      "name: 2024\nmetric: {name: forgetting}\nseeds: [3, 0]\npriority: 5\n"
      "report: {group_by: strategy, columns: [bwt, accuracy_task_1_after_2],"
      " sort: [-bwt], baseline: {strategy: naive}}\n"
      "requires: {device: cuda, memory_gib: 4.5}\nretry: {crash: 1, oom: 0}\n");

  EXPECT_EQ(sweep.name, "2024");
  EXPECT_FALSE(sweep.metric.maximize);  // forgetting: less is better
  EXPECT_THAT(sweep.seeds, ElementsAre(3, 0));
  EXPECT_EQ(sweep.priority, 5);
  EXPECT_THAT(sweep.report.group_by, ElementsAre("strategy"));
  EXPECT_THAT(sweep.report.sort, ElementsAre("-bwt"));
  EXPECT_EQ(sweep.report.baseline, Json({{"strategy", "naive"}}));
  EXPECT_EQ(sweep.requires_.memory_gib, 4.5);
  EXPECT_EQ(sweep.retry.at("oom"), 0);
}

TEST(SweepFile, ValuesMayBeWrittenInEveryForm) {
  EXPECT_THAT(Values("  ewc.lambda: 1e3"), ElementsAre(1000.0));
  EXPECT_THAT(Values("  ewc.lambda: [1, 10]"), ElementsAre(1.0, 10.0));
  EXPECT_THAT(Values("  ewc: {lambda: [1, 10]}"), ElementsAre(1.0, 10.0));
  EXPECT_THAT(Values("  ewc: {parameters: {lambda: {value: 1}}}"),
              ElementsAre(1.0));
  EXPECT_THAT(Values("  ewc.lambda: {values: [1], distribution: categorical}"),
              ElementsAre(1.0));
  EXPECT_THAT(Values("  learning_rate: {min: 0.1, max: 0.3, step: 0.1}"),
              ElementsAre(0.1, 0.2, 0.3));
  EXPECT_THAT(Values("  batch_size: {low: 2, high: 9, step: 3}"),
              ElementsAre(2, 5, 8));
  EXPECT_THAT(Values("  epochs: [5, {per_task: [3, 1e1]}]"),
              ElementsAre(5, Json({{"per_task", {3, 10}}})));
  EXPECT_THAT(Values("  epochs: {per_task: [3, 1]}"),
              ElementsAre(Json({{"per_task", {3, 1}}})));
}

TEST(SweepFile, LabelSetsAreOneValueAndListsOfThemAGrid) {
  EXPECT_THAT(Values("  tasks.labels: [0-4, 5-9]"),
              ElementsAre(Json({"0-4", "5-9"})));
  EXPECT_THAT(Values("  tasks.labels: [[0-4, 5-9], [0-1, 2-9]]"),
              ElementsAre(Json({"0-4", "5-9"}), Json({"0-1", "2-9"})));
}

TEST(SweepFile, AListOfMappingsIsAGridOfGroups) {
  EXPECT_THAT(
      Choices("  tasks: [{split: equal, count: 2}, {split: labels, labels: "
              "[0-4, 5-9]}]"),
      ElementsAre(
          Json({{"tasks.split", "equal"}, {"tasks.count", 2}}),
          Json({{"tasks.split", "labels"}, {"tasks.labels", {"0-4", "5-9"}}})));
}

TEST(SweepFile, ZipLinksParameters) {
  Sweep sweep =
      Parse("zip: [{epochs: [10, 30], learning_rate: [4e-3, 2e-3]}]\n");
  ASSERT_EQ(sweep.axes.size(), 1u);
  EXPECT_THAT(sweep.axes[0].choices,
              ElementsAre(Json({{"epochs", 10}, {"learning_rate", 4e-3}}),
                          Json({{"epochs", 30}, {"learning_rate", 2e-3}})));
}

TEST(SweepFile, UnknownNamesGetTheNearestKnownOneWithTheirPlace) {
  ErrorParts error = ErrorOf("parameters:\n  stratgy: ewc\n");
  EXPECT_EQ(error.what, "there is no parameter 'stratgy'");
  EXPECT_EQ(error.where, "f.yaml:3:3");
  EXPECT_EQ(error.remedy, "did you mean 'strategy'?");

  EXPECT_EQ(ErrorOf("paramters: {}\n").remedy, "did you mean 'parameters'?");
  EXPECT_THAT(ErrorOf("parameters: {ewc: {lambada: 1}}").remedy,
              HasSubstr("'ewc.lambda'"));
  EXPECT_THAT(ErrorOf("parameters: {lambda: 1}").remedy,
              HasSubstr("'ewc.lambda'"));
  EXPECT_THAT(ErrorOf("metric: {name: averge_accuracy}").remedy,
              HasSubstr("'average_accuracy'"));
  EXPECT_THAT(ErrorOf("metric: {name: bwt, goal: maximise}").remedy,
              HasSubstr("'maximize'"));
  EXPECT_THAT(ErrorOf("metric: {nam: bwt}").remedy, HasSubstr("'name'"));
  EXPECT_THAT(ErrorOf("report: {column: bwt}").remedy, HasSubstr("'columns'"));
  EXPECT_THAT(ErrorOf("report: {columns: [forgeting]}").remedy,
              HasSubstr("'forgetting'"));
  EXPECT_THAT(ErrorOf("report: {group_by: [strategi]}").remedy,
              HasSubstr("'strategy'"));
  EXPECT_THAT(ErrorOf("requires: {device: gpu}").remedy, HasSubstr("cuda"));
  EXPECT_THAT(ErrorOf("retry: {crsh: 1}").remedy, HasSubstr("'crash'"));
  EXPECT_THAT(ErrorOf("method: gird").remedy, HasSubstr("'grid'"));
}

TEST(SweepFile, WrongValuesAreRefusedWhereTheyStand) {
  ErrorParts error =
      ErrorOf("parameters:\n  strategy: [naive, ewk]\n  epochs: 3\n");
  EXPECT_EQ(error.where, "f.yaml:3:21");
  EXPECT_THAT(error.remedy, HasSubstr("\"ewc\""));

  for (const char* text :
       {"epochs: 0", "epochs: 1.5", "epochs: '3'", "epochs: {per_task: 3}",
        "epochs:", "epochs: []", "batch_size: yes", "deterministic: yes",
        "learning_rate: 0", "learning_rate: x", "tasks: 3", "tasks: [3]",
        "tasks: {count: 0}", "strategy: [[ewc]]", "tasks.labels: [0-4, 4-5]",
        "tasks.labels: 0-4", "ewc.lambda: -1"}) {
    EXPECT_THAT(ErrorOf(std::string("parameters:\n  ") + text).where,
                HasSubstr("f.yaml:3:"))
        << text;
  }
}

TEST(SweepFile, AParameterGivenTwiceIsRefused) {
  EXPECT_THAT(ErrorOf("parameters: {ewc: {lambda: 1}, ewc.lambda: 2}").what,
              HasSubstr("'ewc.lambda' is given twice"));
  EXPECT_THAT(ErrorOf("parameters: {epochs: 3}\nzip: [{epochs: [1, 2]}]").what,
              HasSubstr("'epochs' is given twice"));
  EXPECT_THAT(ErrorOf("parameters: {tasks: [{count: 2}], tasks.count: 3}").what,
              HasSubstr("'tasks.count' is given twice"));
}

TEST(SweepFile, SearchesThatAGridCannotDoAreRefusedWithARemedy) {
  for (const char* text :
       {"{min: 1, max: 2}", "{min: 1, max: 2, distribution: uniform}",
        "{low: 1, high: 2, log: true}", "{min: 2, max: 1, step: 1}",
        "{min: 1, max: 2, step: 0}", "{min: 0, max: 1, step: 1e-9}",
        "{value: 1, values: [2]}", "{mu: 0, sigma: 1}", "{values: 3}",
        "{values: [1], probabilities: [1]}",
        "{min: 1, low: 1, max: 2, step: 1}", "{when: {strategy: ewc}}",
        "{values: [1], wehn: {strategy: ewc}}"}) {
    EXPECT_THAT(
        ErrorOf(std::string("parameters:\n  ewc.lambda: ") + text).where,
        HasSubstr("f.yaml:3:"))
        << text;
  }
  EXPECT_THAT(ErrorOf("parameters: {strategy: {min: 1, max: 2, step: 1}}").what,
              HasSubstr("not a number"));
}

TEST(SweepFile, OtherTopLevelMistakesAreRefused) {
  for (const char* text :
       {"program: x",
        "command: [a]",
        "seed: 3",
        "seeds: 0",
        "seeds: -1",
        "seeds: [1, 1]",
        "seeds: []",
        "seeds: [-1]",
        "seeds: [1.5]",
        "seeds: {survivors_only: true}",
        "seeds: {count: 3, survivors_only: true}",
        "seeds: {count: 3, survivors: true}",
        "seeds: 1000001",
        "seeds: [9007199254740992]",
        "name:",
        "name: ''",
        "name: [a]",
        "metric: bwt",
        "metric: {name: steps}",
        "report: [bwt]",
        "report: {sort: {a: b}}",
        "requires: cuda",
        "requires: {memory_gib: -1}",
        "retry: 3",
        "retry: {crash: 1001}",
        "priority: high",
        "priority: 1e9",
        "parameters: [a]",
        "zip: {epochs: 3}",
        "zip: [{}]",
        "zip: [3]",
        "zip: [{epochs: [1, 2], batch_size: [2]}]",
        "zip: [{epochs: {values: [1, 2], when: {strategy: ewc}}}]",
        "include: {strategy: ewc}",
        "include: [ewc]",
        "include: [{}]",
        "include: [{strategy: [ewc, naive]}]",
        "exclude: {strategy: ewc}",
        "exclude: [{}]",
        "exclude: [{tasks: [{count: 2}]}]",
        "exclude: [{strategy: []}]"}) {
    EXPECT_THAT(ErrorOf(text).where, HasSubstr("f.yaml:")) << text;
  }
  EXPECT_FALSE(ParseSweep("name: x", "f.yaml", {}).ok()) << "no dataset";
  EXPECT_FALSE(ParseSweep("just words", "f.yaml", {}).ok());
  EXPECT_FALSE(ParseSweep("[1, 2]", "f.yaml", {}).ok());
}

TEST(SweepFile, TextOfTheFileCantAddLinesToAnError) {
  ErrorParts error = ErrorOf("method: \"a\\nb\"");
  EXPECT_EQ(error.what, "there is no method 'a b'");
  EXPECT_EQ(error.where, "f.yaml:2:9");
  EXPECT_LT(ErrorOf("parameters: {epochs: '" + std::string(5000, 'x') + "'}")
                .what.size(),
            1000u);
}

TEST(SweepFile, AWhenIsCheckedLikeAPoint) {
  EXPECT_THAT(ErrorOf("parameters: {ewc.lambda: {value: 1, when: {strateg: "
                      "ewc}}}")
                  .remedy,
              HasSubstr("'strategy'"));
  EXPECT_THAT(ErrorOf("parameters: {ewc.lambda: {value: 1, when: {strategy: "
                      "ewk}}}")
                  .remedy,
              HasSubstr("\"ewc\""));
}

TEST(Overrides, ReplaceValuesInAnyNotation) {
  EXPECT_THAT(Values("  strategy: naive", {"strategy=ewc,joint"}),
              ElementsAre("ewc", "joint"));
  EXPECT_THAT(Values("  ewc: {lambda: [1, 2]}", {"ewc.lambda=1e3"}),
              ElementsAre(1000.0));
  EXPECT_THAT(Values("  ewc.lambda: 1", {"parameters.ewc.lambda=5"}),
              ElementsAre(5.0));
  EXPECT_THAT(
      Values("  tasks: {labels: [0-1, 2-3]}", {"tasks.labels=[0-2, 3]"}),
      ElementsAre(Json({"0-2", "3"})));
  EXPECT_THAT(Values("  epochs: 3", {"epochs={per_task: [3, 1]}"}),
              ElementsAre(Json({{"per_task", {3, 1}}})));
  EXPECT_EQ(Parse("", {"epochs=3"}).axes.size(), 1u);
}

TEST(Overrides, KeepTheWhen) {
  Sweep sweep =
      Parse("parameters: {ewc.lambda: {values: [1], when: {strategy: ewc}}}",
            {"ewc.lambda=3,4", "ewc.lambda+=5"});
  EXPECT_EQ(sweep.axes[0].choices.size(), 3u);
  EXPECT_EQ(sweep.axes[0].when.size(), 1u);
}

TEST(Overrides, AppendValues) {
  EXPECT_THAT(Values("  ewc.lambda: 1", {"ewc.lambda+=10"}),
              ElementsAre(1.0, 10.0));
  EXPECT_THAT(Values("  ewc.lambda: {value: 1}", {"ewc.lambda+=[10, 20]"}),
              ElementsAre(1.0, 10.0, 20.0));
  EXPECT_THAT(Values("  tasks.labels: [0-1, 2-3]", {"tasks.labels+=[0, 1-3]"}),
              ElementsAre(Json({"0-1", "2-3"}), Json({"0", "1-3"})));
  ErrorOf("parameters: {epochs: {min: 1, max: 3, step: 1}}", {"epochs+=5"});
  ErrorOf("", {"epochs+=5"});
}

TEST(Overrides, SetAndAppendSeeds) {
  EXPECT_THAT(Parse("seeds: 3", {"seeds=2"}).seeds, ElementsAre(0, 1));
  EXPECT_THAT(Parse("seeds: 3", {"seeds=[0,3]"}).seeds, ElementsAre(0, 3));
  EXPECT_THAT(Parse("seeds: 2", {"seeds+=2"}).seeds, ElementsAre(0, 1, 2, 3));
  EXPECT_THAT(Parse("", {"seeds+=1"}).seeds, ElementsAre(0, 1));
  EXPECT_THAT(Parse("seeds: [0, 5]", {"seeds+=2"}).seeds,
              ElementsAre(0, 5, 6, 7));
  EXPECT_THAT(Parse("seeds: 2", {"seeds+=[7, 9]"}).seeds,
              ElementsAre(0, 1, 7, 9));
  ErrorOf("seeds: 2", {"seeds+=x"});
  ErrorOf("seeds: 2", {"seeds+=[1]"});
}

TEST(Overrides, SetOtherKeys) {
  Sweep sweep = Parse(
      "exclude: [{epochs: 1}]",
      {"name=x", "dataset=e", "priority=1", "metric.name=bwt",
       "report.columns=bwt,steps", "report.sort=-bwt", "exclude+={epochs: 2}"});
  EXPECT_EQ(sweep.name, "x");
  EXPECT_EQ(sweep.dataset, "e");
  EXPECT_EQ(sweep.priority, 1);
  EXPECT_EQ(sweep.metric.name, "bwt");
  EXPECT_THAT(sweep.report.columns, ElementsAre("bwt", "steps"));
  EXPECT_THAT(sweep.report.sort, ElementsAre("-bwt"));
  EXPECT_EQ(sweep.exclude.size(), 2u);
}

TEST(Overrides, MistakesNameTheOverride) {
  EXPECT_EQ(ErrorOf("", {"stratgy=ewc"}).where, "override 'stratgy=ewc'");
  EXPECT_EQ(ErrorOf("", {"stratgy=ewc"}).remedy, "did you mean 'strategy'?");
  EXPECT_EQ(ErrorOf("", {"strategy=ewk"}).where, "override 'strategy=ewk'");
  for (const char* text :
       {"strategy", "=ewc", "+=3", "strategy=", "strategy=ewc]", "strategy=[",
        "strategy=ewc # x", "strategy=\xff", "name+=x", "priority.x=1"}) {
    EXPECT_THAT(ErrorOf("name: n\npriority: 0", {text}).where,
                HasSubstr("override"))
        << text;
  }
}

}  // namespace
}  // namespace dfsweep::sweeps
