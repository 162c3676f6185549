// How the GPUs are, by NVIDIA's management library, which comes with the
// driver and is loaded while running. It makes no CUDA context.
#ifndef DFSWEEP_WORKER_NVML_H_
#define DFSWEEP_WORKER_NVML_H_

#include <sys/types.h>

#include <cstdint>
#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/status.h"

namespace dfsweep::worker {

struct GpuProcess {
  pid_t pid = 0;
  int64_t memory_bytes = 0;  // 0 if the driver does not say
};

// What a driver does not tell of a card is empty.
struct GpuReading {
  std::string name;
  std::string uuid;
  std::optional<int> temperature_celsius;
  std::optional<int> utilization_percent;
  std::optional<int64_t> memory_used_bytes;
  std::optional<int64_t> memory_free_bytes;
  std::optional<int64_t> memory_total_bytes;
  std::optional<double> power_watts;
  // Why it runs slower than it could: "power limit", "heat", …
  std::vector<std::string> throttle_reasons;
  // That compute or draw on it. Empty under WSL2 and in containers.
  std::vector<GpuProcess> processes;
};

// Thread-safe, as NVML itself is.
class Nvml {
 public:
  // Loads `library`, or if it is empty what the driver has installed. An error
  // if there is none or it does not start: then there is no NVIDIA GPU.
  static absl::StatusOr<std::unique_ptr<Nvml>> Load(
      const std::filesystem::path& library);
  ~Nvml();
  Nvml(const Nvml&) = delete;
  Nvml& operator=(const Nvml&) = delete;

  const std::string& driver_version() const { return driver_version_; }

  // `id` as in CUDA_VISIBLE_DEVICES: an index in the order of the PCI bus, or
  // the beginning of a UUID. kNotFound if there is no such card (any more).
  absl::StatusOr<GpuReading> Read(const std::string& id) const;

 private:
  struct Calls;
  explicit Nvml(std::unique_ptr<Calls> calls);

  std::unique_ptr<Calls> calls_;
  std::string driver_version_;
};

}  // namespace dfsweep::worker

#endif  // DFSWEEP_WORKER_NVML_H_
