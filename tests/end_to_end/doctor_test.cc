// `dfsweep doctor`, here and on machines that are made up: its programs are
// scripts beside a copy of it.
#include <gtest/gtest.h>

#include <fstream>

#include "base/temporary_folder.h"
#include "tests/end_to_end/fleet.h"

namespace dfsweep::testing {
namespace {

namespace fs = std::filesystem;
using nlohmann::json;

// Null if it did not check that.
json FindingOf(const json& report, const std::string& check) {
  for (const json& finding : report["checks"]) {
    if (finding["check"] == check) return finding;
  }
  return nullptr;
}

TEST(DoctorTest, TheWayToTheCoordinatorIsChecked) {
  if (!HasTrainer()) {
    GTEST_SKIP() << "SKIPPED: this build has no LibTorch trainer";
  }
  Fleet fleet;
  fleet.StartCoordinator();

  // The exit status is of the whole machine, which may lack disk or memory.
  const json report = json::parse(fleet.Run({"doctor", "--json"}).out);

  for (const char* check : {"coordinator", "clocks", "CPU training"}) {
    EXPECT_EQ(FindingOf(report, check).value("level", ""), "OK") << check;
  }
}

// A machine with a GPU, as its driver and the trainer tell.
class MadeUpMachineTest : public ::testing::Test {
 protected:
  MadeUpMachineTest() {
    fs::copy(BinFolder() / "dfsweep", folder_.path() / "dfsweep");
    Script("dfsweep-coordinator", "echo 'dfsweep-coordinator 0'");
    Script("dfsweep-worker", "exit 127");
    DriverSays("NVIDIA RTX 4060, 580.1, 8188 MiB, 7900 MiB");
    TrainerSays(R"({"torch": "2.13", "device": "cuda", "device_name": "RTX",
                    "cuda": "13.0", "cudnn": "92000", "driver": "580.1"})");
  }
  void Script(const std::string& name, const std::string& text) {
    const fs::path path = folder_.path() / name;
    std::ofstream(path) << "#!/bin/sh\n" << text << "\n";
    fs::permissions(path, fs::perms(0700));
  }
  void DriverSays(const std::string& line) {
    Script("nvidia-smi", "echo '" + line + "'");
  }
  // Training on "cuda" ends with `gpu_loss`, on the CPU with 1.
  void TrainerSays(const std::string& environment,
                   const std::string& gpu_loss = "1.001") {
    Script("dfsweep-trainer", "case $1 in --environment) echo '" +
                                  json::parse(environment).dump() +
                                  R"(' ;; --trial)
  loss=1; [ $4 = cuda ] && loss=)" +
                                  gpu_loss + R"(
  echo '{"type": "epoch", "seconds": 1, "metrics": {"train_loss": '$loss'}}'
  echo '{"type": "result"}' ;;
esac)");
  }
  json Doctor() {
    Process process =
        Process::Start(
            {.program = folder_.path() / "dfsweep",
             .arguments = {"doctor", "--json", "--store",
                           (folder_.path() / "store").string()},
             .extra_environment = {"PATH=" + folder_.path().string() +
                                   ":/usr/bin:/bin"},
             .stderr_path = folder_.path() / "log"})
            .value();
    process.CloseInput();
    std::string out;
    while (true) {
      auto line = process.ReadLine(absl::Minutes(1));
      if (!line.ok()) break;
      out += *line + "\n";
    }
    return json::parse(out);
  }
  std::string LevelOf(const std::string& check) {
    const json finding = FindingOf(Doctor(), check);
    if (finding.is_null()) return "";
    // What is wrong has a remedy.
    EXPECT_EQ(finding["level"] == "OK", finding["fix"] == "") << finding;
    return finding["level"];
  }
  TemporaryFolder folder_;
};

TEST_F(MadeUpMachineTest, GpuThatTrainsAsTheCpuDoes) {
  const json report = Doctor();
  for (const char* check :
       {"GPU", "LibTorch", "CPU training", "GPU training", "CPU and GPU"}) {
    EXPECT_EQ(FindingOf(report, check).value("level", ""), "OK") << check;
  }
}

TEST_F(MadeUpMachineTest, ProgramsThatDoNotStartOrAreOld) {
  const json report = Doctor();
  EXPECT_EQ(FindingOf(report, "dfsweep-worker")["level"], "FAIL");
  EXPECT_EQ(FindingOf(report, "dfsweep-coordinator")["level"], "WARN");
  EXPECT_EQ(report["healthy"], false);
}

TEST_F(MadeUpMachineTest, GpuWhoseMemoryOthersUse) {
  DriverSays("NVIDIA RTX 4060, 580.1, 8188 MiB, 300 MiB");
  EXPECT_EQ(LevelOf("GPU"), "WARN");
}

TEST_F(MadeUpMachineTest, DriverOlderThanLibTorchWants) {
  DriverSays("NVIDIA RTX 4060, 579.99, 8188 MiB, 7900 MiB");
  EXPECT_EQ(LevelOf("GPU"), "WARN");
  DriverSays("NVIDIA RTX 4060, 600.1, 8188 MiB, 7900 MiB");
  EXPECT_EQ(LevelOf("GPU"), "OK");
}

TEST_F(MadeUpMachineTest, DriverThatSeesNoGpu) {
  Script("nvidia-smi", "echo 'No devices were found'; exit 6");
  EXPECT_EQ(LevelOf("GPU"), "FAIL");
}

TEST_F(MadeUpMachineTest, LibTorchWithoutTheGpuOrCudnn) {
  TrainerSays(R"({"torch": "2.13", "device": "cpu", "device_name": "x"})");
  EXPECT_EQ(LevelOf("LibTorch"), "FAIL");
  TrainerSays(R"({"torch": "2.13", "device": "cuda", "device_name": "RTX",
                  "cuda": "13.0", "cudnn": "0", "driver": "580.1"})");
  EXPECT_EQ(LevelOf("LibTorch"), "FAIL");
}

TEST_F(MadeUpMachineTest, GpuThatComputesSomethingElse) {
  TrainerSays(R"({"torch": "2.13", "device": "cuda", "device_name": "RTX",
                  "cuda": "13.0", "cudnn": "92000", "driver": "580.1"})",
              "1.5");
  EXPECT_EQ(LevelOf("CPU and GPU"), "WARN");
}

}  // namespace
}  // namespace dfsweep::testing
