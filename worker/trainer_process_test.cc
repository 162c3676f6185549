#include "worker/trainer_process.h"

#include <fmt/format.h>
#include <gtest/gtest.h>
#include <signal.h>

#include <fstream>
#include <thread>

#include "absl/time/clock.h"
#include "base/digest.h"
#include "base/temporary_folder.h"
#include "worker/noop_trainer.h"

namespace dfsweep::worker {
namespace {

namespace fs = std::filesystem;

// Counts, and runs a hook at each epoch.
class Recorder : public TrialObserver {
 public:
  void OnStarted(const StartedEvent&) override { ++started; }
  void OnEpoch(const EpochEvent&) override {
    ++epochs;
    if (on_epoch) on_epoch();
  }
  void OnEvaluation(const EvaluationEvent&) override { ++evaluations; }
  void OnLog(const LogEvent&) override { ++logs; }

  int started = 0, epochs = 0, evaluations = 0, logs = 0;
  std::function<void()> on_epoch;
};

class TrainerProcessTest : public ::testing::Test {
 protected:
  TrainerProcess Noop(std::vector<std::string> environment = {},
                      absl::Duration hang_limit = absl::Seconds(30)) {
    return TrainerProcess({.program = NoopTrainer(),
                           .extra_environment = std::move(environment),
                           .log = folder_.path() / "slot.log",
                           .hang_limit = hang_limit,
                           .abort_limit = absl::Seconds(5)});
  }
  // A trainer that is a shell script; `ready` is printed first.
  TrainerProcess Script(const std::string& body) {
    fs::path path = folder_.path() / "script.sh";
    std::ofstream(path)
        << "#!/bin/sh\n"
        << R"(echo '{"type":"ready","protocol":1,"environment":)"
        << R"({"device":"cpu"}}')"
        << "\n"
        << "read line\n"
        << body << "\n";
    fs::permissions(path, fs::perms::owner_all);
    return TrainerProcess({.program = path,
                           .log = folder_.path() / "slot.log",
                           .hang_limit = absl::Seconds(30)});
  }
  Outcome Run(TrainerProcess& trainer) {
    return trainer.Run(id_, Line(), stop_, recorder_);
  }
  std::string Line() const {
    return fmt::format(
        R"({{"type":"run","attempt":1,"device":"cpu","threads":1,"trial":)"
        R"({{"trial_id":"{}","dataset":{{"path":"x"}},"seed":0,)"
        R"("parameters":{{"strategy":"naive","epochs":3}}}}}})",
        id_.trial_id);
  }
  v1::TrialFailure FailureOf(TrainerProcess trainer) {
    Outcome outcome = Run(trainer);
    auto* failure = std::get_if<v1::TrialFailure>(&outcome);
    return failure != nullptr ? *failure : v1::TrialFailure();
  }

