// A libnvidia-ml.so.1 for tests: tells of the cards that the JSON file named by
// DFSWEEP_FAKE_NVML describes, which is read anew at every call. What a card's
// object lacks is "not supported", as under WSL2.
//   {"driver": "555.42",
//    "cards": [{"name": "RTX 4060", "uuid": "GPU-1", "temperature": 61,
//               "utilization": 7, "power_mw": 20500, "throttle_reasons": 4,
//               "memory_mib": {"total": 8192, "free": 8000},
//               "processes": [{"pid": 1, "mib": 700}],
//               "graphics": [{"pid": 2}]}]}
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <nlohmann/json.hpp>
#include <string>

#include "worker/nvml_api.h"

namespace {

using nlohmann::json;
namespace nvml = dfsweep::worker::nvml;

constexpr nvml::Return kDriverNotLoaded = 9;
constexpr unsigned long long kMib = 1 << 20;

json Machine() {
  const char* path = std::getenv("DFSWEEP_FAKE_NVML");
  std::ifstream file(path != nullptr ? path : "");
  return json::parse(file, nullptr, /*allow_exceptions=*/false);
}

json Cards() {
  const json machine = Machine();
  return machine.is_object() ? machine.value("cards", json::array())
                             : json::array();
}

// A handle is the card's index plus one, for null means none.
json Card(nvml::Device device) {
  const size_t index = reinterpret_cast<uintptr_t>(device) - 1;
  const json cards = Cards();
  return index < cards.size() ? cards[index] : json::object();
}

nvml::Return CopyText(const json& from, const char* key, char* text,
                      unsigned size) {
  if (!from.is_object() || !from.contains(key)) return nvml::kNotSupported;
  const std::string value = from[key];
  if (value.size() >= size) return nvml::kInsufficientSize;
  std::memcpy(text, value.c_str(), value.size() + 1);
  return nvml::kSuccess;
}

template <typename Number>
nvml::Return CopyNumber(nvml::Device device, const char* key, Number* out) {
  const json card = Card(device);
  if (!card.contains(key)) return nvml::kNotSupported;
  *out = card[key].get<Number>();
  return nvml::kSuccess;
}

nvml::Return CopyProcesses(nvml::Device device, const char* key,
                           unsigned* count, nvml::ProcessInfo* out) {
  const json processes = Card(device).value(key, json::array());
  const unsigned room = *count;
  *count = static_cast<unsigned>(processes.size());
  if (*count > room) return nvml::kInsufficientSize;
  for (const json& process : processes) {
    *out = {};
    out->pid = process["pid"];
    out->used_memory = process.contains("mib")
                           ? process["mib"].get<unsigned long long>() * kMib
                           : nvml::kNotAvailable;
    ++out;
  }
  return nvml::kSuccess;
}

}  // namespace

extern "C" {

nvml::Return nvmlInit_v2() {
  return Machine().is_object() ? nvml::kSuccess : kDriverNotLoaded;
}
nvml::Return nvmlShutdown() { return nvml::kSuccess; }
nvml::Return nvmlSystemGetDriverVersion(char* text, unsigned size) {
  return CopyText(Machine(), "driver", text, size);
}
nvml::Return nvmlDeviceGetCount_v2(unsigned* count) {
  *count = static_cast<unsigned>(Cards().size());
  return nvml::kSuccess;
}
nvml::Return nvmlDeviceGetHandleByIndex_v2(unsigned index,
                                           nvml::Device* device) {
  *device = reinterpret_cast<nvml::Device>(static_cast<uintptr_t>(index) + 1);
  return nvml::kSuccess;
}
nvml::Return nvmlDeviceGetName(nvml::Device device, char* text, unsigned size) {
  return CopyText(Card(device), "name", text, size);
}
nvml::Return nvmlDeviceGetUUID(nvml::Device device, char* text, unsigned size) {
  return CopyText(Card(device), "uuid", text, size);
}
nvml::Return nvmlDeviceGetTemperature(nvml::Device device, unsigned,
                                      unsigned* celsius) {
  return CopyNumber(device, "temperature", celsius);
}
nvml::Return nvmlDeviceGetUtilizationRates(nvml::Device device,
                                           nvml::Utilization* use) {
  return CopyNumber(device, "utilization", &use->gpu);
}
nvml::Return nvmlDeviceGetPowerUsage(nvml::Device device, unsigned* milliwatt) {
  return CopyNumber(device, "power_mw", milliwatt);
}
nvml::Return nvmlDeviceGetCurrentClocksThrottleReasons(
    nvml::Device device, unsigned long long* reasons) {
  return CopyNumber(device, "throttle_reasons", reasons);
}
nvml::Return nvmlDeviceGetMemoryInfo(nvml::Device device,
                                     nvml::Memory* memory) {
  const json card = Card(device);
  if (!card.contains("memory_mib")) return nvml::kNotSupported;
  memory->total = card["memory_mib"]["total"].get<unsigned>() * kMib;
  memory->free = card["memory_mib"]["free"].get<unsigned>() * kMib;
  memory->used = memory->total - memory->free;
  return nvml::kSuccess;
}
nvml::Return nvmlDeviceGetComputeRunningProcesses_v3(nvml::Device device,
                                                     unsigned* count,
                                                     nvml::ProcessInfo* out) {
  return CopyProcesses(device, "processes", count, out);
}
nvml::Return nvmlDeviceGetGraphicsRunningProcesses_v3(nvml::Device device,
                                                      unsigned* count,
                                                      nvml::ProcessInfo* out) {
  return CopyProcesses(device, "graphics", count, out);
}

}  // extern "C"
