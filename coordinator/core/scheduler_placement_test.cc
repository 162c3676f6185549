// Which trials go to slow workers, and which to fast ones.
#include <algorithm>
#include <map>
#include <optional>
#include <random>
#include <string>
#include <vector>

#include "coordinator/core/scheduler_testing.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace dfsweep::coordinator {
namespace {

using ::testing::ElementsAre;

// Trials are named for their work: "60", "10a", "10b".
class PlacementTest : public ::testing::Test {
 protected:
  void Submit(const std::vector<std::string>& trials) {
    SweepSubmitted event{.sweep_id = "s", .trial_ids = trials};
    for (const std::string& trial : trials) {
      event.work[trial] = std::stod(trial);
    }
    world_.Step(event);
  }
  void Register(const std::string& worker, double samples_per_second,
                int slots = 1) {
    world_.Step(WorkerRegistered{.worker_id = worker,
                                 .incarnation = "1",
                                 .device = "cpu",
                                 .slots = slots,
                                 .samples_per_second = samples_per_second});
  }
  std::string Take(const std::string& worker) {
    const std::vector<AttemptId> granted = world_.Lease(worker);
    if (granted.empty()) return "";
    world_.Start(worker, granted[0]);
    return granted[0].trial_id;
  }
  // The worker has a trial of its own that takes so much time for 60 of work.
  // The others are silent meanwhile.
  void CompleteIn(const std::string& worker, absl::Duration time) {
    Submit({"60 of " + worker});
    const std::string trial = Take(worker);
    EXPECT_EQ(trial, "60 of " + worker);
    world_.Live(worker, time);
    world_.Complete(worker, {trial, 1});
  }