  TemporaryFolder folder_;
  AttemptId id_{Sha256Hex("trial"), 1};
  std::atomic<bool> stop_ = false;
  Recorder recorder_;
};

TEST_F(TrainerProcessTest, TrialRunsToItsResult) {
  TrainerProcess trainer = Noop();

  Outcome outcome = Run(trainer);

  auto* result = std::get_if<v1::TrialResult>(&outcome);
  ASSERT_NE(result, nullptr);
  EXPECT_FALSE(result->diverged());
  EXPECT_EQ(result->epochs_size(), 6);  // two tasks of three epochs
  EXPECT_EQ(result->evaluations_size(), 3);
  EXPECT_EQ(result->environment().device_name(), "no-op trainer (test only)");
  EXPECT_EQ(recorder_.started, 1);
  EXPECT_EQ(recorder_.epochs, 6);
  EXPECT_EQ(recorder_.evaluations, 3);
  EXPECT_EQ(recorder_.logs, 1);
}

TEST_F(TrainerProcessTest, ProcessIsKeptBetweenTrials) {
  TrainerProcess trainer = Noop();
  Run(trainer);
  pid_t first = trainer.pid();
  Run(trainer);
  EXPECT_EQ(trainer.pid(), first);
}

TEST_F(TrainerProcessTest, DivergenceIsAResult) {
  TrainerProcess trainer = Noop({"DFSWEEP_NOOP_DIVERGE=1"});
  Outcome outcome = Run(trainer);
  ASSERT_TRUE(std::holds_alternative<v1::TrialResult>(outcome));
  EXPECT_TRUE(std::get<v1::TrialResult>(outcome).diverged());
}

TEST_F(TrainerProcessTest, CrashNamesTheSignalAndTheLogsLastLines) {
  v1::TrialFailure failure = FailureOf(Noop({"DFSWEEP_NOOP_CRASH_EVERY=1"}));
  EXPECT_EQ(failure.cause(), v1::CRASH);
  EXPECT_NE(failure.message().find("signal 6"), std::string::npos);
  EXPECT_NE(failure.message().find("told to crash"), std::string::npos);
}

TEST_F(TrainerProcessTest, CrashedTrainerIsReplaced) {
  TrainerProcess trainer = Noop({"DFSWEEP_NOOP_CRASH_EVERY=2"});
  EXPECT_TRUE(std::holds_alternative<v1::TrialResult>(Run(trainer)));
  EXPECT_TRUE(std::holds_alternative<v1::TrialFailure>(Run(trainer)));
  EXPECT_TRUE(std::holds_alternative<v1::TrialResult>(Run(trainer)));
}

TEST_F(TrainerProcessTest, ExitCodesBecomeCauses) {
  const std::vector<std::pair<int, v1::FailureCause>> codes = {
      {64, v1::BAD_CONFIG},  {65, v1::BAD_CONFIG}, {66, v1::OUT_OF_MEMORY},
      {67, v1::ENVIRONMENT}, {70, v1::CRASH},      {1, v1::CRASH}};
  for (const auto& [code, cause] : codes) {
    EXPECT_EQ(
        FailureOf(Noop({fmt::format("DFSWEEP_NOOP_EXIT={}", code)})).cause(),
        cause)
        << code;
  }
}

TEST_F(TrainerProcessTest, FailedEventsBecomeCauses) {
  const std::vector<std::pair<std::string, v1::FailureCause>> causes = {
      {"bad_config", v1::BAD_CONFIG},
      {"data", v1::BAD_CONFIG},
      {"oom", v1::OUT_OF_MEMORY},
      {"environment", v1::ENVIRONMENT},
      {"crash", v1::CRASH}};
  for (const auto& [name, cause] : causes) {
    v1::TrialFailure failure = FailureOf(Noop({"DFSWEEP_NOOP_FAIL=" + name}));
    EXPECT_EQ(failure.cause(), cause) << name;
    EXPECT_EQ(failure.message(), "told to fail with " + name +
                                     "\nno-op trainer\n"
                                     "unset DFSWEEP_NOOP_FAIL");
  }
}

TEST_F(TrainerProcessTest, TrainerIsReplacedAfterOutOfMemory) {
  TrainerProcess trainer = Noop({"DFSWEEP_NOOP_FAIL=oom"});
  EXPECT_TRUE(std::holds_alternative<v1::TrialFailure>(Run(trainer)));
  EXPECT_EQ(trainer.pid(), 0);
}

TEST_F(TrainerProcessTest, KillFromOutsideIsNotTheTrialsFault) {
  for (int signal : {SIGKILL, SIGTERM, SIGINT}) {
    TrainerProcess trainer = Noop();
    recorder_.on_epoch = [&] { ::kill(trainer.pid(), signal); };
    EXPECT_TRUE(std::holds_alternative<Disturbed>(Run(trainer))) << signal;
    recorder_.on_epoch = nullptr;
    EXPECT_TRUE(std::holds_alternative<v1::TrialResult>(Run(trainer)));
  }
}

TEST_F(TrainerProcessTest, DeathBetweenTrialsIsNotNoticedByTheNext) {
  TrainerProcess trainer = Noop();
  Run(trainer);
  ::kill(trainer.pid(), SIGKILL);
  siginfo_t info;
  ::waitid(P_PID, trainer.pid(), &info, WEXITED | WNOWAIT);
  EXPECT_TRUE(std::holds_alternative<v1::TrialResult>(Run(trainer)));
}

TEST_F(TrainerProcessTest, GarbageIsACrashOfTheTrainer) {
  v1::TrialFailure failure = FailureOf(Noop({"DFSWEEP_NOOP_GARBAGE=1"}));
  EXPECT_EQ(failure.cause(), v1::CRASH);
  EXPECT_NE(failure.message().find("protocol"), std::string::npos);
  EXPECT_NE(failure.message().find("Segmentation fault"), std::string::npos);
}

TEST_F(TrainerProcessTest, TooLongALineIsACrashOfTheTrainer) {
  v1::TrialFailure failure = FailureOf(Noop({"DFSWEEP_NOOP_LONG_LINE=1"}));
  EXPECT_EQ(failure.cause(), v1::CRASH);
  EXPECT_NE(failure.message().find("4 MiB"), std::string::npos);
}

TEST_F(TrainerProcessTest, EventOfAnotherAttemptIsACrashOfTheTrainer) {
  EXPECT_EQ(FailureOf(Script(R"(echo '{"type":"cancelled","trial_id":"x",)"
                             R"("attempt":1}'; cat)"))
                .cause(),
            v1::CRASH);
}

TEST_F(TrainerProcessTest, SilenceIsATimeout) {
  TrainerProcess trainer =
      Noop({"DFSWEEP_NOOP_HANG=1"}, absl::Milliseconds(40));
  Outcome outcome = Run(trainer);
  ASSERT_TRUE(std::holds_alternative<v1::TrialFailure>(outcome));
  EXPECT_EQ(std::get<v1::TrialFailure>(outcome).cause(), v1::TIMEOUT);
  EXPECT_EQ(trainer.pid(), 0);
}

TEST_F(TrainerProcessTest, CancelIsAnsweredAndTheProcessKept) {
  TrainerProcess trainer = Noop({"DFSWEEP_NOOP_EPOCH_MS=60000"});
  ASSERT_TRUE(trainer.Start(stop_).ok());
  pid_t pid = trainer.pid();
  stop_ = true;
  absl::Time begin = absl::Now();

  EXPECT_TRUE(std::holds_alternative<Cancelled>(Run(trainer)));

  EXPECT_LT(absl::Now() - begin, absl::Seconds(1));
  EXPECT_EQ(trainer.pid(), pid);
}

TEST_F(TrainerProcessTest, TrainerThatIgnoresCancelIsKilledAfterFiveSeconds) {
  TrainerProcess trainer =
      Noop({"DFSWEEP_NOOP_DEAF=1", "DFSWEEP_NOOP_EPOCH_MS=60000"});
  ASSERT_TRUE(trainer.Start(stop_).ok());
  stop_ = true;
  absl::Time begin = absl::Now();

  EXPECT_TRUE(std::holds_alternative<Cancelled>(Run(trainer)));

  EXPECT_LT(absl::Now() - begin, absl::Seconds(15));  // an epoch is a minute
  EXPECT_EQ(trainer.pid(), 0);
}

TEST_F(TrainerProcessTest, ResultThatCrossedTheCancelIsKept) {
  TrainerProcess trainer = Script(fmt::format(
      R"(read cancel; echo '{{"type":"result","trial_id":"{}","attempt":1,)"
      R"("status":"completed","metrics":{{}},"accuracy_matrix":[],)"
      R"("learning_curve":[],"evaluations":[],"train_seconds":1,)"
      R"("environment":{{"device":"cpu"}}}}'; cat)",
      id_.trial_id));
  stop_ = true;
  ASSERT_TRUE(trainer.Start(std::atomic<bool>(false)).ok());
  EXPECT_TRUE(std::holds_alternative<v1::TrialResult>(Run(trainer)));
  EXPECT_EQ(trainer.pid(), 0);  // its answer to the cancel may still come
}

TEST_F(TrainerProcessTest, MissingProgramIsTheEnvironmentsFault) {
  TrainerProcess trainer({.program = "/nonexistent/dfsweep-trainer",
                          .log = folder_.path() / "slot.log"});
  Outcome outcome = Run(trainer);
  ASSERT_TRUE(std::holds_alternative<v1::TrialFailure>(outcome));
  EXPECT_EQ(std::get<v1::TrialFailure>(outcome).cause(), v1::ENVIRONMENT);
}

TEST_F(TrainerProcessTest, TrainerThatCannotStartIsTheEnvironmentsFault) {
  v1::TrialFailure failure = FailureOf(Noop({"DFSWEEP_NOOP_NO_START=1"}));
  EXPECT_EQ(failure.cause(), v1::ENVIRONMENT);
  EXPECT_NE(failure.message().find("exit code 67"), std::string::npos);
  EXPECT_NE(failure.message().find("dfsweep doctor"), std::string::npos);
  EXPECT_NE(failure.message().find("told not to start"), std::string::npos);
}

}  // namespace
}  // namespace dfsweep::worker
