// Times training steps of Deep Fingerprinting. They are steps of a trial that
// the trainer runs as it runs any other: this program only holds it between two
// steps and looks at the clock.
//
// Usage: df_training_bench [--length N] [--batch N] [--precision
// fp32|tf32|bf16]
//                          [--device cpu|cuda|cuda:N] [--threads N]
//                          [--deterministic true|false]
// Each line of standard input is a number of steps; the answer is the seconds
// that they took. The first step is slower than the others. Ends with the
// input, so that a driver can let it and its competitors take turns:
//   printf '1\n5\n' | df_training_bench --length 5000
#include <ATen/Parallel.h>
#include <c10/core/impl/VirtualGuardImpl.h>
#include <unistd.h>

#include <chrono>
#include <cstdint>
#include <exception>
#include <filesystem>
#include <fstream>
#include <iostream>
#include <map>
#include <string>

#include "model/config/parameters.h"
#include "model/data/dataset.h"
#include "model/train/device.h"
#include "model/train/failure.h"
#include "model/train/random.h"
#include "model/train/trainer.h"

namespace dfsweep::model {
namespace {

constexpr int64_t kClasses = 95;
constexpr int64_t kTracesPerClass = 10;

// Random traces, since speed does not depend on what can be learnt from them.
class RandomTraces {
 public:
  explicit RandomTraces(int64_t length)
      : path_(std::filesystem::temp_directory_path() /
              ("df_training_bench_" + std::to_string(getpid()) + ".npz")) {
    data::Traces traces{.count = kClasses * kTracesPerClass, .length = length};
    Stream cells(0, Purpose::kSplit);
    for (int64_t row = 0; row < traces.count; ++row) {
      traces.labels.push_back(row % kClasses);
    }
    for (int64_t i = 0; i < traces.count * length; ++i) {
      traces.cells.push_back(cells.Next() % 2 == 0 ? 1 : -1);
    }
    std::ofstream(path_, std::ios::binary) << data::NativeBytes(traces);
  }
  ~RandomTraces() {
    std::error_code ignored;
    std::filesystem::remove(path_, ignored);
  }
  RandomTraces(const RandomTraces&) = delete;
  RandomTraces& operator=(const RandomTraces&) = delete;

  const std::filesystem::path& path() const { return path_; }

 private:
  std::filesystem::path path_;
};

// Lets a training go on by as many steps as the input orders.
class StepTimer {
 public:
  explicit StepTimer(c10::Device device) : device_(device) {}

  // To be asked before each step; true when the input has ended.
  bool AsksToStop() {
    if (steps_left_ == 0) {
      if (is_running_) Answer();
      if (!(std::cin >> steps_left_) || steps_left_ < 1) return true;
      is_running_ = true;
      start_ = std::chrono::steady_clock::now();
    }
    --steps_left_;
    return false;
  }

 private:
  void Answer() {
    if (!device_.is_cpu()) {
      c10::impl::VirtualGuardImpl(device_.type())
          .synchronizeDevice(device_.has_index() ? device_.index() : 0);
    }
    std::cout << std::chrono::duration<double>(
                     std::chrono::steady_clock::now() - start_)
                     .count()
              << std::endl;
  }

  c10::Device device_;
  bool is_running_ = false;
  int64_t steps_left_ = 0;
  std::chrono::steady_clock::time_point start_;
};

void Train(std::map<std::string, std::string> options) {
  const int64_t length = std::stoll(options["--length"]);
  const RandomTraces traces(length);
  const Trial trial{
      .id = "",
      .dataset = traces.path(),
      .dataset_digest = "",
      .configuration = config::Configuration(
          {{"strategy", "joint"},
           {"tasks.count", 1},
           {"data.validation_fraction", 0},
           {"sequence_length", length},
           {"batch_size", std::stoll(options["--batch"])},
           {"drop_last", true},
           {"precision", options["--precision"]},
           {"deterministic", options["--deterministic"] == "true"},
           {"steps_per_epoch", 1'000'000}})};
  if (!options["--threads"].empty()) {
    at::set_num_threads(std::stoi(options["--threads"]));
  }
  const c10::Device device = ParseDevice(options["--device"]);
  StepTimer timer(device);
  DatasetCache datasets;
  RunTrial(trial, {.device = device,
                   .datasets = datasets,
                   .emit = [](const char*, const config::Json&) {},
                   .cancelled = [&] { return timer.AsksToStop(); }});
}

int Main(int argc, char** argv) {
  std::map<std::string, std::string> options = {
      {"--length", "5000"},        {"--batch", "128"},
      {"--precision", "fp32"},     {"--device", "cpu"},
      {"--deterministic", "true"}, {"--threads", ""}};
  for (int i = 1; i < argc; i += 2) {
    if (!options.contains(argv[i]) || i + 1 == argc) {
      std::cerr << "unknown option, or one without a value: " << argv[i]
                << "; the file's head says which there are\n";
      return 2;
    }
    options[argv[i]] = argv[i + 1];
  }
  try {
    Train(options);
  } catch (const Cancelled&) {
    return 0;
  } catch (const std::exception& error) {
    std::cerr << error.what() << "\n";
    return 1;
  }
  return 0;
}

}  // namespace
}  // namespace dfsweep::model

int main(int argc, char** argv) { return dfsweep::model::Main(argc, argv); }
