#include "tests/end_to_end/fleet.h"

#include <gtest/gtest.h>
#include <poll.h>
#include <signal.h>

#include <cstdlib>
#include <fstream>
#include <sstream>
#include <utility>

#include "absl/time/clock.h"
#include "base/digest.h"
#include "base/files.h"
#include "model/data/dataset.h"

namespace dfsweep::testing {
namespace {

namespace fs = std::filesystem;

std::string Slurp(const fs::path& path) {
  std::ifstream file(path);
  std::stringstream text;
  text << file.rdbuf();
  return text.str();
}

// Ten classes of 12 traces; class c is +1 … with a −1 every c + 2 cells.
data::Traces TinyTraces() {
  data::Traces traces;
  traces.count = 120;
  traces.length = 64;
  for (int64_t i = 0; i < traces.count; ++i) {
    int64_t label = i % 10;
    int64_t length = 40 + i % 24;
    for (int64_t j = 0; j < traces.length; ++j) {
      bool incoming = (j + i) % (label + 2) == 0;
      traces.cells.push_back(j >= length ? 0 : incoming ? -1 : 1);
    }
    traces.labels.push_back(label);
  }
  return traces;
}

}  // namespace

fs::path BinFolder() {
  const char* folder = std::getenv("DFSWEEP_BIN");
  return folder != nullptr ? fs::path(folder) : ProgramFolder() / "../../bin";
}

fs::path TestBinFolder() { return BinFolder() / "../tests/bin"; }

bool HasTrainer() { return fs::exists(BinFolder() / "dfsweep-trainer"); }

bool Eventually(const std::function<bool()>& condition,
                absl::Duration timeout) {
  absl::Time deadline = absl::Now() + timeout;
  while (!condition()) {
    if (absl::Now() > deadline) {
      ADD_FAILURE() << "a condition did not come true in " << timeout;
      return false;
    }
    ::poll(nullptr, 0, 20);
  }
  return true;
}

std::vector<std::string> ArgumentsOf(const std::string& command) {
  std::istringstream words(command);
  std::vector<std::string> arguments;
  for (std::string word; words >> word;) arguments.push_back(word);
  arguments.erase(arguments.begin());
  return arguments;
}

std::vector<pid_t> ChildrenOf(pid_t parent) {
  std::vector<pid_t> children;
  for (const auto& entry : fs::directory_iterator("/proc")) {
    std::string name = entry.path().filename();
    if (name.find_first_not_of("0123456789") != std::string::npos) continue;
    std::string stat = Slurp(entry.path() / "stat");
    // "pid (name) state ppid …", where the name may hold anything but ')'.
    size_t end = stat.rfind(')');
    if (end == std::string::npos) continue;
    std::istringstream fields(stat.substr(end + 1));
    char state = 0;
    pid_t ppid = 0;
    fields >> state >> ppid;
    if (ppid == parent && state != 'Z') children.push_back(std::stoi(name));
  }
  return children;
}

nlohmann::json Comparable(nlohmann::json row) {
  for (const char* key : {"attempt", "worker", "environment", "started_at",
                          "finished_at", "train_seconds"}) {
    row.erase(key);
  }
  if (row.contains("metrics")) row["metrics"].erase("train_seconds");
  if (row.contains("learning_curve")) {
    for (auto& epoch : row["learning_curve"]) epoch.erase("seconds");
  }
  return row;
}

Fleet::Fleet()
    : folder_(fs::temp_directory_path() / ("fleet-" + RandomHex(6))) {
  fs::create_directories(folder_);
}

Fleet::~Fleet() {
  workers_.clear();
  coordinator_.reset();
  if (::testing::Test::HasFailure()) {
    for (const auto& entry : fs::directory_iterator(folder_)) {
      if (entry.path().extension() != ".log") continue;
      std::string text = Slurp(entry.path());
      if (text.size() > 6000) text = text.substr(text.size() - 6000);
      std::fprintf(stderr, "---- %s\n%s\n", entry.path().c_str(), text.c_str());
    }
  }
  fs::remove_all(folder_);
}

void Fleet::StartCoordinator(std::vector<std::string> extra_environment,
                             std::vector<std::string> arguments) {
  arguments.insert(arguments.end(),
                   {"--listen", address_.empty() ? "127.0.0.1:0" : address_});
  Serve(std::move(arguments), std::move(extra_environment));
}

void Fleet::StartSharedCoordinator(const std::string& advertise) {
  is_shared_ = true;
  Serve({"--listen", "0.0.0.0:0", "--advertise", advertise}, {});
}

void Fleet::Serve(std::vector<std::string> arguments,
                  std::vector<std::string> extra_environment) {
  arguments.insert(arguments.end(),
                   {"--store", store().string(), "--exit-with-stdin"});
  coordinator_.emplace(
      Process::Start({.program = BinFolder() / "dfsweep-coordinator",
                      .arguments = std::move(arguments),
                      .extra_environment = std::move(extra_environment),
                      .stderr_path = folder_ / "coordinator.log"})
          .value());
  auto line = coordinator_->ReadLine(absl::Seconds(30));
  ASSERT_TRUE(line.ok()) << line.status();
  const std::string prefix = "listening on ";
  ASSERT_EQ(line->rfind(prefix, 0), 0u) << *line;
  address_ = line->substr(prefix.size());
}

void Fleet::StartWorker(const std::string& name, int slots,
                        std::vector<std::string> extra_environment,
                        std::vector<std::string> arguments) {
  arguments.insert(arguments.end(), {"--slots", std::to_string(slots)});
  Launch(name, TestBinFolder() / "dfsweep-noop-trainer", std::move(arguments),
         std::move(extra_environment));
}

void Fleet::StartTrainingWorker(const std::string& name,
                                std::vector<std::string> arguments) {
  Launch(name, BinFolder() / "dfsweep-trainer", std::move(arguments), {});
}

void Fleet::Launch(const std::string& worker,
                   const std::filesystem::path& trainer,
                   std::vector<std::string> arguments,
                   std::vector<std::string> extra_environment) {
  Process::Options options{
      .program = BinFolder() / "dfsweep-worker",
      .arguments = {"--coordinator", route_.empty() ? address_ : route_,
                    "--name", worker, "--state", StateOf(worker).string(),
                    "--trainer", trainer.string(), "--exit-with-stdin",
                    "--config", "/dev/null"},
      .extra_environment = std::move(extra_environment),
      .stderr_path = folder_ / (worker + ".log")};
  options.arguments.insert(options.arguments.end(), arguments.begin(),
                           arguments.end());
  workers_.erase(worker);
  workers_.emplace(worker, Process::Start(options).value());
}

void Fleet::StartJoiningWorker(const std::string& name,
                               std::vector<std::string> arguments,
                               std::vector<std::string> extra_environment) {
  std::vector<std::string> command = worker_prefix_;
  command.push_back(BinFolder() / "dfsweep-worker");
  command.insert(command.end(), arguments.begin(), arguments.end());
  command.insert(
      command.end(),
      {"--name", name, "--state", StateOf(name).string(), "--trainer",
       (TestBinFolder() / "dfsweep-noop-trainer").string(),
       "--exit-with-stdin"});
  extra_environment.push_back("XDG_CONFIG_HOME=" + (folder_ / name).string());
  workers_.erase(name);
  workers_.emplace(
      name, Process::Start({.program = "/usr/bin/env",
                            .arguments = std::move(command),
                            .extra_environment = std::move(extra_environment),
                            .stderr_path = folder_ / (name + ".log")})
                .value());
}

void Fleet::KillCoordinator() {
  coordinator_->Signal(SIGKILL);
  coordinator_->Wait(absl::Seconds(30));
  coordinator_.reset();
}

void Fleet::AwaitCoordinatorDeath() {
  EXPECT_TRUE(coordinator_->Wait(absl::Seconds(60)).has_value());
  coordinator_.reset();
}

void Fleet::KillWorker(const std::string& name) {
  Process& worker = workers_.at(name);
  worker.Signal(SIGKILL);
  worker.Wait(absl::Seconds(30));
  workers_.erase(name);
}

void Fleet::KillTrainersOf(const std::string& name) {
  for (pid_t child : ChildrenOf(workers_.at(name).pid())) {
    ::kill(child, SIGKILL);
  }
}

void Fleet::StopWorker(const std::string& name) {
  Process& worker = workers_.at(name);
  worker.Signal(SIGTERM);
  auto exit = worker.Wait(absl::Seconds(30));
  ASSERT_TRUE(exit.has_value()) << "the worker did not stop in 30 s";
  EXPECT_EQ(exit->code, 0);
  workers_.erase(name);
}

bool Fleet::HasWorker(const std::string& name) const {
  return workers_.count(name) > 0;
}

bool Fleet::WorkerHasEnded(const std::string& name) {
  return workers_.at(name).Poll().has_value();
}

pid_t Fleet::WorkerPid(const std::string& name) const {
  return workers_.at(name).pid();
}

std::vector<std::string> Fleet::CommandEnvironment() const {
  std::vector<std::string> environment = {
      "NO_COLOR=1", "COLUMNS=160",
      "XDG_CONFIG_HOME=" + (folder_ / "config").string()};
  if (!address_.empty() && !is_shared_) {
    environment.push_back("DFSWEEP_COORDINATOR=" + address_);
  }
  return environment;
}

Process Fleet::Start(std::vector<std::string> arguments) {
  if (is_shared_) {
    arguments.insert(arguments.end(), {"--store", store().string()});
  }
  return Process::Start({.program = BinFolder() / "dfsweep",
                         .arguments = std::move(arguments),
                         .extra_environment = CommandEnvironment(),
                         .stderr_path = folder_ / "command.log"})
      .value();
}

CommandResult Fleet::Run(std::vector<std::string> arguments) {
  fs::remove(folder_ / "command.log");
  return Finish(Start(std::move(arguments)));
}

CommandResult Fleet::RunRemotely(const std::string& home,
                                 std::vector<std::string> arguments) {
  fs::remove(folder_ / "command.log");
  return Finish(
      Process::Start(
          {.program = BinFolder() / "dfsweep",
           .arguments = std::move(arguments),
           .extra_environment = {"XDG_CONFIG_HOME=" + (folder_ / home).string(),
                                 "DFSWEEP_COORDINATOR=" + address_},
           .stderr_path = folder_ / "command.log"})
          .value());
}

CommandResult Fleet::Finish(Process command) {
  command.CloseInput();
  CommandResult result;
  absl::Time deadline = absl::Now() + absl::Minutes(15);
  while (true) {
    auto line = command.ReadLine(deadline - absl::Now());
    if (!line.ok()) break;
    result.out += *line + "\n";
  }
  if (auto exit = command.Wait(absl::Seconds(30)); exit.has_value()) {
    result.code = exit->signal != 0 ? 128 + exit->signal : exit->code;
  }
  result.err = Slurp(folder_ / "command.log");
  return result;
}

std::string Fleet::Ok(std::vector<std::string> arguments, int code) {
  std::string shown;
  for (const std::string& argument : arguments) shown += argument + " ";
  CommandResult result = Run(std::move(arguments));
  EXPECT_EQ(result.code, code) << shown << "\n" << result.out << result.err;
  return result.out;
}

std::vector<nlohmann::json> Fleet::Rows(const std::string& sweep) {
  std::istringstream lines(
      Ok({"results", sweep, "--format", "jsonl", "--trials"}));
  std::vector<nlohmann::json> rows;
  std::string line;
  while (std::getline(lines, line)) rows.push_back(nlohmann::json::parse(line));
  return rows;
}

std::string Fleet::Write(const std::string& name, const std::string& text) {
  fs::path path = folder_ / name;
  std::ofstream(path) << text;
  return path.string();
}

void Fleet::ImportTinyDataset() {
  std::string file = Write("tiny.npz", data::NativeBytes(TinyTraces()));
  Ok({"data", "import", file, "--name", "tiny"});
}

}  // namespace dfsweep::testing
