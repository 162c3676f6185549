// The part of NVIDIA's management library (NVML) that dfsweep calls, declared
// here so that nothing of CUDA is needed to build. Names, layouts and values
// are those of nvml.h; they are a stable ABI.
#ifndef DFSWEEP_WORKER_NVML_API_H_
#define DFSWEEP_WORKER_NVML_API_H_

namespace dfsweep::worker::nvml {

using Device = struct OpaqueDevice*;
using Return = int;

inline constexpr Return kSuccess = 0;
inline constexpr Return kNotSupported = 3;
inline constexpr Return kInsufficientSize = 7;

// NVML_TEMPERATURE_GPU
inline constexpr unsigned kTemperatureGpu = 0;
// NVML_VALUE_NOT_AVAILABLE, for a process's memory under WSL2.
inline constexpr unsigned long long kNotAvailable = ~0ull;

inline constexpr unsigned kNameBytes = 96;

struct Memory {
  unsigned long long total;
  unsigned long long free;
  unsigned long long used;
};

struct Utilization {
  unsigned gpu;  // percent
  unsigned memory;
};

struct ProcessInfo {  // of the _v2 and _v3 calls
  unsigned pid;
  unsigned long long used_memory;
  unsigned gpu_instance;
  unsigned compute_instance;
};

// Bits of nvmlDeviceGetCurrentClocksThrottleReasons.
inline constexpr unsigned long long kPowerCap = 0x4;
inline constexpr unsigned long long kHardwareSlowdown = 0x8;
inline constexpr unsigned long long kSoftwareThermal = 0x20;
inline constexpr unsigned long long kHardwareThermal = 0x40;
inline constexpr unsigned long long kPowerBrake = 0x80;

}  // namespace dfsweep::worker::nvml

#endif  // DFSWEEP_WORKER_NVML_API_H_
