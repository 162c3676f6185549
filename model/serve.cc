#include "model/serve.h"

#include <ATen/Parallel.h>
#include <pthread.h>
#include <signal.h>
#include <unistd.h>

#include <atomic>
#include <condition_variable>
#include <fstream>
#include <iostream>
#include <memory>
#include <mutex>
#include <optional>
#include <sstream>
#include <thread>
#include <utility>

#include "model/environment.h"
#include "model/event_writer.h"
#include "model/protocol/protocol.h"
#include "model/run_trial.h"
#include "model/train/device.h"
#include "model/train/probe.h"

namespace dfsweep::model {
namespace {

using config::Json;

// What the threads that listen (input, signals) share with the one that trains.
class Mailbox {
 public:
  // False if an order waits already. One may be put while a trial is ending:
  // its sender may be quicker than we are.
  bool Put(Order order) {
    std::lock_guard lock(mutex_);
    if (waiting_.has_value()) return false;
    cancelled_ = order.cancelled;
    waiting_ = std::move(order);
    changed_.notify_one();
    return true;
  }

  // Waits for an order; it is the present one until Done().
  Order Take() {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [this] { return waiting_.has_value(); });
    Order order = std::move(*waiting_);
    waiting_.reset();
    training_ = true;
    return order;
  }

  // Returns whether to stop the program.
  bool Done() {
    std::lock_guard lock(mutex_);
    training_ = false;
    return interrupted_;
  }

  // Tells the newest order's trial, if any, to stop.
  void Cancel() {
    std::lock_guard lock(mutex_);
    if (cancelled_ != nullptr) *cancelled_ = true;
  }

  // Tells the program to stop: after the present trial has answered, or at
  // once if there is none or it is the second time.
  void Interrupt() {
    std::lock_guard lock(mutex_);
    if (!training_ || interrupted_) _exit(protocol::kExitInterrupted);
    interrupted_ = true;
    *cancelled_ = true;
  }

 private:
  std::mutex mutex_;
  std::condition_variable changed_;
  std::optional<Order> waiting_;
  std::shared_ptr<std::atomic<bool>> cancelled_;  // of the newest order
  bool training_ = false;
  bool interrupted_ = false;
};

// Signals come to one thread of ours and to no other: a handler could do next
// to nothing safely. To be called before LibTorch starts threads, which inherit
// the mask. The thread lives as long as the process, and so does `mailbox`.
void ListenForSignals(Mailbox& mailbox) {
  signal(SIGPIPE, SIG_IGN);  // a failed write is seen where it happens
  sigset_t signals;
  sigemptyset(&signals);
  sigaddset(&signals, SIGINT);
  sigaddset(&signals, SIGTERM);
  pthread_sigmask(SIG_BLOCK, &signals, nullptr);
  std::thread([signals, &mailbox] {
    int number = 0;
    while (sigwait(&signals, &number) == 0) mailbox.Interrupt();
  }).detach();
}

void Place(const Json& command, Mailbox& mailbox) {
  const Json device = command.value("device", Json("cpu"));
  const Json threads = command.value("threads", Json(0));
  Order order{
      .trial = command.value("trial", Json()),
      .folder = "",
      .attempt = command.value("attempt", Json()),
      .device = device.is_string() ? device.get<std::string>() : "",
      .threads = threads.is_number_integer() ? threads.get<int64_t>() : -1,
      .checkpoints = command.value("checkpoints", Json::object())};
  Json trial_id = TrialId(order);
  Json attempt = order.attempt;
  if (mailbox.Put(std::move(order))) return;
  WriteEvent(protocol::event::kFailed,
             {{"trial_id", trial_id},
              {"attempt", attempt},
              {"cause", protocol::cause::kBadConfig},
              {"message", "another trial is running"},
              {"where", "run command"},
              {"remedy", "send it again when the present trial has ended"}});
}

void Obey(const std::string& line, Mailbox& mailbox) {
  Json command = Json::parse(line, nullptr, /*allow_exceptions=*/false);
  if (!command.is_object() || !command.value("type", Json()).is_string()) {
    WriteLog("error", "a line of input is no JSON object with a type");
    return;
  }
  std::string type = command["type"];
  if (type == protocol::command::kCancel) {
    mailbox.Cancel();
  } else if (type == protocol::command::kRun) {
    Place(command, mailbox);
  } else {
    WriteLog("error", "there is no command '" + type + "'");
  }
}

void ListenForCommands(Mailbox& mailbox) {
  std::thread([&mailbox] {
    std::string line;
    while (std::getline(std::cin, line)) {
      if (line.size() > protocol::kMaxLineBytes) {
        WriteLog("error", "a line of input is longer than 4 MiB");
      } else if (!line.empty()) {
        Obey(line, mailbox);
      }
    }
    // The worker is gone. No destructor may delay the end.
    _exit(protocol::kExitDone);
  }).detach();
}

// After these the process can't be trusted with another trial.
bool IsFinal(int exit_code) {
  return exit_code == protocol::kExitOutOfMemory ||
         exit_code == protocol::kExitCrash;
}

}  // namespace

int RunFile(const std::string& file, const FileOptions& options) {
  auto* mailbox = new Mailbox;  // the listening thread never ends
  ListenForSignals(*mailbox);
  std::ifstream stream(file);
  std::stringstream text;
  text << stream.rdbuf();
  Json trial = Json::parse(text.str(), nullptr, /*allow_exceptions=*/false);
  if (!stream || trial.is_discarded()) {
    throw config::Error("the trial can't be read", file,
                        "give a file with the JSON object that "
                        "model/protocol/PROTOCOL.md calls trial");
  }
  mailbox->Put(
      {.trial = std::move(trial),
       .folder = std::filesystem::path(file).parent_path(),
       .attempt = 1,
       .device = options.device.empty() ? BestDevice().str() : options.device,
       .threads = options.threads,
       .checkpoints = {{"folder", options.checkpoints}}});
  WriteEvent(protocol::event::kReady,
             {{"protocol", protocol::kVersion},
              {"environment", Environment(BestDevice())}});
  DatasetCache datasets;
  return RunOrder(mailbox->Take(), datasets);
}

int Serve() {
  auto* mailbox = new Mailbox;  // the listening threads never end
  ListenForSignals(*mailbox);
  WriteEvent(protocol::event::kReady,
             {{"protocol", protocol::kVersion},
              {"environment", Environment(BestDevice())}});
  ListenForCommands(*mailbox);
  DatasetCache datasets;
  while (true) {
    int code = RunOrder(mailbox->Take(), datasets);
    if (IsFinal(code)) return code;
    if (mailbox->Done()) return protocol::kExitInterrupted;
  }
}

int PrintProbe(const FileOptions& options) {
  if (options.threads > 0) at::set_num_threads(options.threads);
  const ProbeResult probe = RunProbe(
      options.device.empty() ? BestDevice() : ParseDevice(options.device));
  std::cout << Json{{"weights", probe.weights},
                    {"samples_per_second", probe.samples_per_second}}
                   .dump()
            << std::endl;
  return protocol::kExitDone;
}

int PrintEnvironment() {
  std::cout << Environment(BestDevice()).dump() << std::endl;
  return protocol::kExitDone;
}

}  // namespace dfsweep::model
