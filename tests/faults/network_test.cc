// The network between a worker and the coordinator fails in every way that the
// proxy knows.
#include <algorithm>
#include <cstdio>
#include <optional>

#include "absl/time/clock.h"
#include "base/files.h"
#include "base/test_setting.h"
#include "tests/faults/faults.h"
#include "tests/faults/proxy.h"

namespace dfsweep::testing {
namespace {

class NetworkFaultsTest : public FaultsTest {
 protected:
  void StartBehindProxy(std::vector<std::string> arguments = {}) {
    Start(std::move(arguments));
    proxy_.emplace(fleet_.address());
    fleet_.RouteWorkersTo(proxy_->address());
  }
  void StartDirectly(const std::string& worker) {
    fleet_.RouteWorkersTo("");
    fleet_.StartWorker(worker);
  }
  std::optional<Proxy> proxy_;
};

TEST_F(NetworkFaultsTest, HalfOpenWorkersTrialGoesOnElsewhereAndItReturns) {
  StartBehindProxy(SoonLost());
  fleet_.StartWorker("cut-off", 1, EpochsOf(900));
  Submit(1);
  ASSERT_TRUE(AwaitCount("running", 1));

  proxy_->BlackHole();

  ASSERT_TRUE(AwaitState("cut-off", "LOST"));
  StartDirectly("other");
  ASSERT_TRUE(AwaitCount("completed", 1));
  // It notices by the pings, finds another way, and its result is refused.
  ASSERT_TRUE(AwaitState("cut-off", "ONLINE"));
  ASSERT_TRUE(AwaitEmptySpool("cut-off"));
  EXPECT_EQ(OneRowEach(1)[0]["worker"], "other");
}

TEST_F(NetworkFaultsTest, LostAcknowledgementOfAResultMakesNoSecondRow) {
  StartBehindProxy();
  fleet_.StartWorker("a", 1, EpochsOf(100));
  Submit(3);
  ASSERT_TRUE(AwaitCount("running", 1));

  proxy_->HoldReplies(true);
  ASSERT_TRUE(AwaitCount("completed", 1));
  EXPECT_FALSE(std::filesystem::is_empty(fleet_.StateOf("a") / "spool"));
  proxy_->Cut();
  proxy_->HoldReplies(false);

  ASSERT_TRUE(AwaitCount("completed", 3));
  ASSERT_TRUE(AwaitEmptySpool("a"));
  for (const json& row : OneRowEach(3)) EXPECT_EQ(row["attempt"], 1);
}

TEST_F(NetworkFaultsTest, ConnectionsThatAreCutAgainAndAgainCostNoAttempt) {
  StartBehindProxy();
  fleet_.StartWorker("a", 2, EpochsOf(50));
  Submit(6);
  for (int completed : {0, 1, 3, 5}) {
    ASSERT_TRUE(AwaitCount("completed", completed));
    proxy_->Cut();
  }

  ASSERT_TRUE(AwaitCount("completed", 6));
  for (const json& row : OneRowEach(6)) EXPECT_EQ(row["attempt"], 1);
}

TEST_F(NetworkFaultsTest, SlowLinkIsNotTakenForALostWorker) {
  StartBehindProxy({"--lost-after", "8"});
  // 64 kbit/s and 300 ms there and back.
  proxy_->SlowDown(absl::Milliseconds(150), 8000);
  fleet_.StartWorker("slow", 1, EpochsOf(100));
  Submit(3);

  ASSERT_TRUE(AwaitCount("completed", 3));
  for (const json& row : OneRowEach(3)) EXPECT_EQ(row["attempt"], 1);
}

// The most arrivals within any `span`.
size_t Busiest(const std::vector<absl::Time>& arrivals, absl::Duration span) {
  size_t most = 0;
  for (auto first = arrivals.begin(); first != arrivals.end(); ++first) {
    const auto end = std::upper_bound(first, arrivals.end(), *first + span);
    most = std::max(most, static_cast<size_t>(end - first));
  }
  return most;
}

// DFSWEEP_HERD makes it another number of workers.
TEST_F(NetworkFaultsTest, ManyWorkersComeBackSpreadInTime) {
  const int workers = NumberFromEnvironment("DFSWEEP_HERD", 50);
  const absl::Duration patience =
      absl::Seconds(30) + absl::Seconds(1) * workers;
  AllowAllFiles();  // two a worker, and two for each of its connections
  StartBehindProxy();
  for (int i = 0; i < workers; ++i) {
    fleet_.StartWorker(fmt::format("w{}", i), 1, {}, {"--no-probe"});
  }
  const auto online = [&] {
    const json all = json::parse(fleet_.Ok({"workers", "--json"}));
    return std::ranges::count_if(all["workers"], [](const json& worker) {
      return worker["state"] == "ONLINE";
    });
  };
  ASSERT_TRUE(Eventually([&] { return online() == workers; }, patience));

  fleet_.KillCoordinator();
  const absl::Time killed = absl::Now();
  // Every channel has tried in vain a few times.
  ASSERT_TRUE(
      Eventually([&] { return absl::Now() - killed > absl::Seconds(4); }));
  const size_t before = proxy_->Arrivals().size();
  fleet_.StartCoordinator();
  const absl::Time back = absl::Now();
  Submit(workers);
  ASSERT_TRUE(AwaitCount("completed", workers, patience));
  std::fprintf(stderr, "%d workers were back and done after %.1f s\n", workers,
               absl::ToDoubleSeconds(absl::Now() - back));

  std::vector<absl::Time> arrivals = proxy_->Arrivals();
  arrivals.erase(arrivals.begin(), arrivals.begin() + before);
  EXPECT_GE(arrivals.size(), static_cast<size_t>(workers));
  EXPECT_LT(Busiest(arrivals, absl::Milliseconds(250)), arrivals.size() / 2);
  OneRowEach(workers);
}

}  // namespace
}  // namespace dfsweep::testing
