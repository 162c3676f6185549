// dfsweep-trainer as its worker sees it: lines in, lines out, exit codes.
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <string>
#include <vector>

#include "model/config/parameters.h"
#include "model/protocol/protocol.h"
#include "model/test_data.h"

namespace dfsweep::model {
namespace {

using config::Json;

std::string Program() {
  const char* folder = std::getenv("DFSWEEP_BIN");
  return std::string(folder == nullptr ? "build-model/bin" : folder) +
         "/dfsweep-trainer";
}

// A running trainer. Reading blocks; the test's time limit ends a hang.
class Trainer {
 public:
  explicit Trainer(std::vector<std::string> arguments) {
    int input[2], output[2];
    if (pipe(input) != 0 || pipe(output) != 0) std::abort();
    pid_ = fork();
    if (pid_ == 0) {
      dup2(input[0], STDIN_FILENO);
      dup2(output[1], STDOUT_FILENO);
      for (int fd : {input[0], input[1], output[0], output[1]}) close(fd);
      arguments.insert(arguments.begin(), Program());
      std::vector<char*> argv;
      for (std::string& argument : arguments) argv.push_back(argument.data());
      argv.push_back(nullptr);
      execv(argv[0], argv.data());
      _exit(127);
    }
    close(input[0]);
    close(output[1]);
    input_ = fdopen(input[1], "w");
    output_ = fdopen(output[0], "r");
  }
  ~Trainer() {
    CloseInput();
    kill(pid_, SIGKILL);
    waitpid(pid_, nullptr, 0);
    fclose(output_);
  }

  void Send(const std::string& line) {
    fputs((line + "\n").c_str(), input_);
    fflush(input_);
  }
  void CloseInput() {
    if (input_ != nullptr) fclose(input_);
    input_ = nullptr;
  }
  void Signal(int number) { kill(pid_, number); }

  // The next event; null at the end.
  Json Read() {
    char* line = nullptr;
    size_t size = 0;
    ssize_t length = getline(&line, &size, output_);
    Json event = length > 0 ? Json::parse(line) : Json();
    free(line);
    return event;
  }
  // The next event of one of these types; others are dropped.
  Json ReadUntil(const std::vector<std::string>& types) {
    for (Json event = Read(); !event.is_null(); event = Read()) {
      for (const std::string& type : types) {
        if (event["type"] == type) return event;
      }
    }
    return nullptr;
  }
  int ExitCode() {
    int status = 0;
    waitpid(pid_, &status, 0);
    return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
  }

 private:
  pid_t pid_;
  FILE* input_;
  FILE* output_;
};

class TrainerProgram : public testing::Test {
 protected:
  Json Trial(int64_t epochs) const {
    return {{"trial_id", "t1"},
            {"dataset", {{"path", file_.path()}, {"digest", "d"}}},
            {"seed", 0},
            {"parameters",
             {{"sequence_length", 32}, {"epochs", epochs}, {"batch_size", 8}}}};
  }
  static std::string Run(const Json& trial) {
    return Json{{"type", "run"},
                {"trial", trial},
                {"attempt", 7},
                {"device", "cpu"},
                {"threads", 1}}
        .dump();
  }

