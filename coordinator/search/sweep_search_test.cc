#include "coordinator/search/sweep_search.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <map>
#include <set>
#include <string>

#include "sweeps/identity.h"

namespace dfsweep::coordinator {
namespace {

const std::string kDataset(64, 'd');

std::string Text(int trials, const std::string& more = "") {
  return "dataset: d\nmethod: tpe\ntrials: " + std::to_string(trials) +
         "\nparameters:\n  strategy: naive\n"
         "  learning_rate: {min: 1e-5, max: 1, log: true}\n" +
         more;
}

std::unique_ptr<SweepSearch> Make(const std::string& text) {
  auto sweep = sweeps::ParseSweep(text, "f.yaml", {});
  EXPECT_TRUE(sweep.ok()) << FormatForPerson(sweep.status());
  auto search = SweepSearch::Make(*std::move(sweep), kDataset);
  EXPECT_TRUE(search.ok()) << search.status();
  return *std::move(search);
}

SearchTrial Pending(const sweeps::Trial& trial) {
  return {.trial_id = trial.id,
          .configuration_json = sweeps::CanonicalJson(*trial.configuration),
          .seed = trial.seed};
}

// 3e-3 is best.
double ValueOf(const SearchTrial& trial) {
  const auto drawn = sweeps::Json::parse(trial.configuration_json);
  return -std::abs(std::log10(drawn["learning_rate"].get<double>() / 3e-3));
}

// A search with its first points, and what has become of them.
class SweepSearchTest : public testing::Test {
 protected:
  explicit SweepSearchTest() { Start(Text(30)); }

  void Start(const std::string& text) {
    search_ = Make(text);
    trials_.clear();
    const sweeps::Expansion expansion =
        *sweeps::Expand(search_->sweep(), kDataset);
    for (const sweeps::Trial& trial : expansion.trials) Add(trial);
  }
  void Add(const sweeps::Trial& trial) {
    trials_.push_back(Pending(trial));
    search_->Put(trials_.back());
  }
  void End(SearchTrial& trial, TrialState state = TrialState::kCompleted) {
    trial.state = state;
    if (state == TrialState::kCompleted) trial.value = ValueOf(trial);
    search_->Put(trial);
  }
  void EndAll() {
    for (SearchTrial& trial : trials_) {
      if (!IsTerminal(trial.state)) End(trial);
    }
  }
  std::vector<sweeps::Trial> Next(int slots = 1) {
    auto next = search_->Next(slots);
    EXPECT_TRUE(next.ok()) << next.status();
    return *next;
  }
  // Until nothing is added and nothing is open.
  void Finish(int slots) {
    while (true) {
      for (auto next = Next(slots); !next.empty(); next = Next(slots)) {
        for (const sweeps::Trial& trial : next) Add(trial);
      }
      const auto open = std::find_if(
          trials_.begin(), trials_.end(),
          [](const SearchTrial& trial) { return !IsTerminal(trial.state); });
      if (open == trials_.end()) return;
      End(*open);
    }
  }
  std::vector<std::string> Ids() const {
    std::vector<std::string> ids;
    for (const SearchTrial& trial : trials_) ids.push_back(trial.trial_id);
    return ids;
  }

