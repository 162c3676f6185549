#include "model/environment.h"

#include <ATen/Context.h>
#include <ATen/Parallel.h>
#include <ATen/detail/CUDAHooksInterface.h>
#include <dlfcn.h>
#include <torch/version.h>

#include <fstream>
#include <string>

#include "base/build_id.h"

namespace dfsweep::model {
namespace {

using config::Json;

// The value of the first line "<key> : <value>" of /proc/cpuinfo.
std::string CpuInfo(const std::string& key) {
  std::ifstream file("/proc/cpuinfo");
  std::string line;
  while (std::getline(file, line)) {
    if (!line.starts_with(key)) continue;
    size_t colon = line.find(": ");
    if (colon != std::string::npos) return line.substr(colon + 2);
  }
  return "";
}

// A function of a library of the NVIDIA driver, null where there is none. By
// dlopen, because CUDA's headers are not needed to build the trainer. The
// library stays loaded.
template <typename Function>
Function* DriverFunction(const char* library, const char* name) {
  void* handle = dlopen(library, RTLD_LAZY);
  return handle == nullptr ? nullptr
                           : reinterpret_cast<Function*>(dlsym(handle, name));
}

// E.g. "580.82.07"; "" if NVML is not there.
std::string DriverVersion() {
  const char* library = "libnvidia-ml.so.1";
  auto* init = DriverFunction<int()>(library, "nvmlInit_v2");
  auto* get = DriverFunction<int(char*, unsigned)>(
      library, "nvmlSystemGetDriverVersion");
  char text[96] = "";
  if (init == nullptr || get == nullptr || init() != 0 ||
      get(text, sizeof(text)) != 0) {
    return "";
  }
  return text;
}

void AddCudaDevice(int index, Json& environment) {
  const char* library = "libcuda.so.1";
  auto* init = DriverFunction<int(unsigned)>(library, "cuInit");
  auto* name = DriverFunction<int(char*, int, int)>(library, "cuDeviceGetName");
  auto* memory =
      DriverFunction<int(size_t*, int)>(library, "cuDeviceTotalMem_v2");
  auto* attribute =
      DriverFunction<int(int*, int, int)>(library, "cuDeviceGetAttribute");
  if (init == nullptr || name == nullptr || memory == nullptr ||
      attribute == nullptr || init(0) != 0) {
    return;
  }
  char text[256] = "";
  if (name(text, sizeof(text), index) == 0) environment["device_name"] = text;
  size_t bytes = 0;
  if (memory(&bytes, index) == 0) environment["device_memory_bytes"] = bytes;
  constexpr int kComputeCapabilityMajor = 75;
  int major = 0;
  attribute(&major, kComputeCapabilityMajor, index);
  environment["bf16"] = major >= 8;
}

int64_t MemoryBytes() {
  std::ifstream file("/proc/meminfo");
  std::string word;
  int64_t kibibytes = 0;
  file >> word >> kibibytes;  // MemTotal: N kB
  return kibibytes * 1024;
}

// 13000 -> "13.0".
std::string CudaVersion(long version) {
  return std::to_string(version / 1000) + "." +
         std::to_string(version % 1000 / 10);
}

}  // namespace

c10::Device BestDevice() {
  bool cuda = at::globalContext().hasCUDA() &&
              at::detail::getCUDAHooks().getNumGPUs() > 0;
  return cuda ? c10::Device(c10::kCUDA, 0) : c10::Device(c10::kCPU);
}

Json Environment(c10::Device device) {
  std::string flags = CpuInfo("flags");
  Json environment = {{"device", device.is_cuda() ? "cuda" : "cpu"},
                      {"device_name", CpuInfo("model name")},
                      {"cpu", CpuInfo("model name")},
                      {"threads", at::get_num_threads()},
                      {"torch", TORCH_VERSION},
                      {"device_memory_bytes", MemoryBytes()},
                      {"bf16", flags.find("avx512_bf16") != std::string::npos ||
                                   flags.find("amx_bf16") != std::string::npos},
                      {"build", BuildId()}};
  if (!device.is_cuda()) return environment;
  const auto& hooks = at::detail::getCUDAHooks();
  environment["cuda"] = CudaVersion(hooks.versionCUDART());
  environment["cudnn"] = std::to_string(hooks.versionCuDNN());
  environment["driver"] = DriverVersion();
  AddCudaDevice(device.index(), environment);
  return environment;
}

}  // namespace dfsweep::model
