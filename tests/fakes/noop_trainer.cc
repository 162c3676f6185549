// dfsweep-noop-trainer: speaks model/protocol/PROTOCOL.md and trains nothing.
// For fault and load tests only, and it says so in every row: the device is
// "no-op trainer (test only)". The numbers follow from the trial id alone, so
// that a trial gives the same result whenever and wherever it runs.
//
// Environment variables make it misbehave; each applies to every run:
//   DFSWEEP_NOOP_EPOCH_MS=N     an epoch takes N milliseconds (default 2)
//   DFSWEEP_NOOP_FAIL=CAUSE     `failed` with that cause after the first epoch
//                               (bad_config, data, oom, environment, crash);
//                               after oom it exits with 66, as the real one
//   DFSWEEP_NOOP_DIVERGE=1      ends as diverged after the first epoch
//   DFSWEEP_NOOP_CRASH_EVERY=N  every Nth run of a process aborts in its first
//                               epoch
//   DFSWEEP_NOOP_EXIT=CODE      exits with CODE in the first epoch, no event
//   DFSWEEP_NOOP_HANG=1         says nothing after the first epoch
//   DFSWEEP_NOOP_GARBAGE=1      writes a line that is not JSON
//   DFSWEEP_NOOP_LONG_LINE=1    writes a line of more than 4 MiB
//   DFSWEEP_NOOP_DEAF=1         doesn't answer `cancel`
//   DFSWEEP_NOOP_NO_START=1     exits with 67 before `ready`
//   DFSWEEP_NOOP_GIB=N          says that it has a CUDA device of N GiB
//   DFSWEEP_NOOP_TORCH=VERSION  says that it has this LibTorch
//   DFSWEEP_NOOP_WEIGHTS=TEXT   what the probe finds
#include <poll.h>
#include <unistd.h>

#include <chrono>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <iostream>
#include <nlohmann/json.hpp>
#include <string>

#include "model/protocol/protocol.h"

namespace {

using dfsweep::protocol::kMaxLineBytes;
using nlohmann::json;
namespace event = dfsweep::protocol::event;

std::string Setting(const char* name) {
  const char* value = std::getenv(name);
  return value != nullptr ? value : "";
}

std::string Text(const char* name, const std::string& otherwise) {
  std::string value = Setting(name);
  return value.empty() ? otherwise : value;
}

int Number(const char* name, int otherwise) {
  std::string value = Setting(name);
  return value.empty() ? otherwise : std::stoi(value);
}

// In [0, 1), from FNV-1a: the same on every machine.
double Fraction(const std::string& text) {
  uint64_t hash = 14695981039346656037u;
  for (unsigned char byte : text) hash = (hash ^ byte) * 1099511628211u;
  hash ^= hash >> 29;
  return static_cast<double>((hash * 0x9E3779B97F4A7C15u) >> 11) * 0x1p-53;
}

void Send(const json& line) { std::cout << line.dump() << std::endl; }

json Environment() {
  const int gib = Number("DFSWEEP_NOOP_GIB", 0);
  return {{"device", gib > 0 ? "cuda" : "cpu"},
          {"device_name", "no-op trainer (test only)"},
          {"cpu", "no-op trainer (test only)"},
          {"threads", 1},
          {"torch", Text("DFSWEEP_NOOP_TORCH", "none")},
          {"device_memory_bytes", int64_t{gib} << 30},
          {"bf16", false},
          {"build", "no-op trainer (test only)"}};
}

// Standard input with a time limit. The end of it ends the program: the worker
// is gone.
class Input {
 public:
  // False if no line came within `milliseconds` (-1: for ever).
  bool ReadLine(int milliseconds, std::string* line) {
    auto deadline = std::chrono::steady_clock::now() +
                    std::chrono::milliseconds(milliseconds);
    while (true) {
      if (size_t end = buffer_.find('\n'); end != std::string::npos) {
        *line = buffer_.substr(0, end);
        buffer_.erase(0, end + 1);
        return true;
      }
      int left = -1;
      if (milliseconds >= 0) {
        left = static_cast<int>(
            std::chrono::duration_cast<std::chrono::milliseconds>(
                deadline - std::chrono::steady_clock::now())
                .count());
        if (left <= 0) return false;
      }
      pollfd waiter = {STDIN_FILENO, POLLIN, 0};
      if (::poll(&waiter, 1, left) <= 0) continue;
      char bytes[4096];
      ssize_t count = ::read(STDIN_FILENO, bytes, sizeof bytes);
      if (count <= 0) std::_Exit(dfsweep::protocol::kExitDone);
      buffer_.append(bytes, count);
    }
  }

