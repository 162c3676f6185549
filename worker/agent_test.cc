// The whole daemon but its main, against a coordinator in this process and the
// no-op trainer.
#include "worker/agent.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>
#include <optional>
#include <thread>

#include "absl/time/clock.h"
#include "base/digest.h"
#include "base/files.h"
#include "base/temporary_folder.h"
#include "tests/fakes/fake_coordinator.h"
#include "worker/fake_nvml.h"
#include "worker/noop_trainer.h"

namespace dfsweep::worker {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;
using State = testing::FakeCoordinator::State;

constexpr size_t kDatasetSize = 5'000;

class AgentTest : public ::testing::Test {
 protected:
  AgentTest() : dataset_(coordinator_.AddDataset(kDatasetSize)) {}
  ~AgentTest() override { StopAgent(); }

  void StartAgent(std::vector<std::string> environment = {}, int slots = 1) {
    AgentOptions options;
    options.coordinator.address = coordinator_.address();
    options.name = "tester";
    options.slots = slots;
    options.trainer.program = trainer_;
    options.trainer.extra_environment = std::move(environment);
    options.backoff = {absl::Milliseconds(10), absl::Milliseconds(100)};
    options.progress_interval = absl::Milliseconds(20);
    options.farewell = absl::Milliseconds(500);
    options.machine = machine_;
    options.free_disk = [this] { return free_disk_.load(); };
    auto state = StateFolder::Open(folder_.path());
    ASSERT_TRUE(state.ok()) << state.status();
    agent_ = std::make_unique<Agent>(options, *std::move(state), *clock_);
    thread_ = std::thread([this] { status_ = agent_->Run(); });
  }
  void StopAgent() {
    if (agent_ == nullptr) return;
    agent_->Stop();
    thread_.join();
    agent_.reset();
  }
  v1::Lease Lease(int64_t seed, int attempt = 1) const {
    return testing::FakeCoordinator::MakeLease(dataset_, kDatasetSize, seed,
                                               attempt);
  }
  void Grant(const v1::Lease& lease) {
    coordinator_.With([&](State& state) { state.leases.push_back(lease); });
  }
  bool AwaitStarted() {
    return coordinator_.Await([](const State& state) {
      for (const auto& report : state.reports) {
        if (report.started()) return true;
      }
      return false;
    });
  }
  bool AwaitCompletions(size_t count) {
    return coordinator_.Await(
        [=](const State& state) { return state.completions.size() >= count; });
  }
  v1::CompleteTrialRequest LastCompletion() {
    v1::CompleteTrialRequest last;
    coordinator_.With([&](State& state) {
      if (!state.completions.empty()) last = state.completions.back();
    });
    return last;
  }
  size_t Count(const std::function<size_t(const State&)>& count) {
    size_t result = 0;
    coordinator_.With([&](State& state) { result = count(state); });
    return result;
  }
  void SendStop(const v1::Lease& lease) {
    coordinator_.With([&](State& state) {
      ToRef({lease.trial_id(), lease.attempt()}, &state.stop.emplace_back());
    });
  }
  bool SpoolIsEmpty() const {
    return std::filesystem::is_empty(folder_.path() / "spool");
  }

