// Mistakes on the command lines of the programs, as their users see them.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>
#include <sstream>

#include "base/temporary_folder.h"
#include "tests/end_to_end/fleet.h"

namespace dfsweep::testing {
namespace {

namespace fs = std::filesystem;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

constexpr int kExitUsage = 2;

struct Mistake {
  std::string program;
  std::vector<std::string> arguments;
  std::string shown;  // all of what standard error has
};

// Runs programs whose home and working files are in a folder of their own.
class CommandLineTest : public ::testing::Test {
 protected:
  void SetUp() override {
    if (!HasTrainer()) {
      GTEST_SKIP() << "SKIPPED: this build has no LibTorch trainer";
    }
  }
  CommandResult Run(const std::string& program,
                    std::vector<std::string> arguments,
                    std::vector<std::string> environment = {}) {
    const fs::path log = folder_.path() / "stderr";
    fs::remove(log);
    environment.push_back("XDG_CONFIG_HOME=" + folder_.path().string());
    Process process = Process::Start({.program = BinFolder() / program,
                                      .arguments = std::move(arguments),
                                      .extra_environment = environment,
                                      .stderr_path = log})
                          .value();
    process.CloseInput();
    CommandResult result;
    while (true) {
      auto line = process.ReadLine(absl::Seconds(30));
      if (!line.ok()) break;
      result.out += *line + "\n";
    }
    auto exit = process.Wait(absl::Seconds(30));
    if (exit.has_value()) result.code = exit->code;
    std::stringstream text;
    text << std::ifstream(log).rdbuf();
    result.err = text.str();
    return result;
  }
  void ExpectExplained(const Mistake& mistake) {
    CommandResult result = Run(mistake.program, mistake.arguments);
    EXPECT_EQ(result.code, kExitUsage) << mistake.shown;
    EXPECT_EQ(result.err, mistake.shown);
    EXPECT_THAT(result.out, IsEmpty());
  }