  DatasetFile file_{EasyTraces(4, 20, 32)};
};

TEST_F(TrainerProgram, ServesTrialAfterTrial) {
  Trainer trainer({"--serve"});
  Json ready = trainer.Read();
  EXPECT_EQ(ready["type"], "ready");
  EXPECT_EQ(ready["protocol"], protocol::kVersion);
  Json results[2];
  for (Json& result : results) {
    trainer.Send(Run(Trial(1)));
    result = trainer.ReadUntil({"result", "failed"});
    EXPECT_EQ(result["type"], "result");
    EXPECT_EQ(result["trial_id"], "t1");
    EXPECT_EQ(result["attempt"], 7);
    EXPECT_EQ(result["environment"]["threads"], 1);
  }
  EXPECT_EQ(results[0]["learning_curve"], results[1]["learning_curve"]);
}

TEST_F(TrainerProgram, CancelStopsTheTrialOnly) {
  Trainer trainer({"--serve"});
  trainer.Send(Run(Trial(5'000)));
  trainer.ReadUntil({"epoch"});
  trainer.Send(R"({"type": "cancel"})");
  EXPECT_EQ(trainer.ReadUntil({"cancelled", "result"})["type"], "cancelled");
  trainer.Send(Run(Trial(1)));
  EXPECT_EQ(trainer.ReadUntil({"cancelled", "result"})["type"], "result");
}

TEST_F(TrainerProgram, ACancelThatFollowsAtOnceIsNotLost) {
  Trainer trainer({"--serve"});
  trainer.Send(Run(Trial(5'000)) + "\n" + R"({"type": "cancel"})");
  EXPECT_EQ(trainer.ReadUntil({"cancelled", "result"})["type"], "cancelled");
}

TEST_F(TrainerProgram, EndsWithItsInput) {
  Trainer trainer({"--serve"});
  trainer.Send(Run(Trial(5'000)));
  trainer.ReadUntil({"epoch"});
  trainer.CloseInput();
  EXPECT_EQ(trainer.ExitCode(), protocol::kExitDone);
}

TEST_F(TrainerProgram, ABadTrialFailsAndTheNextRuns) {
  Trainer trainer({"--serve"});
  Json bad = Trial(1);
  bad["parameters"]["strategy"] = "magic";
  trainer.Send(Run(bad));
  Json failed = trainer.ReadUntil({"failed", "result"});
  EXPECT_EQ(failed["cause"], protocol::cause::kBadConfig);
  EXPECT_EQ(failed["where"], "trial t1");
  EXPECT_NE(failed["remedy"], "");
  bad = Trial(1);
  bad["dataset"]["path"] = "/nonexistent.npz";
  trainer.Send(Run(bad));
  EXPECT_EQ(trainer.ReadUntil({"failed", "result"})["cause"],
            protocol::cause::kData);
  trainer.Send(Run(Trial(1)));
  EXPECT_EQ(trainer.ReadUntil({"failed", "result"})["type"], "result");
}

TEST_F(TrainerProgram, NonsenseOnItsInputIsLogged) {
  Trainer trainer({"--serve"});
  trainer.Read();
  for (const char* line :
       {"{", "[]", R"({"type": "dance"})", R"({"type": 3})"}) {
    trainer.Send(line);
    Json log = trainer.Read();
    EXPECT_EQ(log["type"], "log") << line;
    EXPECT_EQ(log["level"], "error") << line;
  }
  trainer.Send(R"({"type": "run", "trial": 3, "threads": "x"})");
  EXPECT_EQ(trainer.Read()["cause"], protocol::cause::kBadConfig);
}

TEST_F(TrainerProgram, AMissingDeviceIsAFailureOfTheEnvironment) {
  Trainer trainer({"--serve"});
  trainer.Send(Json{
      {"type", "run"},
      {"trial", Trial(1)},
      {"attempt", 1},
      {"device",
       "cuda:99"}}.dump());
  EXPECT_EQ(trainer.ReadUntil({"failed", "result"})["cause"],
            protocol::cause::kEnvironment);
}

TEST_F(TrainerProgram, TrainsFromAFileAndStopsOnInterrupt) {
  std::string path = file_.path().string() + ".json";
  std::ofstream(path) << Trial(5'000);
  Trainer trainer({"--trial", path, "--device", "cpu", "--threads", "1"});
  trainer.ReadUntil({"epoch"});
  trainer.Signal(SIGINT);
  EXPECT_EQ(trainer.ReadUntil({"cancelled", "result"})["type"], "cancelled");
  EXPECT_EQ(trainer.ExitCode(), protocol::kExitInterrupted);
  std::remove(path.c_str());
}

TEST_F(TrainerProgram, ItsExitCodeTellsTheCause) {
  Json bad = Trial(1);
  bad["parameters"]["epochs"] = 0;
  std::string path = file_.path().string() + ".json";
  std::ofstream(path) << bad;
  EXPECT_EQ(Trainer({"--trial", path}).ExitCode(), protocol::kExitBadConfig);
  std::remove(path.c_str());
  for (std::vector<std::string> wrong : {std::vector<std::string>{},
                                         {"--dance"},
                                         {"--trial"},
                                         {"--trial", "/nonexistent"},
                                         {"--serve", "--trial", "x"},
                                         {"--trial", "x", "--threads", "0"}}) {
    EXPECT_EQ(Trainer(wrong).ExitCode(), protocol::kExitUsage);
  }
}

}  // namespace
}  // namespace dfsweep::model
