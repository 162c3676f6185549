// Faults of all kinds, several at a time: the sweep ends with exactly one row a
// trial and the numbers of an undisturbed run.
//
// DFSWEEP_FAULT_SEED replays the faults, if not their moments.
// tests/faults/soak.sh chaos makes it long, by DFSWEEP_FAULTS (at least
// so many) and DFSWEEP_FAULT_SEEDS (of the sweep).
#include <fmt/format.h>
#include <gtest/gtest.h>
#include <poll.h>
#include <signal.h>

#include <functional>
#include <map>
#include <memory>
#include <random>
#include <vector>

#include "absl/time/clock.h"
#include "base/test_setting.h"
#include "tests/faults/disk.h"
#include "tests/faults/proxy.h"
#include "tests/faults/subject.h"

namespace dfsweep::testing {
namespace {

using nlohmann::json;

// Two workers, each behind a network of its own, and a coordinator that soon
// gives a silent one up. Most faults last for a while, in which others happen.
class Chaos {
 public:
  Chaos(const Subject& subject, int seed) : subject_(subject), random_(seed) {
    for (const char* worker : {"a", "b"}) {
      disks_[worker] =
          std::make_unique<SmallDisk>(fleet_.StateOf(worker), "600m");
    }
    StartCoordinator();
    fleet_.ImportTinyDataset();
    for (const char* worker : {"a", "b"}) {
      networks_[worker] = std::make_unique<Proxy>(fleet_.address());
      StartWorker(worker);
    }
  }

  Fleet& fleet() { return fleet_; }

  void Submit() {
    Try({"submit", fleet_.Write("killed.yaml", subject_.sweep)});
  }

  // Causes faults until it has done so often or the sweep has ended; how often
  // it did.
  int Rage(int faults) {
    int caused = 0;
    while (caused < faults && !(is_up_ && SweepHasEnded(fleet_))) {
      ::poll(nullptr, 0, Random(subject_.longest_peace_ms / 2));
      Heal(absl::Now());
      RestartWhoHasEnded();
      CauseOne();
      ++caused;
    }
    Heal(absl::InfiniteFuture());
    return caused;
  }

  // As systemd would: with a full disk, or removed, a worker ends.
  void RestartWhoHasEnded() {
    for (const char* worker : {"a", "b"}) {
      if (fleet_.WorkerHasEnded(worker)) StartWorker(worker);
    }
  }

  // Undoes orders that came when the coordinator was away.
  void Settle() {
    RestartWhoHasEnded();
    for (const char* worker : {"a", "b"}) Try({"workers", "resume", worker});
    Try({"resume", "killed"});
    Submit();
  }

 private:
  struct Remedy {
    absl::Time due;
    std::function<void()> apply;
  };
  struct Fault {
    const char* name;
    std::function<void(const std::string& worker)> cause;
  };

  int Random(int limit) { return static_cast<int>(random_() % limit); }

  void CauseOne() {
    const std::vector<Fault> faults = Faults();
    const Fault& fault = faults[Random(static_cast<int>(faults.size()))];
    const std::string worker = Random(2) == 0 ? "a" : "b";
    std::fprintf(
        stderr, "%s: %s (%s)\n",
        absl::FormatTime("%H:%M:%E3S", absl::Now(), absl::UTCTimeZone())
            .c_str(),
        fault.name, worker.c_str());
    fault.cause(worker);
  }