  std::unique_ptr<SweepSearch> search_;
  std::vector<SearchTrial> trials_;  // in the order of the sweep
};

TEST_F(SweepSearchTest, AddsNothingWhileTheSlotsHaveWork) {
  EXPECT_EQ(trials_.size(), 10);
  EXPECT_TRUE(Next(10).empty());
  EXPECT_EQ(Next(11).size(), 1);
}

TEST_F(SweepSearchTest, WithoutAWorkerOnePointIsReady) {
  EndAll();
  EXPECT_EQ(Next(0).size(), 1);
}

TEST_F(SweepSearchTest, EndsWithAsManyDistinctPointsAsAskedFor) {
  Finish(3);
  EXPECT_EQ(trials_.size(), 30);
  const std::vector<std::string> ids = Ids();
  EXPECT_EQ(std::set<std::string>(ids.begin(), ids.end()).size(), 30);
}

TEST_F(SweepSearchTest, IncludedPointsAreExtra) {
  Start(Text(12, "include: [{learning_rate: 0.5}]\n"));
  Finish(1);
  EXPECT_EQ(trials_.size(), 13);
}

TEST_F(SweepSearchTest, GoesWhereResultsWereGood) {
  Finish(1);
  int near = 0;
  for (size_t i = 10; i < trials_.size(); ++i) {
    near += *trials_[i].value > -0.5 ? 1 : 0;
  }
  EXPECT_GE(near, 8);  // of 20; at random: 4
}

// What a restart does: everything is told anew, in the order of the sweep.
TEST_F(SweepSearchTest, ARestartedSearchGoesOnAlike) {
  EndAll();
  End(trials_[3], TrialState::kDiverged);
  for (int i = 0; i < 15; ++i) {
    const auto next = Next(2);
    const auto restarted = Make(Text(30));
    for (const SearchTrial& trial : trials_) restarted->Put(trial);
    const auto again = restarted->Next(2);
    ASSERT_EQ(again->size(), next.size());
    for (size_t k = 0; k < next.size(); ++k) {
      EXPECT_EQ((*again)[k].id, next[k].id);
    }
    for (const sweeps::Trial& trial : next) Add(trial);
    End(trials_.back());
  }
}

TEST_F(SweepSearchTest, FailedPointsTeachNothingAndCount) {
  for (SearchTrial& trial : trials_) End(trial, TrialState::kFailed);
  Finish(1);
  EXPECT_EQ(trials_.size(), 30);
}

TEST_F(SweepSearchTest, APointHasATrialASeed) {
  Start(Text(12, "seeds: 3\n"));
  EXPECT_EQ(trials_.size(), 30);
  EndAll();
  EXPECT_EQ(Next().size(), 3);
}

// ---- Trials that are stopped early ------------------------------------------

// Nine configurations of nine epochs; rungs after 1 and 3.
constexpr char kAsha[] =
    "dataset: d\nmethod: random\ntrials: 9\n"
    "early_terminate: {type: asha, min_iter: 1, eta: 3}\n"
    "parameters:\n  strategy: joint\n  epochs: 9\n"
    "  learning_rate: {min: 1e-5, max: 1, log: true}\n";

// Trains trials of a search as workers would, a slot at a time; the loss after
// any epoch is that of ValueOf.
class EarlyTerminationTest : public SweepSearchTest {
 protected:
  // Trains the first open trial until it ends or is stopped; false if none is
  // open.
  bool TrainOne() {
    const auto open = std::find_if(
        trials_.begin(), trials_.end(), [this](const SearchTrial& trial) {
          return !IsTerminal(trial.state) && !search_->IsPruned(trial.trial_id);
        });
    if (open == trials_.end()) return false;
    const std::string id = open->trial_id;
    while (epochs_[id] < 9) {
      ++epochs_[id];
      ++trained_;
      if (search_->Watches(id)) {
        search_->Report(id, epochs_[id], ValueOf(*open));
      }
      CarryOut();
      if (search_->IsPruned(id)) return true;
    }
    End(*open);
    if (search_->Watches(id)) {
      search_->Complete(id, std::vector<double>(9, ValueOf(*open)));
    }
    return true;
  }
  void CarryOut() {
    const SearchDecisions decisions = search_->Decide();
    resumed_ += static_cast<int>(decisions.take_up.size());
  }
  void TrainAll() {
    do {
      for (const sweeps::Trial& trial : Next()) Add(trial);
      CarryOut();
    } while (TrainOne());
  }
  int Completed() const {
    return static_cast<int>(std::count_if(
        trials_.begin(), trials_.end(), [](const SearchTrial& trial) {
          return trial.state == TrialState::kCompleted;
        }));
  }
  const SearchTrial& Best() const {
    return *std::max_element(trials_.begin(), trials_.end(),
                             [](const SearchTrial& a, const SearchTrial& b) {
                               return ValueOf(a) < ValueOf(b);
                             });
  }

