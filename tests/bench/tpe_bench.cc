// Runs dfsweep's search on functions whose minimum is known, one point after
// another. tpe_vs_optuna.py compares it with Optuna on the same functions.
// Usage: tpe_bench sphere|branin|conditional random|tpe TRIALS SEEDS
// Prints for each search seed the smallest value found.
#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <limits>
#include <map>
#include <memory>
#include <numbers>
#include <string>

#include "sweeps/identity.h"
#include "sweeps/search/proposer.h"

namespace dfsweep::sweeps {
namespace {

struct Function {
  const char* parameters;
  double (*value)(const Json& point);
};

// The place of a parameter whose range is 0 … 0.9 on low … high.
double Scaled(const Json& point, const char* name, double low, double high) {
  return low + point[name].get<double>() / 0.9 * (high - low);
}

double Sphere(const Json& point) {
  double sum = 0;
  for (const char* name :
       {"dropout.conv", "dropout.fc1", "dropout.fc2", "bn_momentum"}) {
    const double x = Scaled(point, name, -5, 5);
    sum += (x - 1) * (x - 1);
  }
  return sum;
}

// Dixon and Szegö 1978; three minima of 0.397887.
double Branin(const Json& point) {
  using std::numbers::pi;
  const double x = Scaled(point, "dropout.conv", -5, 10);
  const double y = Scaled(point, "dropout.fc1", 0, 15);
  const double a = y - 5.1 / (4 * pi * pi) * x * x + 5 / pi * x - 6;
  return a * a + 10 * (1 - 1 / (8 * pi)) * std::cos(x) + 10 - 0.397887357729739;
}

// Log scales, a whole number, a choice, and parameters of some choices only.
double Conditional(const Json& point) {
  const double rate = std::log10(point["learning_rate"].get<double>()) + 2.5;
  const double batch = std::log2(point["batch_size"].get<double>()) - 6;
  const double sum = rate * rate + batch * batch / 8;
  if (point["strategy"] == "ewc") {
    const double lambda = std::log10(point["ewc.lambda"].get<double>()) - 5;
    return sum + lambda * lambda / 20;
  }
  if (point["strategy"] == "lwf") {
    const double heat = point["lwf.temperature"].get<double>() - 3;
    return sum + 0.3 + heat * heat / 10;
  }
  return sum + 1;
}

const std::map<std::string, Function>& Functions() {
  static const auto& functions = *new std::map<std::string, Function>{
      {"sphere",
       {"strategy: naive, dropout.conv: {min: 0, max: 0.9}, "
        "dropout.fc1: {min: 0, max: 0.9}, dropout.fc2: {min: 0, max: 0.9}, "
        "bn_momentum: {min: 0, max: 0.9}",
        Sphere}},
      {"branin",
       {"strategy: naive, dropout.conv: {min: 0, max: 0.9}, "
        "dropout.fc1: {min: 0, max: 0.9}",
        Branin}},
      {"conditional",
       {"strategy: [naive, ewc, lwf], "
        "learning_rate: {min: 1e-5, max: 1, log: true}, "
        "batch_size: {min: 16, max: 512, log: true}, "
        "ewc.lambda: {min: 1, max: 1e8, log: true, when: {strategy: ewc}}, "
        "lwf.temperature: {min: 0.5, max: 10, when: {strategy: lwf}}",
        Conditional}},
  };
  return functions;
}

double Minimum(const Function& function, const std::string& method, int trials,
               int seed) {
  const std::string text = fmt::format(
      "dataset: d\nmethod: {}\ntrials: {}\nsearch_seed: {}\nparameters: {{{}}}"
      "\n",
      method, trials, seed, function.parameters);
  const Sweep sweep = *ParseSweep(text, "bench.yaml", {});
  const Proposer proposer = *Proposer::Make(sweep);
  std::vector<Observation> observations;
  std::unordered_set<std::string> seen;
  double best = std::numeric_limits<double>::infinity();
  for (int i = 0; i < trials; ++i) {
    const std::optional<Json> point = *proposer.Propose(i, observations, seen);
    if (!point) break;
    const double value = function.value(*point);
    best = std::min(best, value);
    seen.insert(CanonicalJson(*point));
    observations.push_back({.configuration = std::make_shared<Json>(*point),
                            .outcome = Observation::Outcome::kCompleted,
                            .loss = value});
  }
  return best;
}

int Run(int count, char** arguments) {
  const auto found =
      count == 5 ? Functions().find(arguments[1]) : Functions().end();
  if (found == Functions().end()) {
    fmt::print(stderr,
               "usage: tpe_bench sphere|branin|conditional random|tpe TRIALS "
               "SEEDS\n");
    return 2;
  }
  for (int seed = 0; seed < std::atoi(arguments[4]); ++seed) {
    fmt::print("{:.17g}\n", Minimum(found->second, arguments[2],
                                    std::atoi(arguments[3]), seed));
  }
  return 0;
}

}  // namespace
}  // namespace dfsweep::sweeps

int main(int argc, char** argv) { return dfsweep::sweeps::Run(argc, argv); }
