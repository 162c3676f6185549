// Thousands of damaged sweep files: each gives a sweep or a three-part error,
// never a crash or an exception. Seeded, so that a failure repeats.
#include <gtest/gtest.h>

#include <algorithm>
#include <random>
#include <vector>

#include "base/files.h"
#include "sweeps/expand.h"
#include "sweeps/plan.h"
#include "sweeps/sweep_file.h"

namespace dfsweep::sweeps {
namespace {

constexpr int kMutationsPerFile = 2000;

// Pieces that mean something to the parser, beside single bytes.
const std::vector<std::string>& Pieces() {
  static const auto& pieces =
      *new std::vector<std::string>{"[",
                                    "]",
                                    "{",
                                    "}",
                                    ":",
                                    ": ",
                                    "- ",
                                    ", ",
                                    "\n",
                                    "\n  ",
                                    "\t",
                                    "&a ",
                                    "*a",
                                    "<<: ",
                                    "!!int",
                                    "? ",
                                    "| ",
                                    "> ",
                                    "\"",
                                    "'",
                                    "#",
                                    "---",
                                    "...",
                                    "%YAML",
                                    "~",
                                    ".inf",
                                    "1e999",
                                    "-1",
                                    "1e308",
                                    "0x",
                                    "null",
                                    "@",
                                    "when: ",
                                    "values: ",
                                    "step: ",
                                    "min: ",
                                    "max: ",
                                    "log: true, ",
                                    "distribution: ",
                                    "int_uniform",
                                    "method: tpe\n",
                                    "per_task: ",
                                    "\xff",
                                    "\xF0\x9F",
                                    "99999999999999999999",
                                    "seeds: 1000000\n",
                                    "strategy"};
  return pieces;
}

std::string Mutate(std::string text, std::mt19937& random) {
  int changes = 1 + static_cast<int>(random() % 4);
  for (int i = 0; i < changes && !text.empty(); ++i) {
    size_t at = random() % text.size();
    size_t length = 1 + random() % 20;
    switch (random() % 5) {
      case 0:
        text[at] = static_cast<char>(random());
        break;
      case 1:
        text.erase(at, length);
        break;
      case 2:
        text.insert(at, Pieces()[random() % Pieces().size()]);
        break;
      case 3:
        text.insert(at, text.substr(random() % text.size(), length));
        break;
      case 4:
        text.replace(at, 1, Pieces()[random() % Pieces().size()]);
        break;
    }
  }
  return text;
}

void CheckError(const absl::Status& status, const std::string& input) {
  std::string message = MessageOf(status);
  ErrorParts parts = PartsOf(message);
  ASSERT_EQ(std::count(message.begin(), message.end(), '\n'), 2) << message;
  ASSERT_FALSE(parts.what.empty() || parts.where.empty() ||
               parts.remedy.empty())
      << FormatForPerson(status) << input;
}

void RunOne(const std::string& text, const std::vector<std::string>& changes) {
  auto sweep = ParseSweep(text, "fuzz.yaml", changes);
  if (!sweep.ok()) return CheckError(sweep.status(), text);
  // Many seeds are many equal steps; nothing new comes from running them.
  if (sweep->seeds.size() > 100) sweep->seeds.resize(100);
  sweep->search.trials = std::min(sweep->search.trials, int64_t{8});
  auto expansion = Expand(*sweep, std::string(64, 'a'));
  if (!expansion.ok()) return CheckError(expansion.status(), text);
  MakePlan(*sweep, *expansion, [](std::string_view) { return false; });
  SweepDigest(*sweep, *expansion);
}

class Fuzz : public testing::TestWithParam<const char*> {};

TEST_P(Fuzz, DamagedFilesGiveASweepOrAnError) {
  auto text = ReadFile(GetParam());
  ASSERT_TRUE(text.ok()) << FormatForPerson(text.status());
  std::mt19937 random(20181);
  for (int i = 0; i < kMutationsPerFile && !HasFatalFailure(); ++i) {
    SCOPED_TRACE("mutation " + std::to_string(i));
    RunOne(Mutate(*text, random), {});
  }
}

INSTANTIATE_TEST_SUITE_P(ReadySweeps, Fuzz,
                         testing::Values("sweeps/three_settings.yaml",
                                         "sweeps/ewc_lambda.yaml",
                                         "sweeps/epochs_and_length.yaml"));

TEST(FuzzConstructs, DamagedFilesGiveASweepOrAnError) {
  const std::string text =
      "name: all\ndataset: d\nmethod: grid\nseeds: [0, 3]\n"
      "metric: {name: bwt, goal: maximize}\n"
      "parameters:\n"
      "  strategy: {values: &s [joint, naive, ewc]}\n"
      "  ewc: {parameters: {lambda: {values: [1e4, 1e6], when: {strategy: "
      "ewc}}}}\n"
      "  tasks: [{split: equal, count: 2}, {split: labels, labels: [0-42, "
      "43-94]}]\n"
      "  dropout.conv: {low: 0.1, high: 0.3, step: 0.1}\n"
      "  batch_size: &b {min: 32, max: 64, step: 32}\n"
      "  deterministic: {value: true}\n"
      "zip: [{epochs: [10, 30], learning_rate: [4e-3, 2e-3]}]\n"
      "include: [{<<: {strategy: joint}, epochs: 100}]\n"
      "exclude: [{strategy: *s, epochs: [30, {per_task: [3, 1]}]}]\n"
      "report: {group_by: [strategy], columns: [bwt], sort: -bwt, baseline: "
      "{strategy: naive}}\n"
      "requires: {device: cuda, memory_gib: 4}\n"
      "retry: {crash: 3, oom: 2}\npriority: 1\n";
  ASSERT_TRUE(ParseSweep(text, "fuzz.yaml", {}).ok());
  std::mt19937 random(20183);
  for (int i = 0; i < kMutationsPerFile && !HasFatalFailure(); ++i) {
    SCOPED_TRACE("mutation " + std::to_string(i));
    RunOne(Mutate(text, random), {});
  }
}

TEST(FuzzSearch, DamagedSearchesGiveASweepOrAnError) {
  const std::string text =
      "name: all\ndataset: d\nmethod: random\ntrials: 8\nsearch_seed: 2\n"
      "seeds: {count: 2, survivors_only: true}\n"
      "early_terminate: {type: asha, min_iter: 2, eta: 3}\n"
      "parameters:\n"
      "  strategy: [joint, naive, ewc]\n"
      "  ewc.lambda: {low: 1, high: 1e8, log: true, when: {strategy: ewc}}\n"
      "  epochs: {min: 2, max: 30, distribution: int_uniform}\n"
      "  batch_size: {min: 16, max: 256, step: 16}\n"
      "  dropout.conv: {min: 0.1, max: 0.3, q: 0.1, distribution: q_uniform}\n"
      "  learning_rate: {min: -9, max: -4, distribution: log_uniform}\n"
      "exclude: [{strategy: joint, epochs: 3}]\n";
  std::mt19937 random(20184);
  for (int i = 0; i < kMutationsPerFile && !HasFatalFailure(); ++i) {
    SCOPED_TRACE("mutation " + std::to_string(i));
    RunOne(Mutate(text, random), {});
  }
}

TEST(FuzzOverrides, DamagedOverridesGiveASweepOrAnError) {
  const std::vector<std::string> seeds = {"strategy=ewc,naive",
                                          "seeds+=2",
                                          "ewc.lambda+=[1, 2]",
                                          "seeds=[0,3]",
                                          "tasks.count=3",
                                          "tasks={split: equal, count: 5}",
                                          "exclude+={strategy: ewc}",
                                          "report.sort=-bwt",
                                          "name=x",
                                          "metric.name=bwt"};
  auto text = ReadFile("sweeps/three_settings.yaml");
  ASSERT_TRUE(text.ok());
  std::mt19937 random(20182);
  for (int i = 0; i < kMutationsPerFile && !HasFatalFailure(); ++i) {
    SCOPED_TRACE("mutation " + std::to_string(i));
    RunOne(*text, {seeds[random() % seeds.size()],
                   Mutate(seeds[random() % seeds.size()], random)});
  }
}

}  // namespace
}  // namespace dfsweep::sweeps