 private:
  std::string buffer_;
};

// One trial, from `run` to its last event.
class Run {
 public:
  Run(const json& command, Input& input, int number)
      : id_(command["trial"]["trial_id"]),
        attempt_(command["attempt"]),
        parameters_(command["trial"]["parameters"]),
        stages_(
            command.value("/checkpoints/stages"_json_pointer, json::array())),
        input_(input),
        number_(number) {
    if (parameters_.value("strategy", "") == "joint") return;
    tasks_ = parameters_.contains("tasks.labels")
                 ? static_cast<int>(parameters_["tasks.labels"].size())
                 : parameters_.value("tasks.count", 2);
  }

  void Train() {
    json lists = json::array();
    for (int task = 0; task < tasks_; ++task) lists.push_back({task});
    SendEvent(event::kStarted,
              {{"tasks", lists},
               {"epochs_total", EpochsTotal()},
               {"examples", {{"train", 1}, {"validation", 1}, {"test", 1}}},
               {"warnings", json::array()}});
    SendEvent(event::kLog, {{"level", "warning"},
                            {"message", "no-op trainer: nothing is trained"}});
    json matrix = json::array();
    for (int task = 0; task < tasks_; ++task) {
      for (int epoch = 0; epoch < EpochsOf(task); ++epoch) {
        if (!Epoch(task, epoch)) return;
      }
      matrix.push_back(Evaluate(task));
      if (task == 0) TellFirstStage();
    }
    SendResult("completed", matrix);
  }

 private:
  int EpochsOf(int task) const {
    const json& epochs =
        parameters_.contains("epochs") ? parameters_["epochs"] : json(1);
    return epochs.is_object() ? epochs["per_task"][task].get<int>()
                              : epochs.get<int>();
  }
  int EpochsTotal() const {
    int total = 0;
    for (int task = 0; task < tasks_; ++task) total += EpochsOf(task);
    return total;
  }

  void SendEvent(const char* type, json fields) {
    fields["type"] = type;
    fields["trial_id"] = id_;
    fields["attempt"] = attempt_;
    Send(fields);
  }

  // Others wait for it. There is no such file, so that nothing is sent.
  void TellFirstStage() {
    if (stages_.empty()) return;
    SendEvent(event::kCheckpoint,
              {{"file", stages_[0].get<std::string>() + "." +
                            std::to_string(EpochsOf(0)) + ".stage"},
               {"train_seconds", 0}});
  }

  // False if the run has ended.
  bool Epoch(int task, int epoch) {
    if (!Pass(Number("DFSWEEP_NOOP_EPOCH_MS", 2))) return false;
    if (epochs_done_ == 0) MisbehaveInFirstEpoch();
    std::string place =
        id_ + "/" + std::to_string(task) + "/" + std::to_string(epoch);
    json metrics = {{"train_loss", 1 + Fraction(place + "/loss")},
                    {"train_accuracy", Fraction(place + "/accuracy")}};
    ++epochs_done_;
    json point = metrics;
    point["task"] = task;
    point["epoch"] = epoch;
    curve_.push_back(point);
    SendEvent(event::kEpoch, {{"task", task},
                              {"epoch", epoch},
                              {"epochs_done", epochs_done_},
                              {"epochs_total", EpochsTotal()},
                              {"metrics", metrics},
                              {"seconds", 0.001}});
    return epochs_done_ > 1 || GoOnAfterFirstEpoch();
  }

  void MisbehaveInFirstEpoch() {
    int every = Number("DFSWEEP_NOOP_CRASH_EVERY", 0);
    if (every > 0 && number_ % every == 0) {
      std::cerr << "no-op trainer: told to crash" << std::endl;
      std::abort();
    }
    if (int code = Number("DFSWEEP_NOOP_EXIT", 0); code != 0) std::_Exit(code);
    if (!Setting("DFSWEEP_NOOP_GARBAGE").empty()) {
      std::cout << "Segmentation fault (core dumped)" << std::endl;
    }
    if (!Setting("DFSWEEP_NOOP_LONG_LINE").empty()) {
      std::cout << std::string(kMaxLineBytes + 70000, 'x') << std::endl;
    }
  }