  std::vector<Fault> Faults() {
    return {
        {"trainers are killed", [this](auto& w) { fleet_.KillTrainersOf(w); }},
        {"worker is killed", [this](auto& w) { KillWorker(w); }},
        {"worker is stopped", [this](auto& w) { StopWorker(w); }},
        {"worker sleeps", [this](auto& w) { Suspend(fleet_.WorkerPid(w)); }},
        {"coordinator is killed", [this](auto&) { KillCoordinator(); }},
        {"coordinator sleeps", [this](auto&) { SuspendCoordinator(); }},
        {"connections are cut", [this](auto& w) { networks_[w]->Cut(); }},
        {"connections are half open",
         [this](auto& w) { networks_[w]->BlackHole(); }},
        {"replies are late", [this](auto& w) { HoldReplies(w); }},
        {"link is slow", [this](auto& w) { SlowDown(w); }},
        {"disk is full", [this](auto& w) { FillDisk(w); }},
        {"bit of a dataset flips", [this](auto& w) { Flip(w, "datasets"); }},
        {"bit of a checkpoint flips",
         [this](auto& w) { Flip(w, "checkpoints"); }},
        {"bit of a result flips", [this](auto& w) { Flip(w, "spool"); }},
        {"bit of the coordinator's checkpoint flips",
         [this](auto&) { FlipIn(fleet_.store() / "checkpoints"); }},
        {"worker is paused", [this](auto& w) { Order("pause", w); }},
        {"worker is drained", [this](auto& w) { Order("drain", w); }},
        {"worker is removed", [this](auto& w) { Order("remove", w); }},
        {"sweep is paused", [this](auto&) { Pause(); }},
        {"sweep is cancelled", [this](auto&) { Cancel(); }},
        {"store is backed up", [this](auto&) { BackUp(); }},
    };
  }

  void After(int longest_ms, std::function<void()> remedy) {
    remedies_.push_back(
        {absl::Now() + absl::Milliseconds(Random(longest_ms)), remedy});
  }
  void Heal(absl::Time until) {
    std::vector<Remedy> due;
    std::erase_if(remedies_, [&](const Remedy& remedy) {
      if (remedy.due <= until) due.push_back(remedy);
      return remedy.due <= until;
    });
    for (const Remedy& remedy : due) remedy.apply();
  }

