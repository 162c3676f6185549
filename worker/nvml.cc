#include "worker/nvml.h"

#include <dlfcn.h>
#include <fmt/format.h>

#include <map>
#include <utility>

#include "absl/strings/numbers.h"
#include "worker/nvml_api.h"

namespace dfsweep::worker {
namespace {

// The second is where WSL2 shows the Windows driver's.
constexpr const char* kUsualPlaces[] = {
    "libnvidia-ml.so.1", "/usr/lib/wsl/lib/libnvidia-ml.so.1"};

absl::Status NoLibrary(const std::string& what, const std::string& where) {
  return MakeError(absl::StatusCode::kNotFound, what, where,
                   "run `dfsweep doctor`; without it temperature and use of "
                   "the GPU are unknown");
}

}  // namespace

// Each function is null where the driver is too old to have it.
struct Nvml::Calls {
  explicit Calls(void* handle) : handle(handle) {
    Find("nvmlInit_v2", init);
    Find("nvmlShutdown", shutdown);
    Find("nvmlSystemGetDriverVersion", driver_version);
    Find("nvmlDeviceGetCount_v2", count);
    Find("nvmlDeviceGetHandleByIndex_v2", by_index);
    Find("nvmlDeviceGetName", name);
    Find("nvmlDeviceGetUUID", uuid);
    Find("nvmlDeviceGetTemperature", temperature);
    Find("nvmlDeviceGetUtilizationRates", utilization);
    Find("nvmlDeviceGetMemoryInfo", memory);
    Find("nvmlDeviceGetPowerUsage", power);
    Find("nvmlDeviceGetCurrentClocksThrottleReasons", throttle_reasons);
    FindNewest("nvmlDeviceGetComputeRunningProcesses", compute_processes);
    FindNewest("nvmlDeviceGetGraphicsRunningProcesses", graphics_processes);
  }
  ~Calls() { ::dlclose(handle); }
  Calls(const Calls&) = delete;
  Calls& operator=(const Calls&) = delete;

  template <typename Function>
  void Find(const std::string& symbol, Function& function) {
    function = reinterpret_cast<Function>(::dlsym(handle, symbol.c_str()));
  }
  template <typename Function>
  void FindNewest(const std::string& symbol, Function& function) {
    Find(symbol + "_v3", function);
    if (function == nullptr) Find(symbol + "_v2", function);
  }

  GpuReading Read(nvml::Device device) const;
  std::vector<GpuProcess> ProcessesOn(nvml::Device device) const;

  using Text = nvml::Return (*)(nvml::Device, char*, unsigned);
  using Processes = nvml::Return (*)(nvml::Device, unsigned*,
                                     nvml::ProcessInfo*);