  bool GoOnAfterFirstEpoch() {
    if (!Setting("DFSWEEP_NOOP_HANG").empty()) return Pass(-1);
    if (std::string cause = Setting("DFSWEEP_NOOP_FAIL"); !cause.empty()) {
      SendEvent(event::kFailed, {{"cause", cause},
                                 {"message", "told to fail with " + cause},
                                 {"where", "no-op trainer"},
                                 {"remedy", "unset DFSWEEP_NOOP_FAIL"}});
      if (cause == dfsweep::protocol::cause::kOutOfMemory) {
        std::_Exit(dfsweep::protocol::kExitOutOfMemory);
      }
      return false;
    }
    if (!Setting("DFSWEEP_NOOP_DIVERGE").empty()) {
      SendResult("diverged", json::array());
      return false;
    }
    return true;
  }

  // Lets time pass; false if a cancel ended the run meanwhile.
  bool Pass(int milliseconds) {
    std::string line;
    if (!input_.ReadLine(milliseconds, &line)) return true;
    if (!Setting("DFSWEEP_NOOP_DEAF").empty()) return Pass(milliseconds);
    SendEvent(event::kCancelled, json::object());
    return false;
  }

  // The row of the accuracy matrix after training `after`.
  json Evaluate(int after) {
    bool joint = parameters_.value("strategy", "") == "joint";
    int seen = joint ? parameters_.value("tasks.count", 2) : after + 1;
    json row = json::array();
    for (int task = 0; task < seen; ++task) {
      double accuracy = Fraction(id_ + "/test/" + std::to_string(after) + "/" +
                                 std::to_string(task));
      json evaluation = {{"after_task", after},
                         {"task", task},
                         {"split", "test"},
                         {"accuracy", accuracy},
                         {"examples", 1}};
      evaluations_.push_back(evaluation);
      SendEvent(event::kEvaluation, evaluation);
      row.push_back(accuracy);
    }
    return row;
  }

  void SendResult(const std::string& status, const json& matrix) {
    double sum = 0;
    json metrics = {{"forgetting", Fraction(id_ + "/forgetting")},
                    {"bwt", -Fraction(id_ + "/forgetting")}};
    for (size_t after = 0; after < matrix.size(); ++after) {
      for (size_t task = 0; task < matrix[after].size(); ++task) {
        metrics["accuracy_task_" + std::to_string(task + 1) + "_after_" +
                std::to_string(after + 1)] = matrix[after][task];
      }
    }
    if (!matrix.empty()) {
      for (double accuracy : matrix.back()) sum += accuracy;
      metrics["average_accuracy"] = sum / matrix.back().size();
    }
    SendEvent(event::kResult,
              {{"status", status},
               {"message", status == "diverged" ? "told to diverge" : ""},
               {"metrics", metrics},
               {"accuracy_matrix", matrix},
               {"learning_curve", curve_},
               {"evaluations", evaluations_},
               {"train_seconds", 0.001 * epochs_done_},
               {"environment", Environment()}});
  }

  std::string id_;
  int attempt_;
  json parameters_;
  json stages_;  // names, if checkpoints are wanted
  Input& input_;
  int number_;  // of the run in this process, from 1
  int tasks_ = 1;
  int epochs_done_ = 0;
  json curve_ = json::array();
  json evaluations_ = json::array();
};

// What --probe prints.
void Probe() {
  if (!Setting("DFSWEEP_NOOP_GARBAGE").empty()) {
    std::cout << "garbage" << std::endl;
  } else if (!Setting("DFSWEEP_NOOP_HANG").empty()) {
    ::pause();
  } else {
    Send({{"weights", Text("DFSWEEP_NOOP_WEIGHTS", "no-op")},
          {"samples_per_second", 1000}});
  }
}

}  // namespace

int main(int argc, char** argv) {
  const std::string mode = argc > 1 ? argv[1] : "";
  if (mode != "--serve" && mode != "--probe") {
    std::cerr << "usage: dfsweep-noop-trainer --serve | --probe\n";
    return dfsweep::protocol::kExitUsage;
  }
  if (!Setting("DFSWEEP_NOOP_NO_START").empty()) {
    std::cerr << "no-op trainer: told not to start\n";
    return dfsweep::protocol::kExitEnvironment;
  }
  if (mode == "--probe") {
    Probe();
    return dfsweep::protocol::kExitDone;
  }
  Send({{"type", event::kReady},
        {"protocol", dfsweep::protocol::kVersion},
        {"environment", Environment()}});
  Input input;
  std::string line;
  for (int number = 1; input.ReadLine(-1, &line);) {
    json command = json::parse(line);
    if (command["type"] != dfsweep::protocol::command::kRun) continue;
    Run(command, input, number++).Train();
  }
}
