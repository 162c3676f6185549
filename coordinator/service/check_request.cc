#include "coordinator/service/check_request.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <map>
#include <nlohmann/json.hpp>
#include <stdexcept>
#include <string>
#include <utility>

#include "base/digest.h"
#include "base/display_text.h"
#include "base/version.h"
#include "model/protocol/result_parts.h"
#include "proto/channel.h"

namespace dfsweep::coordinator {
namespace {

constexpr char kNameCharacters[] =
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._-";
constexpr int kMaxSlots = 1024;
constexpr size_t kMaxManifestBytes = 2 << 20;
constexpr int kMaxManifestDepth = 64;
constexpr size_t kMaxMetrics = 10'000;
constexpr int kMaxTasks = 1000;
constexpr size_t kMaxExportNames = 1000;
constexpr int kMaxTableWidth = 10'000;
// Far beyond what a trial can have, and so small that no sum and no successor
// of them overflows.
constexpr int64_t kMaxEpochs = 1'000'000;
constexpr int64_t kMaxLogLines = int64_t{1} << 40;
constexpr double kMaxTrainSeconds = 1e10;

absl::Status Refuse(std::string what, std::string_view where) {
  return MakeError(absl::StatusCode::kInvalidArgument, what, where,
                   "this is a fault of the program that sent it: use the same "
                   "dfsweep version on both sides");
}

// Text of another program: printable, at most `limit` bytes.
std::string Clean(std::string_view text, size_t limit,
                  bool keep_newlines = false) {
  if (text.size() > limit) {
    // Not inside of a UTF-8 character.
    while (limit > 0 &&
           (static_cast<unsigned char>(text[limit]) & 0xc0) == 0x80) {
      --limit;
    }
    text = text.substr(0, limit);
  }
  return Printable(text, keep_newlines);
}

EnvironmentRow EnvironmentOf(const v1::Environment& environment) {
  auto text = [](const std::string& value) { return Clean(value, 256); };
  return {.device = text(environment.device()),
          .device_name = text(environment.device_name()),
          .cpu = text(environment.cpu()),
          .threads = environment.threads(),
          .torch_version = text(environment.torch_version()),
          .cuda_version = text(environment.cuda_version()),
          .cudnn_version = text(environment.cudnn_version()),
          .driver_version = text(environment.driver_version()),
          .device_memory_bytes = environment.device_memory_bytes(),
          .bf16 = environment.bf16(),
          .build = text(environment.build()),
          .os = text(environment.os())};
}

absl::Status CheckWorker(const std::string& worker_id,
                         const std::string& incarnation) {
  DFSWEEP_RETURN_IF_ERROR(CheckToken("worker id", worker_id));
  return CheckToken("incarnation", incarnation);
}

absl::StatusOr<std::map<std::string, double>> MetricsOf(
    const google::protobuf::Map<std::string, double>& metrics) {
  if (metrics.size() > kMaxMetrics) return Refuse("too many metrics", "");
  std::map<std::string, double> checked;
  for (const auto& [name, value] : metrics) {
    DFSWEEP_RETURN_IF_ERROR(CheckToken("metric name", name));
    if (!std::isfinite(value)) {
      return Refuse("a metric must be a finite number", name);
    }
    checked.emplace(name, value);
  }
  return checked;
}

bool IsTask(int task) { return task >= 0 && task < kMaxTasks; }

bool IsShare(double value) { return value >= 0 && value <= 1; }

absl::StatusOr<std::vector<EpochRow>> EpochsOf(
    const google::protobuf::RepeatedPtrField<v1::EpochMetrics>& epochs) {
  std::vector<EpochRow> rows;
  for (const v1::EpochMetrics& epoch : epochs) {
    if (!IsTask(epoch.task()) || epoch.epoch() < 0 || epoch.epochs_done() < 0 ||
        epoch.epochs_total() < epoch.epochs_done() ||
        epoch.epochs_total() > kMaxEpochs) {
      return Refuse("an epoch's numbers are out of range", "");
    }
    EpochRow row{.task = epoch.task(),
                 .epoch = epoch.epoch(),
                 .epochs_done = epoch.epochs_done(),
                 .epochs_total = epoch.epochs_total()};
    DFSWEEP_ASSIGN_OR_RETURN(row.metrics, MetricsOf(epoch.metrics()));
    rows.push_back(std::move(row));
  }
  return rows;
}

absl::StatusOr<std::vector<EvaluationRow>> EvaluationsOf(
    const google::protobuf::RepeatedPtrField<v1::TaskEvaluation>& messages) {
  std::vector<EvaluationRow> rows;
  for (const v1::TaskEvaluation& message : messages) {
    bool valid = IsTask(message.task()) && IsTask(message.after_task()) &&
                 IsShare(message.accuracy()) && message.examples() >= 0 &&
                 (message.split() == "test" || message.split() == "validation");
    if (!valid) return Refuse("an evaluation is out of range", "");
    rows.push_back({.after_task = message.after_task(),
                    .task = message.task(),
                    .split = message.split(),
                    .accuracy = message.accuracy(),
                    .examples = message.examples()});
  }
  return rows;
}

absl::StatusOr<std::vector<LogRow>> LogLinesOf(
    const google::protobuf::RepeatedPtrField<v1::LogLine>& lines) {
  std::vector<LogRow> rows;
  for (const v1::LogLine& line : lines) {
    if (line.sequence() < 0 || line.sequence() > kMaxLogLines) {
      return Refuse("a log line's number is out of range", "");
    }
    bool known = line.level() == "info" || line.level() == "warning" ||
                 line.level() == "error";
    if (!known) return Refuse("a log line has an unknown level", line.level());
    rows.push_back({.sequence = line.sequence(),
                    .level = line.level(),
                    .message = Clean(line.message(), kMaxLogLineBytes),
                    .since_start = DurationOf(line.since_start())});
  }
  return rows;
}

// [[0.9], [0.1, 0.8]]
absl::StatusOr<std::vector<std::vector<double>>> MatrixOf(
    const std::string& text) {
  Json json = Json::parse(text, nullptr, /*allow_exceptions=*/false);
  std::vector<std::vector<double>> matrix;
  bool valid = json.is_array() && json.size() <= kMaxTasks;
  for (size_t i = 0; valid && i < json.size(); ++i) {
    valid = json[i].is_array() && json[i].size() <= kMaxTasks;
    std::vector<double> row;
    for (size_t j = 0; valid && j < json[i].size(); ++j) {
      valid = json[i][j].is_number() && IsShare(json[i][j].get<double>());
      if (valid) row.push_back(json[i][j].get<double>());
    }
    matrix.push_back(std::move(row));
  }
  if (!valid) return Refuse("the accuracy matrix is malformed", "");
  return matrix;
}

absl::StatusOr<std::map<std::string, std::string>> PartsOf(
    const google::protobuf::Map<std::string, std::string>& parts) {
  std::map<std::string, std::string> checked;
  for (const auto& [name, text] : parts) {
    Json json = Json::parse(text, nullptr, /*allow_exceptions=*/false);
    try {
      checked[name] = protocol::CheckedPart(name, json).dump();
    } catch (const std::invalid_argument& error) {
      return Refuse("a part of a result is malformed", error.what());
    }
  }
  return checked;
}

absl::StatusOr<TrialResultRow> ResultOf(const v1::TrialResult& result) {
  if (result.epochs_reused() < 0 || result.epochs_reused() > kMaxEpochs) {
    return Refuse("the number of reused epochs is out of range", "");
  }
  if (!(result.train_seconds() >= 0 &&
        result.train_seconds() <= kMaxTrainSeconds)) {
    return Refuse("the training time is out of range", "");
  }
  TrialResultRow row{
      .diverged = result.diverged(),
      .message = Clean(result.message(), kMaxMessageTextBytes, true),
      .train_seconds = result.train_seconds(),
      .epochs_reused = result.epochs_reused(),
      .environment = EnvironmentOf(result.environment())};
  DFSWEEP_ASSIGN_OR_RETURN(row.metrics, MetricsOf(result.metrics()));
  DFSWEEP_ASSIGN_OR_RETURN(row.evaluations,
                           EvaluationsOf(result.evaluations()));
  DFSWEEP_ASSIGN_OR_RETURN(row.epochs, EpochsOf(result.epochs()));
  DFSWEEP_ASSIGN_OR_RETURN(row.accuracy_matrix,
                           MatrixOf(result.accuracy_matrix_json()));
  DFSWEEP_ASSIGN_OR_RETURN(row.parts, PartsOf(result.parts_json()));
  return row;
}

absl::StatusOr<Cause> CauseOf(v1::FailureCause cause) {
  switch (cause) {
    case v1::WORKER_LOST:
      return Cause::kWorkerLost;
    case v1::PREEMPTED:
      return Cause::kPreempted;
    case v1::OUT_OF_MEMORY:
      return Cause::kOutOfMemory;
    case v1::CRASH:
      return Cause::kCrash;
    case v1::TIMEOUT:
      return Cause::kTimeout;
    case v1::BAD_CONFIG:
      return Cause::kBadConfig;
    case v1::ENVIRONMENT:
      return Cause::kEnvironment;
    default:
      return Refuse("the cause of a failure is not one of the list", "");
  }
}

absl::StatusOr<Format> FormatOf(v1::ExportResultsRequest::Format format) {
  switch (format) {
    case v1::ExportResultsRequest::FORMAT_UNSPECIFIED:
    case v1::ExportResultsRequest::TABLE:
      return Format::kTable;
    case v1::ExportResultsRequest::CSV:
      return Format::kCsv;
    case v1::ExportResultsRequest::JSONL:
      return Format::kJsonl;
    case v1::ExportResultsRequest::MARKDOWN:
      return Format::kMarkdown;
    case v1::ExportResultsRequest::LATEX:
      return Format::kLatex;
    default:
      return Refuse("the format is not one of the list", "");
  }
}

absl::StatusOr<RowKind> RowKindOf(v1::ExportResultsRequest::Rows rows) {
  switch (rows) {
    case v1::ExportResultsRequest::ROWS_UNSPECIFIED:
      return RowKind::kDefault;
    case v1::ExportResultsRequest::CONFIGURATIONS:
      return RowKind::kConfigurations;
    case v1::ExportResultsRequest::TRIALS:
      return RowKind::kTrials;
    default:
      return Refuse("the kind of rows is not one of the list", "");
  }
}

absl::Status CheckVersion(const v1::RegisterRequest& request) {
  if (request.protocol_major() == kProtocolMajor) return absl::OkStatus();
  bool worker_is_older = request.protocol_major() < kProtocolMajor;
  return MakeError(
      absl::StatusCode::kAborted,
      fmt::format("the worker speaks protocol {}, the coordinator {}",
                  request.protocol_major(), kProtocolMajor),
      fmt::format("worker {} (dfsweep {}), coordinator (dfsweep {})",
                  Clean(request.name(), kMaxNameBytes),
                  Clean(request.version(), 64), kVersion),
      worker_is_older ? "upgrade dfsweep on the worker's machine"
                      : "upgrade dfsweep on the coordinator's machine");
}

}  // namespace

absl::Status CheckToken(std::string_view what, std::string_view value) {
  if (!value.empty() && value.size() <= kMaxNameBytes &&
      value.find_first_not_of(kNameCharacters) == std::string_view::npos) {
    return absl::OkStatus();
  }
  return MakeError(absl::StatusCode::kInvalidArgument,
                   fmt::format("the {} is malformed", what),
                   Clean(value, kMaxNameBytes),
                   "use 1 to 128 characters of A-Z a-z 0-9 . _ -");
}

absl::Status CheckRequestId(std::string_view request_id) {
  return CheckToken("request id", request_id);
}

absl::Status CheckName(std::string_view what, std::string_view value) {
  DFSWEEP_RETURN_IF_ERROR(CheckToken(what, value));
  if (value[0] != '.') return absl::OkStatus();
  return MakeError(absl::StatusCode::kInvalidArgument,
                   fmt::format("the {} begins with a dot", what), value,
                   "choose another name");
}

absl::Status CheckDigest(std::string_view what, std::string_view value) {
  if (IsSha256Hex(value)) return absl::OkStatus();
  return Refuse(fmt::format("the {} is not 64 hexadecimal digits", what),
                Clean(value, kMaxNameBytes));
}

absl::Duration DurationOf(const google::protobuf::Duration& duration) {
  return absl::Seconds(duration.seconds()) +
         absl::Nanoseconds(duration.nanos());
}

absl::Duration WaitOf(const google::protobuf::Duration& wait) {
  return std::clamp(DurationOf(wait), absl::ZeroDuration(), rpc::kMaxLongPoll);
}

absl::StatusOr<AttemptId> AttemptOf(const std::string& trial_id, int attempt) {
  DFSWEEP_RETURN_IF_ERROR(CheckDigest("trial id", trial_id));
  if (attempt < 1) return Refuse("attempts are numbered from 1", trial_id);
  return AttemptId{trial_id, attempt};
}

absl::StatusOr<std::vector<AttemptId>> AttemptsOf(
    const google::protobuf::RepeatedPtrField<v1::AttemptRef>& refs) {
  std::vector<AttemptId> attempts;
  for (const v1::AttemptRef& ref : refs) {
    DFSWEEP_ASSIGN_OR_RETURN(AttemptId attempt,
                             AttemptOf(ref.trial_id(), ref.attempt()));
    attempts.push_back(std::move(attempt));
  }
  return attempts;
}

absl::StatusOr<Registration> ReadRegistration(
    const v1::RegisterRequest& request) {
  DFSWEEP_RETURN_IF_ERROR(CheckVersion(request));
  DFSWEEP_RETURN_IF_ERROR(CheckRequestId(request.request_id()));
  DFSWEEP_RETURN_IF_ERROR(
      CheckWorker(request.worker_id(), request.incarnation()));
  DFSWEEP_RETURN_IF_ERROR(CheckName("worker's name", request.name()));
  const std::string& device = request.environment().device();
  if (device != "cpu" && device != "cuda") {
    return Refuse("a worker's device is cpu or cuda", device);
  }
  if (request.slots() < 1 || request.slots() > kMaxSlots ||
      request.environment().device_memory_bytes() < 0) {
    return Refuse("slots or memory are out of range", request.name());
  }
  Registration registration;
  registration.worker.worker_id = request.worker_id();
  registration.worker.name = request.name();
  registration.worker.incarnation = request.incarnation();
  registration.worker.slots = request.slots();
  registration.worker.environment = EnvironmentOf(request.environment());
  if (request.has_probe()) {
    const v1::Probe& probe = request.probe();
    DFSWEEP_RETURN_IF_ERROR(CheckDigest("probe's digest", probe.digest()));
    if (!std::isfinite(probe.samples_per_second())) {
      return Refuse("the probe's speed is no number", request.name());
    }
    registration.worker.probe_digest = probe.digest();
    registration.worker.samples_per_second = probe.samples_per_second();
  }
  DFSWEEP_ASSIGN_OR_RETURN(registration.held, AttemptsOf(request.held()));
  return registration;
}

namespace {

// What a worker tells of its machine is for people: whatever is too long is
// cut, whatever is no number is left out.
constexpr int kMaxReasons = 16;
constexpr size_t kMaxPhraseBytes = 256;

std::vector<std::string> PhrasesOf(
    const google::protobuf::RepeatedPtrField<std::string>& texts) {
  std::vector<std::string> phrases;
  for (const std::string& text : texts) {
    if (phrases.size() == kMaxReasons) break;
    phrases.push_back(Clean(text, kMaxPhraseBytes));
  }
  return phrases;
}

DeviceStatus DeviceOf(const v1::DeviceStatus& from) {
  DeviceStatus device{
      .device = Clean(from.device(), kMaxPhraseBytes),
      .name = Clean(from.name(), kMaxPhraseBytes),
      .uuid = Clean(from.uuid(), kMaxPhraseBytes),
      .driver_version = Clean(from.driver_version(), kMaxPhraseBytes),
      .throttle_reasons = PhrasesOf(from.throttle_reasons())};
  if (from.has_temperature_celsius()) {
    device.temperature_celsius = from.temperature_celsius();
  }
  if (from.has_utilization_percent()) {
    device.utilization_percent = from.utilization_percent();
  }
  if (from.has_memory_used_bytes()) {
    device.memory_used_bytes = from.memory_used_bytes();
  }
  if (from.has_memory_total_bytes()) {
    device.memory_total_bytes = from.memory_total_bytes();
  }
  if (from.has_power_watts() && std::isfinite(from.power_watts())) {
    device.power_watts = from.power_watts();
  }
  return device;
}

}  // namespace

MachineStatus ReadMachineStatus(const v1::MachineStatus& status) {
  MachineStatus machine{.pause_reasons = PhrasesOf(status.pause_reasons()),
                        .drain_reasons = PhrasesOf(status.drain_reasons())};
  if (status.has_on_battery()) machine.on_battery = status.on_battery();
  if (status.has_battery_percent()) {
    machine.battery_percent = status.battery_percent();
  }
  for (const v1::DeviceStatus& device : status.devices()) {
    if (machine.devices.size() == kMaxSlots) break;
    machine.devices.push_back(DeviceOf(device));
  }
  return machine;
}

absl::StatusOr<LeasesRequested> ReadLeaseRequest(
    const v1::LeaseTrialsRequest& request) {
  DFSWEEP_RETURN_IF_ERROR(CheckRequestId(request.request_id()));
  DFSWEEP_RETURN_IF_ERROR(
      CheckWorker(request.worker_id(), request.incarnation()));
  if (request.max_trials() < 1 || request.max_trials() > kMaxSlots) {
    return Refuse("the number of trials asked for is out of range",
                  request.worker_id());
  }
  LeasesRequested event{request.worker_id(), request.incarnation(),
                        request.max_trials()};
  if (request.has_free_memory_bytes()) {
    event.free_bytes = std::max<int64_t>(request.free_memory_bytes(), 0);
  }
  return event;
}

absl::StatusOr<HeartbeatReceived> ReadHeartbeat(
    const v1::HeartbeatRequest& request) {
  DFSWEEP_RETURN_IF_ERROR(
      CheckWorker(request.worker_id(), request.incarnation()));
  HeartbeatReceived event{.worker_id = request.worker_id(),
                          .incarnation = request.incarnation(),
                          .sequence = request.sequence(),
                          .leaving = request.leaving()};
  DFSWEEP_ASSIGN_OR_RETURN(event.held, AttemptsOf(request.held()));
  return event;
}

absl::StatusOr<Progress> ReadProgress(
    const v1::ReportProgressRequest& request) {
  DFSWEEP_RETURN_IF_ERROR(CheckRequestId(request.request_id()));
  DFSWEEP_RETURN_IF_ERROR(
      CheckWorker(request.worker_id(), request.incarnation()));
  Progress progress{.worker_id = request.worker_id(),
                    .started = request.started(),
                    .first_stage_over = request.first_stage_over()};
  DFSWEEP_ASSIGN_OR_RETURN(progress.attempt,
                           AttemptOf(request.trial_id(), request.attempt()));
  DFSWEEP_ASSIGN_OR_RETURN(progress.epochs, EpochsOf(request.epochs()));
  DFSWEEP_ASSIGN_OR_RETURN(progress.evaluations,
                           EvaluationsOf(request.evaluations()));
  DFSWEEP_ASSIGN_OR_RETURN(progress.lines, LogLinesOf(request.log_lines()));
  return progress;
}

absl::StatusOr<Completion> ReadCompletion(
    const v1::CompleteTrialRequest& request) {
  DFSWEEP_RETURN_IF_ERROR(CheckRequestId(request.request_id()));
  DFSWEEP_RETURN_IF_ERROR(CheckToken("worker id", request.worker_id()));
  Completion completion{.worker_id = request.worker_id()};
  DFSWEEP_ASSIGN_OR_RETURN(completion.attempt,
                           AttemptOf(request.trial_id(), request.attempt()));
  DFSWEEP_ASSIGN_OR_RETURN(completion.lines, LogLinesOf(request.log_lines()));
  switch (request.outcome_case()) {
    case v1::CompleteTrialRequest::kResult: {
      DFSWEEP_ASSIGN_OR_RETURN(completion.outcome, ResultOf(request.result()));
      return completion;
    }
    case v1::CompleteTrialRequest::kFailure: {
      DFSWEEP_ASSIGN_OR_RETURN(Cause cause, CauseOf(request.failure().cause()));
      completion.outcome = FailureRow{cause, Clean(request.failure().message(),
                                                   kMaxMessageTextBytes, true)};
      return completion;
    }
    case v1::CompleteTrialRequest::kHandBack:
      completion.outcome = HandBackRow{
          Clean(request.hand_back().reason(), kMaxMessageTextBytes)};
      return completion;
    case v1::CompleteTrialRequest::OUTCOME_NOT_SET:
      break;
  }
  return Refuse("a completed attempt has no outcome", request.trial_id());
}

namespace {

// Who shows a manifest goes down into it by recursion.
bool IsManifest(const std::string& text) {
  if (text.size() > kMaxManifestBytes) return false;
  bool is_deep = false;
  auto look = [&is_deep](int depth, Json::parse_event_t, Json&) {
    is_deep = is_deep || depth > kMaxManifestDepth;
    return !is_deep;
  };
  return Json::parse(text, look, /*allow_exceptions=*/false).is_object() &&
         !is_deep;
}

}  // namespace

absl::StatusOr<DatasetRow> ReadDatasetHeader(
    const v1::UploadDatasetRequest::Header& header, absl::Time now) {
  DFSWEEP_RETURN_IF_ERROR(CheckRequestId(header.request_id()));
  DFSWEEP_RETURN_IF_ERROR(CheckName("dataset's name", header.name()));
  DFSWEEP_RETURN_IF_ERROR(CheckDigest("dataset's digest", header.digest()));
  if (header.size_bytes() < 1) {
    return Refuse("the dataset's size must be positive", header.name());
  }
  if (!IsManifest(header.manifest_json())) {
    return Refuse(
        "the dataset's manifest is no JSON object of at most 2 MiB and 64 "
        "levels",
        header.name());
  }
  return DatasetRow{.name = header.name(),
                    .digest = header.digest(),
                    .size_bytes = header.size_bytes(),
                    .manifest_json = header.manifest_json(),
                    .create_time = now};
}

absl::StatusOr<ExportOptions> ReadExportOptions(
    const v1::ExportResultsRequest& request) {
  ExportOptions options{
      .group_by = {request.group_by().begin(), request.group_by().end()},
      .columns = {request.columns().begin(), request.columns().end()},
      .sort = request.sort(),
      .color = request.color()};
  if (options.group_by.size() > kMaxExportNames ||
      options.columns.size() > kMaxExportNames) {
    return Refuse("too many columns", "");
  }
  if (request.width() < 0 || request.width() > kMaxTableWidth) {
    return Refuse("the table's width is out of range", "");
  }
  if (request.width() > 0) options.width = request.width();
  DFSWEEP_ASSIGN_OR_RETURN(options.format, FormatOf(request.format()));
  DFSWEEP_ASSIGN_OR_RETURN(options.rows, RowKindOf(request.rows()));
  return options;
}

}  // namespace dfsweep::coordinator