  testing::FakeCoordinator coordinator_;
  std::string dataset_;
  TemporaryFolder folder_;
  std::filesystem::path trainer_ = NoopTrainer();
  const Clock* clock_ = &Clock::Real();
  TemporaryFolder sys_;  // without a battery
  MachineWatch::Options machine_{.sys = sys_.path()};
  std::atomic<int64_t> free_disk_ = DiskRoom::kReserveBytes << 10;
  std::unique_ptr<Agent> agent_;
  std::thread thread_;
  absl::Status status_;
};

TEST_F(AgentTest, LeasedTrialIsTrainedAndItsResultDelivered) {
  Grant(Lease(1));
  StartAgent();

  ASSERT_TRUE(AwaitCompletions(1));

  v1::CompleteTrialRequest completion = LastCompletion();
  EXPECT_EQ(completion.trial_id(), Lease(1).trial_id());
  EXPECT_EQ(completion.attempt(), 1);
  EXPECT_EQ(completion.result().epochs_size(), 6);
  EXPECT_FALSE(completion.request_id().empty());
  StopAgent();
  EXPECT_TRUE(status_.ok()) << status_;
  EXPECT_TRUE(SpoolIsEmpty());
}

TEST_F(AgentTest, SlotsWorkAtTheSameTime) {
  StartAgent({"DFSWEEP_NOOP_EPOCH_MS=60000"}, 2);
  Grant(Lease(1));
  Grant(Lease(2));
  EXPECT_TRUE(coordinator_.Await([](const State& state) {
    std::set<std::string> started;
    for (const auto& report : state.reports) started.insert(report.trial_id());
    return started.size() == 2;
  }));
}

TEST_F(AgentTest, ProgressArrivesWhileItTrains) {
  Grant(Lease(1));
  StartAgent({"DFSWEEP_NOOP_EPOCH_MS=50"});
  EXPECT_TRUE(coordinator_.Await([](const State& state) {
    size_t epochs = 0, lines = 0;
    for (const auto& report : state.reports) {
      epochs += report.epochs_size();
      lines += report.log_lines_size();
    }
    return epochs >= 2 && lines >= 1;
  }));
  EXPECT_TRUE(AwaitCompletions(1));
}

TEST_F(AgentTest, LostAnswerToALeaseRequestIsAskedForAgain) {
  coordinator_.With([](State& state) { state.fail_leases = 2; });
  Grant(Lease(1));
  StartAgent();
  ASSERT_TRUE(AwaitCompletions(1));
  coordinator_.With([](State& state) {
    ASSERT_GE(state.lease_requests.size(), 3u);
    EXPECT_EQ(state.lease_requests[0].request_id(),
              state.lease_requests[1].request_id());
    EXPECT_EQ(state.lease_requests[0].request_id(),
              state.lease_requests[2].request_id());
  });
}

TEST_F(AgentTest, ResultIsRepeatedUntilTheCoordinatorTakesIt) {
  coordinator_.With([](State& state) {
    state.completion = grpc::Status(grpc::StatusCode::UNAVAILABLE, "busy");
  });
  Grant(Lease(1));
  StartAgent();
  ASSERT_TRUE(AwaitCompletions(3));
  EXPECT_FALSE(SpoolIsEmpty());
  coordinator_.With([](State& state) {
    EXPECT_EQ(state.completions[0].request_id(),
              state.completions[2].request_id());
    state.completion = grpc::Status::OK;
  });
  size_t before = Count([](const State& s) { return s.completions.size(); });
  ASSERT_TRUE(AwaitCompletions(before + 1));
  StopAgent();
  EXPECT_TRUE(SpoolIsEmpty());
}

TEST_F(AgentTest, TrainingSurvivesACoordinatorThatGoesAndComesBack) {
  Grant(Lease(1));
  StartAgent({"DFSWEEP_NOOP_EPOCH_MS=30"});
  ASSERT_TRUE(AwaitStarted());
  coordinator_.Stop();
  coordinator_.Start();
  ASSERT_TRUE(AwaitCompletions(1));
  EXPECT_TRUE(LastCompletion().has_result());
  Grant(Lease(2));
  EXPECT_TRUE(AwaitCompletions(2));
}

TEST_F(AgentTest, SpooledResultIsDeliveredByTheNextProcess) {
  v1::CompleteTrialRequest left;
  left.set_trial_id(Lease(1).trial_id());
  left.set_attempt(3);
  left.mutable_result()->set_train_seconds(1);
  std::filesystem::create_directories(folder_.path() / "spool");
  ASSERT_TRUE(Spool(folder_.path() / "spool").Put(left).ok());

  StartAgent();

  ASSERT_TRUE(AwaitCompletions(1));
  EXPECT_EQ(LastCompletion().attempt(), 3);
  ASSERT_TRUE(coordinator_.Await(
      [](const State& state) { return !state.registrations.empty(); }));
  StopAgent();
  EXPECT_TRUE(SpoolIsEmpty());
}

TEST_F(AgentTest, SpooledResultCountsAsHeldUntilItIsDelivered) {
  v1::CompleteTrialRequest left;
  left.set_trial_id(Lease(1).trial_id());
  left.set_attempt(3);
  left.mutable_result()->set_train_seconds(1);
  std::filesystem::create_directories(folder_.path() / "spool");
  ASSERT_TRUE(Spool(folder_.path() / "spool").Put(left).ok());
  coordinator_.With([](State& state) {
    state.completion = grpc::Status(grpc::StatusCode::UNAVAILABLE, "busy");
  });
  StartAgent();
  ASSERT_TRUE(coordinator_.Await(
      [](const State& state) { return !state.registrations.empty(); }));
  coordinator_.With([](State& state) {
    ASSERT_EQ(state.registrations[0].held_size(), 1);
    EXPECT_EQ(state.registrations[0].held(0).attempt(), 3);
    state.completion = grpc::Status::OK;
  });
}

TEST_F(AgentTest, CancelReachesTheTrainerWithinASecond) {
  Grant(Lease(1));
  StartAgent({"DFSWEEP_NOOP_EPOCH_MS=60000"});
  ASSERT_TRUE(AwaitStarted());
  size_t requests =
      Count([](const State& s) { return s.lease_requests.size(); });
  absl::Time begin = absl::Now();

  SendStop(Lease(1));

  // The slot is free when it asks for work again.
  ASSERT_TRUE(coordinator_.Await([=](const State& state) {
    return state.lease_requests.size() > requests;
  }));
  EXPECT_LT(absl::Now() - begin, absl::Seconds(1));
  EXPECT_EQ(Count([](const State& s) { return s.completions.size(); }), 0u);
}

TEST_F(AgentTest, StaleAttemptIsStoppedAndNothingOfItReported) {
  coordinator_.With([](State& state) {
    state.progress =
        grpc::Status(grpc::StatusCode::FAILED_PRECONDITION, "stale\nx\ny");
  });
  Grant(Lease(1));
  StartAgent({"DFSWEEP_NOOP_EPOCH_MS=60000"});
  ASSERT_TRUE(coordinator_.Await(
      [](const State& state) { return state.lease_requests.size() >= 2; }));
  EXPECT_EQ(Count([](const State& s) { return s.completions.size(); }), 0u);
}

TEST_F(AgentTest, UnknownWorkerRegistersAgainWithWhatItHolds) {
  Grant(Lease(1));
  StartAgent({"DFSWEEP_NOOP_EPOCH_MS=60000"});
  ASSERT_TRUE(AwaitStarted());
  coordinator_.With([](State& state) { state.fail_heartbeats_unknown = 1; });
  ASSERT_TRUE(coordinator_.Await(
      [](const State& state) { return state.registrations.size() >= 2; }));
  coordinator_.With([](State& state) {
    ASSERT_EQ(state.registrations[1].held_size(), 1);
    EXPECT_EQ(state.registrations[1].incarnation(),
              state.registrations[0].incarnation());
  });
}

TEST_F(AgentTest, WorkerThatSleptRegistersAtOnce) {
  StartAgent();
  ASSERT_TRUE(coordinator_.Await(
      [](const State& state) { return !state.heartbeats.empty(); }));
  agent_->Resumed();
  EXPECT_TRUE(coordinator_.Await(
      [](const State& state) { return state.registrations.size() >= 2; },
      absl::Seconds(3)));
}

TEST_F(AgentTest, StopHandsTheTrialBackAndSaysGoodbye) {
  Grant(Lease(1));
  StartAgent({"DFSWEEP_NOOP_EPOCH_MS=60000"});
  ASSERT_TRUE(AwaitStarted());
  absl::Time begin = absl::Now();

  StopAgent();

  EXPECT_LT(absl::Now() - begin, absl::Seconds(5));
  EXPECT_TRUE(status_.ok());
  EXPECT_TRUE(LastCompletion().has_hand_back());
  coordinator_.With([](State& state) {
    EXPECT_TRUE(state.heartbeats.back().leaving());
    EXPECT_EQ(state.heartbeats.back().held_size(), 0);
  });
}

TEST_F(AgentTest, StopWithoutACoordinatorKeepsTheResultInTheSpool) {
  coordinator_.With([](State& state) {
    state.completion = grpc::Status(grpc::StatusCode::UNAVAILABLE, "busy");
  });
  Grant(Lease(1));
  StartAgent();
  ASSERT_TRUE(AwaitCompletions(1));
  coordinator_.Stop();
  StopAgent();
  EXPECT_TRUE(status_.ok());
  EXPECT_FALSE(SpoolIsEmpty());
}

TEST_F(AgentTest, KilledTrainerGivesTheTrialBackUncounted) {
  Grant(Lease(1));
  StartAgent({"DFSWEEP_NOOP_EXIT=137"});  // as a shell says SIGKILL
  ASSERT_TRUE(AwaitCompletions(1));
  EXPECT_TRUE(LastCompletion().has_hand_back());
}

TEST_F(AgentTest, ForgedLeaseIsRefusedWithoutTraining) {
  v1::Lease forged = Lease(1);
  forged.set_trial_id(Sha256Hex("something else"));
  Grant(forged);
  StartAgent();
  ASSERT_TRUE(AwaitCompletions(1));
  EXPECT_EQ(LastCompletion().failure().cause(), v1::BAD_CONFIG);
  EXPECT_EQ(Count([](const State& s) { return s.reports.size(); }), 0u);
}

TEST_F(AgentTest, DatasetThatStaysDamagedIsTheEnvironmentsFault) {
  coordinator_.With([](State& state) { state.corrupt_downloads = 100; });
  Grant(Lease(1));
  StartAgent();
  ASSERT_TRUE(AwaitCompletions(1));
  EXPECT_EQ(LastCompletion().failure().cause(), v1::ENVIRONMENT);
}

TEST_F(AgentTest, TrialWhoseDatasetIsDamagedMeanwhileIsHandedBackAndFetchesIt) {
  Grant(Lease(1));
  StartAgent({"DFSWEEP_NOOP_EPOCH_MS=50", "DFSWEEP_NOOP_FAIL=data"});
  ASSERT_TRUE(AwaitStarted());
  const auto file = folder_.path() / "datasets" / (dataset_ + ".npz");
  std::ofstream(file, std::ios::app) << "x";

  ASSERT_TRUE(AwaitCompletions(1));
  EXPECT_THAT(LastCompletion().hand_back().reason(),
              ::testing::HasSubstr("damaged while the trial read it"));

  Grant(Lease(1, 2));
  ASSERT_TRUE(AwaitCompletions(2));
  EXPECT_EQ(LastCompletion().failure().cause(), v1::BAD_CONFIG)
      << "of a sound dataset it is the trial's fault";
  EXPECT_EQ(std::filesystem::file_size(file), kDatasetSize);
}

TEST_F(AgentTest, DatasetThatCannotBeWrittenIsTheEnvironmentsFault) {
  Grant(testing::FakeCoordinator::MakeLease(dataset_, kDatasetSize - 1, 1, 1));
  StartAgent();
  ASSERT_TRUE(AwaitCompletions(1));
  EXPECT_EQ(LastCompletion().failure().cause(), v1::ENVIRONMENT);
}

TEST_F(AgentTest, TrialWhoseDatasetHasNoRoomIsHandedBackUntilThereIsSome) {
  free_disk_ = DiskRoom::kReserveBytes + kDatasetSize - 1;
  Grant(Lease(1));
  StartAgent();
  ASSERT_TRUE(AwaitCompletions(1));
  EXPECT_THAT(LastCompletion().hand_back().reason(),
              ::testing::HasSubstr("MiB of disk"));

  Grant(Lease(1, 2));
  free_disk_ = DiskRoom::kReserveBytes + kDatasetSize;
  ASSERT_TRUE(AwaitCompletions(2));
  EXPECT_TRUE(LastCompletion().has_result());
}

TEST_F(AgentTest, WorkerWithAFullDiskAsksForNothing) {
  free_disk_ = 0;
  machine_.interval = absl::Milliseconds(5);
  Grant(Lease(1));
  StartAgent();
  ASSERT_TRUE(coordinator_.Await([](const State& state) {
    return !state.heartbeats.empty() &&
           state.heartbeats.back().status().drain_reasons_size() == 1;
  }));
  EXPECT_EQ(Count([](const State& s) { return s.lease_requests.size(); }), 0u);

  free_disk_ = DiskRoom::kReserveBytes << 10;

  ASSERT_TRUE(AwaitCompletions(1));
  EXPECT_TRUE(LastCompletion().has_result());
}

TEST_F(AgentTest, RefusedVersionEndsTheWorkerWithTheCoordinatorsWords) {
  coordinator_.With([](State& state) {
    state.registration = grpc::Status(grpc::StatusCode::ABORTED,
                                      "too old\nworker\nupgrade this worker");
  });
  StartAgent();
  thread_.join();
  EXPECT_EQ(status_.code(), absl::StatusCode::kAborted);
  EXPECT_EQ(PartsOf(MessageOf(status_)).remedy, "upgrade this worker");
  agent_.reset();
}

TEST_F(AgentTest, UnusableTrainerEndsTheWorkerAtItsStart) {
  StartAgent({"DFSWEEP_NOOP_NO_START=1"});
  thread_.join();
  EXPECT_NE(MessageOf(status_).find("dfsweep doctor"), std::string::npos);
  agent_.reset();
}

class TrainerEnvironmentTest : public AgentTest {
 protected:
  ~TrainerEnvironmentTest() override {
    StopAgent();
    ::unsetenv("GOMP_SPINCOUNT");
    ::unsetenv("OMP_WAIT_POLICY");
  }
  // What a trainer finds in its environment.
  std::string EnvironmentOfTrainer() {
    const auto found = folder_.path() / "environment";
    trainer_ = folder_.path() / "trainer";
    std::ofstream(trainer_) << "#!/bin/sh\nenv > '" << found.string() << "'\n";
    std::filesystem::permissions(trainer_, std::filesystem::perms::owner_all);
    StartAgent();
    thread_.join();
    agent_.reset();
    return ReadFile(found).value_or("");
  }
};

TEST_F(TrainerEnvironmentTest, ThreadsThatWaitSpinForAShortTime) {
  EXPECT_THAT(EnvironmentOfTrainer(), HasSubstr("GOMP_SPINCOUNT=6000\n"));
}

TEST_F(TrainerEnvironmentTest, HowLongThreadsSpinIsTheOwnersToSay) {
  ::setenv("GOMP_SPINCOUNT", "12", 1);
  EXPECT_THAT(EnvironmentOfTrainer(), HasSubstr("GOMP_SPINCOUNT=12\n"));
}

TEST_F(TrainerEnvironmentTest, APolicyOfTheOwnersIsNotOverruled) {
  ::setenv("OMP_WAIT_POLICY", "passive", 1);
  EXPECT_THAT(EnvironmentOfTrainer(), Not(HasSubstr("GOMP_SPINCOUNT")));
}

// ---- Left to its owner ------------------------------------------------------

class PausingAgentTest : public AgentTest {
 protected:
  PausingAgentTest() {
    clock_ = &time_;
    machine_.interval = absl::Milliseconds(5);
  }
  ~PausingAgentTest() override { StopAgent(); }