  SchedulerWorld world_;
};

TEST_F(PlacementTest, SlowWorkerLeavesTheLongestToTheFastOne) {
  Register("slow", 100);
  Register("fast", 1000);
  Submit({"60", "10", "5"});

  EXPECT_EQ(Take("slow"), "5");
  EXPECT_EQ(Take("fast"), "60");
  EXPECT_EQ(Take("slow"), "");
}

TEST_F(PlacementTest, SlowWorkerTakesTheLongestWhileThereIsEnoughForAll) {
  Register("slow", 100);
  Register("fast", 1000);
  Submit({"10", "60a", "60b", "60c", "60d", "60e", "60f", "60g", "60h", "60i",
          "60j"});
  // The fast one is done with all of these in the time of one on the slow one.
  EXPECT_EQ(Take("slow"), "10");
  world_.Complete("slow", {"10", 1});
  Submit({"60k", "10a"});

  EXPECT_EQ(Take("slow"), "60a");
}

TEST_F(PlacementTest, AmongEqualsTheLongestGoesFirstEvenIfItOutlastsAllOthers) {
  Register("a", 100);
  Register("b", 100);
  Submit({"5", "60", "10"});

  EXPECT_EQ(Take("a"), "60");
  EXPECT_EQ(Take("b"), "10");
}

TEST_F(PlacementTest, LoneWorkerBeginsWithTheLongest) {
  Register("a", 100);
  Submit({"5", "60"});

  EXPECT_EQ(Take("a"), "60");
}

TEST_F(PlacementTest, SlowWorkerTakesTheLongestIfTheFastOneWouldEndItLater) {
  Register("slow", 400);
  Register("fast", 1000);
  Submit({"100", "60", "5"});
  ASSERT_EQ(Take("fast"), "100");

  EXPECT_EQ(Take("slow"), "60");
}

TEST_F(PlacementTest, WorkerOfUnknownSpeedTakesTheLongest) {
  Register("new", 0);
  Register("fast", 1000);
  Submit({"5", "60"});

  EXPECT_EQ(Take("new"), "60");
}

TEST_F(PlacementTest, WorkersThatAreAwayAreNotCountedOn) {
  Register("slow", 100);
  Register("fast", 1000);
  world_.Step(WorkerPaused{"fast"});
  Submit({"5", "60"});

  EXPECT_EQ(Take("slow"), "60");
}

TEST_F(PlacementTest, WorkersThatMayNotRunTheTrialsAreNotCountedOn) {
  world_.Step(WorkerRegistered{.worker_id = "gpu",
                               .incarnation = "1",
                               .device = "cuda",
                               .samples_per_second = 9000});
  Register("slow", 100);
  world_.Step(SweepSubmitted{.sweep_id = "s",
                             .trial_ids = {"5", "60"},
                             .work = {{"5", 5}, {"60", 60}},
                             .requirements = {.device = "cpu"}});

  EXPECT_EQ(Take("slow"), "60");
}

TEST_F(PlacementTest, WhatWasMeasuredCountsMoreThanTheProbe) {
  Register("throttled", 1000);
  CompleteIn("throttled", absl::Minutes(60));
  Register("steady", 100);
  CompleteIn("steady", absl::Minutes(1));
  world_.Beat("throttled");
  Submit({"60", "10", "5"});

  EXPECT_EQ(Take("throttled"), "5");
  EXPECT_EQ(Take("steady"), "60");
}

TEST_F(PlacementTest, ProbeTellsHowANewcomerComparesWithWhoWasMeasured) {
  Register("old", 1000);
  CompleteIn("old", absl::Minutes(1));
  Register("slow", 100);
  Register("faster", 3000);
  Submit({"60", "10", "5"});

  EXPECT_EQ(Take("slow"), "5");
  EXPECT_EQ(Take("faster"), "60");
  EXPECT_EQ(Take("old"), "10");
}

TEST_F(PlacementTest, WhatATrialInTrainingHasBehindItIsNotAheadOfIt) {
  Register("slow", 100);
  CompleteIn("slow", absl::Minutes(10));
  Register("fast", 1000);
  CompleteIn("fast", absl::Minutes(1));
  Submit({"600"});
  ASSERT_EQ(Take("fast"), "600");
  Submit({"50", "5"});

  // In nine and a half of its ten minutes it has done nearly all of it.
  world_.Live("fast", absl::Seconds(570));
  world_.Beat("slow");
  EXPECT_EQ(Take("slow"), "5");
}

TEST_F(PlacementTest, NewcomerCopiesAStragglerByItsProbe) {
  Register("slow", 100);
  CompleteIn("slow", absl::Minutes(10));
  Submit({"60"});
  ASSERT_EQ(Take("slow"), "60");
  Register("fast", 1000);

  EXPECT_THAT(world_.Lease("fast"), ElementsAre(AttemptId{"60", 2}));
}

// ---- A whole sweep ----------------------------------------------------------

struct Fleet {
  std::map<std::string, double> speeds;  // work in a second
  bool are_probed;
};

// Plays the sweep to its end; how long it takes, in seconds.
double PlaySweep(const Fleet& fleet, const std::vector<double>& work) {
  SchedulerWorld world;
  for (const auto& [name, speed] : fleet.speeds) {
    world.Step(WorkerRegistered{
        .worker_id = name,
        .incarnation = "1",
        .device = "cpu",
        .samples_per_second = fleet.are_probed ? 100 * speed : 0});
  }
  SweepSubmitted sweep{.sweep_id = "s"};
  for (size_t i = 0; i < work.size(); ++i) {
    sweep.trial_ids.push_back("t" + std::to_string(i));
    sweep.work[sweep.trial_ids.back()] = work[i];
  }
  world.Step(sweep);
  struct Training {
    absl::Duration end;
    std::string worker;
    AttemptId attempt;
  };
  std::vector<Training> trainings;
  while (true) {
    for (const auto& [name, speed] : fleet.speeds) {
      for (const AttemptId& attempt : world.Lease(name)) {
        world.Start(name, attempt);
        const double seconds = sweep.work[attempt.trial_id] / speed;
        trainings.push_back(
            {world.now + absl::Seconds(seconds), name, attempt});
      }
    }
    std::erase_if(trainings, [&](const Training& training) {
      return !world.scheduler.IsLive(training.worker, training.attempt);
    });
    if (trainings.empty()) return absl::ToDoubleSeconds(world.now);
    const Training next = *std::min_element(
        trainings.begin(), trainings.end(),
        [](const Training& a, const Training& b) { return a.end < b.end; });
    // Who waits asks again after a while, for a straggler may be worth a copy.
    const absl::Duration wait = absl::Seconds(5);
    if (next.end > world.now + wait) {
      world.now += wait;
    } else {
      world.now = next.end;
      world.Complete(next.worker, next.attempt);
    }
    for (const auto& [name, speed] : fleet.speeds) {
      world.Beat(name, world.Held(name));
    }
  }
}

// Beside what no schedule can be below: all slots at work until the end, and
// the longest trial on the fastest.
double BestPossible(const Fleet& fleet, const std::vector<double>& work) {
  double all = 0, sum = 0, fastest = 0;
  for (const auto& [name, speed] : fleet.speeds) {
    all += speed;
    fastest = std::max(fastest, speed);
  }
  for (double one : work) sum += one;
  return std::max(sum / all,
                  *std::max_element(work.begin(), work.end()) / fastest);
}

TEST(WholeSweep, EndsSoonerIfSpeedsAreKnown) {
  double with = 0, without = 0;
  std::mt19937 random(1);
  constexpr int kSweeps = 60;
  for (int i = 0; i < kSweeps; ++i) {
    Fleet fleet{{{"a", 1.0}, {"b", 1.0 + random() % 4}, {"c", 4.0}}, true};
    std::vector<double> work(4 + random() % 20);
    for (double& one : work) one = 60.0 * (1 + random() % 30);
    const double best = BestPossible(fleet, work);
    with += PlaySweep(fleet, work) / best / kSweeps;
    fleet.are_probed = false;
    without += PlaySweep(fleet, work) / best / kSweeps;
  }
  RecordProperty("with", std::to_string(with));
  RecordProperty("without", std::to_string(without));
  EXPECT_LT(with, 1.15);
  EXPECT_LT(with, without - 0.03);
}

}  // namespace
}  // namespace dfsweep::coordinator
