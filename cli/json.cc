#include "cli/json.h"

#include <string>
#include <vector>

#include "absl/time/time.h"
#include "base/status.h"
#include "cli/text.h"

namespace dfsweep::cli {
namespace {

Json TimeJson(const google::protobuf::Timestamp& time) {
  return absl::FormatTime("%Y-%m-%dT%H:%M:%E3SZ", FromProto(time),
                          absl::UTCTimeZone());
}

Json SecondsJson(const google::protobuf::Duration& duration) {
  return absl::ToDoubleSeconds(FromProto(duration));
}

Json TextsJson(const google::protobuf::RepeatedPtrField<std::string>& texts) {
  return std::vector<std::string>(texts.begin(), texts.end());
}

Json OrNull(bool has, const auto& make) { return has ? make() : Json(); }

Json MetricsJson(const google::protobuf::Map<std::string, double>& metrics) {
  Json json = Json::object();
  for (const auto& [name, value] : metrics) json[name] = value;
  return json;
}

Json BestJson(const v1::BestTrial& best) {
  return {{"trial_id", best.trial_id()},
          {"value", best.value()},
          {"varying", ParseObject(best.varying_json())}};
}

}  // namespace

Json ToJson(const v1::DatasetRef& dataset) {
  return {{"name", dataset.name()}, {"digest", dataset.digest()}};
}

Json ToJson(const v1::TrialCounts& counts) {
  return {{"pending", counts.pending()},     {"leased", counts.leased()},
          {"running", counts.running()},     {"completed", counts.completed()},
          {"diverged", counts.diverged()},   {"failed", counts.failed()},
          {"cancelled", counts.cancelled()}, {"pruned", counts.pruned()}};
}

Json ToJson(const v1::Sweep& sweep) {
  return {
      {"sweep_id", sweep.sweep_id()},
      {"name", sweep.name()},
      {"state", v1::Sweep::State_Name(sweep.state())},
      {"dataset", ToJson(sweep.dataset())},
      {"counts", ToJson(sweep.counts())},
      {"priority", sweep.priority()},
      {"create_time", OrNull(sweep.has_create_time(),
                             [&] { return TimeJson(sweep.create_time()); })},
      {"metric_name", sweep.metric_name()},
      {"metric_maximize", sweep.metric_maximize()},
      {"time_left_seconds",
       OrNull(sweep.has_time_left(),
              [&] { return SecondsJson(sweep.time_left()); })},
      {"best",
       OrNull(sweep.has_best(), [&] { return BestJson(sweep.best()); })},
      {"epochs_total", sweep.epochs_total()},
      {"epochs_done", sweep.epochs_done()},
      {"epochs_reused", sweep.epochs_reused()},
      {"file_text", sweep.file_text()},
      {"overrides", TextsJson(sweep.overrides())}};
}

Json ToJson(const v1::Trial& trial) {
  bool has_cause = trial.cause() != v1::FAILURE_CAUSE_UNSPECIFIED;
  return {{"trial_id", trial.trial_id()},
          {"state", v1::TrialState_Name(trial.state())},
          {"configuration", ParseObject(trial.configuration_json())},
          {"seed", trial.seed()},
          {"attempt", trial.attempt()},
          {"worker", trial.worker()},
          {"message", trial.message()},
          {"cause",
           OrNull(has_cause,
                  [&] { return Json(v1::FailureCause_Name(trial.cause())); })},
          {"metrics", MetricsJson(trial.metrics())},
          {"epochs_done", trial.epochs_done()},
          {"epochs_total", trial.epochs_total()},
          {"start_time", OrNull(trial.has_start_time(),
                                [&] { return TimeJson(trial.start_time()); })},
          {"end_time", OrNull(trial.has_end_time(),
                              [&] { return TimeJson(trial.end_time()); })},
          {"train_seconds", trial.train_seconds()}};
}

Json ToJson(const v1::Environment& environment) {
  return {{"device", environment.device()},
          {"device_name", environment.device_name()},
          {"cpu", environment.cpu()},
          {"threads", environment.threads()},
          {"torch_version", environment.torch_version()},
          {"cuda_version", environment.cuda_version()},
          {"cudnn_version", environment.cudnn_version()},
          {"driver_version", environment.driver_version()},
          {"device_memory_bytes", environment.device_memory_bytes()},
          {"bf16", environment.bf16()},
          {"build", environment.build()},
          {"os", environment.os()}};
}

Json ToJson(const v1::DeviceStatus& device) {
  return {{"device", device.device()},
          {"name", device.name()},
          {"uuid", device.uuid()},
          {"driver_version", device.driver_version()},
          {"temperature_celsius",
           OrNull(device.has_temperature_celsius(),
                  [&] { return Json(device.temperature_celsius()); })},
          {"utilization_percent",
           OrNull(device.has_utilization_percent(),
                  [&] { return Json(device.utilization_percent()); })},
          {"memory_used_bytes",
           OrNull(device.has_memory_used_bytes(),
                  [&] { return Json(device.memory_used_bytes()); })},
          {"memory_total_bytes",
           OrNull(device.has_memory_total_bytes(),
                  [&] { return Json(device.memory_total_bytes()); })},
          {"power_watts", OrNull(device.has_power_watts(),
                                 [&] { return Json(device.power_watts()); })},
          {"throttle_reasons", TextsJson(device.throttle_reasons())}};
}

Json ToJson(const v1::MachineStatus& status) {
  return {{"pause_reasons", TextsJson(status.pause_reasons())},
          {"drain_reasons", TextsJson(status.drain_reasons())},
          {"on_battery", OrNull(status.has_on_battery(),
                                [&] { return Json(status.on_battery()); })},
          {"battery_percent",
           OrNull(status.has_battery_percent(),
                  [&] { return Json(status.battery_percent()); })},
          {"devices", ToJsonList(status.devices())}};
}

Json ToJson(const v1::Probe& probe) {
  return {{"digest", probe.digest()},
          {"samples_per_second", probe.samples_per_second()}};
}

Json ToJson(const v1::Worker& worker) {
  return {{"worker_id", worker.worker_id()},
          {"name", worker.name()},
          {"state", v1::Worker::State_Name(worker.state())},
          {"reason", worker.reason()},
          {"slots", worker.slots()},
          {"trial_ids", TextsJson(worker.trial_ids())},
          {"environment", ToJson(worker.environment())},
          {"silence_seconds",
           OrNull(worker.has_silence(),
                  [&] { return SecondsJson(worker.silence()); })},
          {"completed_trials", worker.completed_trials()},
          {"failed_attempts", worker.failed_attempts()},
          {"parity_warning", worker.parity_warning()},
          {"status", OrNull(worker.has_status(),
                            [&] { return ToJson(worker.status()); })},
          {"probe",
           OrNull(worker.has_probe(), [&] { return ToJson(worker.probe()); })}};
}

Json ToJson(const v1::Dataset& dataset) {
  return {{"name", dataset.name()},
          {"digest", dataset.digest()},
          {"size_bytes", dataset.size_bytes()},
          {"manifest", ParseObject(dataset.manifest_json())},
          {"create_time", OrNull(dataset.has_create_time(), [&] {
             return TimeJson(dataset.create_time());
           })}};
}

Json ToJson(const v1::LogLine& line) {
  return {{"sequence", line.sequence()},
          {"level", line.level()},
          {"message", line.message()},
          {"since_start_seconds", SecondsJson(line.since_start())}};
}

Json ToJson(const v1::Token& token) {
  return {
      {"token_id", token.token_id()},
      {"name", token.name()},
      {"scope", token.scope()},
      {"worker_id", token.worker_id()},
      {"create_time", TimeJson(token.create_time())},
      {"expire_time", OrNull(token.has_expire_time(),
                             [&] { return TimeJson(token.expire_time()); })},
      {"revoked", token.revoked()}};
}

Json ToJson(const v1::SweepPlan& plan) {
  Json warnings = Json::array();
  for (const std::string& warning : plan.warnings()) {
    ErrorParts parts = PartsOf(warning);
    warnings.push_back(
        {{"what", parts.what}, {"where", parts.where}, {"fix", parts.remedy}});
  }
  Json levels = Json::array();
  for (const v1::StageLevel& level : plan.levels()) {
    levels.push_back({{"trials", level.trials()},
                      {"stages", level.stages()},
                      {"epochs", level.epochs()},
                      {"epochs_shared", level.epochs_shared()}});
  }
  return {{"method", plan.method()},
          {"drawn", plan.drawn()},
          {"drawn_ahead", plan.drawn_ahead()},
          {"grid_size", plan.grid_size()},
          {"selected_size", plan.selected_size()},
          {"distinct_trials", plan.distinct_trials()},
          {"known_trials", plan.known_trials()},
          {"epochs", plan.epochs()},
          {"epochs_shared", plan.epochs_shared()},
          {"levels", levels},
          {"expected_seconds",
           OrNull(plan.has_expected_time(),
                  [&] { return SecondsJson(plan.expected_time()); })},
          {"slots", plan.slots()},
          {"warnings", warnings}};
}

Json ToJson(const v1::WatchSweepResponse& update) {
  return {{"sweep", ToJson(update.sweep())},
          {"changed_trials", ToJsonList(update.changed_trials())},
          {"server_stopping", update.server_stopping()},
          {"workers_online", update.workers_online()}};
}

Json ToJson(const v1::GetServerInfoResponse& info) {
  return {{"version", info.version()},
          {"build", info.build()},
          {"protocol_major", info.protocol_major()},
          {"protocol_minor", info.protocol_minor()},
          {"store_id", info.store_id()},
          {"uptime_seconds", SecondsJson(info.uptime())},
          {"workers_online", info.workers_online()},
          {"trials_ended", info.trials_ended()}};
}

}  // namespace dfsweep::cli
