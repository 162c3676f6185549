// Histories of the scheduler under faults. Environment:
//   DFSWEEP_SIM_SEED  the first seed (default 1)
//   DFSWEEP_SIM_RUNS  how many seeds from there on (default as below)
#include "tests/simulation/scheduler_sim.h"

#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <string>

#include "fmt/format.h"
#include "gtest/gtest.h"

namespace dfsweep::simulation {
namespace {

uint64_t FromEnvironment(const char* name, uint64_t otherwise) {
  const char* value = std::getenv(name);
  return value == nullptr ? otherwise : std::strtoull(value, nullptr, 10);
}

// Runs a history for each seed; `check` judges each report. Returns their sum.
template <typename Check>
SimReport RunHistories(const char* name, int default_runs, SimPlan plan,
                       Check check) {
  const uint64_t first = FromEnvironment("DFSWEEP_SIM_SEED", 1);
  const uint64_t runs = FromEnvironment("DFSWEEP_SIM_RUNS", default_runs);
  fmt::print("{}: seeds {} to {}\n", name, first, first + runs - 1);
  std::fflush(stdout);
  SimReport sum;
  const auto start = std::chrono::steady_clock::now();
  for (uint64_t seed = first; seed < first + runs; ++seed) {
    plan.seed = seed;
    const SimReport report = SchedulerSim(plan).Run();
    check(report, seed);
    sum.events += report.events;
    sum.leases += report.leases;
    sum.copies += report.copies;
    sum.completed += report.completed;
    sum.failed += report.failed;
    sum.cancelled += report.cancelled;
    sum.coordinator_crashes += report.coordinator_crashes;
    sum.virtual_time += report.virtual_time;
  }
  const double seconds =
      std::chrono::duration<double>(std::chrono::steady_clock::now() - start)
          .count();
  fmt::print(
      "{}: {} histories in {:.1f} s, {:.0f} histories/s, {:.0f} events/s; "
      "{:.0f} h of virtual time, {} leases, {} of them copies, {} coordinator "
      "crashes; trials: "
      "{} with a result, {} failed, {} cancelled\n",
      name, runs, seconds, runs / seconds, sum.events / seconds,
      absl::ToDoubleHours(sum.virtual_time), sum.leases, sum.copies,
      sum.coordinator_crashes, sum.completed, sum.failed, sum.cancelled);
  return sum;
}

TEST(SchedulerSimTest, ChaosLosesNothingAcceptsNothingTwiceAndEnds) {
  const SimReport sum =
      RunHistories("chaos", 400, {}, [](const SimReport&, uint64_t) {});
  EXPECT_GT(sum.copies, 0) << "copies of stragglers were not tried";
}

TEST(SchedulerSimTest, ChaosWithABlackHoleWorkerEndsToo) {
  RunHistories("chaos, black hole", 400, {.has_black_hole = true},
               [](const SimReport&, uint64_t) {});
}

TEST(SchedulerSimTest, BlackHoleWorkerFailsNoTrial) {
  RunHistories(
      "black hole", 400, {.has_chaos = false, .has_black_hole = true},
      [](const SimReport& report, uint64_t seed) {
        EXPECT_EQ(report.failed, 0) << "seed " << seed;
        EXPECT_LE(report.touched_by_black_hole, report.allowed_to_black_hole)
            << "seed " << seed;
      });
}

TEST(SchedulerSimTest, BadNetworkAloneFailsNoTrial) {
  RunHistories("network", 200, {.has_chaos = false},
               [](const SimReport& report, uint64_t seed) {
                 EXPECT_EQ(report.failed + report.cancelled, 0)
                     << "seed " << seed;
               });
}

TEST(SchedulerSimTest, TheSameSeedIsTheSameHistory) {
  const SimReport one = SchedulerSim({.seed = 42}).Run();
  const SimReport two = SchedulerSim({.seed = 42}).Run();

  EXPECT_EQ(one.events, two.events);
  EXPECT_EQ(one.leases, two.leases);
  EXPECT_EQ(one.virtual_time, two.virtual_time);
}

}  // namespace
}  // namespace dfsweep::simulation
