#include "model/run_trial.h"

#include <ATen/Parallel.h>
#include <c10/util/Exception.h>

#include <exception>
#include <functional>
#include <map>
#include <new>
#include <string_view>

#include "model/environment.h"
#include "model/event_writer.h"
#include "model/protocol/protocol.h"
#include "model/train/device.h"
#include "model/train/failure.h"
#include "model/train/trainer.h"
#include "model/train/trial.h"

namespace dfsweep::model {
namespace {

using config::Json;

int ExitCodeOf(const std::string& cause) {
  static const std::map<std::string_view, int> kCodes = {
      {protocol::cause::kBadConfig, protocol::kExitBadConfig},
      {protocol::cause::kData, protocol::kExitData},
      {protocol::cause::kOutOfMemory, protocol::kExitOutOfMemory},
      {protocol::cause::kEnvironment, protocol::kExitEnvironment}};
  auto code = kCodes.find(cause);
  return code == kCodes.end() ? protocol::kExitCrash : code->second;
}

Failure OutOfMemory(const std::string& what) {
  return {protocol::cause::kOutOfMemory,
          config::Error("the trial doesn't fit into memory: " + what, "",
                        "make batch_size or sequence_length smaller, run fewer "
                        "slots, or use a device with more memory")};
}

// LibTorch's own failures, told apart by what they say where they have no type.
Failure Classify(const c10::Error& error) {
  std::string what = error.what_without_backtrace();
  if (dynamic_cast<const c10::OutOfMemoryError*>(&error) != nullptr ||
      what.find("out of memory") != std::string::npos ||
      what.find("DefaultCPUAllocator") != std::string::npos) {
    return OutOfMemory(what);
  }
  return {protocol::cause::kCrash,
          config::Error(what, "LibTorch",
                        "run the trial again; if it fails "
                        "again, report it with this text")};
}

CheckpointOptions ParseCheckpoints(const Json& json) {
  CheckpointOptions options;
  try {
    options.folder = json.value("folder", "");
    options.interval = std::chrono::duration<double>(
        json.value("interval_seconds", options.interval.count()));
    options.stages = json.value("stages", options.stages);
    options.records_path = json.value("records_path", options.records_path);
  } catch (const Json::exception&) {
    throw config::Error("'checkpoints' is not as it should be", "",
                        "write it as model/protocol/PROTOCOL.md says");
  }
  return options;
}

void SetThreads(int64_t threads) {
  if (threads < 0 || threads > 1024) {
    throw config::Error("'threads' is not a number from 0 to 1024", "",
                        "give the number of CPU threads, 0 for one a core");
  }
  static const int default_threads = at::get_num_threads();
  at::set_num_threads(threads == 0 ? default_threads
                                   : static_cast<int>(threads));
}

// Calls `train` and turns whatever it throws into a Failure; Cancelled passes.
void Guard(const std::function<void()>& train) {
  try {
    train();
  } catch (const Failure&) {
    throw;
  } catch (const config::Error& error) {
    throw Failure(protocol::cause::kBadConfig, error);
  } catch (const std::bad_alloc& error) {
    throw OutOfMemory(error.what());
  } catch (const c10::Error& error) {
    throw Classify(error);
  } catch (const std::exception& error) {
    throw Failure(protocol::cause::kCrash,
                  config::Error(error.what(), "the trainer",
                                "this is a bug of dfsweep: report it with this "
                                "text"));
  }
}

}  // namespace

std::string TrialId(const Order& order) {
  if (!order.trial.is_object()) return "";
  const Json id = order.trial.value("trial_id", Json());
  return id.is_string() ? id.get<std::string>() : "";
}

int RunOrder(const Order& order, DatasetCache& datasets) {
  std::string id = TrialId(order);
  auto emit = [&](const char* type, Json fields) {
    fields["trial_id"] = id;
    fields["attempt"] = order.attempt;
    WriteEvent(type, std::move(fields));
  };
  try {
    Guard([&] {
      Trial trial = ParseTrial(order.trial, order.folder);
      c10::Device device = ParseDevice(order.device);
      SetThreads(order.threads);
      Json result =
          RunTrial(trial, {.device = device,
                           .datasets = datasets,
                           .emit = emit,
                           .cancelled = [&] { return order.cancelled->load(); },
                           .checkpoints = ParseCheckpoints(order.checkpoints)});
      result["environment"] = Environment(device);
      emit(protocol::event::kResult, std::move(result));
    });
    return protocol::kExitDone;
  } catch (const Cancelled&) {
    emit(protocol::event::kCancelled, Json::object());
    return protocol::kExitInterrupted;
  } catch (const Failure& failure) {
    std::string where = failure.where();
    if (where.empty()) where = id.empty() ? "the trial" : "trial " + id;
    emit(protocol::event::kFailed, {{"cause", failure.cause()},
                                    {"message", failure.what_happened()},
                                    {"where", where},
                                    {"remedy", failure.remedy()}});
    return ExitCodeOf(failure.cause());
  }
}

}  // namespace dfsweep::model