  std::map<std::string, int> epochs_;  // trained so far; kept when stopped
  int trained_ = 0;
  int resumed_ = 0;
};

TEST_F(EarlyTerminationTest, AshaTrainsTheBestToTheEndAndSavesTheRest) {
  Start(kAsha);
  TrainAll();
  EXPECT_EQ(Best().state, TrialState::kCompleted);
  EXPECT_GT(resumed_, 0);
  // All to their end: 81. Nine once, at least three more to the second rung.
  EXPECT_LT(trained_, 81 / 2);
  EXPECT_GE(trained_, 9 + 3 * 2 + 6);
}

TEST_F(EarlyTerminationTest, TooFewForARungStillGiveAResult) {
  std::string text = kAsha;
  Start(text.replace(text.find("trials: 9"), 9, "trials: 2"));
  TrainAll();
  EXPECT_EQ(Completed(), 1);
  EXPECT_EQ(Best().state, TrialState::kCompleted);
}

TEST_F(EarlyTerminationTest, AStoppedTrialIsNotJudgedAgainForWhatItHadReached) {
  Start(kAsha);
  search_->Report(trials_[0].trial_id, 1, 0.1);
  EXPECT_EQ(search_->Decide().drop.size(), 1);
  search_->Report(trials_[0].trial_id, 1, 0.1);
  EXPECT_TRUE(search_->Decide().drop.empty());
}

TEST_F(EarlyTerminationTest, ATrialAtItsEndIsNotStopped) {
  Start(kAsha);
  search_->Report(trials_[0].trial_id, 9, -100);
  EXPECT_TRUE(search_->Decide().drop.empty());
}

TEST_F(EarlyTerminationTest, ARestartedSearchDecidesAlike) {
  Start(kAsha);
  const auto restarted = Make(kAsha);
  for (size_t i = 0; i < 5; ++i) {
    const double value = ValueOf(trials_[i]);
    search_->Report(trials_[i].trial_id, 1, value);
    CarryOut();
  }
  for (SearchTrial trial : trials_) {
    trial.pruned = search_->IsPruned(trial.trial_id);
    restarted->Put(trial);
  }
  for (size_t i = 0; i < 5; ++i) {
    restarted->Recall(trials_[i].trial_id, 1, ValueOf(trials_[i]));
  }
  EXPECT_TRUE(restarted->Decide().drop.empty());
  for (size_t i = 5; i < trials_.size(); ++i) {
    const double value = ValueOf(trials_[i]);
    search_->Report(trials_[i].trial_id, 1, value);
    restarted->Report(trials_[i].trial_id, 1, value);
    const SearchDecisions here = search_->Decide();
    const SearchDecisions there = restarted->Decide();
    EXPECT_EQ(here.drop, there.drop);
    EXPECT_EQ(here.take_up, there.take_up);
  }
}

TEST_F(EarlyTerminationTest, TpeLearnsFromStoppedTrialsToo) {
  std::string text = kAsha;
  text.replace(text.find("random"), 6, "tpe");
  Start(text.replace(text.find("trials: 9"), 9, "trials: 30"));
  TrainAll();
  EXPECT_EQ(trials_.size(), 30);
  EXPECT_EQ(Best().state, TrialState::kCompleted);
}

TEST_F(EarlyTerminationTest, OnlySurvivorsGetFurtherSeeds) {
  Start(std::string(kAsha) + "seeds: {count: 3, survivors_only: true}\n");
  EXPECT_EQ(trials_.size(), 9);
  TrainAll();
  const size_t survivors = (trials_.size() - 9) / 2;
  EXPECT_GE(survivors, 1);
  EXPECT_LE(survivors, 4);
  EXPECT_EQ(trials_.size(), 9 + 2 * survivors);
  EXPECT_EQ(Completed(), 3 * static_cast<int>(survivors));
}

}  // namespace
}  // namespace dfsweep::coordinator
