// The program dfsweep-worker as people and systemd see it.
#include <gtest/gtest.h>
#include <poll.h>
#include <signal.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cstdlib>
#include <fstream>
#include <sstream>

#include "base/process.h"
#include "base/temporary_folder.h"
#include "tests/fakes/fake_coordinator.h"
#include "worker/noop_trainer.h"

namespace dfsweep::worker {
namespace {

namespace fs = std::filesystem;
using State = testing::FakeCoordinator::State;

fs::path Program() {
  return NoopTrainer().parent_path() / "../../bin/dfsweep-worker";
}

class ProgramTest : public ::testing::Test {
 protected:
  Process Start(std::vector<std::string> arguments) {
    return Process::Start({.program = Program(),
                           .arguments = std::move(arguments),
                           .extra_environment = {"DFSWEEP_NOOP_EPOCH_MS=60000"},
                           .stderr_path = Log()})
        .value();
  }
  Process StartWorker(std::vector<std::string> more = {}) {
    std::vector<std::string> arguments = {
        "--coordinator", coordinator_.address(), "--name",    "tester",
        "--state",       StateFolder(),          "--trainer", NoopTrainer()};
    arguments.insert(arguments.end(), more.begin(), more.end());
    return Start(std::move(arguments));
  }
  // Starts a worker that trains a trial without end.
  Process StartBusyWorker(std::vector<std::string> more = {}) {
    std::string dataset = coordinator_.AddDataset(1000);
    coordinator_.With([&](State& state) {
      state.leases.push_back(
          testing::FakeCoordinator::MakeLease(dataset, 1000, 1));
    });
    Process worker = StartWorker(std::move(more));
    EXPECT_TRUE(coordinator_.Await([](const State& state) {
      return !state.reports.empty();
    })) << LogText();
    return worker;
  }
  void ExpectHandedBack() {
    coordinator_.With([](State& state) {
      ASSERT_EQ(state.completions.size(), 1u);
      EXPECT_TRUE(state.completions[0].has_hand_back());
      EXPECT_TRUE(state.heartbeats.back().leaving());
    });
  }
  std::string StateFolder() const { return folder_.path() / "state"; }
  fs::path Log() const { return folder_.path() / "worker.log"; }
  std::string LogText() const {
    std::stringstream text;
    text << std::ifstream(Log()).rdbuf();
    return text.str();
  }

  testing::FakeCoordinator coordinator_;
  TemporaryFolder folder_;
};

// The only child of a process.
pid_t ChildOf(pid_t parent) {
  for (const auto& task :
       fs::directory_iterator("/proc/" + std::to_string(parent) + "/task")) {
    pid_t child = 0;
    if (std::ifstream(task.path() / "children") >> child) return child;
  }
  return 0;
}

TEST_F(ProgramTest, SignalHandsBackAndExitsWith0) {
  for (int signal : {SIGTERM, SIGINT}) {
    coordinator_.With([](State& state) {
      state.completions.clear();
      state.reports.clear();
    });
    Process worker = StartBusyWorker();
    worker.Signal(signal);
    auto exit = worker.Wait(absl::Seconds(10));
    ASSERT_TRUE(exit.has_value());
    EXPECT_EQ(exit->code, 0) << LogText();
    ExpectHandedBack();
  }
}

TEST_F(ProgramTest, EndOfInputHandsBackIfAskedFor) {
  Process worker = StartBusyWorker({"--exit-with-stdin"});
  worker.CloseInput();
  auto exit = worker.Wait(absl::Seconds(10));
  ASSERT_TRUE(exit.has_value());
  EXPECT_EQ(exit->code, 0) << LogText();
  ExpectHandedBack();
}

TEST_F(ProgramTest, TrainersNeverOutliveTheWorker) {
  Process worker = StartBusyWorker();
  pid_t trainer = ChildOf(worker.pid());
  ASSERT_GT(trainer, 0);
  int descriptor = static_cast<int>(::syscall(SYS_pidfd_open, trainer, 0));
  ASSERT_GE(descriptor, 0);

  ::kill(worker.pid(), SIGKILL);  // the worker alone, not its group

  pollfd ended = {descriptor, POLLIN, 0};
  EXPECT_EQ(::poll(&ended, 1, 5000), 1);
  ::close(descriptor);
}

TEST_F(ProgramTest, SecondWorkerOnOneStateFolderIsRefused) {
  Process first = StartBusyWorker();
  Process second = StartWorker();
  auto exit = second.Wait(absl::Seconds(10));
  ASSERT_TRUE(exit.has_value());
  EXPECT_EQ(exit->code, 2);
  EXPECT_NE(LogText().find("another worker uses this state folder"),
            std::string::npos);
}

TEST_F(ProgramTest, WrongUsageIsExplainedWithExitStatus2) {
  const std::vector<std::vector<std::string>> wrong = {
      {"--coordinator", "x:1", "--slots", "0"},
      {"--coordinator", "x:1", "--name", "../up"},
      {"--frobnicate"},
  };
  for (const auto& arguments : wrong) {
    auto exit = Start(arguments).Wait(absl::Seconds(10));
    ASSERT_TRUE(exit.has_value());
    EXPECT_EQ(exit->code, 2) << arguments.back();
  }
}

TEST_F(ProgramTest, MissingTrainerIsExplained) {
  Process worker = Start({"--coordinator", coordinator_.address(), "--state",
                          StateFolder(), "--trainer", "/nonexistent/trainer"});
  auto exit = worker.Wait(absl::Seconds(10));
  ASSERT_TRUE(exit.has_value());
  EXPECT_EQ(exit->code, 2);
  EXPECT_NE(LogText().find("/nonexistent/trainer"), std::string::npos);
  EXPECT_NE(LogText().find("fix:"), std::string::npos);
}

}  // namespace
}  // namespace dfsweep::worker
