// What a search costs the coordinator: simulated trials of 27 epochs report
// each epoch, and the search decides after each.
// Usage: search_bench asha|median TRIALS
// Prints microseconds a report, and the longest decision.
#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <deque>
#include <map>
#include <string>

#include "coordinator/search/sweep_search.h"
#include "sweeps/expand.h"
#include "sweeps/identity.h"

namespace dfsweep::coordinator {
namespace {

constexpr int kEpochs = 27;
constexpr size_t kSlots = 32;

std::string SweepText(const std::string& rule, int trials) {
  return fmt::format(
      "dataset: d\nmethod: random\ntrials: {}\nparameters:\n"
      "  strategy: joint\n  epochs: {}\n  data.validation_fraction: 0.2\n"
      "  learning_rate: {{min: 1e-5, max: 1, log: true}}\n"
      "early_terminate: {{type: {}, min_iter: 1{}}}\n",
      trials, kEpochs, rule, rule == "asha" ? ", eta: 3" : "");
}

template <typename T>
T Value(absl::StatusOr<T> value) {
  if (value.ok()) return *std::move(value);
  fmt::print(stderr, "{}\n", FormatForPerson(value.status()));
  std::exit(1);
}

// Trains the trials of a search, as many at once as there are slots.
class Fleet {
 public:
  explicit Fleet(const std::string& text) {
    const std::string dataset(64, 'd');
    const sweeps::Sweep sweep =
        Value(sweeps::ParseSweep(text, "bench.yaml", {}));
    search_ = Value(SweepSearch::Make(sweep, dataset));
    for (const sweeps::Trial& trial :
         Value(sweeps::Expand(sweep, dataset)).trials) {
      Put({.trial_id = trial.id,
           .configuration_json = sweeps::CanonicalJson(*trial.configuration),
           .seed = trial.seed});
      waiting_.push_back(trial.id);
    }
  }

  void Run() {
    while (true) {
      while (training_.size() < kSlots && !waiting_.empty()) {
        training_.push_back(waiting_.front());
        waiting_.pop_front();
      }
      if (training_.empty()) break;
      const std::string id = training_.front();
      training_.pop_front();
      TrainEpoch(id);
    }
    fmt::print("{} reports, {:.1f} us each, the longest {:.1f} ms\n", reports_,
               total_ / reports_ * 1e6, longest_ * 1e3);
  }

 private:
  struct Progress {
    SearchTrial trial;
    int epochs = 0;
  };

  void Put(const SearchTrial& trial) {
    trials_[trial.trial_id].trial = trial;
    search_->Put(trial);
  }

  // A curve of its own for each trial.
  double ValueAfter(const std::string& id, int epochs) const {
    const double final =
        static_cast<double>(std::hash<std::string>()(id) % 100'000) / 100'000;
    return final * (1 - std::exp(-epochs / 8.0));
  }

  void TrainEpoch(const std::string& id) {
    Progress& progress = trials_[id];
    const int epochs = ++progress.epochs;
    const auto begin = std::chrono::steady_clock::now();
    search_->Report(id, epochs, ValueAfter(id, epochs));
    if (epochs == kEpochs) End(progress);
    const SearchDecisions decisions = search_->Decide();
    const double seconds =
        std::chrono::duration<double>(std::chrono::steady_clock::now() - begin)
            .count();
    ++reports_;
    total_ += seconds;
    longest_ = std::max(longest_, seconds);

    const bool is_dropped =
        std::find(decisions.drop.begin(), decisions.drop.end(), id) !=
        decisions.drop.end();
    if (epochs < kEpochs && !is_dropped) training_.push_back(id);
    for (const std::string& other : decisions.take_up) {
      waiting_.push_front(other);
    }
  }

  void End(Progress& progress) {
    progress.trial.state = TrialState::kCompleted;
    progress.trial.value = ValueAfter(progress.trial.trial_id, kEpochs);
    search_->Put(progress.trial);
    std::vector<double> curve;
    for (int epochs = 1; epochs <= kEpochs; ++epochs) {
      curve.push_back(ValueAfter(progress.trial.trial_id, epochs));
    }
    search_->Complete(progress.trial.trial_id, curve);
  }

  std::unique_ptr<SweepSearch> search_;
  std::map<std::string, Progress> trials_;
  std::deque<std::string> waiting_;
  std::deque<std::string> training_;
  int64_t reports_ = 0;
  double total_ = 0;
  double longest_ = 0;
};

}  // namespace
}  // namespace dfsweep::coordinator

int main(int argc, char** argv) {
  if (argc != 3) {
    std::fputs("usage: search_bench asha|median TRIALS\n", stderr);
    return 2;
  }
  dfsweep::coordinator::Fleet(
      dfsweep::coordinator::SweepText(argv[1], std::atoi(argv[2])))
      .Run();
}
