#include <fmt/format.h>
#include <signal.h>

#include <cmath>
#include <optional>
#include <sstream>

#include "base/build_id.h"
#include "base/clock.h"
#include "base/digest.h"
#include "base/display_text.h"
#include "base/files.h"
#include "base/process.h"
#include "cli/child.h"
#include "cli/doctor.h"
#include "cli/text.h"
#include "model/data/dataset.h"
#include "model/protocol/protocol.h"

namespace dfsweep::cli {
namespace {

namespace fs = std::filesystem;

constexpr absl::Duration kVersionTimeout = absl::Seconds(60);
// The first use of CUDA may compile kernels.
constexpr absl::Duration kTrainTimeout = absl::Minutes(3);
constexpr char kSetUp[] = "run deploy/setup.sh, then build again";

// ---- The programs -----------------------------------------------------------

Finding CheckProgram(const std::string& name) {
  absl::StatusOr<fs::path> path = FindProgram(name);
  if (!path.ok()) return Fail(name, path.status());
  absl::StatusOr<Ran> ran = RunToEnd(*path, {"--version"}, kVersionTimeout);
  if (!ran.ok()) return Fail(name, ran.status());
  if (ran->code != 0) {
    // Most often a library that the loader does not find.
    return Fail(name, "does not start: " + FirstLine(ran->err), kSetUp);
  }
  std::string version = FirstLine(ran->out);
  if (version.starts_with(name + " ")) version.erase(0, name.size() + 1);
  if (version.find("(" + BuildId() + ")") != std::string::npos) {
    return Ok(name, version);
  }
  return Warn(
      name,
      version + " is not from the same build as dfsweep (" + BuildId() + ")",
      "build all programs together");
}

// ---- Training ---------------------------------------------------------------

absl::StatusOr<Json> AskEnvironment(const fs::path& trainer) {
  DFSWEEP_ASSIGN_OR_RETURN(Ran ran,
                           RunToEnd(trainer, {"--environment"}, kTrainTimeout));
  Json environment = ParseObject(ran.out);
  if (ran.code == 0 && !environment.empty()) return environment;
  return MakeError(
      absl::StatusCode::kFailedPrecondition,
      "the trainer can't say what it computes with: " + FirstLine(ran.err),
      trainer.string(), kSetUp);
}

std::string TextOf(const Json& environment, const char* key) {
  auto found = environment.find(key);
  return found == environment.end() ? "?" : ValueText(*found);
}

Finding CheckEnvironment(const Json& environment, bool has_gpu) {
  std::string text = fmt::format(
      "{}, device {} ({})", TextOf(environment, "torch"),
      TextOf(environment, "device"), TextOf(environment, "device_name"));
  bool uses_gpu = TextOf(environment, "device") == "cuda";
  if (uses_gpu) {
    text += fmt::format(
        ", CUDA {}, cuDNN {}, driver {}", TextOf(environment, "cuda"),
        TextOf(environment, "cudnn"), TextOf(environment, "driver"));
  }
  const std::string cudnn = TextOf(environment, "cudnn");
  if (uses_gpu && (cudnn == "?" || cudnn == "0" || cudnn == "-1")) {
    return Fail("LibTorch", text + "; it has no cuDNN",
                "install the CUDA wheel again (deploy/setup.sh does): cuDNN "
                "comes with it");
  }
  if (uses_gpu || !has_gpu) return Ok("LibTorch", text);
  return Fail("LibTorch", text + "; it does not see the GPU",
              "install the CUDA wheel (deploy/setup.sh does), and a driver "
              "that is new enough for it");
}

// Two classes that differ in the share of incoming cells.
data::Traces SmallTraces() {
  data::Traces traces{.count = 160, .length = 200};
  for (int64_t i = 0; i < traces.count; ++i) {
    int64_t label = i % 2;
    for (int64_t j = 0; j < traces.length; ++j) {
      traces.cells.push_back((j + i) % (label + 2) == 0 ? -1 : 1);
    }
    traces.labels.push_back(label);
  }
  return traces;
}

absl::Status WriteTrial(const fs::path& folder) {
  Json trial = {{"dataset", {{"path", "small.npz"}}},
                {"seed", 0},
                {"parameters",
                 {{"strategy", "joint"},
                  {"tasks.count", 2},
                  {"sequence_length", 200},
                  {"epochs", 1},
                  {"batch_size", 32},
                  {"dropout.conv", 0},
                  {"dropout.fc1", 0},
                  {"dropout.fc2", 0}}}};
  DFSWEEP_RETURN_IF_ERROR(
      WriteFileDurably(folder / "small.npz", data::NativeBytes(SmallTraces())));
  return WriteFileDurably(folder / "trial.json", trial.dump());
}

struct Trained {
  double loss = 0;
  double seconds = 0;
};

std::string WhyNotTrained(const Ran& ran, const Json& last_event) {
  if (last_event.value("type", "") == protocol::event::kFailed) {
    return Printable(last_event.value("message", ""));
  }
  std::string text = FirstLine(ran.err);
  return text.empty() ? fmt::format("it ended with {}", ran.code) : text;
}

absl::StatusOr<Trained> Train(const fs::path& trainer, const fs::path& folder,
                              const std::string& device) {
  DFSWEEP_ASSIGN_OR_RETURN(
      Ran ran, RunToEnd(trainer,
                        {"--trial", (folder / "trial.json").string(),
                         "--device", device},
                        kTrainTimeout));
  Trained trained;
  bool has_result = false;
  Json last = Json::object();
  std::istringstream lines(ran.out);
  for (std::string line; std::getline(lines, line);) {
    Json event = ParseObject(line);
    std::string type = event.value("type", "");
    if (type == protocol::event::kEpoch) {
      trained.loss =
          event.value("metrics", Json::object()).value("train_loss", 0.0);
      trained.seconds += event.value("seconds", 0.0);
    }
    has_result = has_result || type == protocol::event::kResult;
    if (!event.empty()) last = std::move(event);
  }
  if (has_result && ran.code == 0) return trained;
  return MakeError(absl::StatusCode::kFailedPrecondition,
                   "training failed: " + WhyNotTrained(ran, last), device,
                   device == "cpu" ? kSetUp
                                   : "check driver and LibTorch above; "
                                     "`--devices cpu` works without the GPU");
}

Finding TrainedOn(const std::string& check,
                  const absl::StatusOr<Trained>& trained) {
  if (!trained.ok()) return Fail(check, trained.status());
  return Ok(check, fmt::format("an epoch of DF in {:.2f} s (loss {})",
                               trained->seconds, NumberText(trained->loss)));
}

Finding CompareLosses(const Trained& cpu, const Trained& gpu) {
  // The same numbers in another order of summation: equal to a few digits.
  constexpr double kTolerance = 0.02;
  double difference =
      std::abs(cpu.loss - gpu.loss) / std::max(std::abs(cpu.loss), 1e-6);
  std::string text =
      fmt::format("losses differ by {:.2g} of their size", difference);
  if (difference < kTolerance) return Ok("CPU and GPU", text);
  return Warn("CPU and GPU", text,
              "do not mix workers of both kinds in one table; update driver "
              "and LibTorch");
}

}  // namespace

std::vector<Finding> CheckPrograms() {
  return {CheckProgram("dfsweep-coordinator"), CheckProgram("dfsweep-worker"),
          CheckProgram("dfsweep-trainer")};
}

std::vector<Finding> CheckTraining(bool has_gpu) {
  absl::StatusOr<fs::path> trainer = FindProgram("dfsweep-trainer");
  if (!trainer.ok()) return {};  // said before
  absl::StatusOr<Json> environment = AskEnvironment(*trainer);
  if (!environment.ok()) return {Fail("LibTorch", environment.status())};
  std::vector<Finding> findings = {CheckEnvironment(*environment, has_gpu)};
  ScratchFolder folder;
  if (absl::Status status = WriteTrial(folder.path()); !status.ok()) {
    findings.push_back(Fail("training", status));
    return findings;
  }
  Say("training an epoch …");
  absl::StatusOr<Trained> cpu = Train(*trainer, folder.path(), "cpu");
  findings.push_back(TrainedOn("CPU training", cpu));
  if (TextOf(*environment, "device") != "cuda") return findings;
  absl::StatusOr<Trained> gpu = Train(*trainer, folder.path(), "cuda");
  findings.push_back(TrainedOn("GPU training", gpu));
  if (cpu.ok() && gpu.ok()) findings.push_back(CompareLosses(*cpu, *gpu));
  return findings;
}

}  // namespace dfsweep::cli