  void* const handle;
  nvml::Return (*init)() = nullptr;
  nvml::Return (*shutdown)() = nullptr;
  nvml::Return (*driver_version)(char*, unsigned) = nullptr;
  nvml::Return (*count)(unsigned*) = nullptr;
  nvml::Return (*by_index)(unsigned, nvml::Device*) = nullptr;
  Text name = nullptr;
  Text uuid = nullptr;
  nvml::Return (*temperature)(nvml::Device, unsigned, unsigned*) = nullptr;
  nvml::Return (*utilization)(nvml::Device, nvml::Utilization*) = nullptr;
  nvml::Return (*memory)(nvml::Device, nvml::Memory*) = nullptr;
  nvml::Return (*power)(nvml::Device, unsigned*) = nullptr;
  nvml::Return (*throttle_reasons)(nvml::Device, unsigned long long*) = nullptr;
  Processes compute_processes = nullptr;
  Processes graphics_processes = nullptr;
};

namespace {

// Whether the function is there and succeeds.
template <typename Function, typename... Arguments>
bool Ask(Function function, Arguments... arguments) {
  return function != nullptr && function(arguments...) == nvml::kSuccess;
}

template <typename Function>
std::string AskText(Function function, nvml::Device device) {
  char text[nvml::kNameBytes] = {};
  return Ask(function, device, text, nvml::kNameBytes) ? text : "";
}

std::vector<std::string> ThrottleWords(unsigned long long reasons) {
  static const std::pair<unsigned long long, const char*> kWords[] = {
      {nvml::kPowerCap, "power limit"},
      {nvml::kHardwareSlowdown, "hardware slowdown"},
      {nvml::kSoftwareThermal | nvml::kHardwareThermal, "heat"},
      {nvml::kPowerBrake, "power brake"}};
  std::vector<std::string> words;
  for (const auto& [mask, word] : kWords) {
    if ((reasons & mask) != 0) words.push_back(word);
  }
  return words;
}

// A process may start between the question how many there are and the
// question which: room for some more.
constexpr unsigned kRoom = 64;

template <typename Function>
void AddProcesses(Function function, nvml::Device device,
                  std::map<pid_t, int64_t>* memory_by_pid) {
  unsigned count = kRoom;
  std::vector<nvml::ProcessInfo> processes(count);
  if (function == nullptr) return;
  nvml::Return result = function(device, &count, processes.data());
  if (result == nvml::kInsufficientSize) {
    processes.resize(count += kRoom);
    result = function(device, &count, processes.data());
  }
  if (result != nvml::kSuccess) return;
  for (unsigned i = 0; i < count; ++i) {
    const nvml::ProcessInfo& process = processes[i];
    const int64_t bytes = process.used_memory == nvml::kNotAvailable
                              ? 0
                              : static_cast<int64_t>(process.used_memory);
    // One that computes and draws is listed twice, with the same memory.
    int64_t& known = (*memory_by_pid)[static_cast<pid_t>(process.pid)];
    known = std::max(known, bytes);
  }
}

bool IsCalled(const std::string& id, unsigned index, const std::string& uuid) {
  unsigned wanted = 0;
  if (absl::SimpleAtoi(id, &wanted)) return wanted == index;
  return !id.empty() && uuid.starts_with(id);
}

}  // namespace

GpuReading Nvml::Calls::Read(nvml::Device device) const {
  GpuReading reading{.name = AskText(name, device),
                     .uuid = AskText(uuid, device),
                     .processes = ProcessesOn(device)};
  unsigned number = 0;
  if (Ask(temperature, device, nvml::kTemperatureGpu, &number)) {
    reading.temperature_celsius = static_cast<int>(number);
  }
  if (Ask(power, device, &number)) {
    reading.power_watts = number / 1000.0;  // it counts milliwatts
  }
  if (nvml::Utilization use{}; Ask(utilization, device, &use)) {
    reading.utilization_percent = static_cast<int>(use.gpu);
  }
  if (nvml::Memory bytes{}; Ask(memory, device, &bytes)) {
    reading.memory_used_bytes = static_cast<int64_t>(bytes.used);
    reading.memory_free_bytes = static_cast<int64_t>(bytes.free);
    reading.memory_total_bytes = static_cast<int64_t>(bytes.total);
  }
  unsigned long long reasons = 0;
  if (Ask(throttle_reasons, device, &reasons)) {
    reading.throttle_reasons = ThrottleWords(reasons);
  }
  return reading;
}

std::vector<GpuProcess> Nvml::Calls::ProcessesOn(nvml::Device device) const {
  std::map<pid_t, int64_t> memory_by_pid;
  AddProcesses(compute_processes, device, &memory_by_pid);
  AddProcesses(graphics_processes, device, &memory_by_pid);
  std::vector<GpuProcess> processes;
  for (const auto& [pid, bytes] : memory_by_pid) {
    processes.push_back({pid, bytes});
  }
  return processes;
}

absl::StatusOr<std::unique_ptr<Nvml>> Nvml::Load(
    const std::filesystem::path& library) {
  void* handle = nullptr;
  if (!library.empty()) {
    handle = ::dlopen(library.c_str(), RTLD_NOW | RTLD_LOCAL);
  }
  for (const char* place : kUsualPlaces) {
    if (!library.empty() || handle != nullptr) break;
    handle = ::dlopen(place, RTLD_NOW | RTLD_LOCAL);
  }
  const std::string where = library.empty() ? kUsualPlaces[0] : library;
  if (handle == nullptr) {
    return NoLibrary("NVIDIA's management library can't be loaded", where);
  }
  auto calls = std::make_unique<Calls>(handle);
  if (!Ask(calls->init)) {
    return NoLibrary("NVIDIA's management library does not start", where);
  }
  return std::unique_ptr<Nvml>(new Nvml(std::move(calls)));
}

Nvml::Nvml(std::unique_ptr<Calls> calls) : calls_(std::move(calls)) {
  char version[nvml::kNameBytes] = {};
  if (Ask(calls_->driver_version, version, nvml::kNameBytes)) {
    driver_version_ = version;
  }
}

Nvml::~Nvml() { Ask(calls_->shutdown); }

absl::StatusOr<GpuReading> Nvml::Read(const std::string& id) const {
  unsigned count = 0;
  Ask(calls_->count, &count);
  for (unsigned index = 0; index < count; ++index) {
    nvml::Device device = nullptr;
    if (Ask(calls_->by_index, index, &device) &&
        IsCalled(id, index, AskText(calls_->uuid, device))) {
      return calls_->Read(device);
    }
  }
  return MakeError(absl::StatusCode::kNotFound, "there is no such GPU",
                   "GPU " + id, "run `dfsweep doctor`");
}

}  // namespace dfsweep::worker
