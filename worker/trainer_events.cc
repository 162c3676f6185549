#include "worker/trainer_events.h"

#include <fmt/format.h>

#include <nlohmann/json.hpp>
#include <stdexcept>
#include <utility>

#include "model/protocol/protocol.h"
#include "model/protocol/result_parts.h"

namespace dfsweep::worker {
namespace {

using nlohmann::json;
namespace names = protocol::event;

constexpr size_t kMaxLogBytes = 4096;

// These throw std::invalid_argument, which ParseTrainerEvent catches.

const json& Field(const json& object, const char* name) {
  if (!object.is_object() || !object.contains(name)) {
    throw std::invalid_argument(fmt::format("\"{}\" is missing", name));
  }
  return object[name];
}

std::invalid_argument WrongType(const char* name, const char* expected) {
  return std::invalid_argument(fmt::format("\"{}\" is no {}", name, expected));
}

std::string Text(const json& object, const char* name) {
  const json& value = Field(object, name);
  if (!value.is_string()) throw WrongType(name, "text");
  return value.get<std::string>();
}

// "" if it is missing or null.
std::string OptionalText(const json& object, const char* name) {
  if (!object.contains(name) || object[name].is_null()) return "";
  return Text(object, name);
}

double Number(const json& object, const char* name) {
  const json& value = Field(object, name);
  if (!value.is_number()) throw WrongType(name, "number");
  return value.get<double>();
}

int64_t Integer(const json& object, const char* name, int64_t maximum) {
  const json& value = Field(object, name);
  if (!value.is_number_integer()) throw WrongType(name, "integer");
  int64_t number = value.get<int64_t>();
  if (number < 0 || number > maximum) {
    throw std::invalid_argument(
        fmt::format("\"{}\" is {}, not 0 … {}", name, number, maximum));
  }
  return number;
}

int32_t Index(const json& object, const char* name) {
  return static_cast<int32_t>(Integer(object, name, INT32_MAX));
}

const json& List(const json& object, const char* name) {
  const json& value = Field(object, name);
  if (!value.is_array()) throw WrongType(name, "list");
  return value;
}

void ReadMetrics(const json& object,
                 google::protobuf::Map<std::string, double>* metrics) {
  const json& values = Field(object, "metrics");
  if (!values.is_object()) throw WrongType("metrics", "object");
  for (const auto& [name, value] : values.items()) {
    if (!value.is_number()) throw WrongType(name.c_str(), "number");
    (*metrics)[name] = value.get<double>();
  }
}

v1::Environment ReadEnvironment(const json& object) {
  const json& from = Field(object, "environment");
  v1::Environment environment;
  environment.set_device(Text(from, "device"));
  environment.set_device_name(OptionalText(from, "device_name"));
  environment.set_cpu(OptionalText(from, "cpu"));
  environment.set_torch_version(OptionalText(from, "torch"));
  environment.set_cuda_version(OptionalText(from, "cuda"));
  environment.set_cudnn_version(OptionalText(from, "cudnn"));
  environment.set_driver_version(OptionalText(from, "driver"));
  environment.set_build(OptionalText(from, "build"));
  if (from.contains("threads")) {
    environment.set_threads(Index(from, "threads"));
  }
  if (from.contains("device_memory_bytes")) {
    environment.set_device_memory_bytes(
        Integer(from, "device_memory_bytes", INT64_MAX));
  }
  if (from.contains("bf16")) {
    if (!from["bf16"].is_boolean()) throw WrongType("bf16", "true or false");
    environment.set_bf16(from["bf16"].get<bool>());
  }
  return environment;
}

v1::EpochMetrics ReadEpoch(const json& object) {
  v1::EpochMetrics epoch;
  epoch.set_task(Index(object, "task"));
  epoch.set_epoch(Index(object, "epoch"));
  return epoch;
}

// In the learning curve the metrics stand beside `task` and `epoch`.
v1::EpochMetrics ReadCurvePoint(const json& object) {
  v1::EpochMetrics epoch = ReadEpoch(object);
  for (const auto& [name, value] : object.items()) {
    if (name == "task" || name == "epoch") continue;
    if (!value.is_number()) throw WrongType(name.c_str(), "number");
    (*epoch.mutable_metrics())[name] = value.get<double>();
  }
  return epoch;
}

v1::TaskEvaluation ReadEvaluation(const json& object) {
  v1::TaskEvaluation evaluation;
  evaluation.set_after_task(Index(object, "after_task"));
  evaluation.set_task(Index(object, "task"));
  evaluation.set_split(Text(object, "split"));
  evaluation.set_accuracy(Number(object, "accuracy"));
  evaluation.set_examples(Integer(object, "examples", INT64_MAX));
  if (evaluation.split() != "test" && evaluation.split() != "validation") {
    throw WrongType("split", "test or validation");
  }
  if (!(evaluation.accuracy() >= 0 && evaluation.accuracy() <= 1)) {
    throw WrongType("accuracy", "number in 0 … 1");
  }
  return evaluation;
}

std::string ReadMatrix(const json& object, const char* name) {
  const json& rows = List(object, name);
  for (const json& row : rows) {
    if (!row.is_array()) throw WrongType(name, "list of lists");
    for (const json& cell : row) {
      if (!cell.is_number()) throw WrongType(name, "list of lists of numbers");
    }
  }
  return rows.dump();
}

ReadyEvent ReadReady(const json& line) {
  int64_t version = Integer(line, "protocol", INT32_MAX);
  if (version != protocol::kVersion) {
    throw std::invalid_argument(
        fmt::format("the trainer speaks protocol {}, this worker {}; install "
                    "both from one build",
                    version, protocol::kVersion));
  }
  return {ReadEnvironment(line)};
}

StartedEvent ReadStarted(const json& line) {
  StartedEvent started;
  if (line.contains("epochs_done")) {
    started.epochs_done = Integer(line, "epochs_done", INT64_MAX);
  }
  started.epochs_total = Integer(line, "epochs_total", INT64_MAX);
  if (line.contains("warnings")) {
    for (const json& warning : List(line, "warnings")) {
      if (!warning.is_string()) throw WrongType("warnings", "list of texts");
      started.warnings.push_back(warning.get<std::string>());
    }
  }
  return started;
}

EpochEvent ReadEpochEvent(const json& line) {
  EpochEvent event{ReadEpoch(line)};
  ReadMetrics(line, event.epoch.mutable_metrics());
  event.epoch.set_epochs_done(Integer(line, "epochs_done", INT64_MAX));
  event.epoch.set_epochs_total(Integer(line, "epochs_total", INT64_MAX));
  return event;
}

LogEvent ReadLog(const json& line) {
  LogEvent log{Text(line, "level"), Text(line, "message")};
  if (log.level != "info" && log.level != "warning" && log.level != "error") {
    throw WrongType("level", "info, warning or error");
  }
  return log;
}

ResultEvent ReadResult(const json& line) {
  v1::TrialResult result;
  std::string status = Text(line, "status");
  if (status != "completed" && status != "diverged") {
    throw WrongType("status", "completed or diverged");
  }
  result.set_diverged(status == "diverged");
  result.set_message(OptionalText(line, "message"));
  ReadMetrics(line, result.mutable_metrics());
  for (const json& evaluation : List(line, "evaluations")) {
    *result.add_evaluations() = ReadEvaluation(evaluation);
  }
  const json& curve = List(line, "learning_curve");
  for (const json& epoch : curve) {
    v1::EpochMetrics* added = result.add_epochs();
    *added = ReadCurvePoint(epoch);
    added->set_epochs_done(result.epochs_size());
    added->set_epochs_total(static_cast<int64_t>(curve.size()));
  }
  result.set_train_seconds(Number(line, "train_seconds"));
  *result.mutable_environment() = ReadEnvironment(line);
  result.set_accuracy_matrix_json(ReadMatrix(line, "accuracy_matrix"));
  for (const char* name : protocol::kPartNames) {
    if (!line.contains(name)) continue;
    (*result.mutable_parts_json())[name] =
        protocol::CheckedPart(name, line[name]).dump();
  }
  if (line.contains("epochs_reused")) {
    result.set_epochs_reused(Integer(line, "epochs_reused", INT64_MAX));
  }
  return {std::move(result)};
}

FailedEvent ReadFailed(const json& line) {
  std::string cause = Text(line, "cause");
  FailedEvent failed;
  v1::TrialFailure& failure = failed.failure;
  if (cause == protocol::cause::kBadConfig || cause == protocol::cause::kData) {
    failure.set_cause(v1::BAD_CONFIG);
  } else if (cause == protocol::cause::kOutOfMemory) {
    failure.set_cause(v1::OUT_OF_MEMORY);
  } else if (cause == protocol::cause::kEnvironment) {
    failure.set_cause(v1::ENVIRONMENT);
  } else if (cause == protocol::cause::kCrash) {
    failure.set_cause(v1::CRASH);
  } else {
    throw std::invalid_argument(fmt::format("unknown cause \"{}\"", cause));
  }
  failed.ends_trainer = failure.cause() != v1::BAD_CONFIG;
  failure.set_message(fmt::format("{}\n{}\n{}", ForLog(Text(line, "message")),
                                  ForLog(OptionalText(line, "where")),
                                  ForLog(OptionalText(line, "remedy"))));
  return failed;
}

TrainerEvent Read(const json& line) {
  std::string type = Text(line, "type");
  if (type == names::kReady) return {{}, ReadReady(line)};
  // What the trainer has to say outside a trial goes with the trial it is in.
  if (type == names::kLog) return {{}, ReadLog(line)};
  TrainerEvent read;
  read.attempt = {Text(line, "trial_id"), Index(line, "attempt")};
  if (type == names::kStarted) {
    read.event = ReadStarted(line);
  } else if (type == names::kEpoch) {
    read.event = ReadEpochEvent(line);
  } else if (type == names::kEvaluation) {
    read.event = EvaluationEvent{ReadEvaluation(line)};
  } else if (type == names::kCheckpoint) {
    read.event =
        CheckpointEvent{Text(line, "file"), Number(line, "train_seconds")};
  } else if (type == names::kResult) {
    read.event = ReadResult(line);
  } else if (type == names::kFailed) {
    read.event = ReadFailed(line);
  } else if (type == names::kCancelled) {
    read.event = CancelledEvent{};
  } else {
    throw std::invalid_argument(fmt::format("unknown type \"{}\"", type));
  }
  return read;
}

}  // namespace

absl::StatusOr<TrainerEvent> ParseTrainerEvent(std::string_view line) {
  try {
    json parsed = json::parse(line, nullptr, /*allow_exceptions=*/false);
    if (parsed.is_discarded()) {
      return absl::InvalidArgumentError(
          fmt::format("not JSON: {}", ForLog(line.substr(0, 80))));
    }
    return Read(parsed);
  } catch (const std::exception& error) {
    return absl::InvalidArgumentError(ForLog(error.what()));
  }
}

std::string ForLog(std::string_view text) {
  // Writing JSON replaces what is not UTF-8.
  std::string quoted =
      json(text.substr(0, 2 * kMaxLogBytes))
          .dump(-1, ' ', false, json::error_handler_t::replace);
  std::string clean = json::parse(quoted).get<std::string>();
  if (clean.size() > kMaxLogBytes) {
    size_t end = kMaxLogBytes - 3;  // the ellipsis has three bytes
    while (end > 0 && (clean[end] & 0xC0) == 0x80) --end;
    clean = clean.substr(0, end) + "…";
  }
  for (char& byte : clean) {
    auto code = static_cast<unsigned char>(byte);
    if (code < ' ' || code == 0x7F) byte = ' ';
  }
  return clean;
}

}  // namespace dfsweep::worker