  TemporaryFolder folder_;
};

TEST_F(CommandLineTest, MistakesAreExplainedInThreeParts) {
  const std::vector<Mistake> mistakes = {
      {"dfsweep",
       {"results", "--format"},
       "error: --format needs a value\n  at dfsweep results\n"
       "  fix: see dfsweep results --help\n"},
      {"dfsweep-coordinator",
       {"--lisen", "127.0.0.1:0"},
       "error: there is no option '--lisen'\n  at dfsweep-coordinator\n"
       "  fix: did you mean '--listen'?\n"},
      {"dfsweep-coordinator",
       {"--parity", "warm"},
       "error: --parity: warm not in {warn,strict}\n  at dfsweep-coordinator\n"
       "  fix: see dfsweep-coordinator --help\n"},
      {"dfsweep-coordinator",
       {"serve"},
       "error: 'serve' is one argument too many\n  at dfsweep-coordinator\n"
       "  fix: see dfsweep-coordinator --help\n"},
      {"dfsweep-worker",
       {"--slots"},
       "error: --slots needs a value\n  at dfsweep-worker\n"
       "  fix: see dfsweep-worker --help\n"},
      {"dfsweep-worker",
       {"--coordinator", "x:1", "--slots", "0"},
       "error: --slots: Value 0 not in range 1 to 64\n  at dfsweep-worker\n"
       "  fix: see dfsweep-worker --help\n"},
      {"dfsweep-worker",
       {"jion", "lab:7600"},
       "error: there is no command 'jion'\n  at dfsweep-worker\n"
       "  fix: did you mean 'join'?\n"},
      {"dfsweep-worker",
       {"join", "lab:7600", "--tokn", "x"},
       "error: there is no option '--tokn'\n  at dfsweep-worker join\n"
       "  fix: did you mean '--token'?\n"},
      {"dfsweep-worker",
       {"join", "lab:7600", "--token", "x"},
       "error: --ca-fingerprint is required\n  at dfsweep-worker join\n"
       "  fix: see dfsweep-worker join --help\n"},
      {"dfsweep-trainer",
       {"--devic", "cpu"},
       "error: there is no option '--devic'\n  at dfsweep-trainer\n"
       "  fix: did you mean '--device'?\n"},
      {"dfsweep-trainer",
       {"--trial"},
       "error: --trial needs a value\n  at dfsweep-trainer\n"
       "  fix: see dfsweep-trainer --help\n"},
      {"dfsweep-trainer",
       {"--trial", "/nonexistent"},
       "error: the trial can't be read\n  at /nonexistent\n  fix: give a file "
       "with the JSON object that model/protocol/PROTOCOL.md calls trial\n"},
      {"dfsweep-trainer",
       {"--probe", "--device", "gpu"},
       "error: 'gpu' is not a device\n  at dfsweep-trainer\n"
       "  fix: use cpu, cuda or cuda:N\n"},
  };
  for (const Mistake& mistake : mistakes) ExpectExplained(mistake);
}

TEST_F(CommandLineTest, AMistypedNameInTheWorkersFileIsAtThatFile) {
  const std::string file = folder_.path() / "worker.toml";
  std::ofstream(file) << "quiet-hour = \"08:00-12:00\"\n";
  ExpectExplained({"dfsweep-worker",
                   {"--config", file},
                   "error: there is no option 'quiet-hour'\n  at " + file +
                       "\n  fix: did you mean 'quiet-hours'?\n"});
}

// Each is refused before anything is connected to, listened on or made.
TEST_F(CommandLineTest, BadAddressesAreExplainedBeforeAnythingIsTried) {
  const std::string form =
      "\n  fix: use HOST:PORT, e.g. 127.0.0.1:7600 or [::1]:7600";
  const std::string not_a_port = "' is not a number from 1 to 65535\n  at ";
  const std::string store = folder_.path() / "store";
  const std::string state = folder_.path() / "state";
  const std::vector<Mistake> mistakes = {
      {"dfsweep",
       {"ls", "--coordinator", "127.0.0.1:7999x"},
       "error: the port '7999x" + not_a_port + "127.0.0.1:7999x" + form + "\n"},
      {"dfsweep",
       {"login", "lab:99999", "--token", "x", "--ca-fingerprint", "sha256:0"},
       "error: the port '99999" + not_a_port + "lab:99999" + form + "\n"},
      {"dfsweep-worker",
       {"--coordinator", "localhost:", "--state", state},
       "error: the port is missing\n  at localhost:" + form + "\n"},
      {"dfsweep-worker",
       {"join", "[::1", "--token", "x", "--ca-fingerprint", "sha256:0",
        "--state", state},
       "error: an IPv6 address has one bracket before it, one behind\n"
       "  at [::1" +
           form + "\n"},
      {"dfsweep-coordinator",
       {"--listen", ":7600", "--store", store},
       "error: the host is missing\n  at --listen :7600" + form +
           ", or port 0 for a free one\n"},
      {"dfsweep-coordinator",
       {"--listen", "127.0.0.1:0", "--metrics", "127.0.0.1:x", "--store",
        store},
       "error: the port 'x' is not a number from 0 to 65535\n"
       "  at --metrics 127.0.0.1:x" +
           form + ", or port 0 for a free one\n"},
      {"dfsweep-coordinator",
       {"--listen", "0.0.0.0:0", "--advertise", "lab:0", "--store", store},
       "error: the port '0" + not_a_port + "--advertise lab:0" + form + "\n"},
  };
  for (const Mistake& mistake : mistakes) ExpectExplained(mistake);
  EXPECT_FALSE(fs::exists(store));
}

TEST_F(CommandLineTest, ABadAddressInTheEnvironmentIsExplainedToo) {
  CommandResult result = Run("dfsweep", {"ls"}, {"DFSWEEP_COORDINATOR=lab"});
  EXPECT_EQ(result.code, kExitUsage);
  EXPECT_THAT(result.err, HasSubstr("error: the port is missing\n  at lab\n"));
}

TEST_F(CommandLineTest, HelpAndVersionAreNoMistakes) {
  for (const char* program : {"dfsweep", "dfsweep-coordinator",
                              "dfsweep-worker", "dfsweep-trainer"}) {
    for (const char* option : {"--help", "--version"}) {
      CommandResult result = Run(program, {option});
      EXPECT_EQ(result.code, 0) << program;
      EXPECT_THAT(result.out, HasSubstr(program));
      EXPECT_THAT(result.err, IsEmpty());
    }
  }
}

}  // namespace
}  // namespace dfsweep::testing
