#include "coordinator/service/convert.h"

#include <fmt/format.h>

#include <algorithm>

#include "sweeps/search_settings.h"

namespace dfsweep::coordinator {
namespace {

v1::Sweep::State StateOf(SweepState state) {
  switch (state) {
    case SweepState::kActive:
      return v1::Sweep::ACTIVE;
    case SweepState::kPaused:
      return v1::Sweep::PAUSED;
    case SweepState::kFinished:
      return v1::Sweep::FINISHED;
    case SweepState::kCancelled:
      return v1::Sweep::CANCELLED;
  }
  return v1::Sweep::STATE_UNSPECIFIED;
}

v1::TrialState StateOf(TrialState state) {
  switch (state) {
    case TrialState::kPending:
      return v1::PENDING;
    case TrialState::kLeased:
      return v1::LEASED;
    case TrialState::kRunning:
      return v1::RUNNING;
    case TrialState::kCompleted:
      return v1::COMPLETED;
    case TrialState::kDiverged:
      return v1::DIVERGED;
    case TrialState::kFailed:
      return v1::FAILED;
    case TrialState::kCancelled:
      return v1::CANCELLED;
    case TrialState::kPruned:
      return v1::PRUNED;
  }
  return v1::TRIAL_STATE_UNSPECIFIED;
}

v1::FailureCause CauseOf(Cause cause) {
  switch (cause) {
    case Cause::kWorkerLost:
      return v1::WORKER_LOST;
    case Cause::kPreempted:
      return v1::PREEMPTED;
    case Cause::kOutOfMemory:
      return v1::OUT_OF_MEMORY;
    case Cause::kCrash:
      return v1::CRASH;
    case Cause::kTimeout:
      return v1::TIMEOUT;
    case Cause::kBadConfig:
      return v1::BAD_CONFIG;
    case Cause::kEnvironment:
      return v1::ENVIRONMENT;
  }
  return v1::FAILURE_CAUSE_UNSPECIFIED;
}

v1::Worker::State StateOf(WorkerState state) {
  switch (state) {
    case WorkerState::kOnline:
      return v1::Worker::ONLINE;
    case WorkerState::kSuspect:
      return v1::Worker::SUSPECT;
    case WorkerState::kLost:
      return v1::Worker::LOST;
    case WorkerState::kDraining:
      return v1::Worker::DRAINING;
    case WorkerState::kQuarantined:
      return v1::Worker::QUARANTINED;
    case WorkerState::kLeft:
      return v1::Worker::LEFT;
    case WorkerState::kPaused:
      return v1::Worker::PAUSED;
  }
  return v1::Worker::STATE_UNSPECIFIED;
}

void SetCount(TrialState state, int64_t count, v1::TrialCounts* out) {
  switch (state) {
    case TrialState::kPending:
      return out->set_pending(count);
    case TrialState::kLeased:
      return out->set_leased(count);
    case TrialState::kRunning:
      return out->set_running(count);
    case TrialState::kCompleted:
      return out->set_completed(count);
    case TrialState::kDiverged:
      return out->set_diverged(count);
    case TrialState::kFailed:
      return out->set_failed(count);
    case TrialState::kCancelled:
      return out->set_cancelled(count);
    case TrialState::kPruned:
      return out->set_pruned(count);
  }
}

void SetEnvironment(const EnvironmentRow& row, v1::Environment* out) {
  out->set_device(row.device);
  out->set_device_name(row.device_name);
  out->set_cpu(row.cpu);
  out->set_threads(row.threads);
  out->set_torch_version(row.torch_version);
  out->set_cuda_version(row.cuda_version);
  out->set_cudnn_version(row.cudnn_version);
  out->set_driver_version(row.driver_version);
  out->set_device_memory_bytes(row.device_memory_bytes);
  out->set_bf16(row.bf16);
  out->set_build(row.build);
  out->set_os(row.os);
}

void SetDevice(const DeviceStatus& device, v1::DeviceStatus* out) {
  out->set_device(device.device);
  out->set_name(device.name);
  out->set_uuid(device.uuid);
  out->set_driver_version(device.driver_version);
  if (device.temperature_celsius) {
    out->set_temperature_celsius(*device.temperature_celsius);
  }
  if (device.utilization_percent) {
    out->set_utilization_percent(*device.utilization_percent);
  }
  if (device.memory_used_bytes) {
    out->set_memory_used_bytes(*device.memory_used_bytes);
  }
  if (device.memory_total_bytes) {
    out->set_memory_total_bytes(*device.memory_total_bytes);
  }
  if (device.power_watts) out->set_power_watts(*device.power_watts);
  for (const std::string& reason : device.throttle_reasons) {
    out->add_throttle_reasons(reason);
  }
}

void SetMachine(const MachineStatus& machine, v1::MachineStatus* out) {
  for (const std::string& reason : machine.pause_reasons) {
    out->add_pause_reasons(reason);
  }
  for (const std::string& reason : machine.drain_reasons) {
    out->add_drain_reasons(reason);
  }
  if (machine.on_battery) out->set_on_battery(*machine.on_battery);
  if (machine.battery_percent) {
    out->set_battery_percent(*machine.battery_percent);
  }
  for (const DeviceStatus& device : machine.devices) {
    SetDevice(device, out->add_devices());
  }
}

}  // namespace

void SetTime(absl::Time time, google::protobuf::Timestamp* out) {
  int64_t ms = absl::ToUnixMillis(time);
  out->set_seconds(ms / 1000);
  out->set_nanos(static_cast<int32_t>(ms % 1000 * 1'000'000));
}

void SetDuration(absl::Duration duration, google::protobuf::Duration* out) {
  absl::Duration rest;
  out->set_seconds(absl::IDivDuration(duration, absl::Seconds(1), &rest));
  out->set_nanos(static_cast<int32_t>(absl::ToInt64Nanoseconds(rest)));
}

void ToProto(const SweepView& view, v1::Sweep* out) {
  const SweepRow& row = view.row;
  out->set_sweep_id(row.sweep_id);
  out->set_name(row.name);
  out->set_state(StateOf(view.state));
  out->mutable_dataset()->set_name(row.dataset_name);
  out->mutable_dataset()->set_digest(row.dataset_digest);
  out->mutable_counts();
  for (const auto& [state, sums] : view.progress) {
    SetCount(state, sums.trials, out->mutable_counts());
    out->set_epochs_total(out->epochs_total() + sums.epochs_total);
    out->set_epochs_done(out->epochs_done() + sums.epochs_done);
    out->set_epochs_reused(out->epochs_reused() + sums.epochs_reused);
  }
  out->set_priority(row.priority);
  SetTime(row.create_time, out->mutable_create_time());
  out->set_metric_name(row.metric_name);
  out->set_metric_maximize(row.metric_maximize);
  if (view.time_left.has_value()) {
    SetDuration(*view.time_left, out->mutable_time_left());
  }
  if (view.best.has_value()) {
    out->mutable_best()->set_trial_id(view.best->trial_id);
    out->mutable_best()->set_value(view.best->value);
    out->mutable_best()->set_varying_json(view.best_varying_json);
  }
  out->set_file_text(row.file_text);
  for (const std::string& text : row.overrides) out->add_overrides(text);
  for (const std::string& name : row.varying) out->add_varying(name);
}

void ToProto(const TrialRow& row, v1::Trial* out) {
  out->set_trial_id(row.trial_id);
  out->set_state(StateOf(row.state));
  out->set_configuration_json(row.configuration_json);
  out->set_seed(row.seed);
  out->set_attempt(row.attempt);
  out->set_worker(row.worker);
  out->set_message(row.message);
  if (row.cause.has_value()) out->set_cause(CauseOf(*row.cause));
  out->mutable_metrics()->insert(row.metrics.begin(), row.metrics.end());
  out->set_epochs_done(row.epochs_done);
  out->set_epochs_total(row.epochs_total);
  if (row.start_time) SetTime(*row.start_time, out->mutable_start_time());
  if (row.end_time) SetTime(*row.end_time, out->mutable_end_time());
  out->set_train_seconds(row.train_seconds);
}

void ToProto(const WorkerView& view, v1::Worker* out) {
  out->set_worker_id(view.row.worker_id);
  out->set_name(view.row.name);
  out->set_state(StateOf(view.row.state));
  out->set_reason(view.row.reason);
  out->set_slots(view.row.slots);
  for (const std::string& id : view.trial_ids) out->add_trial_ids(id);
  SetEnvironment(view.row.environment, out->mutable_environment());
  // Infinite for one that was not heard from since the coordinator started.
  if (view.silence < absl::InfiniteDuration()) {
    SetDuration(view.silence, out->mutable_silence());
  }
  out->set_completed_trials(view.row.completed_trials);
  out->set_failed_attempts(view.row.failed_attempts);
  out->set_parity_warning(view.row.parity_warning);
  if (view.machine) SetMachine(*view.machine, out->mutable_status());
  if (!view.row.probe_digest.empty()) {
    out->mutable_probe()->set_digest(view.row.probe_digest);
    out->mutable_probe()->set_samples_per_second(view.row.samples_per_second);
  }
}

void ToProto(const DatasetRow& row, v1::Dataset* out) {
  out->set_name(row.name);
  out->set_digest(row.digest);
  out->set_size_bytes(row.size_bytes);
  out->set_manifest_json(row.manifest_json);
  SetTime(row.create_time, out->mutable_create_time());
}

void ToProto(const PlanView& view, v1::SweepPlan* out) {
  const sweeps::Plan& plan = view.plan;
  const auto seeds = static_cast<double>(plan.seeds);
  // A grid may be too large to count exactly; nobody runs one of those.
  const double grid = std::min(plan.grid_size * seeds, 9e18);
  out->set_grid_size(static_cast<int64_t>(grid));
  const int64_t points =
      plan.after_when - plan.excluded + plan.included + plan.drawn;
  out->set_selected_size(points * plan.seeds);
  out->set_distinct_trials(plan.trials);
  out->set_known_trials(plan.known);
  out->set_epochs(plan.epochs_to_run);
  if (view.expected_time.has_value()) {
    SetDuration(*view.expected_time, out->mutable_expected_time());
  }
  for (const ErrorParts& warning : plan.warnings) {
    out->add_warnings(
        fmt::format("{}\n{}\n{}", warning.what, warning.where, warning.remedy));
  }
  out->set_method(sweeps::NameOf(plan.method));
  out->set_drawn(plan.drawn);
  out->set_drawn_ahead(plan.drawn_ahead);
  out->set_slots(view.slots);
  out->set_epochs_shared(plan.epochs_shared);
  for (const sweeps::StageLevel& level : plan.levels) {
    v1::StageLevel& out_level = *out->add_levels();
    out_level.set_trials(level.trials);
    out_level.set_stages(level.stages);
    out_level.set_epochs(level.epochs);
    out_level.set_epochs_shared(level.epochs_shared);
  }
}

void ToProto(const SubmitAnswer& answer, v1::CreateSweepResponse* out) {
  ToProto(answer.sweep, out->mutable_sweep());
  out->set_existed(answer.existed);
}

void ToProto(const RetryAnswer& answer, v1::RetryTrialsResponse* out) {
  out->set_retried(answer.retried);
  ToProto(answer.sweep, out->mutable_sweep());
}

void ToProto(const LogUpdate& update, v1::StreamTrialLogsResponse* out) {
  ToProto(update.trial, out->mutable_trial());
  out->set_attempt(update.attempt);
  for (const LogRow& row : update.lines) {
    v1::LogLine* line = out->add_lines();
    line->set_sequence(row.sequence);
    line->set_level(row.level);
    line->set_message(row.message);
    SetDuration(row.since_start, line->mutable_since_start());
  }
}

void ToProto(const AttemptId& attempt, v1::AttemptRef* out) {
  out->set_trial_id(attempt.trial_id);
  out->set_attempt(attempt.attempt);
}

void ToProto(const LeaseRow& lease, v1::Lease* out) {
  out->set_trial_id(lease.attempt.trial_id);
  out->set_attempt(lease.attempt.attempt);
  out->mutable_dataset()->set_name(lease.dataset_name);
  out->mutable_dataset()->set_digest(lease.dataset_digest);
  out->set_dataset_size_bytes(lease.dataset_size_bytes);
  out->set_configuration_json(lease.configuration_json);
  out->set_seed(lease.seed);
  out->set_sweep_name(lease.sweep_name);
  out->set_first_stage(lease.first_stage);
}

void ToProto(const Leases& leases, v1::LeaseTrialsResponse* out) {
  for (const LeaseRow& lease : leases) ToProto(lease, out->add_leases());
}

void ToProto(const RegisterAnswer& answer, v1::RegisterResponse* out) {
  out->set_name(answer.name);
  for (const AttemptId& attempt : answer.stop) {
    ToProto(attempt, out->add_stop());
  }
}

void ToProto(const HeartbeatAnswer& answer, v1::HeartbeatResponse* out) {
  for (const AttemptId& attempt : answer.stop) {
    ToProto(attempt, out->add_stop());
  }
  out->set_drain(answer.drain);
  out->set_pause(answer.pause);
  out->set_register_again(answer.register_again);
}

}  // namespace dfsweep::coordinator
