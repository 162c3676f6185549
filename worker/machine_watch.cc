#include "worker/machine_watch.h"

#include <fmt/format.h>
#include <spdlog/spdlog.h>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <fstream>
#include <utility>

#include "absl/strings/numbers.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_split.h"
#include "absl/strings/strip.h"

namespace dfsweep::worker {
namespace {

constexpr char kCudaPrefix[] = "cuda:";

std::vector<std::string> Gpus(const std::vector<std::string>& devices) {
  std::vector<std::string> gpus;
  for (const std::string& device : devices) {
    if (device.starts_with(kCudaPrefix) &&
        std::find(gpus.begin(), gpus.end(), device) == gpus.end()) {
      gpus.push_back(device);
    }
  }
  return gpus;
}

std::string NvmlIdOf(const std::string& device) {
  int index = 0;
  if (!absl::SimpleAtoi(device.substr(sizeof(kCudaPrefix) - 1), &index)) {
    return "";
  }
  return worker::NvmlIdOf(index, std::getenv("CUDA_VISIBLE_DEVICES"));
}

// 0 if there is no such process. The name before it may hold any character.
pid_t ParentOf(pid_t pid) {
  std::ifstream file(fmt::format("/proc/{}/stat", pid));
  std::string line;
  std::getline(file, line);
  const size_t name_end = line.rfind(") ");
  if (name_end == std::string::npos) return 0;
  const std::vector<std::string> fields =
      absl::StrSplit(line.substr(name_end + 2), ' ');
  pid_t parent = 0;
  return fields.size() > 1 && absl::SimpleAtoi(fields[1], &parent) ? parent : 0;
}

bool IsAlive(pid_t pid) {
  std::error_code error;
  return std::filesystem::exists(fmt::format("/proc/{}", pid), error);
}

bool IsDescendant(pid_t pid, pid_t ancestor) {
  while (pid > 1 && pid != ancestor) pid = ParentOf(pid);
  return pid == ancestor;
}

v1::DeviceStatus ToProto(const std::string& device, const GpuReading& gpu,
                         const std::string& driver_version) {
  v1::DeviceStatus status;
  status.set_device(device);
  status.set_name(gpu.name);
  status.set_uuid(gpu.uuid);
  status.set_driver_version(driver_version);
  if (gpu.temperature_celsius) {
    status.set_temperature_celsius(*gpu.temperature_celsius);
  }
  if (gpu.utilization_percent) {
    status.set_utilization_percent(*gpu.utilization_percent);
  }
  if (gpu.memory_used_bytes) {
    status.set_memory_used_bytes(*gpu.memory_used_bytes);
  }
  if (gpu.memory_total_bytes) {
    status.set_memory_total_bytes(*gpu.memory_total_bytes);
  }
  if (gpu.power_watts) status.set_power_watts(*gpu.power_watts);
  for (const std::string& reason : gpu.throttle_reasons) {
    status.add_throttle_reasons(reason);
  }
  return status;
}

using Phrases = google::protobuf::RepeatedPtrField<std::string>;

bool AreEqual(const Phrases& a, const Phrases& b) {
  return std::equal(a.begin(), a.end(), b.begin(), b.end());
}

}  // namespace

std::string NvmlIdOf(int index, const char* visible) {
  if (visible == nullptr) return std::to_string(index);
  const std::vector<std::string> ids = absl::StrSplit(visible, ',');
  if (index >= static_cast<int>(ids.size())) return "";
  return std::string(absl::StripAsciiWhitespace(ids[index]));
}

int64_t ForeignBytes(const std::vector<GpuProcess>& processes, pid_t ancestor) {
  int64_t bytes = 0;
  for (const GpuProcess& process : processes) {
    if (IsAlive(process.pid) && !IsDescendant(process.pid, ancestor)) {
      bytes += process.memory_bytes;
    }
  }
  return bytes;
}

MachineWatch::MachineWatch(Options options, std::vector<std::string> devices,
                           const DiskRoom& room, const Clock& clock)
    : options_(std::move(options)),
      devices_(Gpus(devices)),
      room_(room),
      clock_(clock),
      manners_(options_.manners) {
  if (devices_.empty()) return;
  absl::StatusOr<std::unique_ptr<Nvml>> nvml =
      Nvml::Load(options_.nvml_library);
  if (nvml.ok()) {
    nvml_ = *std::move(nvml);
  } else {
    spdlog::warn("temperature and use of the GPU are unknown: {}",
                 PartsOf(MessageOf(nvml.status())).what);
  }
}

bool MachineWatch::Look() {
  Surroundings seen{.power = ReadPower(options_.sys),
                    .local_time = absl::ToCivilMinute(clock_.WallTime(),
                                                      absl::LocalTimeZone())};
  v1::MachineStatus status;
  if (seen.power.on_battery) status.set_on_battery(*seen.power.on_battery);
  if (seen.power.percent) status.set_battery_percent(*seen.power.percent);
  // To be asked wakes a GPU that sleeps: not while it can't be used anyway.
  if (manners_.AgainstTheHour(seen).empty()) {
    for (v1::DeviceStatus& device : LookAtGpus(&seen)) {
      *status.add_devices() = std::move(device);
    }
  }
  for (const std::string& reason : manners_.Judge(seen, clock_.Elapsed())) {
    status.add_pause_reasons(reason);
  }
  const std::string shortage = room_.Shortage();
  if (!shortage.empty()) status.add_drain_reasons(shortage);
  absl::MutexLock lock(&mutex_);
  const bool has_changed =
      !AreEqual(status.pause_reasons(), status_.pause_reasons()) ||
      !AreEqual(status.drain_reasons(), status_.drain_reasons());
  status_ = std::move(status);
  if (has_changed) ++changes_;
  if (has_changed && !shortage.empty()) {
    spdlog::warn("begins nothing new: {}", shortage);
  }
  return has_changed;
}

std::vector<v1::DeviceStatus> MachineWatch::LookAtGpus(Surroundings* seen) {
  std::vector<v1::DeviceStatus> statuses;
  if (nvml_ == nullptr) return statuses;
  for (const std::string& device : devices_) {
    absl::StatusOr<GpuReading> gpu = nvml_->Read(NvmlIdOf(device));
    if (!gpu.ok()) continue;  // unplugged; training on it fails by itself
    statuses.push_back(ToProto(device, *gpu, nvml_->driver_version()));
    seen->gpus.push_back(
        {.device = device,
         .temperature_celsius = gpu->temperature_celsius,
         .foreign_bytes = ForeignBytes(gpu->processes, ::getpid())});
  }
  return statuses;
}

v1::MachineStatus MachineWatch::Status() const {
  absl::MutexLock lock(&mutex_);
  return status_;
}

uint64_t MachineWatch::changes() const {
  absl::MutexLock lock(&mutex_);
  return changes_;
}

std::string MachineWatch::PauseReason() const {
  absl::MutexLock lock(&mutex_);
  return absl::StrJoin(status_.pause_reasons(), ", ");
}

std::optional<int64_t> MachineWatch::MemoryFor(const std::string& device,
                                               pid_t trainer) const {
  if (nvml_ == nullptr || !device.starts_with(kCudaPrefix)) return std::nullopt;
  absl::StatusOr<GpuReading> gpu = nvml_->Read(NvmlIdOf(device));
  if (!gpu.ok() || !gpu->memory_free_bytes) return std::nullopt;
  if (trainer == 0) return gpu->memory_free_bytes;
  // WSL2 and containers show no processes: what the trainer has is unknown.
  if (gpu->processes.empty()) return std::nullopt;
  const auto own = std::find_if(
      gpu->processes.begin(), gpu->processes.end(),
      [trainer](const GpuProcess& process) { return process.pid == trainer; });
  return *gpu->memory_free_bytes +
         (own == gpu->processes.end() ? 0 : own->memory_bytes);
}

}  // namespace dfsweep::worker