  void SetOnBattery(bool on_battery) {
    const auto folder = sys_.path() / "class" / "power_supply" / "BAT0";
    std::filesystem::create_directories(folder);
    std::ofstream(folder / "type") << "Battery\n";
    std::ofstream(folder / "status.new")
        << (on_battery ? "Discharging\n" : "Charging\n");
    std::filesystem::rename(folder / "status.new", folder / "status");
  }
  // Lets a minute pass, and again, until `condition` holds.
  bool AwaitWithTime(const std::function<bool(const State&)>& condition) {
    const absl::Time deadline = absl::Now() + absl::Seconds(20);
    while (absl::Now() < deadline) {
      if (coordinator_.Await(condition, absl::Milliseconds(50))) return true;
      time_.Advance(Manners::kEndsAfter);
    }
    return false;
  }
  bool AwaitPause(const std::string& reason) {
    return AwaitWithTime([=](const State& state) {
      if (state.heartbeats.empty()) return false;
      const auto& reasons = state.heartbeats.back().status().pause_reasons();
      return reason.empty() ? reasons.empty()
                            : reasons.size() == 1 && reasons[0] == reason;
    });
  }

  FakeClock time_;
};

TEST_F(PausingAgentTest, UnpluggedWorkerHandsItsTrialBackAndSaysWhy) {
  SetOnBattery(false);
  Grant(Lease(1));
  StartAgent({"DFSWEEP_NOOP_EPOCH_MS=60000"});
  ASSERT_TRUE(AwaitStarted());

  SetOnBattery(true);

  ASSERT_TRUE(AwaitPause("on battery"));
  ASSERT_TRUE(AwaitCompletions(1));
  EXPECT_EQ(LastCompletion().hand_back().reason(), "on battery");
}

TEST_F(PausingAgentTest, WorkerOnBatteryAsksForNothingUntilItIsPluggedIn) {
  SetOnBattery(true);
  Grant(Lease(1));
  StartAgent();
  ASSERT_TRUE(AwaitPause("on battery"));
  EXPECT_EQ(Count([](const State& s) { return s.lease_requests.size(); }), 0u);

  SetOnBattery(false);

  ASSERT_TRUE(AwaitPause(""));
  ASSERT_TRUE(AwaitCompletions(1));
  EXPECT_TRUE(LastCompletion().has_result());
}

TEST_F(PausingAgentTest, WorkThatWasGrantedBeforeThePauseIsHandedBack) {
  SetOnBattery(false);
  // Granted, but the pause comes before the answer: the lease is learned when
  // the request that the pause interrupted is asked again.
  coordinator_.With([this](State& state) {
    state.leases.push_back(Lease(1));
    state.withhold_leases = true;
  });
  StartAgent();
  ASSERT_TRUE(coordinator_.Await(
      [](const State& state) { return state.leases.empty(); }));
  SetOnBattery(true);

  ASSERT_TRUE(AwaitPause("on battery"));
  ASSERT_TRUE(AwaitCompletions(1));
  EXPECT_TRUE(LastCompletion().has_hand_back());
  coordinator_.With([](State& state) {
    ASSERT_EQ(state.lease_requests.size(), 2u);
    EXPECT_EQ(state.lease_requests[0].request_id(),
              state.lease_requests[1].request_id());
  });
}

TEST_F(PausingAgentTest, OrderToPauseIsObeyedUntilItIsTakenBack) {
  Grant(Lease(1));
  StartAgent({"DFSWEEP_NOOP_EPOCH_MS=60000"});
  ASSERT_TRUE(AwaitStarted());
  coordinator_.With([](State& state) { state.pause = true; });
  ASSERT_TRUE(AwaitCompletions(1));
  EXPECT_EQ(LastCompletion().hand_back().reason(),
            "a person has paused this worker");

  Grant(Lease(2));
  coordinator_.With([](State& state) { state.pause = false; });

  ASSERT_TRUE(coordinator_.Await(
      [](const State& state) { return state.leases.empty(); }));
}

TEST_F(PausingAgentTest, HandshakeTellsWhatTheProbeFound) {
  StartAgent();
  ASSERT_TRUE(coordinator_.Await(
      [](const State& state) { return !state.registrations.empty(); }));
  coordinator_.With([](State& state) {
    EXPECT_EQ(state.registrations[0].probe().digest(), Sha256Hex("no-op"));
    EXPECT_EQ(state.registrations[0].probe().samples_per_second(), 1000);
  });
}

TEST_F(PausingAgentTest, WorkerThatPausesMakesNoProbe) {
  SetOnBattery(true);
  StartAgent();
  ASSERT_TRUE(coordinator_.Await(
      [](const State& state) { return !state.registrations.empty(); }));
  coordinator_.With(
      [](State& state) { EXPECT_FALSE(state.registrations[0].has_probe()); });
}

TEST_F(PausingAgentTest, RequestForWorkTellsWhatIsFreeOnTheDevice) {
  FakeNvml fake;
  fake.Set(R"({"cards": [{"memory_mib": {"total": 8192, "free": 5000},
                          "processes": [{"pid": 1}]}]})");
  machine_.nvml_library = FakeNvml::Library();
  StartAgent({"DFSWEEP_NOOP_GIB=8"});
  ASSERT_TRUE(coordinator_.Await(
      [](const State& state) { return !state.lease_requests.empty(); }));
  coordinator_.With([](State& state) {
    EXPECT_EQ(state.lease_requests[0].free_memory_bytes(), int64_t{5000} << 20);
  });
}

}  // namespace
}  // namespace dfsweep::worker
