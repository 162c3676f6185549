// The published protocols (sweeps/published), a tenth as long and with one
// seed: `dfsweep run` on MNIST, from the file to its rows. The bounds leave
// room for another seed, not for a strategy that does nothing, or the wrong
// thing; docs/validation.md has the full lengths beside the published numbers.
//
// MNIST is not ours to ship. Looked for in DFSWEEP_MNIST, then where the team
// keeps it; skipped where it is in neither.
#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>
#include <map>
#include <sstream>
#include <string>
#include <vector>

#include "tests/end_to_end/fleet.h"

namespace dfsweep::testing {
namespace {

using nlohmann::json;

// Of the average accuracy after the last task and, from below, of the learning
// accuracy; in %.
struct Bounds {
  double least, most;
  double learning = 95;
};

struct Protocol {
  std::string name;  // of the sweep and its file
  std::vector<std::string> overrides;
  std::map<std::string, Bounds> bounds;  // by strategy and optimizer
};

void PrintTo(const Protocol& protocol, std::ostream* out) {
  *out << protocol.name;
}

std::string MnistPath() {
  const char* named = std::getenv("DFSWEEP_MNIST");
  const std::string path = named ? named : "../shared/data/mnist.npz";
  return std::filesystem::exists(path)
             ? std::filesystem::absolute(path).string()
             : "";
}

class PublishedTest : public ::testing::TestWithParam<Protocol> {
 protected:
  void SetUp() override {
    if (!HasTrainer()) {
      GTEST_SKIP() << "SKIPPED: this build has no LibTorch trainer";
    }
    if (MnistPath().empty()) {
      GTEST_SKIP() << "SKIPPED: no MNIST; name one in DFSWEEP_MNIST";
    }
  }

  std::vector<json> Run() {
    const std::string store = fleet_.store().string();
    // Two trainings at a time, for a network this small keeps no two cores
    // busy.
    std::vector<std::string> run = {
        "run",
        "sweeps/published/" + GetParam().name + ".yaml",
        "seeds=1",
        "dataset=" + MnistPath(),
        "--store",
        store,
        "--slots",
        "2",
        "--trainer-threads",
        "1"};
    run.insert(run.end(), GetParam().overrides.begin(),
               GetParam().overrides.end());
    fleet_.Ok(run);
    std::istringstream lines(
        fleet_.Ok({"results", GetParam().name, "--store", store, "--format",
                   "jsonl", "--trials"}));
    std::vector<json> rows;
    for (std::string line; std::getline(lines, line);) {
      rows.push_back(json::parse(line));
    }
    return rows;
  }

  Fleet fleet_;
};

std::string KindOf(const json& row) {
  const std::string strategy = row["parameters"]["strategy"];
  const bool is_sgd = row["parameters"]["optimizer"] == "sgd";
  return is_sgd ? strategy + ", sgd" : strategy;
}

TEST_P(PublishedTest, IsWithinItsBounds) {
  std::map<std::string, Bounds> expected = GetParam().bounds;
  for (const json& row : Run()) {
    const std::string kind = KindOf(row);
    SCOPED_TRACE(kind);
    ASSERT_EQ(row["status"], "completed") << row.dump(2);
    ASSERT_TRUE(expected.contains(kind));
    const double average =
        100 * row["metrics"]["average_accuracy"].get<double>();
    EXPECT_GE(average, expected[kind].least);
    EXPECT_LE(average, expected[kind].most);
    EXPECT_GE(100 * row["metrics"]["learning_accuracy"].get<double>(),
              expected[kind].learning);
    expected.erase(kind);
  }
  EXPECT_TRUE(expected.empty()) << expected.begin()->first << " was not run";
}

// 200 steps a task, of 2,000.
const std::vector<std::string> kTenth = {"steps_per_epoch=20",
                                         "ewc.fisher_samples=500"};
// 64 steps a task, of about 380.
const std::vector<std::string> kSixth = {"data.train_per_class=1000",
                                         "ewc.fisher_samples=500"};

INSTANTIATE_TEST_SUITE_P(SplitMnist, PublishedTest,
                         ::testing::Values(Protocol{"split_mnist_class",
                                                    kTenth,
                                                    {{"joint", {95, 99}},
                                                     {"naive", {18.5, 20.2}},
                                                     {"ewc", {18.5, 27}},
                                                     {"si", {18.5, 27}},
                                                     {"lwf", {18.5, 27}},
                                                     {"er", {85, 95}},
                                                     {"agem", {30, 88}},
                                                     {"icarl", {84, 95}}}},
                                           Protocol{"split_mnist_task",
                                                    kTenth,
                                                    {{"joint", {98.5, 99.9}},
                                                     {"naive", {70, 97}},
                                                     {"ewc", {98, 99.9}},
                                                     {"si", {90, 99.9}},
                                                     {"lwf", {98.5, 99.9}},
                                                     {"er", {98, 99.9}},
                                                     {"agem", {97, 99.9}}}},
                                           Protocol{"split_mnist_domain",
                                                    kTenth,
                                                    {{"joint", {95, 99}},
                                                     {"naive", {40, 78}},
                                                     {"ewc", {40, 80}},
                                                     {"si", {45, 85, 75}},
                                                     {"lwf", {58, 88, 90}},
                                                     {"er", {91, 97}},
                                                     {"agem", {82, 95}}}},
                                           Protocol{
                                               "hsu_class",
                                               kSixth,
                                               {{"joint", {93, 97.5, 93}},
                                                {"naive", {18.5, 20.2}},
                                                {"naive, sgd", {18, 20.2}},
                                                {"ewc", {18.5, 20.5}},
                                                {"online-ewc", {18.5, 20.5}},
                                                {"si", {18.5, 21.5}},
                                                {"l2", {20.5, 32, 22}},
                                                {"lwf", {18.5, 21}},
                                                {"er", {87, 94}}}},
                                           Protocol{"hsu_domain",
                                                    kSixth,
                                                    {{"joint", {95, 98.5}},
                                                     {"naive", {50, 72}},
                                                     {"naive, sgd", {63, 75}},
                                                     {"ewc", {50, 74}},
                                                     {"online-ewc", {50, 75}},
                                                     {"si", {55, 78}},
                                                     {"l2", {58, 82}},
                                                     {"lwf", {55, 78}},
                                                     {"er", {92, 97}}}},
                                           Protocol{"hsu_task",
                                                    kSixth,
                                                    {{"joint", {98, 99.8}},
                                                     {"naive", {88, 98.8}},
                                                     {"naive, sgd", {94, 98.8}},
                                                     {"ewc", {94, 99.5}},
                                                     {"online-ewc", {94, 99.5}},
                                                     {"si", {95, 99.5}},
                                                     {"l2", {94, 99.5}},
                                                     {"lwf", {97.5, 99.8}},
                                                     {"er", {98, 99.8}}}}),
                         [](const auto& info) { return info.param.name; });

}  // namespace
}  // namespace dfsweep::testing
