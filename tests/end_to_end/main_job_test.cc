// The main job with real training: `dfsweep run sweeps/quickstart.yaml`, made
// smaller, says what the science says, survives Ctrl-C, and goes on.
#include <gtest/gtest.h>
#include <signal.h>

#include <map>
#include <vector>

#include "tests/end_to_end/fleet.h"

namespace dfsweep::testing {
namespace {

using nlohmann::json;

constexpr char kQuickstart[] = "sweeps/quickstart.yaml";

class MainJobTest : public ::testing::Test {
 protected:
  void SetUp() override {
    if (!HasTrainer()) {
      GTEST_SKIP() << "SKIPPED: this build has no LibTorch trainer";
    }
  }
  std::vector<std::string> RunCommand(std::vector<std::string> more = {}) {
    std::vector<std::string> arguments = {"run", kQuickstart, "--store",
                                          fleet_.store().string()};
    arguments.insert(arguments.end(), more.begin(), more.end());
    return arguments;
  }
  std::vector<json> LocalRows() {
    std::vector<json> rows;
    std::istringstream lines(
        fleet_.Ok({"results", "quickstart", "--store", fleet_.store().string(),
                   "--format", "jsonl", "--trials"}));
    std::string line;
    while (std::getline(lines, line)) rows.push_back(json::parse(line));
    return rows;
  }
  Fleet fleet_;
};

double Mean(const std::vector<double>& values) {
  double sum = 0;
  for (double value : values) sum += value;
  return sum / static_cast<double>(values.size());
}

TEST_F(MainJobTest, NaiveForgetsJointDoesNotAndEwcRetainsMoreWithLambda) {
  std::string table = fleet_.Ok(RunCommand());
  EXPECT_NE(table.find("ewc"), std::string::npos);

  // Accuracy on task A after all training, by strategy and λ.
  std::map<std::string, std::vector<double>> retained;
  std::map<double, std::vector<double>> retained_by_lambda;
  for (const json& row : LocalRows()) {
    ASSERT_EQ(row["status"], "completed") << row.dump(2);
    double on_a = row["accuracy_matrix"].back()[0];
    std::string strategy = row["parameters"]["strategy"];
    retained[strategy].push_back(on_a);
    if (strategy == "ewc") {
      retained_by_lambda[row["parameters"]["ewc.lambda"]].push_back(on_a);
    }
    if (strategy == "naive") {
      EXPECT_GT(row["accuracy_matrix"][0][0], 0.5) << "task A was not learnt";
      EXPECT_GT(row["accuracy_matrix"][1][1], 0.5) << "task B was not learnt";
    }
  }
  EXPECT_LT(Mean(retained["naive"]), 0.1);
  EXPECT_GT(Mean(retained["joint"]), 0.5);
  ASSERT_GE(retained_by_lambda.size(), 3u);
  double weakest = Mean(retained_by_lambda.begin()->second);
  double strongest = Mean(retained_by_lambda.rbegin()->second);
  EXPECT_GT(strongest, weakest + 0.1);
}

TEST_F(MainJobTest, InterruptedRunSaysHowToGoOnAndThenDoesOnlyTheRest) {
  std::vector<std::string> small = {"strategy=naive", "epochs=1", "seeds=3"};
  Process run = fleet_.Start(RunCommand(small));
  Eventually(
      [&] {
        CommandResult rows = fleet_.Run({"results", "quickstart", "--store",
                                         fleet_.store().string(), "--format",
                                         "jsonl", "--trials"});
        return rows.out.find("\"completed\"") != std::string::npos;
      },
      absl::Minutes(3));

  run.Signal(SIGINT);

  auto exit = run.Wait(absl::Seconds(30));
  ASSERT_TRUE(exit.has_value());
  EXPECT_EQ(exit->code, 130);
  size_t finished = 0;
  for (const json& row : LocalRows()) finished += row["status"] == "completed";
  EXPECT_GE(finished, 1u);
  fleet_.Ok(RunCommand(small));
  for (const json& row : LocalRows()) EXPECT_EQ(row["status"], "completed");
}

TEST_F(MainJobTest, SameTrialGivesTheSameNumbers) {
  auto numbers = [&](const std::string& store) {
    Fleet fleet;
    fleet.Ok({"run", kQuickstart, "--store", (fleet.folder() / store).string(),
              "strategy=ewc", "ewc.lambda=1e6", "epochs=1", "seeds=1"});
    return Comparable(json::parse(fleet.Ok({"results", "quickstart", "--store",
                                            (fleet.folder() / store).string(),
                                            "--format", "jsonl", "--trials"})));
  };
  EXPECT_EQ(numbers("one"), numbers("two"));
}

}  // namespace
}  // namespace dfsweep::testing