  void StartCoordinator() {
    fleet_.StartCoordinator({}, {"--lost-after", "5"});
    is_up_ = true;
  }
  void StartWorker(const std::string& worker) {
    fleet_.RouteWorkersTo(networks_[worker]->address());
    subject_.start_worker(fleet_, worker);
  }
  void KillWorker(const std::string& worker) {
    fleet_.KillWorker(worker);
    StartWorker(worker);
  }
  // By a network that carries its last words in time.
  void StopWorker(const std::string& worker) {
    ::kill(fleet_.WorkerPid(worker), SIGCONT);
    networks_[worker]->HoldReplies(false);
    SpeedUp(worker);
    fleet_.StopWorker(worker);
    StartWorker(worker);
  }
  void KillCoordinator() {
    if (!is_up_) return;
    fleet_.KillCoordinator();
    is_up_ = false;
    After(4000, [this] { StartCoordinator(); });
  }
  // Nothing else meanwhile: commands would wait for it.
  void SuspendCoordinator() {
    if (!is_up_) return;
    ::kill(fleet_.CoordinatorPid(), SIGSTOP);
    ::poll(nullptr, 0, Random(3000));
    ::kill(fleet_.CoordinatorPid(), SIGCONT);
  }
  // The process may be another's child by the time that it goes on.
  void Suspend(pid_t process) {
    ::kill(process, SIGSTOP);
    After(8000, [process] { ::kill(process, SIGCONT); });
  }
  void HoldReplies(const std::string& worker) {
    networks_[worker]->HoldReplies(true);
    After(5000, [this, worker] { networks_[worker]->HoldReplies(false); });
  }
  void SlowDown(const std::string& worker) {
    networks_[worker]->SlowDown(absl::Milliseconds(150), 200'000);
    After(5000, [this, worker] { SpeedUp(worker); });
  }
  void SpeedUp(const std::string& worker) {
    networks_[worker]->SlowDown(absl::ZeroDuration(), 0);
  }
  void FillDisk(const std::string& worker) {
    if (!disks_[worker]->is_mounted()) return;
    disks_[worker]->Fill();
    After(5000, [this, worker] { disks_[worker]->Free(); });
  }
  void Flip(const std::string& worker, const char* folder) {
    FlipIn(fleet_.StateOf(worker) / folder);
  }
  void FlipIn(const std::filesystem::path& folder) {
    std::error_code error;
    std::vector<std::filesystem::path> files;
    for (const auto& entry :
         std::filesystem::recursive_directory_iterator(folder, error)) {
      if (entry.is_regular_file(error)) files.push_back(entry.path());
    }
    if (files.empty()) return;
    const auto& file = files[Random(static_cast<int>(files.size()))];
    const auto size = std::filesystem::file_size(file, error);
    if (!error && size > 0)
      FlipABit(file, static_cast<int64_t>(random_() % size));
  }
  void Try(std::vector<std::string> arguments) {
    if (is_up_) fleet_.Run(std::move(arguments));
  }
  void Order(const std::string& order, const std::string& worker) {
    Try({"workers", order, worker});
    After(4000, [this, worker] { Try({"workers", "resume", worker}); });
  }
  void Pause() {
    Try({"pause", "killed"});
    After(3000, [this] { Try({"resume", "killed"}); });
  }
  void Cancel() {
    Try({"cancel", "killed"});
    After(3000, [this] { Submit(); });
  }
  void BackUp() {
    Try({"backup",
         (fleet_.folder() / fmt::format("backup-{}", random_())).string()});
  }

  const Subject& subject_;
  std::mt19937_64 random_;
  // The disks go first: a fleet deletes its folders.
  Fleet fleet_;
  std::map<std::string, std::unique_ptr<SmallDisk>> disks_;
  std::map<std::string, std::unique_ptr<Proxy>> networks_;
  std::vector<Remedy> remedies_;
  bool is_up_ = false;
};

void ExpectChaosChangesNothing(const Subject& subject, int faults,
                               absl::Duration patience) {
  const std::map<std::string, json> expected = UndisturbedRows(subject);
  ASSERT_FALSE(expected.empty());
  const int seed = NumberFromEnvironment("DFSWEEP_FAULT_SEED", 20261128);
  std::fprintf(stderr, "DFSWEEP_FAULT_SEED=%d\n", seed);
  Chaos chaos(subject, seed);
  chaos.Submit();

  const int caused = chaos.Rage(faults);
  std::fprintf(stderr, "%d of %d faults\n", caused, faults);
  chaos.Settle();

  EXPECT_GE(caused, faults * 5 / 6) << "the sweep ended too early to count";
  Eventually(
      [&] {
        chaos.RestartWhoHasEnded();
        return SweepHasEnded(chaos.fleet());
      },
      patience);
  ExpectRows(chaos.fleet(), expected);
}

TEST(Chaos, FaultsCombinedLoseNothingAndDoubleNothing) {
  const int seeds = NumberFromEnvironment("DFSWEEP_FAULT_SEEDS", 10);
  ExpectChaosChangesNothing(
      NoopTraining(seeds, NumberFromEnvironment("DFSWEEP_FAULT_EPOCH_MS", 100)),
      NumberFromEnvironment("DFSWEEP_FAULTS", 60),
      absl::Minutes(4) + absl::Seconds(2) * seeds);
}

TEST(Chaos, FaultsCombinedChangeNoNumberOfRealTraining) {
  if (!HasTrainer()) {
    GTEST_SKIP() << "SKIPPED: this build has no LibTorch trainer";
  }
  const int seeds = NumberFromEnvironment("DFSWEEP_FAULT_SEEDS", 2);
  ExpectChaosChangesNothing(RealTraining(seeds),
                            NumberFromEnvironment("DFSWEEP_FAULTS", 10),
                            absl::Minutes(6) + absl::Seconds(60) * seeds);
}

}  // namespace
}  // namespace dfsweep::testing
